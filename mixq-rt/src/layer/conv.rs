//! Standard convolution, pointwise included.

use mixq_format::Conv;

use super::{Loops, Taps, filters, for_each_pixel};
use crate::requant::{Requantiser, Rule};
use crate::tensor::{PixelWriter, split};

/// Executes a convolution with `X`-bit input and `W`-bit weights, and the rule that
/// its table names; any width of output.
#[inline(never)]
pub fn conv<const X: usize, const W: usize>(layer: &Conv, rule: Rule, parameters: &[u8], arena: &mut [u8]) {
    execute(layer, rule, parameters, arena, const { &Loops::of::<X, W>() });
}

#[inline(never)]
fn execute(layer: &Conv, rule: Rule, parameters: &[u8], arena: &mut [u8], loops: &Loops) {
    let (input, output) = split(arena, &layer.input, &layer.output);
    let requant = Requantiser::new(&layer.requant, rule, &layer.output, parameters);
    let needs_input_sum = requant.needs_input_sum(layer.output.channels);
    let filter_bytes = usize::from(layer.window.kernel_height) * filter_row_bytes(layer);

    for_each_pixel(&layer.window, &layer.input, &layer.output, output, &mut |rows, columns, pixel| {
        let view = View { layer, loops, input, rows, columns };
        let input_sum = if needs_input_sum { view.input_sum() } else { 0 };
        let mut writer = PixelWriter::new(pixel, layer.output.bits);
        let filters = filters(parameters, layer.weights, filter_bytes, layer.output.channels);
        for (channel, filter) in filters.enumerate() {
            requant.write(&mut writer, channel, view.dot(filter), input_sum);
        }
        writer.finish();
    });
}

/// Bytes of a row of taps.
#[inline(always)]
fn filter_row_bytes(layer: &Conv) -> usize {
    let channels = usize::from(layer.input.channels);
    usize::from(layer.window.kernel_width) * layer.weight_bits.row_bytes(channels)
}

/// What the window of one output pixel sees.
struct View<'a> {
    layer: &'a Conv,
    loops: &'a Loops,
    input: &'a [u8],
    rows: Taps,
    columns: Taps,
}

impl<'a> View<'a> {
    /// The input pixels that a row of taps sees, unless it lies in the padding.
    #[inline(always)]
    fn seen(&self, row: usize) -> Option<&'a [u8]> {
        let input = &self.layer.input;
        let first = self.rows.see(row)? * usize::from(input.width) + self.columns.first;
        let pixel_bytes = input.pixel_bytes();
        Some(&self.input[first * pixel_bytes..][..self.columns.count() * pixel_bytes])
    }

    /// `sum(q_x)` over the window; the padding holds the input's zero point.
    #[inline(never)]
    fn input_sum(&self) -> i32 {
        let (window, input) = (&self.layer.window, &self.layer.input);
        let channels = usize::from(input.channels);
        let taps = usize::from(window.kernel_height) * usize::from(window.kernel_width);
        let padded = (taps - self.rows.count() * self.columns.count()) * channels;
        let mut sum = (padded as i32).wrapping_mul(i32::from(input.zero_point));
        for row in self.rows.start..self.rows.end {
            if let Some(x) = self.seen(row) {
                sum = sum.wrapping_add((self.loops.sum_codes)(x, channels));
            }
        }
        sum
    }

    /// `sum(q_x s_w)` over the window; the padding holds the input's zero point.
    #[inline(never)]
    fn dot(&self, filter: &[u8]) -> i32 {
        let channels = usize::from(self.layer.input.channels);
        let zero_point = i32::from(self.layer.input.zero_point);
        let w_row = self.layer.weight_bits.row_bytes(channels);
        let mut dot = 0i32;
        for (row, w) in filter.chunks(filter_row_bytes(self.layer)).enumerate() {
            let mut right = w;
            if let Some(x) = self.seen(row) {
                let (left, rest) = w.split_at(self.columns.start * w_row);
                let (seen, rest) = rest.split_at(self.columns.count() * w_row);
                dot = dot.wrapping_add((self.loops.dot)(x, seen, channels));
                if zero_point != 0 {
                    let padded = (self.loops.sum_weights)(left, channels);
                    dot = dot.wrapping_add(zero_point.wrapping_mul(padded));
                }
                right = rest;
            }
            if zero_point != 0 {
                let padded = (self.loops.sum_weights)(right, channels);
                dot = dot.wrapping_add(zero_point.wrapping_mul(padded));
            }
        }
        dot
    }
}
