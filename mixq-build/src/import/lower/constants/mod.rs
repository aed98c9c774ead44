//! What a node answers if all that it reads is constant: shape chains, and weights that are computed.

mod along;
mod arithmetic;
mod moved;
mod quantised;

use crate::graph::op::Function;
use crate::import::model::{Array, Attribute, MOST_ELEMENTS, Node, broadcast};
use along::{along, largest};
use arithmetic::{binary, cast, choose, unary};
pub(super) use moved::split;
use moved::{concat, gather, parts, tiled};
use quantised::{bipolar, dequantise, quant, quantise};

/// What a node writes whose inputs are all known; `None` if mixq does not compute this operator of constants.
///
/// # Errors
/// What does not fit, as the end of a sentence that begins with the node.
pub(super) fn fold(node: &Node, inputs: &[Option<&Array>]) -> Option<Result<Vec<Array>, String>> {
    let one = |array: Option<Array>, why: &str| Some(array.map(|array| vec![array]).ok_or(why.to_string()));
    let first = inputs.first().copied().flatten();
    let attributes = &node.attributes;
    let axis = |name: &str, rank: usize, default: i64| wrapped(attributes.int(name).unwrap_or(default), rank);
    match node.operator.as_str() {
        "Constant" => one(constant(node), "has no value"),
        "Identity" | "Dropout" => one(first.cloned(), "has no input"),
        "Cast" => one(first.map(|array| cast(array, attributes.int("to").unwrap_or(1))), "has no input"),
        "Gather" => {
            let (data, indices) = (first?, inputs.get(1).copied().flatten()?);
            one(gather(data, indices, axis("axis", data.dims.len(), 0)?), "gathers what is not there")
        }
        "Concat" => {
            let all: Option<Vec<&Array>> = inputs.iter().copied().collect();
            let all = all?;
            one(concat(&all, axis("axis", all.first()?.dims.len(), 0)?), "joins shapes that do not fit")
        }
        "Transpose" => {
            let array = first?;
            let order = order(node, array.dims.len())?;
            one(Some(array.transposed(&order)), "")
        }
        "Slice" => one(slice(node, inputs), "has bounds that are not constant numbers"),
        "ConstantOfShape" => {
            let sizes: Option<Vec<usize>> =
                first?.ints()?.iter().map(|size| usize::try_from(*size).ok()).collect();
            one(sizes.and_then(|sizes| filled(node, sizes)), "makes a tensor that is too large")
        }
        "Expand" => {
            let sizes: Vec<usize> =
                inputs.get(1)?.as_ref()?.ints()?.iter().map(|size| (*size).max(0) as usize).collect();
            let dims = broadcast(&first?.dims, &sizes).filter(|dims| fits(dims));
            one(dims.and_then(|dims| first?.expanded(&dims)), "expands to a shape that does not fit")
        }
        "Range" => one(range(inputs), "has a range that is not finite"),
        "Add" | "Sub" | "Mul" | "Div" | "Pow" | "Min" | "Max" | "Equal" | "Less" | "LessOrEqual"
        | "Greater" | "GreaterOrEqual" | "And" | "Or" | "Mod"
            if inputs.len() == 2 =>
        {
            let operation = node.operator.as_str();
            one(binary(operation, first?, inputs.get(1).copied().flatten()?), "joins shapes that do not fit")
        }
        "Sum" | "Max" | "Min" => {
            let operation = if node.operator == "Sum" { "Add" } else { node.operator.as_str() };
            let mut joined = first?.clone();
            for input in &inputs[1..] {
                match binary(operation, &joined, (*input)?) {
                    Some(array) => joined = array,
                    None => return one(None, "joins shapes that do not fit"),
                }
            }
            one(Some(joined), "")
        }
        "Where" => {
            let [condition, a, b] = [first?, (*inputs.get(1)?)?, (*inputs.get(2)?)?];
            one(choose(condition, a, b), "joins shapes that do not fit")
        }
        "Floor" | "Ceil" | "Round" | "Sqrt" | "Neg" | "Exp" | "Log" | "Abs" | "Reciprocal" | "Sign"
        | "Relu" | "Not" | "Sigmoid" => one(unary(&node.operator, first?), ""),
        "ReduceProd" => {
            let product = first?.ints()?.iter().try_fold(1i64, |product, size| product.checked_mul(*size));
            one(product.map(|product| Array { dims: vec![], ..Array::list(vec![product]) }), "is too large")
        }
        "Softmax" | "LogSoftmax" | "ArgMax" => {
            one(along(node, first?), "goes along a dimension that is not there")
        }
        "TopK" => {
            let count = inputs.get(1).copied().flatten().and_then(|count| count.ints()?.first().copied());
            let count = count.or(attributes.int("k"))?;
            Some(largest(node, first?, count).ok_or("has no such dimension, or too few elements".to_string()))
        }
        "Split" => {
            let parts = parts(node, inputs, first?);
            Some(parts.ok_or("splits into what does not fit".to_string()))
        }
        "Tile" => {
            let times = inputs.get(1).copied().flatten()?.ints()?;
            one(tiled(first?, times), "repeats to a shape that does not fit")
        }
        "Size" => {
            let size = Array::list(vec![first?.len() as i64]);
            one(Some(Array { dims: Vec::new(), ..size }), "")
        }
        "mixq.Range" => one(first.cloned(), ""),
        "QuantizeLinear" => one(quantise(node, inputs), "has scales that do not fit"),
        "Quant" => one(quant(node, inputs), "has scales or bits that do not fit"),
        "BipolarQuant" => one(bipolar(inputs), "has scales that do not fit"),
        "DequantizeLinear" => one(dequantise(node, inputs), "has scales that do not fit"),
        operator if super::elementwise::is_function(operator) => {
            let function = super::elementwise::function(node, inputs).map_err(|refusal| refusal.what);
            let values = |function: Option<Function>, array: &Array| match function {
                Some(function) => {
                    let value = |x: f32| function.value(f64::from(x)) as f32;
                    Array::floats(array.dims.clone(), array.to_floats().into_iter().map(value).collect())
                }
                None => array.clone(),
            };
            let array = first?;
            Some(function.map(|function| vec![values(function, array)]))
        }
        _ => None,
    }
}

/// An axis that may be counted from the end.
pub(super) fn wrapped(axis: i64, rank: usize) -> Option<usize> {
    let axis = if axis < 0 { axis + rank as i64 } else { axis };
    usize::try_from(axis).ok().filter(|axis| *axis < rank)
}

/// The order of dimensions of a Transpose.
pub(super) fn order(node: &Node, rank: usize) -> Option<Vec<usize>> {
    let Some(order) = node.attributes.ints("perm") else { return Some((0..rank).rev().collect()) };
    let order: Vec<usize> = order.iter().map(|axis| wrapped(*axis, rank)).collect::<Option<_>>()?;
    let mut sorted = order.clone();
    sorted.sort_unstable();
    sorted.into_iter().eq(0..rank).then_some(order)
}

fn fits(dims: &[usize]) -> bool {
    dims.iter().try_fold(1usize, |count, size| count.checked_mul(*size)).is_some_and(|n| n <= MOST_ELEMENTS)
}

fn constant(node: &Node) -> Option<Array> {
    let attributes = &node.attributes;
    if let Some(Attribute::Array(array)) = attributes.get("value") {
        return Some(array.clone());
    }
    let scalar = |array: Array| Array { dims: Vec::new(), ..array };
    if let Some(value) = attributes.float("value_float") {
        return Some(Array::floats(Vec::new(), vec![value]));
    }
    if let Some(value) = attributes.int("value_int") {
        return Some(scalar(Array::list(vec![value])));
    }
    if let Some(values) = attributes.floats("value_floats") {
        return Some(Array::floats(vec![values.len()], values.to_vec()));
    }
    attributes.ints("value_ints").map(|values| Array::list(values.to_vec()))
}

/// A range of a dimension: the first index, the number of indices, and the step, which may be below 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) first: usize,
    pub(super) count: usize,
    pub(super) step: i64,
}

/// What a Slice keeps of dimensions of these sizes; `None` if its bounds are not constant.
pub(super) fn spans(node: &Node, inputs: &[Option<&Array>], dims: &[usize]) -> Option<Vec<Span>> {
    let list = |place: usize, name: &str| -> Option<Vec<i64>> {
        match inputs.get(place).copied().flatten() {
            Some(array) => array.ints().map(<[i64]>::to_vec),
            None => node.attributes.ints(name).map(<[i64]>::to_vec),
        }
    };
    let (starts, ends) = (list(1, "starts")?, list(2, "ends")?);
    let axes = list(3, "axes").unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = list(4, "steps").unwrap_or_else(|| vec![1; starts.len()]);
    let mut spans: Vec<Span> = dims.iter().map(|size| Span { first: 0, count: *size, step: 1 }).collect();
    for (((start, end), axis), step) in starts.into_iter().zip(ends).zip(axes).zip(steps) {
        let axis = wrapped(axis, dims.len())?;
        let size = dims[axis] as i64;
        let from_end = |index: i64| if index < 0 { index.saturating_add(size) } else { index };
        let (least, most) = if step < 0 { (-1, size - 1) } else { (0, size) };
        // A bound far below 0 stands for the very beginning.
        let bound = |index: i64| from_end(index).clamp(least, most);
        let (start, end) = (bound(start).max(0), bound(end));
        let distance = if step < 0 { start - end } else { end - start };
        let count = (distance.max(0) as u64).div_ceil(step.unsigned_abs().max(1)) as usize;
        spans[axis] = Span { first: start as usize, count, step };
    }
    Some(spans)
}

fn slice(node: &Node, inputs: &[Option<&Array>]) -> Option<Array> {
    let array = inputs.first().copied().flatten()?;
    let mut array = array.clone();
    for (axis, span) in spans(node, inputs, &array.dims)?.into_iter().enumerate() {
        let index = |index: usize| span.first as i64 + index as i64 * span.step;
        let indices = Array::list((0..span.count).map(index).collect());
        array = gather(&array, &indices, axis)?;
    }
    Some(array)
}

fn filled(node: &Node, dims: Vec<usize>) -> Option<Array> {
    if !fits(&dims) {
        return None;
    }
    let zero = Array::floats(vec![1], vec![0.0]);
    let value = match node.attributes.get("value") {
        Some(Attribute::Array(array)) if array.len() == 1 => array,
        _ => &zero,
    };
    let count = dims.iter().product();
    Some(value.gathered(dims, std::iter::repeat_n(0, count)))
}

fn range(inputs: &[Option<&Array>]) -> Option<Array> {
    let number = |place: usize| inputs.get(place).copied().flatten()?.ints()?.first().copied();
    let (start, limit, delta) = (number(0)?, number(1)?, number(2)?);
    let distance = limit.checked_sub(start)?;
    let count = if delta == 0 || (distance < 0) != (delta < 0) {
        0
    } else {
        distance.unsigned_abs().div_ceil(delta.unsigned_abs())
    };
    (count <= MOST_ELEMENTS as u64)
        .then(|| Array::list((0..count as i64).map(|index| start + index * delta).collect()))
}
