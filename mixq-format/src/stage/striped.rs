//! The proof that a layer of a stage fits its parameters and its arena, whatever rows it works on.

use super::{Rows, Stripe};
use crate::{Checked, Layer, rules};

/// The table of a layer of a stage, with whole tensors, and how many rows the place of each tensor holds.
///
/// Only `new` makes one: the compiler checks that the places lie in the arena, and that the output lies over
/// no input.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Striped<T, const PARAMETERS: usize, const ARENA: usize> {
    table: T,
    /// Of the first input, the second, the output; and a half that fills the word.
    held: [u16; 4],
}

impl<T: Stripe, const PARAMETERS: usize, const ARENA: usize> Striped<T, PARAMETERS, ARENA> {
    /// The layer on these rows.
    ///
    /// # Panics
    /// If they are not among the rows that the places hold, or windows do not meet them.
    #[inline(always)]
    pub fn rows(&self, rows: &Rows) -> Checked<T, PARAMETERS, ARENA> {
        Checked::of_rows(narrowed(&self.table, &self.held, rows))
    }
}

/// The table on these rows.
// Not inlined: one function for all layers of a kind.
#[inline(never)]
fn narrowed<T: Stripe>(table: &T, held: &[u16; 4], rows: &Rows) -> T {
    let whole = table;
    let mut table = *whole;
    table.narrow(rows);
    let mut holds = table.fits(whole);
    for (which, height) in table.heights().into_iter().enumerate() {
        // Of a single input there is no second one.
        let Some(height) = height else { continue };
        let end = u32::from(rows.first[which]) + u32::from(height);
        holds &= height > 0 && end <= u32::from(held[which]);
    }
    assert!(holds, "rows that a stage does not hold");
    table
}

macro_rules! tables {
    ($($table:ident as $layer:ident),*) => {$(
        impl<const PARAMETERS: usize, const ARENA: usize> Striped<crate::$table, PARAMETERS, ARENA> {
            /// Checks a table whose tensors hold so many rows: the first input, the second, the output.
            ///
            /// # Panics
            /// If it breaks a rule; the message says which.
            pub const fn new(table: crate::$table, held: [u16; 3]) -> Self {
                match rules::striped(&Layer::$layer(table), held, PARAMETERS, ARENA) {
                    Ok(()) => Striped { table, held: [held[0], held[1], held[2], 0] },
                    Err(reason) => panic!("{}", reason),
                }
            }
        }
    )*};
}

tables!(
    Add as Add,
    Conv as Conv,
    Depthwise as Depthwise,
    Elementwise as Elementwise,
    GroupedConv as GroupedConv,
    Multiply as Multiply,
    Pool as AveragePool,
    Prelu as Prelu
);
