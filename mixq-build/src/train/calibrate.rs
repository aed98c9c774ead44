//! The bounds with which the quantisers start: from the data instead of the paper's fixed 6.

use std::collections::BTreeMap;

use mixq_format::Bits;
use tch::Tensor;

use super::group::Group;
use super::model::{Model, has_own_grid};
use super::observe::Calibration;
use super::part::Part;
use super::quantise::best_range;
use super::ranges::{Histogram, extremes};
use crate::error::Problem;
use crate::settings::{Bounds, Rounding};

/// Sets the bounds of all activations and of per-layer weights: to those with the least error, or to the
/// paper's. All processes of the group get the same.
///
/// # Errors
/// A process of the group is lost.
pub fn calibrate(
    model: &mut Model<'_>,
    images: &Calibration<'_>,
    bounds: Bounds,
    group: &mut Group,
) -> Result<(), Problem> {
    let nodes: Vec<usize> =
        (0..model.graph.nodes.len()).filter(|node| has_own_grid(model.graph, *node)).collect();
    let ranges: Vec<(f64, f64)> = match bounds {
        Bounds::Data => measured(model, images, &nodes, group)?,
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
    Ok(())
}

/// The ranges that lose least of the outputs of these nodes, in the float network.
fn measured(
    model: &Model<'_>,
    images: &Calibration<'_>,
    nodes: &[usize],
    group: &mut Group,
) -> Result<Vec<(f64, f64)>, Problem> {
    // Extremes of no values: every range has 0.
    let mut lows = vec![0.0f64; model.graph.nodes.len()];
    let mut highs = lows.clone();
    images.observe(model, group, |node, values| {
        let (low, high) = extremes(values);
        (lows[node], highs[node]) = (lows[node].min(low), highs[node].max(high));
    });
    for (all, least) in [(&mut lows, true), (&mut highs, false)] {
        for found in images.gather(all, group)? {
            let both = all.iter_mut().zip(found);
            both.for_each(|(own, found)| *own = if least { own.min(found) } else { own.max(found) });
        }
    }
    let ends = |node: &usize| (*node, Histogram::new((lows[*node], highs[*node])));
    let mut histograms: BTreeMap<usize, Histogram> = nodes.iter().map(ends).collect();
    images.observe(model, group, |node, values| {
        if let Some(histogram) = histograms.get_mut(&node) {
            histogram.add(values);
        }
    });
    let counts: Vec<f64> = histograms.values().flat_map(|histogram| histogram.counts()).copied().collect();
    histograms.values_mut().for_each(Histogram::clear);
    for found in images.gather(&counts, group)? {
        let each = histograms.values_mut().zip(found.chunks(Histogram::BINS));
        each.for_each(|(histogram, counts)| histogram.add_counts(counts));
    }
    let best =
        |node: &usize| histograms[node].best_range(model.allocation.activations[*node], model.rounding);
    Ok(nodes.iter().map(best).collect())
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
