//! Rows that come from outside, as from a camera.

use core::fmt;

use super::turns::{Count, Turns};
use crate::Line;

/// Why rows are not taken, or outputs not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowsError {
    /// What was pushed is not of whole rows. Nothing of it was taken.
    Partial {
        /// Elements of the slice that was pushed: bytes, or samples.
        elements: usize,
        /// Elements of a row.
        row: usize,
    },
    /// There are more rows than the image lacks. Nothing of them was taken.
    TooMany {
        /// Rows that were pushed.
        rows: usize,
        /// Rows that the image lacks.
        left: usize,
    },
    /// Rows are missing at the end of the image.
    Missing {
        /// Rows that the image lacks.
        left: usize,
        /// Rows of an image.
        height: usize,
    },
}

impl fmt::Display for RowsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RowsError::Partial { elements, row } => {
                write!(f, "{elements} elements are not whole rows: a row has {row}")
            }
            RowsError::TooMany { rows, left } => {
                write!(f, "{rows} rows are too many: the image lacks {left}")
            }
            RowsError::Missing { left, height } => {
                write!(f, "of the {height} rows of the image {left} are missing")
            }
        }
    }
}

impl core::error::Error for RowsError {}

/// The turns of a stage that is fed.
impl Turns<'_> {
    /// Whether a slice of `elements` elements, of which a row has `row`, can be taken.
    ///
    /// # Errors
    /// It is not of whole rows, or has more rows than the image lacks.
    pub fn accepts(&self, arena: &[u8], elements: usize, row: usize) -> Result<(), RowsError> {
        if !elements.is_multiple_of(row) {
            return Err(RowsError::Partial { elements, row });
        }
        let (rows, left) = (elements / row, self.left(arena));
        if rows > left { Err(RowsError::TooMany { rows, left }) } else { Ok(()) }
    }

    /// Whether all rows of the image were taken.
    ///
    /// # Errors
    /// Some are missing.
    pub fn is_fed(&self, arena: &[u8]) -> Result<(), RowsError> {
        let (left, height) = (self.left(arena), usize::from(self.input().height));
        if left > 0 { Err(RowsError::Missing { left, height }) } else { Ok(()) }
    }

    /// Takes of the front of `rows` as many rows as this turn lacks. `true`: all that it needs are there, so
    /// it is to be executed, and [`Turns::next`] goes on. `false`: it lacks some, and all of `rows` were
    /// taken. Rows that no turn needs are taken, and dropped.
    ///
    /// * `row`: elements of a row.
    /// * `write`: makes the bytes of some rows of their elements.
    ///
    /// # Panics
    /// If [`Turns::accepts`] refuses the rows, or the place of the input does not fit the arena.
    pub fn take<T>(
        &self,
        arena: &mut [u8],
        rows: &mut &[T],
        row: usize,
        write: impl Fn(&[T], &mut [u8]),
    ) -> bool {
        let (index, line) = (usize::from(self.layers), self.input());
        let [there, needed] = self.made(arena, index);
        let is_over = self.is_over(arena);
        let wanted = if is_over { self.left(arena) } else { usize::from(needed - there) };
        let taken = wanted.min(rows.len() / row);
        let (elements, rest) = rows.split_at(taken * row);
        *rows = rest;
        if !is_over && taken > 0 {
            let bytes = line.row_bytes as usize;
            let start = line.offset as usize + usize::from(there - self.base(arena, line.place)) * bytes;
            write(elements, &mut arena[start..start + taken * bytes]);
        }
        self.set(arena, index, Count::Before, there + taken as u16);
        !is_over && taken == wanted
    }

    /// Rows that the image lacks.
    pub fn left(&self, arena: &[u8]) -> usize {
        let [there, _] = self.made(arena, usize::from(self.layers));
        usize::from(self.input().height - there)
    }

    /// The line of the input.
    fn input(&self) -> &Line {
        &self.lines[usize::from(self.layers)]
    }
}
