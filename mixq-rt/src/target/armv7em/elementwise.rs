//! Functions of each element, by table.

use mixq_format::{Elementwise, Operands};

use super::asm::elementwise::{bytes, narrow};

/// Executes an elementwise layer that reads and writes `X`-bit codes; see [`Elementwise`] for where the
/// output may lie. For an output of another width there is
/// [`portable::elementwise`](crate::target::portable::elementwise).
///
/// # Panics
/// If input or output have another width.
#[inline(always)]
pub fn elementwise<const X: usize>(operands: Operands<Elementwise>) {
    const { assert!(matches!(X, 2 | 4 | 8), "a code has 8, 4 or 2 bits") };
    if X == 8 { bytes(operands) } else { narrow::<X>(operands) }
}
