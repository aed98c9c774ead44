//! Residual additions of codes.

use mixq_format::{Add, Operands};

use super::asm::add::execute;

/// Executes an addition whose output are codes, of any widths; see [`Add`] for where the output may lie. For
/// logits there is [`portable::add`](crate::target::portable::add).
///
/// # Panics
/// If the output has 32 bits.
#[inline(always)]
pub fn add(operands: Operands<Add>) {
    execute(operands);
}
