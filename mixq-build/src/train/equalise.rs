//! The channels of an output get ranges of one size, where the layers that read them can undo that
//! (cross-layer equalisation, arXiv 1906.04721, section 4.1, by the ranges of activations).
//!
//! All channels of an output share a grid. A channel whose values are small uses few of its codes: at 4 bits
//! a channel with a tenth of the largest values has one or two. The channel is multiplied by a factor, which
//! is part of the layer's batch norm or of its weights, and what reads it divides its weights by the same
//! factor. The network in floats computes what it did.

use std::collections::BTreeMap;

use tch::{Kind, Tensor};

use super::group::Group;
use super::model::{EPSILON, Model, has_own_grid};
use super::observe::Calibration;
use super::part::Part;
use crate::error::Problem;
use crate::graph::op::Weights;
use crate::graph::{Activation, Graph, Op, Source};

/// The largest factor. Channels that are never far from 0 are not worth all the precision of what reads them.
const LARGEST: f64 = 16.0;

/// Equalises all outputs that can be. Weights must have a grid for each channel: on a common grid the factors
/// would cost other channels their codes.
///
/// # Errors
/// A process of the group is lost.
pub fn equalise(model: &mut Model<'_>, images: &Calibration<'_>, group: &mut Group) -> Result<(), Problem> {
    if model.scheme.per_layer() {
        return Ok(());
    }
    let readers: BTreeMap<usize, Vec<usize>> = (0..model.graph.nodes.len())
        .filter(|node| can_scale(model.graph, *node))
        .filter_map(|node| Some((node, dividers(model.graph, node)?)))
        .collect();
    let largest = largest_by_channel(model, images, &readers, group)?;
    for (node, readers) in readers {
        let share = share(model, node, &readers);
        let Some(largest) = largest.get(&node).filter(|_| share > 0.0) else { continue };
        let factors = (largest.max() / largest.clamp_min(1e-12)).pow_tensor_scalar(share);
        // Where all channels are always 0, the ratio is 0 and the factor 1.
        let factors = factors.clamp(1.0, LARGEST);
        multiply(model, node, &factors);
        for reader in readers {
            divide(model, reader, &factors);
        }
    }
    Ok(())
}

/// The exponent of the ratio of two ranges that becomes a factor: 1 makes ranges equal. What reads the
/// channels gets less precise where its weights have a grid for several of them; the tensor with fewer bits
/// is favoured.
fn share(model: &Model<'_>, node: usize, readers: &[usize]) -> f64 {
    let shared = readers.iter().filter(|reader| !has_grid_by_channel(model.graph, **reader));
    let Some(weights) = shared.map(|reader| model.weight_bits(*reader)).min() else { return 1.0 };
    match model.output_bits(node).cmp(&weights) {
        std::cmp::Ordering::Less => 1.0,
        std::cmp::Ordering::Equal => 0.5,
        std::cmp::Ordering::Greater => 0.0,
    }
}

/// Whether each channel that a layer reads has weights on a grid of their own.
fn has_grid_by_channel(graph: &Graph, node: usize) -> bool {
    matches!(graph.nodes[node].op.weights(), Some(Weights::Channels { .. }))
}

/// Whether the channels of a node's output can be multiplied: it has a scale for each, and its activation
/// keeps factors. A bound of the activation stays what it is: it is above all values that were seen.
fn can_scale(graph: &Graph, node: usize) -> bool {
    let found = &graph.nodes[node];
    let keeps_factors = match found.activation {
        Activation::None | Activation::Relu | Activation::ReluUpTo(_) => true,
        Activation::Function(_) => false,
    };
    found.op.accumulates() && keeps_factors && has_own_grid(graph, node) && !graph.is_output(node)
}

/// The layers that read a node's channels, directly or pooled; `None`: not all of them can divide.
fn dividers(graph: &Graph, node: usize) -> Option<Vec<usize>> {
    let mut found = Vec::new();
    for reader in graph.readers(Source::Node(node)) {
        match graph.nodes[reader].op {
            Op::Conv(_) | Op::Depthwise(_) | Op::GroupedConv(_) | Op::Linear(_) => found.push(reader),
            Op::AveragePool(_) | Op::MaxPool(_) | Op::Flatten(_) if !graph.is_output(reader) => {
                found.extend(dividers(graph, reader)?);
            }
            _ => return None,
        }
    }
    (!found.is_empty()).then_some(found)
}

/// The largest magnitude of each channel of these nodes' outputs, `[channels]`, in the float network.
fn largest_by_channel(
    model: &Model<'_>,
    images: &Calibration<'_>,
    nodes: &BTreeMap<usize, Vec<usize>>,
    group: &mut Group,
) -> Result<BTreeMap<usize, Tensor>, Problem> {
    let none = |node: &usize| {
        let channels = model.graph.nodes[*node].output.channels as i64;
        (*node, Tensor::zeros([channels], (Kind::Float, model.device)))
    };
    let mut largest: BTreeMap<usize, Tensor> = nodes.keys().map(none).collect();
    images.observe(model, group, |node, values| {
        if let Some(largest) = largest.get_mut(&node) {
            *largest = largest.maximum(&values.abs().amax(&[0i64, 2, 3][..], false));
        }
    });
    // Floats become doubles and floats again: the same numbers.
    let flat = |largest: &Tensor| Vec::<f64>::try_from(largest.to_kind(Kind::Double));
    let own: Vec<f64> = largest.values().flat_map(flat).flatten().collect();
    for found in images.gather(&own, group)? {
        let mut rest = &found[..];
        for largest in largest.values_mut() {
            let (own, others) = rest.split_at(largest.numel());
            let found = Tensor::from_slice(own).to_kind(Kind::Float).to_device(model.device);
            (*largest, rest) = (largest.maximum(&found), others);
        }
    }
    Ok(largest)
}

/// Multiplies the channels that a node writes.
fn multiply(model: &mut Model<'_>, node: usize, factors: &Tensor) {
    let parts = if model.get(node, Part::Gamma).is_some() {
        &[Part::Gamma, Part::Beta][..]
    } else {
        &[Part::Weight, Part::Bias]
    };
    for part in parts {
        let Some(tensor) = model.get(node, *part) else { continue };
        let mut shape = vec![1; tensor.dim()];
        shape[0] = -1;
        let scaled = tensor * factors.view(&shape[..]);
        model.set(node, *part, scaled);
    }
}

/// Divides what a node computes of the channels that it reads.
fn divide(model: &mut Model<'_>, node: usize, factors: &Tensor) {
    let found = &model.graph.nodes[node];
    let layout = found.op.weights().expect("a layer with weights");
    let channels = factors.size()[0];
    if let Weights::Channels { .. } = layout
        && let [Some(mean), Some(variance)] = [Part::Mean, Part::Variance].map(|part| model.get(node, part))
    {
        // Weights stay what they are, and batch norm takes the factor.
        let factors = factors.repeat_interleave_self_int(mean.size()[0] / channels, 0, None);
        let mean = mean * &factors;
        let variance = (variance + EPSILON) * factors.square() - EPSILON;
        model.set(node, Part::Mean, mean);
        model.set(node, Part::Variance, variance);
        return;
    }
    let weight = model.get(node, Part::Weight).expect("a layer with weights");
    let filters = weight.size()[0];
    let factors = match layout {
        Weights::Channels { .. } => {
            factors.repeat_interleave_self_int(filters / channels, 0, None).view([-1, 1, 1, 1])
        }
        Weights::Filters { groups, .. } => {
            // A row of factors for each filter: those of its group's channels.
            let groups = groups as i64;
            let rows = factors.view([groups, -1]).repeat_interleave_self_int(filters / groups, 0, None);
            rows.view([filters, -1, 1, 1])
        }
        // Channels are last.
        Weights::Dense => factors.repeat([weight.size()[1] / channels]).view([1, -1]),
        Weights::Elements => unreachable!("constants are not a divider"),
    };
    let divided = (weight / factors).to_kind(Kind::Float);
    model.set(node, Part::Weight, divided);
}

#[cfg(test)]
mod tests;
