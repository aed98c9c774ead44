//! Products with matrices: fully connected layers, and convolutions of single pixels.

use super::view::{Axis, View, size, whole};
use super::{Call, Lowering, Reader, Refusal, Value, refuse};
use crate::graph::Shape;
use crate::graph::op::{LinearSpec, PointwiseSpec};
use crate::import::model::Array;

pub(super) const OPERATORS: &[(&str, Reader)] = &[("Gemm", gemm), ("MatMul", matmul)];

/// `alpha A B + beta C`, where B and C are constant.
fn gemm(lowering: &mut Lowering, call: &Call) -> Result<Vec<Value>, Refusal> {
    let attributes = &call.node.attributes;
    let weight = call.required(1)?;
    if attributes.int("transA").unwrap_or(0) != 0 || weight.dims.len() != 2 {
        return refuse("transposes its input, or has no matrix", "mixq multiplies rows by a constant matrix");
    }
    let scaled = |array: &Array, by: f32| -> Vec<f32> {
        array.to_floats().into_iter().map(|value| value * by).collect()
    };
    let weight =
        if attributes.int("transB").unwrap_or(0) == 0 { weight.transposed(&[1, 0]) } else { weight.clone() };
    let alpha = attributes.float("alpha").unwrap_or(1.0);
    let weight = Array::floats(weight.dims.clone(), scaled(&weight, alpha));
    let view = lowering.padded(call.tensor(0)?)?;
    let made = product(lowering, call, &view, &weight)?;
    let mut integers =
        lowering.weight_integers(call, 1 - usize::from(attributes.int("transB").unwrap_or(0) != 0));
    if let Some(integers) = &mut integers {
        integers.scaled(&vec![f64::from(alpha); weight.dims[0]]);
    }
    lowering.layers.give_integers(&made, integers);
    if let Some(bias) = call.constant(2) {
        let outputs = weight.dims[0];
        let bias = Array::floats(bias.dims.clone(), scaled(bias, attributes.float("beta").unwrap_or(1.0)));
        let Some(bias) = bias.expanded(&[1, outputs]) else {
            return refuse(format!("has biases {:?} for {outputs} outputs", bias.dims), "check the model");
        };
        lowering.layers.give(&made, "bias", vec![outputs], bias.to_floats());
    } else if call.inputs.get(2).is_some_and(Option::is_some) {
        return refuse("adds what is not constant", "use an Add node");
    }
    Ok(vec![Value::Tensor(made)])
}

/// A product with a constant matrix.
pub(super) fn matmul(lowering: &mut Lowering, call: &Call) -> Result<Vec<Value>, Refusal> {
    let Some(weight) = call.constant(1) else {
        return refuse(
            "multiplies two tensors that are computed",
            "mixq has constant matrices only (no attention)",
        );
    };
    // A stack of one matrix is that matrix.
    let more = weight.dims.len().saturating_sub(2);
    if weight.dims.len() < 2 || weight.dims[..more].iter().any(|size| *size != 1) {
        return refuse(format!("multiplies with a tensor {:?}", weight.dims), "mixq needs a matrix");
    }
    let matrix = Array { dims: weight.dims[more..].to_vec(), ..weight.clone() };
    let view = lowering.padded(call.tensor(0)?)?;
    let made = product(lowering, call, &view, &matrix.transposed(&[1, 0]))?;
    let integers = lowering.weight_integers(call, 1 + more);
    lowering.layers.give_integers(&made, integers);
    Ok(vec![Value::Tensor(made)])
}

/// The product of the last dimension with `weight`, `[out, in]`.
fn product(lowering: &mut Lowering, call: &Call, view: &View, weight: &Array) -> Result<View, Refusal> {
    let (outputs, inputs) = (weight.dims[0], weight.dims[1]);
    let sizes = view.sizes();
    let Some(last) = sizes.len().checked_sub(1).filter(|last| sizes[*last] == inputs) else {
        return refuse(format!("multiplies {sizes:?} with a matrix of {inputs} rows"), "check the model");
    };
    let Shape { height, width, channels } = view.shape;
    let all = sizes[..last].iter().all(|size| *size == 1);
    if !all {
        return each_pixel(lowering, call, view, weight);
    }
    // The file's order is channel, row, column.
    let mut values = vec![0.0; outputs * inputs];
    let places: Vec<usize> = view.places();
    let ordered: Vec<usize> =
        places.iter().map(|place| place % channels * height * width + place / channels).collect();
    let given = weight.to_floats();
    for (row, values) in values.chunks_mut(inputs).enumerate() {
        for (index, place) in ordered.iter().enumerate() {
            values[*place] = given[row * inputs + index];
        }
    }
    let shape = Shape { height: 1, width: 1, channels: outputs };
    let made = lowering.layers.add(call.wish(), LinearSpec { features: outputs }, &[view], shape)?;
    lowering.layers.give(&made, "weight", vec![outputs, channels, height, width], values);
    let mut dims = vec![Vec::new(); last];
    dims.push(whole(Axis::Channels, outputs));
    Ok(View { dims, ..made })
}

/// The product of the channels of each pixel: a convolution.
fn each_pixel(lowering: &mut Lowering, call: &Call, view: &View, weight: &Array) -> Result<View, Refusal> {
    let view = lowering.channels_in_order(view)?;
    let last = view.dims.len() - 1;
    let channels = view.shape.channels;
    let is_channels = view.channels_of(last).is_some() && size(&view.dims[last]) == channels;
    if !is_channels {
        let what =
            format!("multiplies the last of the dimensions {:?}, which are not the channels", view.sizes());
        return refuse(what, "mixq multiplies all elements, or the channels of each pixel");
    }
    let (outputs, inputs) = (weight.dims[0], weight.dims[1]);
    let shape = Shape { channels: outputs, ..view.shape };
    let op = PointwiseSpec { filters: outputs, stride: [1, 1] };
    let made = lowering.layers.add(call.wish(), op, &[&view], shape)?;
    lowering.layers.give(&made, "weight", vec![outputs, inputs, 1, 1], weight.to_floats());
    let mut dims = view.dims.clone();
    dims[last] = whole(Axis::Channels, outputs);
    Ok(View { dims, ..made })
}
