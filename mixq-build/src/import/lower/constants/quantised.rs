//! Constants as integers of a scale, and back.

use super::arithmetic::{binary, cast};
use super::wrapped;
use crate::import::lower::rounding::limits;
use crate::import::model::{Array, Element, Node, Values};

/// Numbers as integers: rounded, halves to even, and within the range of the zero point's type.
pub(super) fn quantise(node: &Node, inputs: &[Option<&Array>]) -> Option<Array> {
    let [array, scale] = [inputs.first().copied().flatten()?, inputs.get(1).copied().flatten()?];
    let zero = inputs.get(2).copied().flatten();
    let element = zero.map_or(Element::Unsigned(8), |zero| zero.element);
    let (least, most) = element.range()?;
    let scale = spread(node, array, scale)?.to_floats();
    let zero = zero
        .map(|zero| spread(node, array, zero))
        .map_or(Some(vec![0.0; array.len()]), |zero| zero.map(|zero| zero.to_floats()))?;
    let integer = |((value, scale), zero): ((f32, f32), f32)| {
        ((value / scale).round_ties_even() as i64).saturating_add(zero as i64).clamp(least, most)
    };
    let integers = array.to_floats().into_iter().zip(scale).zip(zero).map(integer).collect();
    Some(Array { dims: array.dims.clone(), values: Values::Ints(integers), element })
}

/// A number for all elements, or one for each index of an axis, as a number for each element.
fn spread(node: &Node, array: &Array, values: &Array) -> Option<Array> {
    let rank = array.dims.len();
    if values.len() == 1 {
        return Array { dims: vec![1; rank], ..values.clone() }.expanded(&array.dims);
    }
    let axis = wrapped(node.attributes.int("axis").unwrap_or(1), rank)?;
    let mut dims = vec![1; rank];
    dims[axis] = values.len();
    Array { dims, ..values.clone() }.expanded(&array.dims)
}

/// Integers as the numbers that they stand for, with one scale or one for each index of an axis.
pub(super) fn dequantise(node: &Node, inputs: &[Option<&Array>]) -> Option<Array> {
    let [array, scale] = [inputs.first().copied().flatten()?, inputs.get(1).copied().flatten()?];
    let centred = match inputs.get(2).copied().flatten() {
        // Integers may be between integers where nothing was rounded.
        Some(zero) => binary("Sub", array, &spread(node, array, zero)?)?,
        None => array.clone(),
    };
    binary("Mul", &cast(&centred, 1), &spread(node, array, scale)?)
}

/// QONNX's quantisation of weights: the numbers that integers of a few bits stand for.
pub(super) fn quant(node: &Node, inputs: &[Option<&Array>]) -> Option<Array> {
    let input = |place: usize| inputs.get(place).copied().flatten();
    let (array, bits) = (input(0)?, input(3)?.scalar()?);
    let flag = |name: &str, default: i64| node.attributes.int(name).unwrap_or(default) != 0;
    let [least, most] = limits(bits, flag("signed", 1), flag("narrow", 0))?;
    let (scale, zero) = (input(1)?.expanded(&array.dims)?, input(2)?.expanded(&array.dims)?);
    let round: fn(f32) -> f32 = match node.attributes.text("rounding_mode").unwrap_or("ROUND") {
        "FLOOR" => f32::floor,
        "CEIL" => f32::ceil,
        _ => f32::round_ties_even,
    };
    let grids = scale.to_floats().into_iter().zip(zero.to_floats());
    // A scale of 0 stands for weights that are all 0.
    let number = |(value, (scale, zero)): (f32, (f32, f32))| {
        let integer = round((value / scale + zero).clamp(least, most));
        if scale == 0.0 { 0.0 } else { (integer - zero) * scale }
    };
    let values = array.to_floats().into_iter().zip(grids).map(number).collect();
    Some(Array::floats(array.dims.clone(), values))
}

/// QONNX's signs of weights, times a scale.
pub(super) fn bipolar(inputs: &[Option<&Array>]) -> Option<Array> {
    let array = inputs.first().copied().flatten()?;
    let scale = inputs.get(1).copied().flatten()?.expanded(&array.dims)?.to_floats();
    let sign = |(value, scale): (f32, f32)| if value < 0.0 { -scale } else { scale };
    Some(Array::floats(array.dims.clone(), array.to_floats().into_iter().zip(scale).map(sign).collect()))
}
