//! Depthwise convolutions.

use mixq_format::{Depthwise, GroupedConv, Operands};

use super::asm::depthwise::{Loops, execute};

/// Executes a depthwise convolution with `X`-bit input, `W`-bit weights and codes of `Y` bits as output.
/// Windows have at most 3 rows and 3 columns. `ODD`: whether the number of channels is odd. `SMALL`: whether
/// windows are smaller than 3x3.
///
/// # Panics
/// If [`takes`](mixq_format::target::armv7em::takes) is false for the layer, or its table has other widths.
#[inline(always)]
pub fn depthwise<const X: usize, const W: usize, const Y: usize, const ODD: bool, const SMALL: bool>(
    operands: Operands<Depthwise>,
) {
    execute(operands, const { &Loops::of(X, W, Y, ODD, SMALL) });
}

/// Executes a convolution whose filters see one channel each, with any number of filters of a channel, and
/// with gaps between taps or without. The const parameters are those of [`depthwise`].
///
/// # Panics
/// If [`takes`](mixq_format::target::armv7em::takes) is false for the layer, or its table has other widths.
#[inline(always)]
pub fn grouped_depthwise<const X: usize, const W: usize, const Y: usize, const SMALL: bool>(
    operands: Operands<GroupedConv>,
) {
    execute(operands, const { &Loops::of_filters(X, W, Y, SMALL) });
}
