//! Residual additions of codes; sums and products of codes and constants.

use mixq_format::{Add, Constants, Operands};

use super::asm::add::{execute, with_constants};

/// Executes an addition whose output are codes, of any widths; see [`Add`] for where the output may lie. For
/// logits there is [`portable::add`](crate::target::portable::add).
///
/// # Panics
/// If the output has 32 bits.
#[inline(always)]
pub fn add(operands: Operands<Add>) {
    execute(operands);
}

/// Executes a layer with constants, of any widths; see [`Constants`] for where the output may lie. `PRODUCT`:
/// whether it is a product; else it is a sum.
///
/// # Panics
/// If it is the other one.
#[inline(always)]
pub fn constants<const PRODUCT: bool>(operands: Operands<Constants>) {
    with_constants::<PRODUCT>(operands);
}
