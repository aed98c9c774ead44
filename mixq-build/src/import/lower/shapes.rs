//! Operators that move no number: other dimensions, and the shapes of tensors as numbers.

use super::constants::{order, wrapped};
use super::layers::LARGEST;
use super::view::{Axis, View, whole};
use super::{Call, Lowering, Reader, Refusal, Value, refuse};
use crate::graph::op::Upsample;
use crate::import::model::{Array, broadcast};

pub(super) const OPERATORS: &[(&str, Reader)] = &[
    ("Identity", same),
    ("Dropout", same),
    ("Cast", cast),
    ("Reshape", reshape),
    ("Flatten", flatten),
    ("Squeeze", squeeze),
    ("Unsqueeze", unsqueeze),
    ("Transpose", transpose),
    ("Shape", shape),
    ("Expand", expand),
    ("Tile", tile),
];

/// What it reads; a second output of a dropout is never read when it is executed.
fn same(_: &mut Lowering, call: &Call) -> Result<Vec<Value>, Refusal> {
    match &call.inputs.first() {
        Some(Some(value)) => Ok(vec![value.clone()]),
        _ => refuse("reads nothing", "check the model"),
    }
}

/// A type is what says how quotients are rounded.
fn cast(lowering: &mut Lowering, call: &Call) -> Result<Vec<Value>, Refusal> {
    let to = call.node.attributes.int("to");
    Ok(match &same(lowering, call)?[..] {
        [Value::Tensor(view)] => {
            let integer = to.map_or(view.integer, |to| !matches!(to, 1 | 9 | 10 | 11 | 16));
            vec![Value::Tensor(View { integer, ..view.clone() })]
        }
        values => values.to_vec(),
    })
}

/// What a node reads, with other dimensions.
fn with_sizes(lowering: &mut Lowering, call: &Call, sizes: Vec<usize>) -> Result<Vec<Value>, Refusal> {
    let value = match call.inputs.first().and_then(Option::as_ref) {
        Some(Value::Constant(array)) => {
            if sizes.iter().product::<usize>() != array.len() {
                return refuse(format!("makes {sizes:?} of {:?}", array.dims), "check the model");
            }
            Value::Constant(Array { dims: sizes, ..array.clone() })
        }
        _ => {
            let view = lowering.padded(call.tensor(0)?)?;
            match view.reshaped(&sizes) {
                Some(view) => Value::Tensor(view),
                None => {
                    let what = format!("makes {sizes:?} of a tensor {:?}", view.sizes());
                    return refuse(what, "dimensions can be joined, and split into parts that divide them");
                }
            }
        }
    };
    Ok(vec![value])
}

/// The dimensions of what a node reads.
fn sizes_of(call: &Call) -> Result<Vec<usize>, Refusal> {
    Ok(match call.inputs.first().and_then(Option::as_ref) {
        Some(Value::Constant(array)) => array.dims.clone(),
        _ => call.tensor(0)?.sizes(),
    })
}

/// 0 stands for the dimension that is there, -1 for what remains.
fn reshape(lowering: &mut Lowering, call: &Call) -> Result<Vec<Value>, Refusal> {
    let own = sizes_of(call)?;
    let wanted = match call.constant(1).and_then(Array::ints).or_else(|| call.node.attributes.ints("shape")) {
        Some(wanted) => wanted.to_vec(),
        None => return refuse("has a shape that is not constant", "export the model with fixed shapes"),
    };
    let keeps_zero = call.node.attributes.int("allowzero").unwrap_or(0) != 0;
    let total: usize = own.iter().product();
    let mut sizes: Vec<Option<usize>> = Vec::new();
    for (at, size) in wanted.iter().enumerate() {
        sizes.push(match size {
            -1 => None,
            0 if !keeps_zero => Some(own.get(at).copied().unwrap_or(0)),
            size => usize::try_from(*size).ok(),
        });
    }
    let known = |sizes: &[Option<usize>]| {
        sizes.iter().flatten().try_fold(1usize, |product, size| product.checked_mul(*size)).unwrap_or(0)
    };
    let open = sizes.iter().filter(|size| size.is_none()).count();
    // A model that was exported with a larger batch has it in its shapes.
    if let (Some(Some(batch)), true) = (sizes.first().copied(), open == 0)
        && known(&sizes) != total
        && batch > 1
        && known(&sizes) == total.saturating_mul(batch)
    {
        sizes[0] = Some(1);
    }
    let known = known(&sizes);
    let rest = (known > 0 && total.is_multiple_of(known)).then(|| total / known.max(1));
    match rest {
        Some(rest) if open == 1 || open == 0 && rest == 1 => {
            let sizes = sizes.into_iter().map(|size| size.unwrap_or(rest)).collect();
            with_sizes(lowering, call, sizes)
        }
        _ => {
            refuse(format!("makes {wanted:?} of {own:?}"), "check the model: the numbers of elements differ")
        }
    }
}

fn flatten(lowering: &mut Lowering, call: &Call) -> Result<Vec<Value>, Refusal> {
    let own = sizes_of(call)?;
    let axis = call.node.attributes.int("axis").unwrap_or(1);
    let axis = if axis < 0 { axis + own.len() as i64 } else { axis };
    let Some(axis) = usize::try_from(axis).ok().filter(|axis| *axis <= own.len()) else {
        return refuse(format!("flattens dimension {axis} of {own:?}"), "check the model");
    };
    let sizes = vec![own[..axis].iter().product(), own[axis..].iter().product()];
    with_sizes(lowering, call, sizes)
}

/// The axes of a node: an attribute, since version 13 an input.
fn axes(call: &Call, rank: usize) -> Result<Option<Vec<usize>>, Refusal> {
    let given = call.constant(1).and_then(Array::ints).or_else(|| call.node.attributes.ints("axes"));
    let Some(given) = given else { return Ok(None) };
    match given.iter().map(|axis| wrapped(*axis, rank)).collect() {
        Some(axes) => Ok(Some(axes)),
        None => refuse(format!("has axes {given:?} of {rank}"), "check the model"),
    }
}

fn squeeze(lowering: &mut Lowering, call: &Call) -> Result<Vec<Value>, Refusal> {
    let own = sizes_of(call)?;
    let axes = axes(call, own.len())?;
    let goes = |(at, size): &(usize, &usize)| match &axes {
        Some(axes) => axes.contains(at),
        None => **size == 1,
    };
    if own.iter().enumerate().any(|entry| goes(&entry) && *entry.1 != 1) {
        return refuse(format!("leaves out dimensions {axes:?} of {own:?}"), "only those of size 1 can go");
    }
    let sizes = own.iter().enumerate().filter(|entry| !goes(entry)).map(|(_, size)| *size).collect();
    with_sizes(lowering, call, sizes)
}

fn unsqueeze(lowering: &mut Lowering, call: &Call) -> Result<Vec<Value>, Refusal> {
    let own = sizes_of(call)?;
    let count = call.constant(1).map(Array::len).or(call.node.attributes.ints("axes").map(<[i64]>::len));
    let rank = own.len() + count.unwrap_or(0);
    let Some(axes) = axes(call, rank)? else { return refuse("has no axes", "check the model") };
    let mut left = own.into_iter();
    let sizes = (0..rank).map(|at| if axes.contains(&at) { Some(1) } else { left.next() });
    match sizes.collect() {
        Some(sizes) => with_sizes(lowering, call, sizes),
        None => refuse("names an axis twice", "check the model"),
    }
}

fn transpose(_: &mut Lowering, call: &Call) -> Result<Vec<Value>, Refusal> {
    let view: &View = call.tensor(0)?;
    let rank = view.dims.len();
    match order(call.node, rank) {
        Some(order) => Ok(vec![Value::Tensor(view.transposed(&order))]),
        None => refuse(format!("has an order that does not fit {rank} dimensions"), "check the model"),
    }
}

fn shape(_: &mut Lowering, call: &Call) -> Result<Vec<Value>, Refusal> {
    let sizes: Vec<i64> = sizes_of(call)?.into_iter().map(|size| size as i64).collect();
    let rank = sizes.len() as i64;
    let bound = |name: &str, default: i64| {
        let value = call.node.attributes.int(name).unwrap_or(default);
        (if value < 0 { value + rank } else { value }).clamp(0, rank) as usize
    };
    let (start, end) = (bound("start", 0), bound("end", rank));
    Ok(vec![Value::Constant(Array::list(sizes.get(start..end).unwrap_or(&[]).to_vec()))])
}

/// The number of elements; `None` if it is too large for this machine.
fn count(dims: &[usize]) -> Option<usize> {
    dims.iter().try_fold(1usize, |count, size| count.checked_mul(*size))
}

/// The dimensions that a tensor has already: mixq repeats nothing.
fn expand(lowering: &mut Lowering, call: &Call) -> Result<Vec<Value>, Refusal> {
    let own = sizes_of(call)?;
    let wanted = call.required(1)?.ints().unwrap_or(&[]).iter();
    let wanted: Vec<usize> = wanted.map(|size| usize::try_from(*size).unwrap_or(0)).collect();
    match broadcast(&own, &wanted) {
        Some(dims) if count(&dims).is_some() && count(&dims) == count(&own) => {
            with_sizes(lowering, call, dims)
        }
        Some(dims) => repeated(lowering, call, &dims),
        None => refuse(format!("repeats a tensor {own:?} to {wanted:?}"), "both need sizes that fit"),
    }
}

/// Rows and columns of size 1 repeated until the tensor has these dimensions.
fn repeated(lowering: &mut Lowering, call: &Call, dims: &[usize]) -> Result<Vec<Value>, Refusal> {
    let view = lowering.padded(call.tensor(0)?)?;
    let own = view.sizes();
    let (mut factor, mut seen, mut shape) = ([1, 1], view.dims.clone(), view.shape);
    let what = format!("repeats a tensor {own:?} to {dims:?}");
    if dims.len() != own.len() || dims.iter().any(|size| *size > LARGEST) {
        return refuse(what, "mixq repeats rows and columns of size 1");
    }
    for (dim, size) in dims.iter().copied().enumerate().filter(|(dim, size)| own[*dim] != *size) {
        seen[dim] = match lowering.axis_of(&view, dim) {
            Some(Axis::Height) if view.shape.height == 1 => {
                (factor[0], shape.height) = (size, size);
                whole(Axis::Height, size)
            }
            Some(Axis::Width) if view.shape.width == 1 => {
                (factor[1], shape.width) = (size, size);
                whole(Axis::Width, size)
            }
            _ => return refuse(what, "mixq repeats rows and columns of size 1"),
        };
    }
    let made = lowering.layers.add(call.wish(), Upsample { factor }, &[&view], shape)?;
    Ok(vec![Value::Tensor(View { source: made.source, shape, dims: seen, scaling: Vec::new(), ..view })])
}

fn tile(lowering: &mut Lowering, call: &Call) -> Result<Vec<Value>, Refusal> {
    match call.required(1)?.ints() {
        Some(times) if times.iter().all(|times| *times == 1) => same(lowering, call),
        times => {
            let own = call.tensor(0)?.sizes();
            let times = times.unwrap_or(&[]);
            let fits = times.len() == own.len()
                && times.iter().zip(&own).all(|(times, size)| *times == 1 || *times > 1 && *size == 1);
            if !fits {
                let what = format!("repeats a tensor {own:?} {times:?} times");
                return refuse(what, "mixq repeats rows and columns of size 1; more of them by Resize");
            }
            let dims: Vec<usize> =
                own.iter().zip(times).map(|(size, times)| size * *times as usize).collect();
            repeated(lowering, call, &dims)
        }
    }
}
