//! Constants as integers of a scale, and back.

use super::arithmetic::{binary, cast};
use super::wrapped;
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
        Some(zero) => binary("Sub", &cast(array, 7), &cast(&spread(node, array, zero)?, 7))?,
        None => array.clone(),
    };
    binary("Mul", &cast(&centred, 1), &spread(node, array, scale)?)
}
