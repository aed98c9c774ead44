//! The state of the walk over the network: grids, tensors, and the parameters so far.

use mixq_format::Tensor;

use super::{Arithmetic, Grid, TrainedLayer, TrainedNetwork};
use crate::error::Problem;
use crate::graph::Graph;
use crate::memory::{Allocation, PlacedTensor};
use crate::settings::Scheme;

/// What the conversion of each layer reads, and what it adds to.
pub(super) struct Walk<'a> {
    pub(super) graph: &'a Graph,
    pub(super) allocation: &'a Allocation,
    pub(super) scheme: Scheme,
    pub(super) trained: &'a TrainedNetwork,
    pub(super) arithmetic: Arithmetic,
    pub(super) parameters: Vec<u8>,
    pub(super) problems: Vec<Problem>,
}

impl<'a> Walk<'a> {
    /// The grid of every tensor of the schedule.
    pub(super) fn grids(&self) -> Vec<Grid> {
        let mut grids = self.trained.inputs.clone();
        for step in &self.allocation.schedule.steps {
            let own = self.trained.activations[step.node];
            let inherited = grids[step.inputs[0]];
            let logits = self.graph.is_logits(step.node);
            grids.push(if logits { self.logit_grid(step.node, inherited) } else { own.unwrap_or(inherited) });
        }
        grids
    }

    /// The one scale of all logits, but for the fraction: the unit of the accumulator of the channel with the
    /// largest.
    fn logit_grid(&self, node: usize, input: Grid) -> Grid {
        let layer = self.layer(node);
        let units = (0..self.graph.nodes[node].output.channels)
            .map(|c| (layer.multiplier[c] * input.scale * layer.grid(c).scale).abs());
        let scale = units.fold(0.0, f64::max);
        Grid { scale: if scale > 0.0 { scale } else { 1.0 }, zero_point: 0 }
    }

    pub(super) fn layer(&self, node: usize) -> &'a TrainedLayer {
        self.trained.layers[node].as_ref().expect("a weighted node is trained")
    }

    pub(super) fn tensor(&self, index: usize, grids: &[Grid]) -> Tensor {
        let PlacedTensor { shape, bits, offset, .. } = self.allocation.tensors[index];
        let size = |size: usize| u16::try_from(size).expect("the graph bounds every axis");
        Tensor {
            height: size(shape.height),
            width: size(shape.width),
            channels: size(shape.channels),
            bits,
            zero_point: grids[index].zero_point as u8,
            offset: offset as u32,
        }
    }

    /// Adds a table to the parameters; its offset.
    pub(super) fn append(&mut self, bytes: &[u8]) -> u32 {
        let offset = self.parameters.len() as u32;
        self.parameters.extend_from_slice(bytes);
        offset
    }
}
