//! Proofs that a layer fits its parameters and its arena, which kernels take instead of loose tables.

use crate::{
    Add, Constants, Conv, Depthwise, Elementwise, GroupedConv, Layer, Linear, Multiply, Pool, Prelu,
    Rearrange, Resize, rules,
};

/// The table of a layer that fits `PARAMETERS` bytes of parameters and an arena of `ARENA` bytes: its
/// tensors, weights and requantisation tables lie inside, the output does not lie over an input, windows meet
/// the input, and sums that do not depend on weights fit 32 bits.
///
/// Only [`new`](Checked::new) makes one. In a `static` or a `const` the compiler executes it: firmware with a
/// table that breaks a rule does not compile, and the device has nothing to check. It takes no more bytes
/// than the table.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub struct Checked<T, const PARAMETERS: usize, const ARENA: usize>(T);

impl<T, const PARAMETERS: usize, const ARENA: usize> Checked<T, PARAMETERS, ARENA> {
    /// The table of a layer on rows of which [`Striped`](crate::Striped) knows that they fit.
    #[inline(always)]
    pub(crate) const fn of_rows(table: T) -> Self {
        Checked(table)
    }
}

/// What a kernel works on: a layer's table, parameters and an arena, which fit together by the rules of
/// [`Checked`].
#[derive(Debug)]
pub struct Operands<'a, T> {
    table: &'a T,
    parameters: &'a [u8],
    arena: &'a mut [u8],
}

impl<'a, T> Operands<'a, T> {
    /// The operands of a layer whose table was checked before. The types say that parameters and arena have
    /// the sizes of the check.
    #[inline(always)]
    pub const fn new<const PARAMETERS: usize, const ARENA: usize>(
        table: &'a Checked<T, PARAMETERS, ARENA>,
        parameters: &'a [u8; PARAMETERS],
        arena: &'a mut [u8; ARENA],
    ) -> Operands<'a, T> {
        Operands { table: &table.0, parameters, arena }
    }

    /// The table.
    #[inline(always)]
    pub const fn table(&self) -> &'a T {
        self.table
    }

    /// The same operands, borrowed for a shorter time.
    #[inline(always)]
    pub const fn reborrow(&mut self) -> Operands<'_, T> {
        Operands { table: self.table, parameters: self.parameters, arena: self.arena }
    }

    /// Table, parameters and arena.
    #[inline(always)]
    pub fn parts(self) -> (&'a T, &'a [u8], &'a mut [u8]) {
        (self.table, self.parameters, self.arena)
    }
}

/// The table of a kind of layer.
pub trait Table: Copy {
    /// A layer with this table. A pool may be either one: both have the same rules.
    fn layer(self) -> Layer;
}

impl<'a, T: Table> Operands<'a, T> {
    /// The operands of a layer that is known at run time only: checks them.
    ///
    /// # Errors
    /// The first rule that the table breaks beside these parameters, in this arena.
    pub fn check(table: &'a T, parameters: &'a [u8], arena: &'a mut [u8]) -> Result<Self, &'static str> {
        rules::layer(&table.layer(), parameters.len(), arena.len())?;
        Ok(Operands { table, parameters, arena })
    }
}

macro_rules! tables {
    ($($table:ident as $layer:ident),*) => {$(
        impl Table for $table {
            fn layer(self) -> Layer {
                Layer::$layer(self)
            }
        }

        impl<const PARAMETERS: usize, const ARENA: usize> Checked<$table, PARAMETERS, ARENA> {
            /// Checks a table.
            ///
            /// # Panics
            /// If it breaks a rule; the message says which.
            // Once for each table: functions of traits are not `const`.
            pub const fn new(table: $table) -> Self {
                match rules::layer(&Layer::$layer(table), PARAMETERS, ARENA) {
                    Ok(()) => Checked(table),
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
    Linear as Linear,
    Multiply as Multiply,
    Pool as AveragePool,
    Prelu as Prelu,
    Rearrange as Rearrange,
    Resize as Resize
);
