//! Tensors of which a file has the values that are not 0 (`SparsityParameters`).
//!
//! Dimensions are walked in an order of their own. Each has all its indices, or a list of those that hold
//! values. A dimension may be split into blocks: the dimensions behind the first ones are those of a block.

use super::flatbuffer::{Damaged, Table};
use crate::import::model::{MOST_ELEMENTS, Values, strides};

/// How a dimension is written.
#[derive(Clone, Debug)]
enum Dimension {
    /// All of so many indices.
    Dense(usize),
    /// By entry of the dimension before: where its indices begin; and all indices.
    Sparse(Vec<usize>, Vec<usize>),
}

/// How a tensor is written.
#[derive(Clone, Debug)]
pub(super) struct Sparse {
    order: Vec<i32>,
    blocks: Vec<i32>,
    dimensions: Vec<Dimension>,
}

impl Sparse {
    pub(super) fn read(table: &Table) -> Result<Sparse, Damaged> {
        let mut dimensions = Vec::new();
        for dimension in table.tables(2)? {
            dimensions.push(match dimension.byte(0, 0)? {
                0 => Dimension::Dense(usize::try_from(dimension.int(1, 0)?).unwrap_or(0)),
                _ => Dimension::Sparse(indices(&dimension, 2)?, indices(&dimension, 4)?),
            });
        }
        Ok(Sparse { order: table.ints(0)?, blocks: table.ints(1)?, dimensions })
    }

    /// The tensor with its zeros: its dimensions and values. `values` reads so many of the file's.
    pub(super) fn dense(
        &self,
        dims: &[i64],
        values: impl Fn(usize) -> Values,
    ) -> Result<(Vec<usize>, Values), String> {
        let dims: Vec<usize> = dims.iter().map(|size| usize::try_from(*size).unwrap_or(1)).collect();
        let count = dims.iter().try_fold(1usize, |count, size| count.checked_mul(*size));
        let count = count.filter(|count| *count <= MOST_ELEMENTS).ok_or("is sparse, and too large")?;
        let places = self.places(&dims).ok_or("is sparse, and its indices do not fit its shape")?;
        let given = values(places.len());
        if given.len() != places.len() {
            return Err(format!("is sparse, and has {} values for {} indices", given.len(), places.len()));
        }
        let dense = match given {
            Values::Floats(given) => {
                let mut dense = vec![0.0; count];
                places.iter().zip(given).for_each(|(place, value)| dense[*place] = value);
                Values::Floats(dense)
            }
            Values::Ints(given) => {
                let mut dense = vec![0; count];
                places.iter().zip(given).for_each(|(place, value)| dense[*place] = value);
                Values::Ints(dense)
            }
        };
        Ok((dims, dense))
    }

    /// Where each value lies; `None` if the lists do not fit each other.
    fn places(&self, dims: &[usize]) -> Option<Vec<usize>> {
        let rank = dims.len();
        let levels = self.dimensions.len();
        if self.order.len() != levels || levels != rank + self.blocks.len() {
            return None;
        }
        let order: Vec<usize> = self
            .order
            .iter()
            .map(|dim| usize::try_from(*dim).ok().filter(|dim| *dim < levels))
            .collect::<Option<_>>()?;
        let blocked: Vec<usize> = self
            .blocks
            .iter()
            .map(|dim| usize::try_from(*dim).ok().filter(|dim| *dim < rank))
            .collect::<Option<_>>()?;
        // Sizes of blocks, by the dimension that they are of.
        let mut block = vec![1usize; rank];
        for (level, dim) in order.iter().enumerate().filter(|(_, dim)| **dim >= rank) {
            match self.dimensions[level] {
                Dimension::Dense(size) if size > 0 => block[blocked[dim - rank]] = size,
                _ => return None,
            }
        }
        // By level: how far an index of it moves.
        let steps = strides(dims);
        let step = |dim: usize| match dim.checked_sub(rank) {
            None => steps[dim] * block[dim],
            Some(inner) => steps[blocked[inner]],
        };
        // A value's place, and its entry in the level before.
        let mut open: Vec<(usize, usize)> = vec![(0, 0)];
        let most = dims.iter().product::<usize>();
        for (level, dim) in order.iter().enumerate() {
            let step = step(*dim);
            let moved = |index: usize| index.checked_mul(step).filter(|by| *by < most);
            let mut next = Vec::new();
            for (place, entry) in open {
                match &self.dimensions[level] {
                    Dimension::Dense(size) => {
                        moved(size.saturating_sub(1))?;
                        if next.len() + size > most {
                            return None;
                        }
                        next.extend((0..*size).map(|index| (place + index * step, entry * size + index)));
                    }
                    Dimension::Sparse(segments, indices) => {
                        let (first, end) = (*segments.get(entry)?, *segments.get(entry + 1)?);
                        for (at, index) in (first..end).zip(indices.get(first..end)?) {
                            next.push((place + moved(*index)?, at));
                        }
                        if next.len() > most {
                            return None;
                        }
                    }
                }
            }
            open = next;
        }
        let places: Vec<usize> = open.into_iter().map(|(place, _)| place).collect();
        places.iter().all(|place| *place < most).then_some(places)
    }
}

/// A list of whole numbers, whose type is field `kind`, and whose table is the next one.
fn indices(table: &Table, kind: usize) -> Result<Vec<usize>, Damaged> {
    let Some(list) = table.table(kind + 1)? else { return Ok(Vec::new()) };
    Ok(match table.byte(kind, 0)? {
        1 => list.ints(0)?.into_iter().map(|index| usize::try_from(index).unwrap_or(usize::MAX)).collect(),
        2 => list.shorts(0)?.into_iter().map(usize::from).collect(),
        _ => list.bytes(0)?.iter().map(|index| usize::from(*index)).collect(),
    })
}
