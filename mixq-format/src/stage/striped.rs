//! The proof that a layer of a stage fits its parameters and its arena, whatever rows it works on.

use super::{Stripe, Turns};
use crate::{Checked, Layer, Tensor, rules};

/// The table of a layer of a stage, with whole tensors, and how many rows the place of each tensor holds.
///
/// Only `new` makes one: the compiler checks that the places lie in the arena, and that the output lies over
/// no input. Where it may lie over one of which the arena holds all rows, each stripe is checked instead.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub struct Striped<T, const PARAMETERS: usize, const ARENA: usize>(Held<T>);

/// A table, and how much of its tensors the arena holds.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct Held<T> {
    table: T,
    /// Rows of the first input, the second, the output.
    held: [u16; 3],
    /// Whether the place of the output lies over that of an input.
    overlaps: bool,
}

impl<T: Stripe, const PARAMETERS: usize, const ARENA: usize> Striped<T, PARAMETERS, ARENA> {
    /// Calls a kernel with the layer on the rows that it computes in this turn, if it computes some.
    ///
    /// * `layer`: its index in the stage.
    ///
    /// # Panics
    /// If the rows are not among those that the places hold, or windows do not meet them.
    #[inline(always)]
    pub fn stripe(
        &self,
        turns: &Turns<'_>,
        layer: usize,
        arena: &mut [u8; ARENA],
        kernel: impl FnOnce(&Checked<T, PARAMETERS, ARENA>, &mut [u8; ARENA]),
    ) {
        if turns.makes_rows(arena, layer) {
            let table = Checked::of_rows(self.0.narrowed(turns, layer, arena));
            kernel(&table, arena);
        }
    }
}

impl<T: Stripe> Held<T> {
    /// The table on the rows of this turn, of which there are some.
    // Not inlined: one function for all layers of a kind, whose stack is free again when kernels are called.
    #[inline(never)]
    fn narrowed(&self, turns: &Turns<'_>, layer: usize, arena: &[u8]) -> T {
        let rows = turns.rows(arena, layer).expect("the layer makes rows in this turn");
        let Held { table: whole, held, overlaps } = self;
        let mut table = *whole;
        table.narrow(&rows);
        let mut holds = table.fits(whole);
        let tensors = table.tensors();
        for (which, tensor) in tensors.into_iter().enumerate() {
            // Of a single input there is no second one.
            let Some(tensor) = tensor else { continue };
            let end = u32::from(rows.first[which]) + u32::from(tensor.height);
            holds &= tensor.height > 0 && end <= u32::from(held[which]);
        }
        if *overlaps && let [Some(first), second, Some(output)] = tensors {
            let apart = |input: &Tensor, may_be_in_place: bool| {
                may_be_in_place && input.offset == output.offset || !rules::meet(input, output)
            };
            holds &= apart(first, T::IN_PLACE[0]);
            holds &= second.is_none_or(|second| apart(second, T::IN_PLACE[1]));
        }
        assert!(holds, "rows that a stage does not hold");
        table
    }
}

macro_rules! tables {
    ($($table:ident as $layer:ident),*) => {$(
        impl<const PARAMETERS: usize, const ARENA: usize> Striped<crate::$table, PARAMETERS, ARENA> {
            /// Checks a table whose tensors hold these rows: the first input, the second, the output.
            ///
            /// # Panics
            /// If it breaks a rule; the message says which.
            pub const fn new(table: crate::$table, held: [u16; 3]) -> Self {
                match rules::striped(&Layer::$layer(table), held, PARAMETERS, ARENA) {
                    Ok(overlaps) => Striped(Held { table, held, overlaps }),
                    Err(reason) => panic!("{}", reason),
                }
            }
        }
    )*};
}

tables!(
    Add as Add,
    Constants as Constants,
    Conv as Conv,
    Depthwise as Depthwise,
    Elementwise as Elementwise,
    GroupedConv as GroupedConv,
    Multiply as Multiply,
    Pool as AveragePool,
    Prelu as Prelu,
    Rearrange as Rearrange,
    Resize as Resize
);
