//! Average and maximum pool.

use mixq_format::{Operands, Pool};

use super::for_each_pixel;
use crate::target::Taps;
use crate::target::tensor::{CHUNK, PixelWriter, chunk, codes, row_bytes, split};

/// Executes an average pool over `X`-bit codes: the sum over the window's pixels outside the padding,
/// divided by their number `n`, halves rounded up: `floor((2 sum + n) / 2n)`.
///
/// # Panics
/// If the table has another width.
#[inline(always)]
pub fn average_pool<const X: usize>(operands: Operands<Pool>) {
    let (layer, _, arena) = operands.parts();
    execute(layer, arena, |view, index| {
        // No overflow: a window has fewer than 2^23 pixels. 32 bits hold twice the sum of as many 8-bit
        // codes, plus their number.
        let pixels = (view.rows.count() * view.columns.count()) as u32;
        let sums = view.fold::<X>(index, |sum, code| sum + code);
        sums.map(|sum| (2 * sum + pixels) / (2 * pixels))
    });
}

/// Executes a maximum pool over `X`-bit codes, over the window's pixels outside the padding.
///
/// # Panics
/// If the table has another width.
#[inline(always)]
pub fn max_pool<const X: usize>(operands: Operands<Pool>) {
    let (layer, _, arena) = operands.parts();
    execute(layer, arena, |view, index| view.fold::<X>(index, u32::max));
}

#[inline(never)]
fn execute(layer: &Pool, arena: &mut [u8], pool: fn(&View, usize) -> [u32; CHUNK]) {
    let (input, output) = split(arena, &layer.input, &layer.output);
    let channels = usize::from(layer.input.channels);
    for_each_pixel(&layer.window, &layer.input, &layer.output, output, |rows, columns, pixel| {
        let view = View { layer, input, rows, columns };
        let mut writer = PixelWriter::new(pixel, layer.output.bits);
        for first in (0..channels).step_by(CHUNK) {
            let codes = pool(&view, first / CHUNK);
            for (_, code) in (first..channels).zip(&codes) {
                writer.push(*code as i32);
            }
        }
        writer.finish();
    });
}

/// The window of one output pixel.
struct View<'a> {
    layer: &'a Pool,
    input: &'a [u8],
    rows: Taps,
    columns: Taps,
}

impl View<'_> {
    /// For each channel of chunk `index`: folds the codes of the window's pixels, beginning with 0.
    #[inline(always)]
    fn fold<const X: usize>(&self, index: usize, fold: impl Fn(u32, u32) -> u32) -> [u32; CHUNK] {
        let row_bytes = row_bytes::<X>(usize::from(self.layer.input.channels));
        let mut results = [0; CHUNK];
        let mut buffer = [0; X];
        for y in self.rows.first..self.rows.first + self.rows.count() {
            let first = y * usize::from(self.layer.input.width) + self.columns.first;
            for row in self.input[first * row_bytes..][..self.columns.count() * row_bytes].chunks(row_bytes) {
                let codes = codes::<X>(chunk(row, index, &mut buffer));
                for lane in 0..CHUNK {
                    results[lane] = fold(results[lane], codes[lane] as u32);
                }
            }
        }
        results
    }
}
