//! Functions of each element, by table.

use mixq_format::{Elementwise, Operands};

use super::asm::elementwise::{bytes, doubled, narrow, narrower, quadrupled};

/// Executes an elementwise layer that reads `X`-bit codes and writes `Y`-bit codes; see [`Elementwise`] for
/// where the output may lie. For widths that differ, where a pixel of either tensor ends inside a byte, there
/// is [`portable::elementwise`](crate::target::portable::elementwise).
///
/// # Panics
/// If input or output have another width, or widths differ and a pixel ends inside a byte.
#[inline(always)]
pub fn elementwise<const X: usize, const Y: usize>(operands: Operands<Elementwise>) {
    const { assert!(matches!((X, Y), (2 | 4 | 8, 2 | 4 | 8)), "a code has 8, 4 or 2 bits") };
    match (X, Y) {
        (8, 8) => bytes(operands),
        (2, 8) => quadrupled(operands),
        _ if X == Y => narrow::<X>(operands),
        _ if X < Y => doubled::<X>(operands),
        _ => narrower::<X, Y>(operands),
    }
}
