//! Depthwise convolution.

use mixq_format::Depthwise;

use crate::arch::armv7em::depthwise::{Channels, Loops, columns, strip};
use crate::tensor::split;

/// Executes a depthwise convolution with `X`-bit input, `W`-bit weights and codes of `Y` bits as output, windows of 3x3.
///
/// # Panics
/// For layers that [`armv7em_takes`](mixq_format::layout::armv7em_takes) does not take.
#[inline(always)]
pub fn depthwise<const X: usize, const W: usize, const Y: usize>(
    table: &Depthwise,
    parameters: &[u8],
    arena: &mut [u8],
) {
    assert!(Y == table.output.bits.count());
    execute(table, const { &Loops::of(X, Y) }, parameters, arena);
}

#[inline(never)]
fn execute(table: &Depthwise, loops: &Loops, parameters: &[u8], arena: &mut [u8]) {
    let (input, output) = split(arena, &table.input, &table.output);
    let window = (table.window.kernel_height, table.window.kernel_width);
    assert!(window == (3, 3), "others are portable");
    let channels = Channels::new(table, parameters);
    let codes = usize::from(table.output.channels);
    if !(codes * table.output.bits.count()).is_multiple_of(8) {
        // The bits after the last code.
        output.fill(0);
    }
    let columns = columns(table.window.stride_width.into());
    let width = usize::from(table.output.width);
    let mut first = 0;
    while first < width {
        let count = columns.min(width - first);
        strip(&channels, loops, input, output, [first, count]);
        first += count;
    }
}
