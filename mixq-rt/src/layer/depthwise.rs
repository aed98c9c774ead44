//! Depthwise convolution.

use mixq_format::Depthwise;

use super::{Taps, for_each_pixel};
use crate::arch;
use crate::requant::{Requantiser, Rule};
use crate::tensor::{CHUNK, PixelWriter, chunk, row_bytes, split, weight};

/// Executes a depthwise convolution with `X`-bit input and `W`-bit weights, and the rule that
/// its table names; any width of output.
#[inline(never)]
pub fn depthwise<const X: usize, const W: usize>(
    layer: &Depthwise,
    rule: Rule,
    parameters: &[u8],
    arena: &mut [u8],
) {
    let accumulate = |view: &View, index| view.accumulate::<X, W>(index);
    let pad = |view: &View, index, sums: &mut Accumulators| view.pad::<W>(index, sums);
    execute(layer, rule, parameters, arena, accumulate, pad);
}

#[inline(never)]
fn execute(
    layer: &Depthwise,
    rule: Rule,
    parameters: &[u8],
    arena: &mut [u8],
    accumulate: fn(&View, usize) -> Accumulators,
    pad: fn(&View, usize, &mut Accumulators),
) {
    let (input, output) = split(arena, &layer.input, &layer.output);
    let requant = Requantiser::new(&layer.requant, rule, &layer.output, parameters);
    let weights = &parameters[layer.weights as usize..];
    let channels = usize::from(layer.input.channels);

    for_each_pixel(&layer.window, &layer.input, &layer.output, output, &mut |rows, columns, pixel| {
        let view = View { layer, input, weights, rows, columns };
        let mut writer = PixelWriter::new(pixel, layer.output.bits);
        for first in (0..channels).step_by(CHUNK) {
            let mut sums = accumulate(&view, first / CHUNK);
            if layer.input.zero_point != 0 {
                pad(&view, first / CHUNK, &mut sums);
            }
            for ((channel, dot), input) in (first..channels).zip(&sums.dots).zip(&sums.inputs) {
                requant.write(&mut writer, channel, *dot, *input);
            }
        }
        writer.finish();
    });
}

/// Sums over a window of eight channels.
struct Accumulators {
    /// `sum(q_x s_w)`.
    dots: [i32; CHUNK],
    /// `sum(q_x)`.
    inputs: [i32; CHUNK],
}

/// What the window of one output pixel sees.
struct View<'a> {
    layer: &'a Depthwise,
    input: &'a [u8],
    weights: &'a [u8],
    rows: Taps,
    columns: Taps,
}

impl View<'_> {
    /// Adds up the taps that meet the input, for a chunk of channels.
    fn accumulate<const X: usize, const W: usize>(&self, index: usize) -> Accumulators {
        let (input, columns) = (&self.layer.input, self.columns);
        let channels = usize::from(input.channels);
        let (x_row, w_row) = (row_bytes::<X>(channels), row_bytes::<W>(channels));
        let (mut x_buffer, mut w_buffer) = ([0; X], [0; W]);
        let mut dots = [0; CHUNK];
        let mut inputs = [0; CHUNK];
        for row in 0..self.rows.count() {
            let pixel = (self.rows.first + row) * usize::from(input.width) + columns.first;
            let tap = (self.rows.start + row) * usize::from(self.layer.window.kernel_width) + columns.start;
            let mut x = &self.input[pixel * x_row..][..columns.count() * x_row];
            let mut w = &self.weights[tap * w_row..][..columns.count() * w_row];
            while !x.is_empty() {
                arch::multiply_accumulate::<X, W>(
                    &mut dots,
                    &mut inputs,
                    chunk(&x[..x_row], index, &mut x_buffer),
                    chunk(&w[..w_row], index, &mut w_buffer),
                );
                (x, w) = (&x[x_row..], &w[w_row..]);
            }
        }
        Accumulators { dots, inputs }
    }

    /// Adds the taps in the padding, which holds the input's zero point.
    fn pad<const W: usize>(&self, index: usize, sums: &mut Accumulators) {
        let zero_point = i32::from(self.layer.input.zero_point);
        let channels = usize::from(self.layer.input.channels);
        for (lane, channel) in (index * CHUNK..channels).take(CHUNK).enumerate() {
            let mut rows = self.weights.chunks(row_bytes::<W>(channels));
            for row in 0..usize::from(self.layer.window.kernel_height) {
                for (column, w) in (0..usize::from(self.layer.window.kernel_width)).zip(&mut rows) {
                    if self.rows.see(row).is_none() || self.columns.see(column).is_none() {
                        let product = zero_point * weight::<W>(w, channel);
                        sums.dots[lane] = sums.dots[lane].wrapping_add(product);
                        sums.inputs[lane] = sums.inputs[lane].wrapping_add(zero_point);
                    }
                }
            }
        }
    }
}
