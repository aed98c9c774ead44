//! Elements of constants at other places.

use super::{fits, wrapped};
use crate::import::model::{Array, Values};

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
