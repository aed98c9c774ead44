//! Pools and means.

use super::constants::wrapped;
use super::conv::{Sliding, seen};
use super::view::{Axis, Scaling, View};
use super::{Call, Lowering, Reader, Refusal, Value, refuse};
use crate::graph::op::{
    AveragePoolSpec, Axis as PoolAxis, AxisPool, GlobalAveragePool, GlobalMaxPool, MaxPoolSpec, OpSpec,
    PointwiseSpec,
};
use crate::graph::{Padding, Shape};
use crate::import::model::Array;

pub(super) const OPERATORS: &[(&str, Reader)] = &[
    ("MaxPool", |lowering, call| pool(lowering, call, true)),
    ("AveragePool", |lowering, call| pool(lowering, call, false)),
    ("GlobalMaxPool", |lowering, call| global(lowering, call, true)),
    ("GlobalAveragePool", |lowering, call| global(lowering, call, false)),
    ("ReduceMax", |lowering, call| reduce(lowering, call, true)),
    ("ReduceMean", |lowering, call| reduce(lowering, call, false)),
    ("ReduceSum", sum),
    ("ReduceMin", least),
];

fn pool(lowering: &mut Lowering, call: &Call, max: bool) -> Result<Vec<Value>, Refusal> {
    let given = lowering.padded(call.tensor(0)?)?;
    let view = lowering.image(&given)?;
    let attributes = &call.node.attributes;
    let kernel: Vec<usize> = (attributes.ints("kernel_shape").unwrap_or(&[]).iter())
        .map(|side| usize::try_from(*side).unwrap_or(0))
        .collect();
    let mut window = Sliding::of(attributes, &kernel, &view)?;
    if window.dilation != [1, 1] {
        return refuse("has a dilation", "mixq has pools of neighbouring pixels");
    }
    if call.node.outputs.get(1).is_some_and(|name| !name.is_empty()) {
        return refuse("also answers where the maximum is", "mixq answers the maximum alone");
    }
    let count_padding = !max && attributes.int("count_include_pad").unwrap_or(0) != 0;
    if attributes.int("ceil_mode").unwrap_or(0) != 0 {
        round_up(&mut window, view.shape);
        if count_padding && window.padding != [0; 4] {
            return refuse("counts padding and rounds its size up", "use one of both");
        }
    }
    let Some(shape) = window.output(view.shape, view.shape.channels) else {
        let what = format!("has a window {:?} larger than its input {:?}", window.kernel, view.sizes());
        return refuse(what, "use a larger input, or padding");
    };
    let Sliding { kernel, stride, padding, .. } = window;
    let padding = Padding::Explicit(padding);
    let op: OpSpec = if max {
        MaxPoolSpec { kernel, stride, padding }.into()
    } else {
        AveragePoolSpec { kernel, stride, padding, count_padding }.into()
    };
    let made = lowering.layers.add(call.wish(), op, &[&view], shape)?;
    Ok(vec![Value::Tensor(seen(&view, made))])
}

/// With padding at the bottom and at the right, so that the last window that begins within the input counts.
fn round_up(window: &mut Sliding, input: Shape) {
    for (axis, size) in [input.height, input.width].into_iter().enumerate() {
        let (kernel, stride) = (window.kernel[axis], window.stride[axis]);
        let [before, after] = [window.padding[2 * axis], window.padding[2 * axis + 1]];
        let Some(room) = (size + before + after).checked_sub(kernel) else { continue };
        let mut last = room.div_ceil(stride) * stride;
        // A window that would begin in the padding behind the input is left out.
        if last >= size + before {
            last -= stride;
        }
        window.padding[2 * axis + 1] = after + (last + kernel).saturating_sub(size + before + after);
    }
}

fn global(lowering: &mut Lowering, call: &Call, max: bool) -> Result<Vec<Value>, Refusal> {
    let view = lowering.padded(call.tensor(0)?)?;
    let dims: Vec<usize> = (2..view.dims.len()).collect();
    Ok(vec![Value::Tensor(lowering.reduced(call, &view, &dims, true, max)?)])
}

/// Axes are an attribute, since version 18 an input; without axes all are meant.
fn reduce(lowering: &mut Lowering, call: &Call, max: bool) -> Result<Vec<Value>, Refusal> {
    let view = lowering.padded(call.tensor(0)?)?;
    let rank = view.dims.len();
    let attributes = &call.node.attributes;
    let axes = call.constant(1).and_then(Array::ints).or_else(|| attributes.ints("axes"));
    if axes.is_none_or(<[i64]>::is_empty) && attributes.int("noop_with_empty_axes").unwrap_or(0) != 0 {
        return Ok(vec![Value::Tensor(view)]);
    }
    let dims: Option<Vec<usize>> = match axes.filter(|axes| !axes.is_empty()) {
        Some(axes) => axes.iter().map(|axis| wrapped(*axis, rank)).collect(),
        None => Some((0..rank).collect()),
    };
    let Some(dims) = dims else { return refuse("reduces dimensions that are not there", "check the model") };
    let keeps = attributes.int("keepdims").unwrap_or(1) != 0;
    Ok(vec![Value::Tensor(lowering.reduced(call, &view, &dims, keeps, max)?)])
}

/// The mean times the number of what it is of.
fn sum(lowering: &mut Lowering, call: &Call) -> Result<Vec<Value>, Refusal> {
    let before = call.tensor(0)?.sizes();
    let means = reduce(lowering, call, false)?;
    let elements = |sizes: &[usize]| sizes.iter().product::<usize>().max(1) as f64;
    let mut sums = Vec::new();
    for value in means {
        sums.push(match value {
            Value::Tensor(view) => {
                let factor = elements(&before) / elements(&view.sizes());
                let scaling = vec![Scaling { factor, summand: 0.0 }; view.shape.channels];
                Value::Tensor(lowering.scaled(call, &view, &scaling)?)
            }
            other => other,
        });
    }
    Ok(sums)
}

/// The opposite of the largest opposite.
fn least(lowering: &mut Lowering, call: &Call) -> Result<Vec<Value>, Refusal> {
    let view = lowering.padded(call.tensor(0)?)?;
    let opposite = |lowering: &mut Lowering, view: &View| {
        let scaling = vec![Scaling { factor: -1.0, summand: 0.0 }; view.shape.channels];
        lowering.scaled(call, view, &scaling)
    };
    let turned = opposite(lowering, &View { shared: true, ..view })?;
    let inputs: Vec<Option<Value>> =
        std::iter::once(Some(Value::Tensor(turned))).chain(call.inputs.iter().skip(1).cloned()).collect();
    let mut found = Vec::new();
    for value in reduce(lowering, &Call { inputs: &inputs, ..*call }, true)? {
        found.push(match value {
            Value::Tensor(view) => Value::Tensor(opposite(lowering, &View { shared: true, ..view })?),
            other => other,
        });
    }
    Ok(found)
}

impl Lowering<'_> {
    /// The average of all channels of each pixel: a convolution with equal weights. Without the channels of
    /// dimensions, of which at least one has channels.
    fn channel_mean(&mut self, call: &Call, view: &View, dims: &[usize]) -> Result<View, Refusal> {
        let channels = view.shape.channels;
        let shape = Shape { channels: 1, ..view.shape };
        let op = PointwiseSpec { filters: 1, stride: [1, 1] };
        let made = self.layers.add(call.wish(), op, &[view], shape)?;
        self.layers.give(&made, "weight", vec![1, channels, 1, 1], vec![1.0 / channels as f32; channels]);
        let mut own = view.dims.clone();
        for dim in dims {
            own[*dim].retain(|part| part.axis != Axis::Channels);
        }
        let seen = View { source: made.source, shape, dims: own, shared: false, ..view.clone() };
        Ok(View { scaling: Vec::new(), ..seen })
    }

    /// Averages or maxima over dimensions, which stay with size 1 if `keeps`.
    fn reduced(
        &mut self,
        call: &Call,
        view: &View,
        dims: &[usize],
        keeps: bool,
        max: bool,
    ) -> Result<View, Refusal> {
        let all = dims.iter().flat_map(|dim| &view.dims[*dim]).filter(|part| part.axis == Axis::Channels);
        let sizes: Vec<usize> = all.map(|part| part.size).collect();
        if !max && !sizes.is_empty() && sizes.iter().product::<usize>() == view.shape.channels {
            let view = self.channel_mean(call, view, dims)?;
            return self.reduced(call, &view, dims, keeps, max);
        }
        let Shape { height, width, channels } = view.shape;
        let parts: Vec<_> = dims.iter().flat_map(|dim| view.dims[*dim].clone()).collect();
        let over = |axis: Axis, size: usize| {
            parts.iter().filter(|part| part.axis == axis).map(|part| part.size).product::<usize>() == size
        };
        let (rows, columns) = (over(Axis::Height, height), over(Axis::Width, width));
        let named = |axis: Axis| parts.iter().any(|part| part.axis == axis);
        if named(Axis::Channels) || named(Axis::Height) && !rows || named(Axis::Width) && !columns {
            let what = format!("takes averages or maxima over dimensions {dims:?} of {:?}", view.sizes());
            let help = "mixq reduces whole rows and columns, and averages all channels";
            return refuse(what, help);
        }
        let (op, shape): (OpSpec, Shape) = match (named(Axis::Height), named(Axis::Width)) {
            (false, false) => return Ok(removed(view.clone(), dims, keeps)),
            (true, _) | (_, true) if rows && columns => {
                let op = if max { GlobalMaxPool.into() } else { GlobalAveragePool.into() };
                (op, Shape { height: 1, width: 1, channels })
            }
            (true, _) => (AxisPool { axis: PoolAxis::Height, max }.into(), Shape { height: 1, ..view.shape }),
            (false, true) => {
                (AxisPool { axis: PoolAxis::Width, max }.into(), Shape { width: 1, ..view.shape })
            }
        };
        let made = self.layers.add(call.wish(), op, &[view], shape)?;
        let mut own = view.dims.clone();
        for dim in dims {
            own[*dim].clear();
        }
        let seen = View { dims: own, source: made.source, shape, shared: false, ..view.clone() };
        Ok(removed(seen, dims, keeps))
    }
}

/// Without dimensions of size 1, unless they stay.
fn removed(view: View, dims: &[usize], keeps: bool) -> View {
    let kept = view.dims.iter().enumerate().filter(|(dim, _)| keeps || !dims.contains(dim));
    View { dims: kept.map(|(_, dim)| dim.clone()).collect(), ..view }
}
