//! Steps of weights' grids that are learned (LSQ, arXiv 1902.08153).

use mixq_format::Bits;
use tch::{Kind, Tensor};

use super::model::Model;
use super::part::Part;
use super::quantise::{Grids, per_layer_grids, weights};
use crate::settings::{Training, WeightSteps};

impl Model<'_> {
    /// Gives the weights of each layer a grid whose step is learned, if the settings say so. It begins where
    /// the layer has bounds, else where each channel's weights lose least.
    ///
    /// The logarithm is learned: Adam moves all parameters by as much, and steps differ by their size.
    pub fn learn_steps(&mut self, settings: &Training) {
        if settings.weight_steps == WeightSteps::Range || settings.quantised_epochs == 0 {
            return;
        }
        let nodes = 0..self.graph.nodes.len();
        for node in nodes.filter(|node| self.graph.nodes[*node].op.accumulates()) {
            if self.weight_bounds(node).is_none() {
                let real = self.real_weight(node);
                let rows = real.flatten(1, -1);
                let [low, high] = least_bounds(&rows, &rows.ones_like(), self.weight_bits(node));
                let mut shape = vec![1; real.dim()];
                shape[0] = -1;
                self.set(node, Part::WeightLow, low.reshape(&shape[..]));
                self.set(node, Part::WeightHigh, high.reshape(&shape[..]));
            }
            let Grids { scale, zero_point } = self.weight_grids(node);
            for part in [Part::WeightLow, Part::WeightHigh] {
                self.remove(node, part);
            }
            self.set(node, Part::WeightStep, scale.log());
            self.set(node, Part::WeightZero, zero_point);
        }
    }

    /// The grid whose step is learned, if the node has one.
    pub fn learned_grid(&self, node: usize) -> Option<Grids> {
        let (step, zero) = self.get(node, Part::WeightStep).zip(self.get(node, Part::WeightZero))?;
        Some(Grids { scale: step.exp(), zero_point: zero.shallow_clone() })
    }
}

/// The bounds of each row, `[rows, 1]`, with the least squared error. Each element counts as `counts` says.
pub fn least_bounds(rows: &Tensor, counts: &Tensor, bits: Bits) -> [Tensor; 2] {
    let low = rows.amin(&[1i64][..], true).clamp_max(0.0);
    let high = rows.amax(&[1i64][..], true).clamp_min(0.0);
    let shares = || (5..=20).rev().map(|share| f64::from(share) / 20.0);
    let mut best: Option<[Tensor; 3]> = None;
    for (a, b) in shares().flat_map(|a| shares().map(move |b| (a, b))) {
        let (low, high) = (&low * a, &high * b);
        let grids = per_layer_grids(&low, &high, bits);
        let lost = (weights(rows, &grids, bits, None) - rows).square() * counts;
        let lost = lost.sum_dim_intlist(&[1i64][..], true, Kind::Double);
        best = Some(match best {
            None => [lost, low, high],
            Some([least, least_low, least_high]) => {
                let better = lost.lt_tensor(&least);
                let choose = |new: &Tensor, old: &Tensor| new.where_self(&better, old);
                [choose(&lost, &least), choose(&low, &least_low), choose(&high, &least_high)]
            }
        });
    }
    let [_, low, high] = best.expect("there are shares");
    [low, high]
}
