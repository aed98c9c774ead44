//! Average and maximum pools.

use mixq_format::Pool;

use crate::arch::armv7em::pool::{AVERAGE, Kernel, MAX, Pixels};
use crate::layer::Taps;

/// Executes an average pool over `X`-bit codes, with halves rounded up. A window has fewer than 2^23 pixels.
#[inline(always)]
pub fn average_pool<const X: usize>(table: &Pool, arena: &mut [u8]) {
    execute(table, arena, &AVERAGE);
}

/// Executes a maximum pool over `X`-bit codes.
#[inline(always)]
pub fn max_pool<const X: usize>(table: &Pool, arena: &mut [u8]) {
    execute(table, arena, &MAX);
}

/// Any width: the table says which.
#[inline(never)]
fn execute(table: &Pool, arena: &mut [u8], kernel: &Kernel) {
    let (window, input, output) = (&table.window, &table.input, &table.output);
    let mut pixels = Pixels::new(arena, table, kernel);
    for y in 0..usize::from(output.height) {
        let rows = Taps::new(y, window.stride_height, window.pad_top, window.kernel_height, input.height);
        for x in 0..usize::from(output.width) {
            let columns =
                Taps::new(x, window.stride_width, window.pad_left, window.kernel_width, input.width);
            pixels.pool(rows, columns);
        }
    }
}
