//! Transposed convolutions.
//!
//! Groups, gaps between taps and rows that an output has more than its input reaches are zeros among the
//! weights.

use super::conv::{Sliding, windowed};
use super::layers::LARGEST;
use super::{Call, Lowering, Refusal, Value, refuse};
use crate::graph::op::TransposedConvSpec;
use crate::graph::{Padding, Shape};
use crate::import::model::{Array, MOST_ELEMENTS};

pub(super) fn transposed(lowering: &mut Lowering, call: &Call) -> Result<Vec<Value>, Refusal> {
    let padded = lowering.padded(call.tensor(0)?)?;
    let mut inputs = call.inputs.to_vec();
    inputs[0] = Some(Value::Tensor(padded));
    let own = Call { inputs: &inputs, ..*call };
    let (view, window, weight) = windowed(lowering, &own)?;
    let attributes = &call.node.attributes;
    let groups = usize::try_from(attributes.int("group").unwrap_or(1)).unwrap_or(0);
    let inputs = view.shape.channels;
    if groups == 0 || weight.dims[0] != inputs || !inputs.is_multiple_of(groups) {
        let what = format!("has weights {:?} in {groups} groups for {inputs} channels", weight.dims);
        return refuse(what, "check the model");
    }
    let axes = view.dims.len() - 2;
    let listed = |name: &str| -> Vec<i64> { attributes.ints(name).unwrap_or(&[]).to_vec() };
    let pair = |values: &[i64], other: i64| match *values {
        [only] if axes == 1 && view.shape.width == 1 && view.shape.height > 1 => [only, other],
        [only] => [other, only],
        [first, second] => [first, second],
        _ => [other; 2],
    };
    let (more, wanted) = (pair(&listed("output_padding"), 0), pair(&listed("output_shape"), -1));
    let Sliding { kernel, stride, dilation, padding } = window;
    let mut cut = padding;
    let mut taps = [0; 2];
    for axis in 0..2 {
        let size = [view.shape.height, view.shape.width][axis];
        let more = usize::try_from(more[axis]).unwrap_or(0).min(LARGEST);
        taps[axis] = (kernel[axis] - 1).saturating_mul(dilation[axis]).saturating_add(1);
        let whole = (size - 1).saturating_mul(stride[axis]).saturating_add(taps[axis]);
        let mode = attributes.text("auto_pad").unwrap_or("NOTSET");
        let wanted = match (usize::try_from(wanted[axis]).ok(), mode) {
            (Some(wanted), _) if wanted > 0 => Some(wanted),
            (_, "SAME_UPPER" | "SAME_LOWER") => Some(size.saturating_mul(stride[axis])),
            _ => None,
        };
        let sides = [2 * axis, 2 * axis + 1];
        match wanted {
            Some(wanted) => {
                // What is too much is cut on both sides, and what is missing follows the end.
                let (over, missing) = (whole.saturating_sub(wanted), wanted.saturating_sub(whole));
                let first = if mode == "SAME_UPPER" { over / 2 } else { over - over / 2 };
                (cut[sides[0]], cut[sides[1]]) = (first, over - first);
                taps[axis] += missing;
            }
            // Rows that no tap reaches have zeros in the weights.
            None if more > cut[sides[1]] => {
                taps[axis] += more - cut[sides[1]];
                cut[sides[1]] = 0;
            }
            None => cut[sides[1]] -= more,
        }
    }
    let side = |size: usize, axis: usize, cut: usize| {
        let whole = (size - 1).saturating_mul(stride[axis]).saturating_add(taps[axis]);
        whole.checked_sub(cut).filter(|side| *side > 0)
    };
    let (Some(height), Some(width)) =
        (side(view.shape.height, 0, cut[0] + cut[1]), side(view.shape.width, 1, cut[2] + cut[3]))
    else {
        return refuse("cuts more than it writes", "check its padding");
    };
    let filters = weight.dims[1].saturating_mul(groups);
    let elements =
        [inputs, filters, taps[0], taps[1]].iter().try_fold(1usize, |all, it| all.checked_mul(*it));
    if elements.is_none_or(|elements| elements > MOST_ELEMENTS) {
        let what = format!("has {groups} groups and a window of {}x{} with its gaps", taps[0], taps[1]);
        return refuse(what, "zeros stand for groups and gaps: use fewer of them");
    }
    let weight = spread(weight, groups, kernel, taps, dilation);
    let shape = Shape { height, width, channels: filters };
    let op = TransposedConvSpec { filters, kernel: taps, stride, padding: Padding::Explicit(cut) };
    Ok(vec![Value::Tensor(lowering.weighted(call, op.into(), &view, shape, &weight)?)])
}

/// Weights `[in, out of a group, window]` as `[in, out, height, width]`, with zeros between taps, behind them
/// and between groups.
fn spread(weight: &Array, groups: usize, kernel: [usize; 2], taps: [usize; 2], gaps: [usize; 2]) -> Array {
    let (inputs, each) = (weight.dims[0], weight.dims[1]);
    let [height, width] = kernel;
    let filters = each * groups;
    let mut values = vec![0.0; inputs * filters * taps[0] * taps[1]];
    let given = weight.to_floats();
    for input in 0..inputs {
        let group = input / (inputs / groups);
        for output in 0..each {
            for row in 0..height {
                for column in 0..width {
                    let from = ((input * each + output) * height + row) * width + column;
                    let filter = input * filters + group * each + output;
                    let to = (filter * taps[0] + row * gaps[0]) * taps[1] + column * gaps[1];
                    values[to] = given[from];
                }
            }
        }
    }
    Array::floats(vec![inputs, filters, taps[0], taps[1]], values)
}
