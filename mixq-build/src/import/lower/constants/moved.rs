//! Elements of constants at other places.

use super::{fits, wrapped};
use crate::import::model::{Array, Node, Values};

pub(super) fn gather(data: &Array, indices: &Array, axis: usize) -> Option<Array> {
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

pub(super) fn concat(all: &[&Array], axis: usize) -> Option<Array> {
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

/// A constant repeated along each dimension.
pub(super) fn tiled(array: &Array, times: &[i64]) -> Option<Array> {
    let times: Vec<usize> = times.iter().map(|times| usize::try_from(*times).ok()).collect::<Option<_>>()?;
    let dims = array.dims.iter().zip(&times).map(|(size, times)| size.checked_mul(*times));
    let dims: Vec<usize> = dims.collect::<Option<_>>()?;
    if times.len() != array.dims.len() || !fits(&dims) {
        return None;
    }
    let mut array = array.clone();
    for (axis, times) in times.into_iter().enumerate() {
        let size = array.dims[axis] as i64;
        let indices = (0..times).flat_map(|_| 0..size).collect();
        array = gather(&array, &Array::list(indices), axis)?;
    }
    Some(array)
}

/// The parts of a constant along a dimension.
pub(super) fn parts(node: &Node, inputs: &[Option<&Array>], array: &Array) -> Option<Vec<Array>> {
    let axis = wrapped(node.attributes.int("axis").unwrap_or(0), array.dims.len())?;
    let counts = split(node, inputs.get(1).copied().flatten(), array.dims[axis])?;
    let mut first = 0i64;
    let mut parts = Vec::new();
    for count in counts {
        let indices = Array::list((first..first + count as i64).collect());
        parts.push(gather(array, &indices, axis)?);
        first += count as i64;
    }
    Some(parts)
}

/// The sizes of the parts of a Split of `size` indices: given, or equal but for the last.
pub(in crate::import::lower) fn split(node: &Node, given: Option<&Array>, size: usize) -> Option<Vec<usize>> {
    let parts = node.outputs.len().max(1);
    let even = size.div_ceil(parts);
    let given = given.and_then(Array::ints).or_else(|| node.attributes.ints("split"));
    let counts: Vec<usize> = match given {
        Some(counts) => counts.iter().map(|count| usize::try_from(*count).ok()).collect::<Option<_>>()?,
        None => (0..parts).map(|part| even.min(size.saturating_sub(part * even))).collect(),
    };
    let sum = counts.iter().try_fold(0usize, |sum, count| sum.checked_add(*count));
    (sum == Some(size) && !counts.contains(&0) && counts.len() == parts).then_some(counts)
}
