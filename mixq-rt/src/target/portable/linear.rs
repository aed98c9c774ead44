//! Fully connected layer.

use mixq_format::{Linear, Operands};

use super::{BLOCK, loops};
use crate::target::requant::{Requantiser, RuleFn};
use crate::target::tensor::{PixelWriter, code, row_bytes, split};

/// Executes a fully connected layer with `X`-bit input and `W`-bit weights, and any width of output. `rule`
/// is the rule that its table names.
///
/// # Panics
/// If the table has other widths.
#[inline(always)]
pub fn linear<const X: usize, const W: usize>(operands: Operands<Linear>, rule: RuleFn) {
    let (layer, parameters, arena) = operands.parts();
    execute(layer, rule, parameters, arena, dot::<X, W>, sum_codes::<X>);
}

#[inline(never)]
fn execute(
    layer: &Linear,
    rule: RuleFn,
    parameters: &[u8],
    arena: &mut [u8],
    dot: fn(&[u8], &[u8], usize) -> i32,
    sum_codes: fn(&[u8], usize) -> i32,
) {
    let (input, output) = split(arena, &layer.input, &layer.output);
    let requant = Requantiser::new(&layer.requant, rule, &layer.output, parameters);
    let channels = usize::from(layer.input.channels);
    let filter_bytes = layer.input.pixels() * layer.weight_bits.row_bytes(channels);
    let outputs = usize::from(layer.output.channels);
    let mut weights = &parameters[layer.weights as usize..][..filter_bytes * outputs];

    let needs_input_sum = requant.needs_input_sum(layer.output.channels);
    let input_sum = if needs_input_sum { sum_codes(input, channels) } else { 0 };
    let mut writer = PixelWriter::new(output, layer.output.bits);
    for first in (0..outputs).step_by(BLOCK) {
        let mut dots = [0; BLOCK];
        let dots = &mut dots[..BLOCK.min(outputs - first)];
        for sum in &mut *dots {
            let (filter, rest) = weights.split_at(filter_bytes);
            *sum = dot(input, filter, channels);
            weights = rest;
        }
        requant.write_all(&mut writer, first, dots, input_sum);
    }
    writer.finish();
}

/// `sum(q_x s_w)` over consecutive rows of `channels` elements. If neither codes nor weights have padding at
/// the ends of rows, all rows are taken as one long row.
fn dot<const X: usize, const W: usize>(mut x: &[u8], mut w: &[u8], channels: usize) -> i32 {
    let seamless = (channels * X).is_multiple_of(8) && (channels * W).is_multiple_of(8);
    let (x_row, w_row, elements) = if seamless {
        (x.len(), w.len(), x.len() * 8 / X)
    } else {
        (row_bytes::<X>(channels), row_bytes::<W>(channels), channels)
    };
    let mut dot = 0i32;
    while !x.is_empty() {
        dot = dot.wrapping_add(loops::dot::<X, W>(&x[..x_row], &w[..w_row], elements));
        (x, w) = (&x[x_row..], &w[w_row..]);
    }
    dot
}

/// `sum(q_x)` over consecutive rows.
// Not inlined: called once for all output channels, it need not be fast.
#[inline(never)]
fn sum_codes<const X: usize>(x: &[u8], channels: usize) -> i32 {
    let mut sum = 0i32;
    for row in x.chunks(row_bytes::<X>(channels)) {
        for index in 0..channels {
            sum = sum.wrapping_add(code::<X>(row, index));
        }
    }
    sum
}
