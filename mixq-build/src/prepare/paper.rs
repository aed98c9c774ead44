//! A network as arXiv 1905.13082 sees it: a chain of layers with weights.

use mixq_format::Bits;

use crate::config::Scheme;
use crate::error::Problem;
use crate::graph::{Graph, Op};
use crate::memory::Cut;
use crate::memory::paper::{LayerSize, Widths, allocate, flash_bits};
use crate::memory::rules::{DeadEnd, Side, Step, cut_activations, cut_weights};

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
/// A residual addition: the paper counts the input and the output of one layer at a time.
pub fn chain(graph: &Graph) -> Result<(Vec<usize>, Vec<LayerSize>), Problem> {
    if let Some(add) = graph.nodes.iter().find(|node| matches!(node.op, Op::Add { .. })) {
        let message = format!(
            "memory model `paper` is for chains of layers, but `{}` is a residual addition, beside whose input another \
             tensor waits",
            add.name
        );
        return Err(Problem::new(message).help("use memory model `runtime`, which counts all that lives"));
    }
    let nodes: Vec<usize> = (0..graph.nodes.len()).filter(|&node| graph.nodes[node].op.weighted()).collect();
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
        let mut add = |layers: Vec<usize>, weights: bool| {
            let mut bits = vec![Bits::B8; nodes.len()];
            for layer in layers {
                bits[layer] = bits[layer].narrower().expect("the rules cut only what can be cut");
                cuts.push(Cut { node: nodes[layer], weights, to: bits[layer] });
            }
        };
        add(activation_cuts(&layers, ram)?, false);
        add(weight_cuts(&layers, &widths.activations, flash, scheme, delta)?, true);
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

/// Bits of input and output while a layer runs, `activations` being those of all outputs; the image has 8.
pub(super) fn live_bits(layers: &[LayerSize], activations: &[Bits], layer: usize) -> u64 {
    let input = layer.checked_sub(1).map_or(Bits::B8, |before| activations[before]);
    let LayerSize { inputs, outputs, .. } = layers[layer];
    inputs * input.count() as u64 + outputs * activations[layer].count() as u64
}

/// The layers whose outputs lose bits, in order.
fn activation_cuts(layers: &[LayerSize], ram: u64) -> Result<Vec<usize>, DeadEnd> {
    // Width k is that of layer k's input, width k + 1 that of its output.
    let side = |width, elements| Side { width, elements };
    let steps: Vec<Step> = (layers.iter().enumerate())
        .map(|(k, layer)| Step {
            input: side(k, layer.inputs),
            output: side(k + 1, layer.outputs),
            bystanders: vec![],
        })
        .collect();
    let fixed: Vec<bool> = (0..=layers.len()).map(|width| width == 0 || width == layers.len()).collect();
    let mut bits = vec![Bits::B8; layers.len() + 1];
    let cuts =
        cut_activations(&mut bits, &fixed, &steps, |bits, k| live_bits(layers, &bits[1..], k) > 8 * ram)?;
    Ok(cuts.into_iter().map(|width| width - 1).collect())
}

/// The layers whose weights lose bits, in order.
fn weight_cuts(
    layers: &[LayerSize],
    activations: &[Bits],
    flash: u64,
    scheme: Scheme,
    delta: u32,
) -> Result<Vec<usize>, DeadEnd> {
    let counts: Vec<u64> = layers.iter().map(|layer| layer.weights).collect();
    let mut bits = vec![Bits::B8; layers.len()];
    cut_weights(&mut bits, &counts, delta, |bits| flash_bits(layers, bits, activations, scheme) > 8 * flash)
}
