//! Operators for which layers move numbers: padding, slices, concatenations, blocks of pixels; and what
//! brings the axes of a view into the order of an image.

use super::constants::{Span, spans, wrapped};
use super::elementwise::number;
use super::view::{Axis, Part, View, size};
use super::{Call, Lowering, Reader, Refusal, Value, refuse};
use crate::graph::op::{ChannelShuffle, Concat, Function, Pad, Slice};
use crate::graph::{Padding, Shape};
use crate::import::model::Node;

pub(super) const OPERATORS: &[(&str, Reader)] =
    &[("Slice", slice), ("Split", split), ("Gather", gather), ("Concat", concat)];

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
            _ => self.sorted_channels(view),
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
            return self.some_pixels(view, dim, Span { first, count, step: 1 });
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
        if span.count == 0 {
            return refuse("takes nothing", "check its bounds");
        }
        view = match span.step {
            1 => lowering.part(&view, dim, span.first, span.count)?,
            step if view.channels_of(dim).is_some() => {
                let index = |at: usize| (span.first as i64 + at as i64 * step) as usize;
                lowering.some_channels(&view, dim, &(0..span.count).map(index).collect::<Vec<_>>())?
            }
            _ => lowering.some_pixels(&view, dim, span)?,
        };
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
    let Some(counts) = super::constants::split(call.node, call.constant(1), sizes[dim]) else {
        return refuse(format!("splits {} indices into what does not fit", sizes[dim]), "check the model");
    };
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
        return Ok(vec![Value::Tensor(lowering.some_channels(view, dim, chosen)?)]);
    }
    let part = view.dims[dim][0];
    let mut moved = view.clone();
    let fast = Part { size: step, ..part };
    let slow = Part { size: count / step, step: part.step * step, ..part };
    moved.dims[dim] = vec![fast, slow];
    let moved = lowering.channels_in_order(&moved)?;
    Ok(vec![Value::Tensor(moved)])
}

impl Lowering<'_> {
    /// Whether a ReLU alone reads what a node writes.
    fn is_rectified(&self, node: &Node) -> bool {
        let Some(output) = node.outputs.first() else { return false };
        let mut readers = self.model.nodes.iter().filter(|reader| reader.inputs.contains(output));
        readers.next().is_some_and(|reader| {
            reader.operator == "Relu"
                && !self.model.outputs.contains(output)
                && reader.outputs.iter().any(|name| self.followed.contains(name.as_str()))
        }) && readers.next().is_none()
    }
}

fn concat(lowering: &mut Lowering, call: &Call) -> Result<Vec<Value>, Refusal> {
    let mut views = Vec::new();
    for place in 0..call.inputs.len() {
        if call.constant(place).is_some() {
            return refuse(format!("joins a constant, input {place}"), "mixq joins what layers write");
        }
        let view = lowering.padded(call.tensor(place)?)?;
        views.push(lowering.channels_in_order(&view)?);
    }
    let Some(rank) = views.first().map(|view| view.dims.len()) else {
        return refuse("joins nothing", "check the model");
    };
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
    if lowering.is_rectified(call.node) {
        // A ReLU behind costs nothing in the layers before.
        let function = Function::Max { value: number(0.0)? };
        let bounded = views.iter().map(|view| lowering.function(call, view, function));
        views = bounded.collect::<Result<_, _>>()?;
    }
    let inputs: Vec<&View> = views.iter().collect();
    let channels = views.iter().map(|view| view.shape.channels).sum();
    let shape = Shape { channels, ..views[0].shape };
    let made = lowering.layers.add(call.wish(), Concat, &inputs, shape)?;
    let mut dims = views[0].dims.clone();
    dims[dim] = super::view::whole(Axis::Channels, channels);
    Ok(vec![Value::Tensor(View { source: made.source, shape, dims, ..views[0].clone() })])
}
