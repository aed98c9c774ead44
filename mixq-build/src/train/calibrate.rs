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
use super::ranges::{Histogram, extremes};
use super::state::copies;
use crate::settings::{Bounds, Rounding};

/// Sets the bounds of all activations and of per-layer weights: to those with the least error, or to the
/// paper's.
///
/// Where images are `synthetic`, batch norm normalises them by their own statistics, so that what follows it
/// has the means and deviations of the images that the network was trained with (as in arXiv 1906.04721,
/// section 4.2.1), whatever the images show.
pub fn calibrate(model: &mut Model<'_>, train: &Images<'_>, bounds: Bounds, synthetic: bool) {
    let nodes: Vec<usize> =
        (0..model.graph.nodes.len()).filter(|node| has_own_grid(model.graph, *node)).collect();
    let ranges: Vec<(f64, f64)> = match bounds {
        Bounds::Data => measured(model, train, &nodes, synthetic),
        Bounds::Six => {
            let low = |node: &usize| if model.graph.nodes[*node].starts_at_zero() { 0.0 } else { -6.0 };
            nodes.iter().map(|node| (low(node), 6.0)).collect()
        }
    };
    // Outputs of one grid have the range of all of them.
    let mut of_grids: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
    for (node, (low, high)) in nodes.into_iter().zip(ranges) {
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

/// The ranges that lose least of the outputs of these nodes, in the float network.
fn measured(model: &Model<'_>, train: &Images<'_>, nodes: &[usize], synthetic: bool) -> Vec<(f64, f64)> {
    // Running averages change where batches have their own statistics.
    let model = &model.with_tensors(copies(&model.tensors));
    let mode = Mode { quantised: false, batch_statistics: synthetic };
    let mut ends: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
    observe(model, train, mode, |node, values| {
        let (low, high) = extremes(values);
        let all = ends.entry(node).or_insert((low, high));
        *all = (all.0.min(low), all.1.max(high));
    });
    let mut histograms: BTreeMap<usize, Histogram> =
        ends.into_iter().map(|(node, ends)| (node, Histogram::new(ends))).collect();
    observe(model, train, mode, |node, values| {
        if let Some(histogram) = histograms.get_mut(&node) {
            histogram.add(values);
        }
    });
    let best =
        |node: &usize| histograms[node].best_range(model.allocation.activations[*node], model.rounding);
    nodes.iter().map(best).collect()
}

/// Shows the outputs of all nodes that have a grid, as many images at a time as memory holds.
pub fn observe(model: &Model<'_>, train: &Images<'_>, mode: Mode, mut take: impl FnMut(usize, &Tensor)) {
    let indices: Vec<usize> = (0..train.len()).collect();
    for indices in indices.chunks(within_memory(model.graph, train.len())) {
        let (images, _) = batch(train, indices, &model.form());
        tch::no_grad(|| {
            let _ = model.forward_observed(&images, mode, &mut |node, output| {
                if has_own_grid(model.graph, node) {
                    let relu = model.graph.nodes[node].starts_at_zero();
                    take(node, &if relu { output.relu() } else { output.shallow_clone() });
                }
            });
        });
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
