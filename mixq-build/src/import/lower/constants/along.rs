//! What is computed along a dimension of a constant: softmax, largest elements.

use super::wrapped;
use crate::import::model::{Array, Node};

/// A softmax, its logarithm, or the index of the largest number.
pub(super) fn along(node: &Node, array: &Array) -> Option<Array> {
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
    for (row, largest) in largest.iter_mut().enumerate() {
        let at = |index: usize| (row / inner * size + index) * inner + row % inner;
        let own: Vec<f64> = (0..size).map(|index| f64::from(numbers[at(index)])).collect();
        let most = own.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        *largest = own.iter().position(|value| *value == most).unwrap_or(0) as i64;
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

/// The largest elements along a dimension and their indices, the largest first; of equal ones the first.
pub(super) fn largest(node: &Node, array: &Array, count: i64) -> Option<Vec<Array>> {
    let axis = wrapped(node.attributes.int("axis").unwrap_or(-1), array.dims.len())?;
    let size = array.dims[axis];
    let count = usize::try_from(count).ok().filter(|count| *count <= size)?;
    let ascending = node.attributes.int("largest").unwrap_or(1) == 0;
    let inner: usize = array.dims[axis + 1..].iter().product();
    let outer: usize = array.dims[..axis].iter().product();
    let numbers = array.to_floats();
    let mut dims = array.dims.clone();
    dims[axis] = count;
    let mut places = vec![0; outer * count * inner];
    for row in 0..outer * inner {
        let at = |index: usize| (row / inner * size + index) * inner + row % inner;
        let mut order: Vec<usize> = (0..size).collect();
        order.sort_by(|a, b| {
            let falling = numbers[at(*b)].total_cmp(&numbers[at(*a)]);
            if ascending { falling.reverse() } else { falling }
        });
        for (rank, index) in order.into_iter().take(count).enumerate() {
            places[(row / inner * count + rank) * inner + row % inner] = index;
        }
    }
    let place = |(at, index): (usize, &usize)| (at / (count * inner) * size + index) * inner + at % inner;
    let values = array.gathered(dims.clone(), places.iter().enumerate().map(place));
    let indices = Array::list(places.iter().map(|index| *index as i64).collect());
    Some(vec![values, Array { dims, ..indices }])
}
