//! The bounds with which the quantisers start: from the data instead of the paper's fixed 6.

use std::collections::BTreeMap;

use mixq_format::Bits;
use tch::Tensor;

use super::batches::{batch, within_memory};
use super::forward::Mode;
use super::images::Images;
use super::model::{Model, has_own_grid};
use super::part::Part;
use super::quantise::best_range;
use crate::settings::{Bounds, Rounding};

/// Number of images that the ranges are measured on.
pub const IMAGES: usize = 512;

/// Sets the bounds of all activations and of per-layer weights: to those with the least error, or to the
/// paper's.
pub fn calibrate(model: &mut Model<'_>, train: &Images<'_>, bounds: Bounds) {
    let indices: Vec<usize> = (0..train.len().min(within_memory(model.graph, IMAGES))).collect();
    let (images, _) = batch(train, &indices, &model.form());
    let mode = Mode { quantised: false, batch_statistics: false };
    let mut ranges: Vec<(usize, f64, f64)> = Vec::new();
    tch::no_grad(|| {
        let _ = model.forward_observed(&images, mode, &mut |node, output| {
            if has_own_grid(model.graph, node) {
                let relu = model.graph.nodes[node].starts_at_zero();
                let bits = model.allocation.activations[node];
                let (low, high) = match bounds {
                    Bounds::Data => best_range(output, relu, bits, model.rounding),
                    Bounds::Six => (if relu { 0.0 } else { -6.0 }, 6.0),
                };
                ranges.push((node, low, high));
            }
        });
    });
    // Outputs of one grid have the range of all of them.
    let mut of_grids: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
    for (node, low, high) in ranges {
        let range = of_grids.entry(model.grids[node]).or_insert((low, high));
        *range = (range.0.min(low), range.1.max(high));
    }
    for (node, (low, high)) in of_grids {
        set_bounds(model, node, (Part::Low, low), (Part::High, high));
    }
    if model.scheme.per_layer() {
        let weighted: Vec<usize> = model.graph.weighted().collect();
        for node in weighted {
            match bounds {
                Bounds::Data => set_weight_bounds(model, node, model.weight_bits(node)),
                Bounds::Six => {
                    let weights = model.real_weight(node);
                    let [low, high] = [weights.min(), weights.max()].map(|bound| bound.double_value(&[]));
                    set_bounds(model, node, (Part::WeightLow, low), (Part::WeightHigh, high));
                }
            }
        }
    }
}

/// Sets the bounds of a node's per-layer weights to those with the least error at these bits.
pub fn set_weight_bounds(model: &mut Model<'_>, node: usize, bits: Bits) {
    let (low, high) = best_range(&model.real_weight(node), false, bits, Rounding::Nearest);
    set_bounds(model, node, (Part::WeightLow, low), (Part::WeightHigh, high));
}

/// Sets two bounds of a node; the lower one only if the node has it.
pub fn set_bounds(model: &mut Model<'_>, node: usize, low: (Part, f64), high: (Part, f64)) {
    // A tensor that is always 0 still needs a range to learn from.
    model.set(node, high.0, Tensor::from(high.1.max(1e-3) as f32).to_device(model.device));
    if model.get(node, low.0).is_some() {
        model.set(node, low.0, Tensor::from(low.1.min(0.0) as f32).to_device(model.device));
    }
}
