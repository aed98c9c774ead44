//! Turns libtorch's tensors into the plain numbers that the conversion takes.

use tch::{Kind, Tensor};

use super::model::{Model, from_libtorch, has_own_grid};
use super::part::Part;
use super::quantise::{self, Grids};
use crate::convert::{Grid, TrainedLayer, TrainedNetwork};

impl Model<'_> {
    /// The network as trained, on its grids.
    pub fn export(&self) -> TrainedNetwork {
        let nodes = 0..self.graph.nodes.len();
        TrainedNetwork {
            inputs: self.inputs.clone(),
            layers: nodes.clone().map(|node| self.export_layer(node)).collect(),
            activations: nodes.map(|node| self.export_activation(node)).collect(),
            rounding: self.rounding,
        }
    }

    fn export_activation(&self, node: usize) -> Option<Grid> {
        has_own_grid(self.graph, node).then(|| {
            let high = self.high(node).expect("a node with a grid has bounds");
            let bits = self.allocation.activations[node];
            let grids = quantise::activation_grids(self.get(node, Part::Low), &high, bits);
            plain_grids(&grids, 0)[0]
        })
    }

    fn export_layer(&self, node: usize) -> Option<TrainedLayer> {
        if let Some(slopes) = self.get(node, Part::Slope) {
            let multiplier = doubles(slopes);
            return Some(TrainedLayer { codes: vec![], grids: vec![], multiplier, offset: vec![] });
        }
        let layout = self.graph.nodes[node].op.weights()?;
        let bits = self.weight_bits(node);
        let real = self.real_weight(node);
        let grids = self.weight_grids(node);
        // Unsigned codes become signed ones: half of the range is taken off code and zero point.
        let half = 1 << (bits.count() - 1);
        let codes = quantise::weight_codes(&real, &grids, bits, self.weight_bounds(node)) - f64::from(half);
        let codes = from_libtorch(&codes, layout);
        let accumulates = self.graph.nodes[node].op.accumulates();
        let (multiplier, offset) = if accumulates { self.affine(node) } else { Default::default() };
        Some(TrainedLayer {
            codes: doubles(&codes).into_iter().map(|code| code as i8).collect(),
            grids: plain_grids(&grids, half),
            multiplier,
            offset,
        })
    }

    /// What batch norm or bias do to each channel of the sums: a factor and a summand. The factor of a folded
    /// batch norm is in the weights.
    fn affine(&self, node: usize) -> (Vec<f64>, Vec<f64>) {
        let offset = self.norm_offset(node, Kind::Double).expect("a layer has a batch norm or a bias");
        let offset = doubles(&offset);
        let factor = self.norm_factor(node, Kind::Double).filter(|_| self.folded_factor(node).is_none());
        (factor.map_or_else(|| vec![1.0; offset.len()], |factor| doubles(&factor)), offset)
    }
}

fn doubles(tensor: &Tensor) -> Vec<f64> {
    let flat = tensor.detach().to_kind(Kind::Double).contiguous().flatten(0, -1);
    Vec::try_from(flat).expect("a flat tensor of doubles")
}

fn plain_grids(grids: &Grids, half: i32) -> Vec<Grid> {
    let (scales, zero_points) = (doubles(&grids.scale), doubles(&grids.zero_point));
    (scales.into_iter().zip(zero_points))
        .map(|(scale, zero_point)| Grid { scale, zero_point: zero_point as i32 - half })
        .collect()
}
