//! Elements that move to other places.

use mixq_format::{Operands, Rearrange};

use super::asm::{interleave, runs};

/// Executes a rearrangement of whole bytes. `INTERLEAVE`: whether it is one that
/// [`interleaves`](mixq_format::target::armv7em::interleaves). For parts of bytes there is
/// [`portable::rearrange`](crate::target::portable::rearrange).
///
/// # Panics
/// If the layer moves parts of bytes, or does not interleave with `INTERLEAVE`.
#[inline(always)]
pub fn rearrange<const INTERLEAVE: bool>(operands: Operands<Rearrange>) {
    if INTERLEAVE { interleave::execute(operands) } else { runs::execute(operands) }
}
