//! Depthwise convolution.

use mixq_format::Depthwise;

use super::asm::depthwise::{Loops, execute};

/// Executes a depthwise convolution with `X`-bit input, `W`-bit weights and codes of `Y` bits as output,
/// windows of 3x3. `ODD`: whether the number of channels is.
///
/// # Panics
/// For layers that [`takes`](mixq_format::target::armv7em::takes) does not take; if weights or tables
/// reach beyond the parameters, or tensors beyond the arena, or the tensors overlap.
#[inline(always)]
pub fn depthwise<const X: usize, const W: usize, const Y: usize, const ODD: bool>(
    table: &Depthwise,
    parameters: &[u8],
    arena: &mut [u8],
) {
    execute(table, const { &Loops::of(X, W, Y, ODD) }, parameters, arena);
}
