//! Operators for which layers move numbers: padding, slices, concatenations, blocks of pixels; and what brings
//! the axes of a view into the order of an image.

use super::constants::{spans, wrapped};
use super::view::{Axis, Part, View, size};
use super::{Call, Lowering, Reader, Refusal, Value, refuse};
use crate::graph::op::{ChannelShuffle, Concat, DepthToSpace, Pad, Slice, SpaceToDepth};
use crate::graph::{Padding, Shape};
use crate::import::model::Array;

pub(super) const OPERATORS: &[(&str, Reader)] = &[
    ("Pad", pad),
    ("Slice", slice),
    ("Split", split),
    ("Gather", gather),
    ("Concat", concat),
    ("DepthToSpace", depth_to_space),
    ("SpaceToDepth", space_to_depth),
];

impl Lowering<'_> {
    /// The view with channels as the layer writes them, with a layer that moves them if they are in another
    /// order.
    pub(super) fn channels_in_order(&mut self, view: &View) -> Result<View, Refusal> {
        match view.channel_parts()[..] {
            [] | [Part { step: 1, .. }] => Ok(view.clone()),
            // Channel `group * inner + index` becomes `index * groups + group`.
            [Part { step: 1, .. }, Part { size: groups, .. }] => {
                let view = self.padded(view)?;
                let shuffle = ChannelShuffle { groups };
                let name = format!("{}.shuffle", self.layers.name(view.source));
                let shuffled = self.layers.add(&name, shuffle, &[&view], view.shape)?;
                Ok(view.with_channels_in_order(shuffled.source))
            }
            _ => refuse("reads channels in an order that no channel shuffle makes", "change the model"),
        }
    }

    /// The view with a layer for its padding, if it has any.
    pub(super) fn padded(&mut self, view: &View) -> Result<View, Refusal> {
        if view.pad == [0; 4] {
            return Ok(view.clone());
        }
        let shape = view.shape.padded(view.pad);
        let name = format!("{}.pad", self.layers.name(view.source));
        let made = self.layers.add(&name, Pad { padding: Padding::Explicit(view.pad) }, &[view], shape)?;
        let longer = |part: &Part| match part.axis {
            Axis::Height => Part { size: shape.height, ..*part },
            Axis::Width => Part { size: shape.width, ..*part },
            Axis::Channels => *part,
        };
        let dims = view.dims.iter().map(|dim| dim.iter().map(longer).collect()).collect();
        Ok(View { shape, dims, ..View { pad: [0; 4], source: made.source, ..view.clone() } })
    }

    /// The view as a whole image with channels in order: batch, channels, rows, columns, or one of them.
    pub(super) fn image(&mut self, view: &View) -> Result<View, Refusal> {
        let view = self.channels_in_order(view)?;
        if view.is_image() {
            return Ok(view);
        }
        refuse(
            format!(
                "reads a tensor {:?} whose dimensions are not batch, channels, rows, columns",
                view.sizes()
            ),
            "change the order of dimensions in the model",
        )
    }

    /// Some indices of a dimension, in order.
    fn part(&mut self, view: &View, dim: usize, first: usize, count: usize) -> Result<View, Refusal> {
        let sizes = view.sizes();
        if first == 0 && count == sizes[dim] {
            return Ok(view.clone());
        }
        if view.channels_of(dim).is_none() || view.dims[dim].is_empty() {
            return refuse("takes a part of rows or columns", "mixq cuts channels only: use a larger stride");
        }
        // With this dimension the slowest of those of channels, its indices are neighbouring channels.
        let mut order: Vec<usize> = (0..view.dims.len()).filter(|other| *other != dim).collect();
        order.insert(0, dim);
        let moved = self.padded(&view.transposed(&order))?;
        let moved = self.channels_in_order(&moved)?;
        let inner = moved.shape.channels / sizes[dim];
        let channels = count * inner;
        let name = format!("{}.slice", self.layers.name(view.source));
        let shape = Shape { channels, ..moved.shape };
        let made = self.layers.add(&name, Slice { first: first * inner, channels }, &[&moved], shape)?;
        let mut dims = moved.dims.clone();
        dims[0] = if count == 1 {
            Vec::new()
        } else {
            vec![Part { axis: Axis::Channels, size: count, step: inner }]
        };
        let back = (0..order.len()).map(|dim| order.iter().position(|own| *own == dim).unwrap_or(dim));
        let cut = View { source: made.source, shape, dims, ..moved };
        Ok(cut.transposed(&back.collect::<Vec<_>>()))
    }
}

fn pad(lowering: &mut Lowering, call: &Call) -> Result<Vec<Value>, Refusal> {
    let view = call.tensor(0)?;
    let attributes = &call.node.attributes;
    if attributes.text("mode").is_some_and(|mode| mode != "constant") {
        return refuse("pads with copies of the image", "mixq pads with zeros");
    }
    let rank = view.dims.len();
    let amounts: Vec<i64> = match call.constant(1).and_then(Array::ints) {
        Some(amounts) => amounts.to_vec(),
        None => match attributes.ints("pads").or_else(|| attributes.ints("paddings")) {
            Some(amounts) => amounts.to_vec(),
            None => return refuse("pads by numbers that are not constant", "mixq needs constants there"),
        },
    };
    let axes: Option<Vec<usize>> = match call.constant(3).and_then(Array::ints) {
        Some(axes) => axes.iter().map(|axis| wrapped(*axis, rank)).collect(),
        None => Some((0..rank).collect()),
    };
    let Some(axes) = axes.filter(|axes| amounts.len() == 2 * axes.len()) else {
        return refuse(format!("pads {} sides of {rank} dimensions", amounts.len()), "check the model");
    };
    let value = call.constant(2).and_then(Array::scalar).or(attributes.float("value")).unwrap_or(0.0);
    let amount = |at: usize| usize::try_from(amounts[at]).ok();
    let mut padded = view.clone();
    for (place, axis) in axes.iter().enumerate() {
        let (Some(before), Some(after)) = (amount(place), amount(place + axes.len())) else {
            return refuse("pads by less than 0", "mixq does not cut images");
        };
        if (before, after) == (0, 0) {
            continue;
        }
        let pad = match lowering.axis_of(view, *axis) {
            Some(Axis::Height) => &mut padded.pad[..2],
            Some(Axis::Width) => &mut padded.pad[2..],
            _ => return refuse(format!("pads dimension {axis}"), "mixq pads rows and columns of an image"),
        };
        (pad[0], pad[1]) = (pad[0] + before, pad[1] + after);
    }
    if padded.pad != view.pad && value != 0.0 {
        return refuse(format!("pads with {value}"), "mixq pads with zeros");
    }
    Ok(vec![Value::Tensor(padded)])
}

impl Lowering<'_> {
    /// The axis of a dimension that is a whole axis of an image. A dimension of size 1 is the axis that no
    /// other dimension is, rows before columns, if it comes where an image has it.
    pub(super) fn axis_of(&self, view: &View, dim: usize) -> Option<Axis> {
        if let [Part { axis, step: 1, size }] = view.dims[dim][..] {
            let Shape { height, width, channels } = view.shape;
            let whole = match axis {
                Axis::Height => height,
                Axis::Width => width,
                Axis::Channels => channels,
            };
            return (size == whole).then_some(axis);
        }
        let named = |dim: &Vec<Part>| dim.first().map(|part| part.axis);
        let taken: Vec<Axis> = view.dims.iter().filter_map(named).collect();
        let free = |axis: Axis| !taken.contains(&axis);
        let empty = view.dims[dim].is_empty();
        // The first dimension is the batch.
        let place = view.dims[1..dim.max(1)].iter().filter(|before| before.is_empty()).count();
        let mut open = [Axis::Channels, Axis::Height, Axis::Width].into_iter().filter(|axis| free(*axis));
        if empty && dim > 0 { open.nth(place) } else { None }
    }
}

fn slice(lowering: &mut Lowering, call: &Call) -> Result<Vec<Value>, Refusal> {
    let mut view = call.tensor(0)?.clone();
    let sizes = view.sizes();
    let Some(spans) = spans(call.node, call.constants, &sizes) else {
        return refuse("has bounds that are not constant", "mixq needs constants there");
    };
    for (dim, span) in spans.into_iter().enumerate() {
        if (span.first, span.count) == (0, sizes[dim]) {
            continue;
        }
        if span.step != 1 {
            return refuse(format!("takes every {}th index", span.step), "mixq slices neighbouring channels");
        }
        if span.count == 0 {
            return refuse("takes nothing", "check its bounds");
        }
        view = lowering.part(&view, dim, span.first, span.count)?;
    }
    Ok(vec![Value::Tensor(view)])
}

fn split(lowering: &mut Lowering, call: &Call) -> Result<Vec<Value>, Refusal> {
    let view = call.tensor(0)?;
    let sizes = view.sizes();
    let attributes = &call.node.attributes;
    let Some(dim) = wrapped(attributes.int("axis").unwrap_or(0), sizes.len()) else {
        return refuse("splits a dimension that is not there", "check the model");
    };
    let given = call.constant(1).and_then(Array::ints).or_else(|| attributes.ints("split"));
    let parts = call.node.outputs.len().max(1);
    let even = sizes[dim].div_ceil(parts);
    let counts: Vec<usize> = match given {
        Some(counts) => counts.iter().map(|count| usize::try_from(*count).unwrap_or(0)).collect(),
        None => (0..parts).map(|part| even.min(sizes[dim].saturating_sub(part * even))).collect(),
    };
    if counts.iter().sum::<usize>() != sizes[dim] || counts.contains(&0) || counts.len() != parts {
        return refuse(format!("splits {} indices into {counts:?}", sizes[dim]), "check the model");
    }
    let view = &View { shared: true, ..view.clone() };
    let mut first = 0;
    let mut cut = Vec::new();
    for count in counts {
        cut.push(Value::Tensor(lowering.part(view, dim, first, count)?));
        first += count;
    }
    Ok(cut)
}

fn gather(lowering: &mut Lowering, call: &Call) -> Result<Vec<Value>, Refusal> {
    let view = call.tensor(0)?;
    let indices = call.required(1)?;
    let sizes = view.sizes();
    let Some(dim) = wrapped(call.node.attributes.int("axis").unwrap_or(0), sizes.len()) else {
        return refuse("gathers along a dimension that is not there", "check the model");
    };
    let chosen: Option<Vec<usize>> =
        indices.ints().and_then(|all| all.iter().map(|index| wrapped(*index, sizes[dim])).collect());
    let Some(chosen) = chosen.filter(|chosen| !chosen.is_empty()) else {
        return refuse("gathers indices that are not there", "check the model");
    };
    if !chosen.windows(2).all(|two| two[1] == two[0] + 1) {
        return permuted(lowering, view, dim, &chosen);
    }
    let mut cut = lowering.part(view, dim, chosen[0], chosen.len())?;
    if indices.dims.is_empty() {
        cut.dims.remove(dim);
    }
    Ok(vec![Value::Tensor(cut)])
}

/// All indices of a dimension in another order, if that is a channel shuffle.
fn permuted(
    lowering: &mut Lowering,
    view: &View,
    dim: usize,
    chosen: &[usize],
) -> Result<Vec<Value>, Refusal> {
    let count = size(&view.dims[dim]);
    let step = chosen.get(1).copied().unwrap_or(0).wrapping_sub(chosen[0]);
    let shuffles = chosen.len() == count
        && view.dims[dim].len() == 1
        && step > 1
        && count.is_multiple_of(step)
        && (0..count).all(|at| chosen[at] == at / (count / step) + at % (count / step) * step);
    if !shuffles {
        return refuse("gathers indices in an order that no channel shuffle makes", "change the model");
    }
    let part = view.dims[dim][0];
    let mut moved = view.clone();
    let fast = Part { size: step, ..part };
    let slow = Part { size: count / step, step: part.step * step, ..part };
    moved.dims[dim] = vec![fast, slow];
    let moved = lowering.channels_in_order(&moved)?;
    Ok(vec![Value::Tensor(moved)])
}

fn concat(lowering: &mut Lowering, call: &Call) -> Result<Vec<Value>, Refusal> {
    let mut views = Vec::new();
    for place in 0..call.inputs.len() {
        let view = lowering.padded(call.tensor(place)?)?;
        views.push(lowering.channels_in_order(&view)?);
    }
    let rank = views[0].dims.len();
    let Some(dim) = wrapped(call.node.attributes.int("axis").unwrap_or(1), rank) else {
        return refuse("joins along a dimension that is not there", "check the model");
    };
    let same = |view: &View| {
        let others = |view: &View| -> Vec<Vec<Part>> {
            let kept = view.dims.iter().enumerate().filter(|(own, _)| *own != dim);
            kept.map(|(_, dim)| dim.clone()).collect()
        };
        let is_channels =
            |view: &View| view.channels_of(dim).is_some() && size(&view.dims[dim]) == view.shape.channels;
        is_channels(view) && view.dims.len() == rank && others(view) == others(&views[0])
    };
    if !views.iter().all(same) {
        let shapes: Vec<Vec<usize>> = views.iter().map(View::sizes).collect();
        return refuse(
            format!("joins {shapes:?} along dimension {dim}, which is not that of channels"),
            "mixq joins channels of images of one size",
        );
    }
    let inputs: Vec<&View> = views.iter().collect();
    let channels = views.iter().map(|view| view.shape.channels).sum();
    let shape = Shape { channels, ..views[0].shape };
    let made = lowering.layers.add(call.wish(), Concat, &inputs, shape)?;
    let mut dims = views[0].dims.clone();
    dims[dim] = super::view::whole(Axis::Channels, channels);
    Ok(vec![Value::Tensor(View { source: made.source, shape, dims, ..views[0].clone() })])
}

fn depth_to_space(lowering: &mut Lowering, call: &Call) -> Result<Vec<Value>, Refusal> {
    let view = lowering.padded(call.tensor(0)?)?;
    let view = lowering.image(&view)?;
    let attributes = &call.node.attributes;
    let block = attributes.int("blocksize").and_then(|block| usize::try_from(block).ok()).unwrap_or(0);
    let Shape { height, width, channels } = view.shape;
    if block == 0 || !channels.is_multiple_of(block * block) || view.dims.len() != 4 {
        return refuse(format!("makes blocks of {block} of {channels} channels"), "check the model");
    }
    let depth = channels / (block * block);
    let shape = Shape { height: height * block, width: width * block, channels: depth };
    let mut view = view;
    if attributes.text("mode") == Some("CRD") && depth > 1 {
        // Channels are depth, row, column there; mixq has row, column, depth.
        let part = |size: usize, step: usize| Part { axis: Axis::Channels, size, step };
        view.dims[1] = vec![part(block * block, 1), part(depth, block * block)];
        view = lowering.channels_in_order(&view)?;
    }
    let made = lowering.layers.add(call.wish(), DepthToSpace { block }, &[&view], shape)?;
    Ok(vec![Value::Tensor(made)])
}

fn space_to_depth(lowering: &mut Lowering, call: &Call) -> Result<Vec<Value>, Refusal> {
    let view = lowering.padded(call.tensor(0)?)?;
    let view = lowering.image(&view)?;
    let block = call.node.attributes.int("blocksize").and_then(|block| usize::try_from(block).ok());
    let block = block.unwrap_or(0);
    let Shape { height, width, channels } = view.shape;
    if block == 0 || !height.is_multiple_of(block) || !width.is_multiple_of(block) || view.dims.len() != 4 {
        return refuse(format!("makes blocks of {block} of {height}x{width} pixels"), "check the model");
    }
    let shape = Shape { height: height / block, width: width / block, channels: channels * block * block };
    let made = lowering.layers.add(call.wish(), SpaceToDepth { block }, &[&view], shape)?;
    Ok(vec![Value::Tensor(made)])
}
