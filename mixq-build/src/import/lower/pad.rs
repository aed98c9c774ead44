//! Padding.

use super::constants::wrapped;
use super::layers::LARGEST;
use super::view::{Axis, Part, View, whole};
use super::{Call, Lowering, Reader, Refusal, Value, refuse};
use crate::graph::Shape;
use crate::graph::op::PointwiseSpec;
use crate::import::model::Array;

/// The most weights of a convolution that only copies channels.
const MOST_WEIGHTS: usize = 1 << 24;

pub(super) const OPERATORS: &[(&str, Reader)] = &[("Pad", pad)];

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
    let amount = |at: usize| usize::try_from(amounts[at]).ok().filter(|amount| *amount <= LARGEST);
    // By dimension: its axis, and how much stands before it and after it.
    let mut sides = Vec::new();
    for (place, dim) in axes.iter().enumerate() {
        let (Some(before), Some(after)) = (amount(place), amount(place + axes.len())) else {
            return refuse(format!("pads by {amounts:?}"), "mixq pads by 0 to 65,535");
        };
        match lowering.axis_of(view, *dim) {
            _ if (before, after) == (0, 0) => {}
            Some(axis) => sides.push((*dim, axis, [before, after])),
            None => return refuse(format!("pads dimension {dim}"), "mixq pads rows, columns and channels"),
        }
    }
    // What stands for 0 in a quantised tensor is 0.
    let value = view.code.map_or(f64::from(value), |code| f64::from(value) - code.zero as f64);
    if !sides.is_empty() && value != 0.0 {
        return refuse(format!("pads with {value}"), "mixq pads with zeros");
    }
    let mut padded = view.clone();
    for (dim, axis, more) in &sides {
        if *axis == Axis::Channels {
            padded = lowering.with_more_channels(call, &padded, *dim, *more)?;
        }
    }
    let mut grown = Vec::new();
    for (dim, axis, [before, after]) in sides {
        let pad = match axis {
            Axis::Height => &mut padded.pad[..2],
            Axis::Width => &mut padded.pad[2..],
            Axis::Channels => continue,
        };
        (pad[0], pad[1]) = (pad[0] + before, pad[1] + after);
        if view.dims[dim].is_empty() {
            grown.push((dim, axis));
        }
    }
    if !grown.is_empty() {
        // Dimensions of size 1 become axes: a layer writes them.
        padded = lowering.padded(&padded)?;
        for (dim, axis) in grown {
            let Shape { height, width, .. } = padded.shape;
            padded.dims[dim] = whole(axis, if axis == Axis::Height { height } else { width });
        }
    }
    Ok(vec![Value::Tensor(padded)])
}

impl Lowering<'_> {
    /// With channels of zeros before and after those of a view: a convolution that copies the others.
    fn with_more_channels(
        &mut self,
        call: &Call,
        view: &View,
        dim: usize,
        [before, after]: [usize; 2],
    ) -> Result<View, Refusal> {
        let view = self.padded(view)?;
        let view = self.channels_in_order(&view)?;
        let inputs = view.shape.channels;
        let filters = before.checked_add(inputs).and_then(|sum| sum.checked_add(after));
        let Some(filters) = filters.filter(|filters| filters.saturating_mul(inputs) <= MOST_WEIGHTS) else {
            return refuse(format!("pads {before} and {after} channels"), "check the model");
        };
        let op = PointwiseSpec { filters, stride: [1, 1] };
        let shape = Shape { channels: filters, ..view.shape };
        let made = self.layers.add(call.wish(), op, &[&view], shape)?;
        let mut weight = vec![0.0; filters * inputs];
        for channel in 0..inputs {
            weight[(before + channel) * inputs + channel] = 1.0;
        }
        self.layers.give(&made, "weight", vec![filters, inputs, 1, 1], weight);
        let mut dims = view.dims.clone();
        dims[dim] = whole(Axis::Channels, filters);
        Ok(View { source: made.source, shape, dims, shared: true, ..view })
    }

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
