//! What a node answers if all that it reads is constant: shape chains, and weights that are computed.

use crate::import::model::{Array, Attribute, Element, MOST_ELEMENTS, Node, Values, broadcast};

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
        "Add" | "Sub" | "Mul" | "Div" | "Pow" | "Min" | "Max" | "Equal" if inputs.len() == 2 => {
            let operation = node.operator.as_str();
            one(binary(operation, first?, inputs.get(1).copied().flatten()?), "joins shapes that do not fit")
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
        "mixq.Range" => one(first.cloned(), ""),
        "QuantizeLinear" => one(quantise(node, inputs), "has scales that do not fit"),
        "DequantizeLinear" => one(dequantise(node, inputs), "has scales that do not fit"),
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

fn cast(array: &Array, to: i64) -> Array {
    let values = match (to, &array.values) {
        (1 | 10 | 11 | 16, _) => Values::Floats(array.to_floats()),
        (9, values) => Values::Ints(match values {
            Values::Ints(values) => values.iter().map(|value| i64::from(*value != 0)).collect(),
            Values::Floats(values) => values.iter().map(|value| i64::from(*value != 0.0)).collect(),
        }),
        (_, Values::Floats(values)) => Values::Ints(values.iter().map(|value| *value as i64).collect()),
        (_, Values::Ints(values)) => Values::Ints(values.clone()),
    };
    let element = if let Values::Floats(_) = values { Element::Float } else { Element::Signed(64) };
    Array { dims: array.dims.clone(), values, element }
}

fn gather(data: &Array, indices: &Array, axis: usize) -> Option<Array> {
    let size = data.dims[axis];
    let chosen: Vec<usize> =
        indices.ints()?.iter().map(|index| wrapped(*index, size)).collect::<Option<_>>()?;
    let inner: usize = data.dims[axis + 1..].iter().product();
    let outer: usize = data.dims[..axis].iter().product();
    let dims = [&data.dims[..axis], &indices.dims[..], &data.dims[axis + 1..]].concat();
    if !fits(&dims) {
        return None;
    }
    let chosen = &chosen;
    let places = (0..outer).flat_map(move |block| {
        chosen
            .iter()
            .flat_map(move |index| (0..inner).map(move |place| (block * size + index) * inner + place))
    });
    Some(data.gathered(dims, places))
}

fn concat(all: &[&Array], axis: usize) -> Option<Array> {
    let first = all[0];
    let alike = |array: &&Array| {
        array.dims.len() == first.dims.len()
            && (0..first.dims.len()).all(|at| at == axis || array.dims[at] == first.dims[at])
    };
    if !all.iter().all(alike) {
        return None;
    }
    let mut dims = first.dims.clone();
    dims[axis] = all.iter().map(|array| array.dims[axis]).sum();
    let outer: usize = dims[..axis].iter().product();
    let block = |array: &Array| array.len().checked_div(outer).unwrap_or(0);
    let is_float = all.iter().any(|array| array.ints().is_none());
    let values = if is_float {
        let parts: Vec<Vec<f32>> = all.iter().map(|array| array.to_floats()).collect();
        let rows = (0..outer).flat_map(|row| {
            parts
                .iter()
                .zip(all)
                .flat_map(move |(values, array)| values[row * block(array)..][..block(array)].iter().copied())
        });
        Values::Floats(rows.collect())
    } else {
        let rows = (0..outer).flat_map(|row| {
            all.iter().flat_map(move |array| {
                array.ints().unwrap_or(&[])[row * block(array)..][..block(array)].iter().copied()
            })
        });
        Values::Ints(rows.collect())
    };
    Some(Array { dims, values, element: first.element })
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

fn binary(operator: &str, a: &Array, b: &Array) -> Option<Array> {
    let dims = broadcast(&a.dims, &b.dims).filter(|dims| fits(dims))?;
    let (a, b) = (a.expanded(&dims)?, b.expanded(&dims)?);
    if let (Some(left), Some(right)) = (a.ints(), b.ints()) {
        let compute = |(a, b): (&i64, &i64)| match operator {
            "Add" => Some(a.wrapping_add(*b)),
            "Sub" => Some(a.wrapping_sub(*b)),
            "Mul" => Some(a.wrapping_mul(*b)),
            "Div" => a.checked_div(*b),
            "Pow" => a.checked_pow(u32::try_from(*b).ok()?),
            "Min" => Some(*a.min(b)),
            "Max" => Some(*a.max(b)),
            _ => Some(i64::from(a == b)),
        };
        let values: Option<Vec<i64>> = left.iter().zip(right).map(compute).collect();
        return Some(Array { dims, values: Values::Ints(values?), element: a.element });
    }
    let (left, right) = (a.to_floats(), b.to_floats());
    let compute = |(a, b): (f32, f32)| match operator {
        "Add" => a + b,
        "Sub" => a - b,
        "Mul" => a * b,
        "Div" => a / b,
        "Pow" => a.powf(b),
        "Min" => a.min(b),
        "Max" => a.max(b),
        _ => f32::from(u8::from(a == b)),
    };
    Some(Array::floats(dims, left.into_iter().zip(right).map(compute).collect()))
}

fn choose(condition: &Array, a: &Array, b: &Array) -> Option<Array> {
    let dims = broadcast(&broadcast(&a.dims, &b.dims)?, &condition.dims).filter(|dims| fits(dims))?;
    let (condition, a, b) = (condition.expanded(&dims)?, a.expanded(&dims)?, b.expanded(&dims)?);
    let chosen = condition.ints()?.iter().map(|value| *value != 0);
    Some(match (a.ints(), b.ints()) {
        (Some(left), Some(right)) => {
            let values =
                chosen.zip(left.iter().zip(right)).map(|(first, (a, b))| if first { *a } else { *b });
            Array { dims, values: Values::Ints(values.collect()), element: a.element }
        }
        _ => {
            let pairs = a.to_floats().into_iter().zip(b.to_floats());
            Array::floats(dims, chosen.zip(pairs).map(|(first, (a, b))| if first { a } else { b }).collect())
        }
    })
}

fn unary(operator: &str, array: &Array) -> Option<Array> {
    if let (Some(values), "Floor" | "Ceil" | "Round" | "Neg" | "Abs" | "Relu" | "Not") =
        (array.ints(), operator)
    {
        let compute = |value: &i64| match operator {
            "Neg" => value.wrapping_neg(),
            "Abs" => value.wrapping_abs(),
            "Relu" => (*value).max(0),
            "Not" => i64::from(*value == 0),
            _ => *value,
        };
        return Some(Array { values: Values::Ints(values.iter().map(compute).collect()), ..array.clone() });
    }
    let compute = |value: f32| match operator {
        "Floor" => value.floor(),
        "Ceil" => value.ceil(),
        "Round" => value.round_ties_even(),
        "Sqrt" => value.sqrt(),
        "Neg" => -value,
        "Exp" => value.exp(),
        "Log" => value.ln(),
        "Abs" => value.abs(),
        "Reciprocal" => 1.0 / value,
        "Sigmoid" => 1.0 / (1.0 + (-value).exp()),
        "Sign" => {
            if value == 0.0 {
                0.0
            } else {
                value.signum()
            }
        }
        _ => value.max(0.0),
    };
    Some(Array::floats(array.dims.clone(), array.to_floats().into_iter().map(compute).collect()))
}

/// A softmax, its logarithm, or the index of the largest number.
fn along(node: &Node, array: &Array) -> Option<Array> {
    let attributes = &node.attributes;
    let rank = array.dims.len();
    // Up to version 12 a softmax goes over all dimensions from the axis on.
    let joins = attributes.int("opset").unwrap_or(13) < 13 && node.operator != "ArgMax";
    let usual = if node.operator == "ArgMax" {
        0
    } else if joins {
        1
    } else {
        -1
    };
    let axis = wrapped(attributes.int("axis").unwrap_or(usual), rank)?;
    let (size, inner) = if joins {
        (array.dims[axis..].iter().product(), 1)
    } else {
        (array.dims[axis], array.dims[axis + 1..].iter().product::<usize>())
    };
    let numbers = array.to_floats();
    let rows = numbers.len().checked_div(size * inner)?;
    let mut values = numbers.clone();
    let mut largest = vec![0; rows * inner];
    for row in 0..rows * inner {
        let at = |index: usize| (row / inner * size + index) * inner + row % inner;
        let own: Vec<f64> = (0..size).map(|index| f64::from(numbers[at(index)])).collect();
        let most = own.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        largest[row] = own.iter().position(|value| *value == most).unwrap_or(0) as i64;
        let sum: f64 = own.iter().map(|value| (value - most).exp()).sum();
        for (index, value) in own.iter().enumerate() {
            let logarithm = value - most - sum.ln();
            values[at(index)] = if node.operator == "Softmax" { logarithm.exp() } else { logarithm } as f32;
        }
    }
    if node.operator != "ArgMax" {
        return Some(Array::floats(array.dims.clone(), values));
    }
    let mut dims = array.dims.clone();
    if attributes.int("keepdims").unwrap_or(1) == 0 {
        dims.remove(axis);
    } else {
        dims[axis] = 1;
    }
    Some(Array { dims, ..Array::list(largest) })
}

/// Numbers as integers: rounded, halves to even, and within the range of the zero point's type.
fn quantise(node: &Node, inputs: &[Option<&Array>]) -> Option<Array> {
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
fn dequantise(node: &Node, inputs: &[Option<&Array>]) -> Option<Array> {
    let [array, scale] = [inputs.first().copied().flatten()?, inputs.get(1).copied().flatten()?];
    let centred = match inputs.get(2).copied().flatten() {
        Some(zero) => binary("Sub", &cast(array, 7), &cast(&spread(node, array, zero)?, 7))?,
        None => array.clone(),
    };
    binary("Mul", &cast(&centred, 1), &spread(node, array, scale)?)
}
