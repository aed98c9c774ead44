//! Fully connected layer.

use mixq_format::layout::{LEAST_SCRATCH, Plan, STRIP};
use mixq_format::{Bits, Linear};

use super::conv::push;
use super::{split, with_memory};
use crate::arch::armv7em::Tables;
use crate::arch::armv7em::linear::{Loops, Outcome, Strips, usual};
use crate::tensor::PixelWriter;

/// Executes a fully connected layer with `X`-bit input and `W`-bit weights; any width of output.
///
/// # Panics
/// For layers that [`armv7em_takes`](mixq_format::layout::armv7em_takes) does not take.
#[inline(always)]
pub fn linear<const X: usize, const W: usize>(
    table: &Linear,
    parameters: &[u8],
    arena: &mut [u8],
    plan: &Plan,
) {
    with_memory::<{ LEAST_SCRATCH / 4 }>(plan, |own| {
        execute(table, parameters, arena, plan, const { &Loops::of(X, W) }, own)
    });
}

#[inline(never)]
fn execute(table: &Linear, parameters: &[u8], arena: &mut [u8], plan: &Plan, loops: &Loops, own: &mut [u32]) {
    let (w_bits, x_bits) = (table.weight_bits.count(), table.input.bits.count());
    assert!(w_bits == loops.weight_bits && x_bits == loops.widen.bits);
    let tables = Tables::new(&table.requant, &table.output, parameters);
    let (input, output, memory) = split(arena, [&table.input, &table.output], plan, own);
    let interval = plan.proof.interval.into();
    let elements = table.input.elements();
    let chunk = elements.min(plan.proof.chunk.into()).min(2 * memory.len()) & !15;
    let channels = usize::from(table.output.channels);
    let in_strips = channels & !(STRIP - 1);
    let filter_bytes = elements * w_bits / 8;
    let weights = part(parameters, table.weights as usize, channels * filter_bytes);

    let (mut channel, mut output) = (0, output);
    let logits = table.output.bits == Bits::B32;
    if chunk == elements && (logits || usual(&tables)) {
        let x = &mut memory[..elements / 2];
        let input_sum = loops.widen(input, x);
        let (written, after) = output.split_at_mut(table.output.bits.row_bytes(in_strips));
        let weights = part(weights, 0, in_strips * filter_bytes);
        written.fill(0);
        let outcome = if logits { Outcome::Sums } else { Outcome::Codes };
        loops.run(&Strips { weights, x, input_sum, interval }, &tables, outcome, written);
        if logits {
            tables.requantise::<1>(0, bytemuck::cast_slice_mut(written), 1, input_sum);
        }
        (channel, output) = (in_strips, after);
    }
    let mut writer = PixelWriter::new(output, table.output.bits);
    while channel < channels {
        let (mut sums, mut input_sum, mut count) = ([0i32; STRIP], 0, STRIP);
        if channel < in_strips {
            let mut first = 0;
            while first < elements {
                let size = chunk.min(elements - first);
                let x = &mut memory[..size / 2];
                let codes = part(input, first * x_bits / 8, size * x_bits / 8);
                let start = (channel * elements + first * STRIP) * w_bits / 8;
                let weights = part(weights, start, size * w_bits / 8 * STRIP);
                let sum_of_chunk = loops.widen(codes, x);
                let strip = Strips { weights, x, input_sum: sum_of_chunk, interval };
                loops.run(&strip, &tables, Outcome::Sums, bytemuck::cast_slice_mut(&mut sums));
                input_sum += sum_of_chunk;
                first += size;
            }
        } else {
            // A channel that fills no strip, as it is in the artifact.
            let filter = part(weights, channel * filter_bytes, filter_bytes);
            (sums[0], input_sum) = plain([input, filter], [x_bits, w_bits], elements);
            count = 1;
        }
        let sums = &mut sums[..count];
        tables.requantise::<1>(channel, bytemuck::cast_slice_mut(sums), 1, input_sum);
        sums.iter().for_each(|sum| push(&mut writer, *sum));
        channel += count;
    }
    writer.finish();
}

/// Apart: it panics in one place.
#[inline(never)]
fn part(bytes: &[u8], start: usize, length: usize) -> &[u8] {
    &bytes[start..][..length]
}

/// `sum(q_x s_w)` and `sum(q_x)` over packed codes and weights.
#[inline(never)]
fn plain([input, filter]: [&[u8]; 2], [x_bits, w_bits]: [usize; 2], elements: usize) -> (i32, i32) {
    let (mut dot, mut input_sum) = (0i32, 0);
    for element in 0..elements {
        let x = code(input, element, x_bits);
        let above = 32 - w_bits;
        let w = code(filter, element, w_bits) << above >> above;
        dot = dot.wrapping_add(x * w);
        input_sum += x;
    }
    (dot, input_sum)
}

/// Code `index` of packed codes.
fn code(row: &[u8], index: usize, bits: usize) -> i32 {
    let bit = index * bits;
    i32::from(row[bit / 8] >> (bit % 8)) & ((1 << bits) - 1)
}
