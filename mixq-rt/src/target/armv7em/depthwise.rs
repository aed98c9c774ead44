//! Depthwise convolution.

use mixq_format::{Depthwise, Operands};

use super::asm::depthwise::{Loops, execute};

/// Executes a depthwise convolution with `X`-bit input, `W`-bit weights and codes of `Y` bits as output,
/// windows of 3x3 or less. `ODD`: whether the number of channels is. `SMALL`: whether windows are smaller than
/// 3x3.
///
/// # Panics
/// For layers that [`takes`](mixq_format::target::armv7em::takes) does not take, or that have other widths.
#[inline(always)]
pub fn depthwise<const X: usize, const W: usize, const Y: usize, const ODD: bool, const SMALL: bool>(
    operands: Operands<Depthwise>,
) {
    execute(operands, const { &Loops::of(X, W, Y, ODD, SMALL) });
}
