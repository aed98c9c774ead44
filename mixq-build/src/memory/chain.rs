//! A network as arXiv 1905.13082 sees it: a chain of layers with weights.

use mixq_format::Bits;

use super::Cut;
use super::paper::{LayerSize, Widths, allocate, flash_bits, live_bits};
use super::rules::DeadEnd;
use crate::error::Problem;
use crate::graph::Graph;
use crate::settings::Scheme;

/// What the paper's rules give a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaperAllocation {
    /// The node of each layer of the chain.
    pub nodes: Vec<usize>,
    /// The layers.
    pub layers: Vec<LayerSize>,
    /// Their bits.
    pub widths: Widths,
    /// What was cut, in order.
    pub cuts: Vec<Cut>,
}

/// The layers with weights, with the nodes that they are.
///
/// # Errors
/// A layer that reads two tensors: the paper counts the input and the output of one layer at a time.
pub fn chain(graph: &Graph) -> Result<(Vec<usize>, Vec<LayerSize>), Problem> {
    if let Some(joins) = graph.nodes.iter().find(|node| node.inputs.len() > 1) {
        let message = format!(
            "memory model `paper` is for chains of layers, but `{}` ({}) reads {} tensors, of which one \
             waits in RAM while layers compute the other",
            joins.name,
            joins.op.kind(),
            joins.inputs.len(),
        );
        return Err(Problem::new(message).help("use memory model `runtime`, which counts all that lives"));
    }
    let nodes: Vec<usize> = graph.weighted().collect();
    let size = |&node: &usize| LayerSize {
        inputs: graph.input_shape(node, 0).elements() as u64,
        outputs: graph.nodes[node].output.elements() as u64,
        weights: graph.weight_count(node) as u64,
        out_channels: graph.nodes[node].output.channels as u64,
    };
    let layers = nodes.iter().map(size).collect();
    Ok((nodes, layers))
}

impl PaperAllocation {
    /// Both rules of the paper, budgets in bytes, `delta` in millionths.
    ///
    /// # Errors
    /// The layer of the chain that does not fit, or `None` for the weights.
    pub fn new(
        (nodes, layers): (Vec<usize>, Vec<LayerSize>),
        flash: u64,
        ram: u64,
        scheme: Scheme,
        delta: u32,
    ) -> Result<PaperAllocation, DeadEnd> {
        // Budgets are counted in bits.
        let (flash, ram) = (flash.min(u64::MAX / 8), ram.min(u64::MAX / 8));
        let widths = allocate(&layers, flash, ram, scheme, delta)?;
        let mut cuts = Vec::new();
        let mut add = |layers: &[usize], weights: bool| {
            let mut bits = vec![Bits::B8; nodes.len()];
            for &layer in layers {
                bits[layer] = bits[layer].narrower().expect("the rules cut only what can be cut");
                cuts.push(Cut { node: nodes[layer], weights, to: bits[layer] });
            }
        };
        add(&widths.activation_cuts, false);
        add(&widths.weight_cuts, true);
        Ok(PaperAllocation { nodes, layers, widths, cuts })
    }

    /// Bytes of weights and parameters, rounded up.
    pub fn flash_bytes(&self, scheme: Scheme) -> u64 {
        flash_bits(&self.layers, &self.widths.weights, &self.widths.activations, scheme).div_ceil(8)
    }

    /// Bytes of input and output while a layer of the chain runs, rounded up.
    pub fn live_bytes(&self, layer: usize) -> u64 {
        live_bits(&self.layers, &self.widths.activations, layer).div_ceil(8)
    }
}
