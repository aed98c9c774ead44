//! Elements that move to other places.

use mixq_format::{Operands, Rearrange};

use super::asm::{interleave, runs};

/// Executes a rearrangement of whole bytes. `INTERLEAVED`: bits of the elements of a layer that
/// [`interleaves`](mixq_format::target::armv7em::interleaves), 0 of other layers. For parts of bytes there is
/// [`portable::rearrange`](crate::target::portable::rearrange).
///
/// # Panics
/// If the layer moves parts of bytes; or if there are bits, and it has others or does not interleave.
#[inline(always)]
pub fn rearrange<const INTERLEAVED: usize>(operands: Operands<Rearrange>) {
    const { assert!(matches!(INTERLEAVED, 0 | 2 | 4 | 8), "a code has 8, 4 or 2 bits") };
    if INTERLEAVED > 0 { interleave::execute::<INTERLEAVED>(operands) } else { runs::execute(operands) }
}
