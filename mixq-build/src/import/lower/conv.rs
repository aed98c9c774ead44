//! Convolutions.

use super::layers::LARGEST;
use super::view::{Axis, View, whole};
use super::{Call, Lowering, Reader, Refusal, Value, refuse, transposed::transposed};
use crate::graph::op::{
    ConvSpec, DepthwiseSpec, GroupedConvSpec, Grouping, OpSpec, PointwiseSpec, TransposedConvSpec,
};
use crate::graph::{Padding, Shape};
use crate::import::model::{Array, Attributes};

pub(super) const OPERATORS: &[(&str, Reader)] = &[("Conv", conv), ("ConvTranspose", transposed)];

/// A window over an image of two axes; one axis of a model of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sliding {
    /// Height and width of the window.
    pub(super) kernel: [usize; 2],
    /// Step of the window.
    pub(super) stride: [usize; 2],
    /// Step from a tap to the next one.
    pub(super) dilation: [usize; 2],
    /// What surrounds the input: top, bottom, left, right, in pixels.
    pub(super) padding: [usize; 4],
}

impl Sliding {
    /// Of a node that slides a window over `view`, an image; `kernel` has one size for each axis of the
    /// model. Padding that `view` has beside is that of the window then.
    pub(super) fn of(attributes: &Attributes, kernel: &[usize], view: &View) -> Result<Sliding, Refusal> {
        let axes = view.dims.len() - 2;
        if kernel.len() != axes || kernel.contains(&0) || kernel.iter().any(|side| *side > LARGEST) {
            let what = format!("slides a window {kernel:?} over a tensor {:?}", view.sizes());
            return refuse(what, "windows have one or two axes, as their image");
        }
        let list = |name: &str, count: usize, default: i64| -> Result<Vec<usize>, Refusal> {
            let values = attributes.ints(name).filter(|values| !values.is_empty());
            let values = values.map_or_else(|| vec![default; count], <[i64]>::to_vec);
            let numbers: Option<Vec<usize>> =
                values.iter().map(|value| usize::try_from(*value).ok().filter(|it| *it <= LARGEST)).collect();
            match numbers.filter(|numbers| numbers.len() == count) {
                Some(numbers) => Ok(numbers),
                None => refuse(
                    format!("has `{name}` {values:?}"),
                    "mixq needs numbers of 0 to 65,535, one an axis",
                ),
            }
        };
        let (strides, dilations) = (list("strides", axes, 1)?, list("dilations", axes, 1)?);
        if strides.contains(&0) || dilations.contains(&0) {
            return refuse("has a stride or a dilation of 0", "check the model");
        }
        // A model of one axis: the other axis of the image has size 1.
        let down = axes == 1
            && view.dims[2] == whole(Axis::Height, view.shape.height)
            && view.shape.width == 1
            && view.shape.height > 1;
        let pair = |values: &[usize], other: usize| match *values {
            [only] if down => [only, other],
            [only] => [other, only],
            [first, second] => [first, second],
            _ => [other; 2],
        };
        let mut sliding = Sliding {
            kernel: pair(kernel, 1),
            stride: pair(&strides, 1),
            dilation: pair(&dilations, 1),
            padding: view.pad,
        };
        let own: [usize; 4] = match attributes.text("auto_pad").unwrap_or("NOTSET") {
            "SAME_UPPER" => sliding.same(view, false),
            "SAME_LOWER" => sliding.same(view, true),
            "VALID" => [0; 4],
            _ => {
                let pads = list("pads", 2 * axes, 0)?;
                let ([top, left], [bottom, right]) = (pair(&pads[..axes], 0), pair(&pads[axes..], 0));
                [top, bottom, left, right]
            }
        };
        for (side, more) in sliding.padding.iter_mut().zip(own) {
            *side += more;
        }
        Ok(sliding)
    }

    /// The pixels that the window covers with its gaps.
    pub(super) fn covered(&self) -> [usize; 2] {
        [0, 1].map(|axis| self.dilation[axis].saturating_mul(self.kernel[axis] - 1).saturating_add(1))
    }

    fn same(&self, view: &View, lower: bool) -> [usize; 4] {
        let shape = view.shape.padded(view.pad);
        let Sliding { stride, .. } = *self;
        let [top, bottom, left, right] =
            Padding::Same.pixels([shape.height, shape.width], self.covered(), stride);
        if lower { [bottom, top, right, left] } else { [top, bottom, left, right] }
    }

    /// The shape of what it writes: as many channels as `channels`.
    pub(super) fn output(&self, input: Shape, channels: usize) -> Option<Shape> {
        let padded = input.padded(self.padding);
        let covered = self.covered();
        let positions =
            |size: usize, axis: usize| Some(size.checked_sub(covered[axis])? / self.stride[axis] + 1);
        Some(Shape { height: positions(padded.height, 0)?, width: positions(padded.width, 1)?, channels })
    }
}

/// What a window writes, with the dimensions that its model has.
pub(super) fn seen(view: &View, made: View) -> View {
    let (shape, axes) = (made.shape, view.dims.len() - 2);
    if axes == 2 {
        return made;
    }
    let only = if shape.width == 1 && view.shape.width == 1 && view.shape.height > 1 {
        whole(Axis::Height, shape.height)
    } else {
        whole(Axis::Width, shape.width)
    };
    View { dims: vec![Vec::new(), whole(Axis::Channels, shape.channels), only], ..made }
}

impl Lowering<'_> {
    /// A layer with a window, whose weights are `[out, in, window]` in the model.
    pub(super) fn weighted(
        &mut self,
        call: &Call,
        op: OpSpec,
        view: &View,
        shape: Shape,
        weight: &Array,
    ) -> Result<View, Refusal> {
        let plain = View { pad: [0; 4], ..view.clone() };
        let made = self.layers.add(call.wish(), op, &[&plain], shape)?;
        // The device's windows have two axes.
        let [outer, inner] = [weight.dims[0], weight.dims[1]];
        let kernel = match (op, &weight.dims[2..]) {
            (_, [height, width]) => [*height, *width],
            (
                OpSpec::Conv(ConvSpec { kernel, .. })
                | OpSpec::Depthwise(DepthwiseSpec { kernel, .. })
                | OpSpec::GroupedConv(GroupedConvSpec { kernel, .. })
                | OpSpec::TransposedConv(TransposedConvSpec { kernel, .. }),
                _,
            ) => kernel,
            (_, taps) => [1, taps.iter().product()],
        };
        self.layers.give(&made, "weight", vec![outer, inner, kernel[0], kernel[1]], weight.to_floats());
        let outer = usize::from(matches!(op, OpSpec::TransposedConv(_)));
        let integers = self.weight_integers(call, outer);
        let fits = |count: usize| count == 1 || count == shape.channels;
        self.layers.give_integers(&made, integers.filter(|integers| fits(integers.scales.len())));
        if let Some(bias) = call.constant(2) {
            if bias.len() != shape.channels {
                let what = format!("has {} biases for {} output channels", bias.len(), shape.channels);
                return refuse(what, "check the model");
            }
            self.layers.give(&made, "bias", vec![bias.len()], bias.to_floats());
        }
        Ok(seen(view, made))
    }
}

/// The window of a node with constant weights over an image.
pub(super) fn windowed<'a>(
    lowering: &mut Lowering,
    call: &'a Call,
) -> Result<(View, Sliding, &'a Array), Refusal> {
    let view = lowering.image(call.tensor(0)?)?;
    let weight = call.required(1)?;
    if weight.dims.len() < 3 || weight.dims.len() > 4 {
        let what = format!("has weights of shape {:?}", weight.dims);
        return refuse(what, "mixq has convolutions along one and two axes");
    }
    let sliding = Sliding::of(&call.node.attributes, &weight.dims[2..], &view)?;
    Ok((view, sliding, weight))
}

pub(super) fn conv(lowering: &mut Lowering, call: &Call) -> Result<Vec<Value>, Refusal> {
    let (view, sliding, weight) = windowed(lowering, call)?;
    let groups = call.node.attributes.int("group").unwrap_or(1).try_into().unwrap_or(0);
    let (filters, each, inputs) = (weight.dims[0], weight.dims[1], view.shape.channels);
    if groups == 0 || each.checked_mul(groups) != Some(inputs) || !filters.is_multiple_of(groups) {
        let what = format!("has weights {:?} in {groups} groups for {inputs} channels", weight.dims);
        return refuse(what, "check the model");
    }
    let Some(shape) = sliding.output(view.shape, filters) else {
        let what = format!("has a window {:?} larger than its input {:?}", sliding.kernel, view.sizes());
        return refuse(what, "use a larger input, or padding");
    };
    let Sliding { kernel, stride, dilation, padding } = sliding;
    let padding = Padding::Explicit(padding);
    let plain = dilation == [1, 1];
    let op: OpSpec = match groups {
        1 if plain && kernel == [1, 1] && padding == Padding::Explicit([0; 4]) => {
            PointwiseSpec { filters, stride }.into()
        }
        1 if plain => ConvSpec { filters, kernel, stride, padding }.into(),
        _ if plain && groups == inputs && filters == inputs => {
            DepthwiseSpec { kernel, stride, padding }.into()
        }
        _ => {
            let grouping = if groups == inputs {
                Grouping::Each { multiplier: filters / groups }
            } else {
                Grouping::Groups { filters, groups }
            };
            GroupedConvSpec { grouping, kernel, stride, padding, dilation }.into()
        }
    };
    Ok(vec![Value::Tensor(lowering.weighted(call, op, &view, shape, weight)?)])
}
