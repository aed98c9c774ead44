//! Fully connected layer.

use mixq_format::layout::{LEAST_SCRATCH, Plan, STRIP};
use mixq_format::{Bits, Linear};

use super::conv::push;
use super::{requantise, split, with_memory};
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
    plan: Plan,
) {
    with_memory::<{ LEAST_SCRATCH / 4 }>(&plan, |own| {
        execute(table, parameters, arena, &plan, const { &Loops::of(X, W) }, own)
    });
}

#[inline(never)]
fn execute(table: &Linear, parameters: &[u8], arena: &mut [u8], plan: &Plan, loops: &Loops, own: &mut [u32]) {
    let [w_bits, x_bits] = [table.weight_bits, table.input.bits].map(|bits| bits.count());
    assert!([w_bits, x_bits] == [loops.weight_bits, loops.widen.bits]);
    let tables = Tables::new(&table.requant, &table.output, parameters);
    let (input, output, memory) = split(arena, [&table.input, &table.output], plan, own);
    let interval = plan.proof.interval.into();
    let elements = 8 * input.len() / x_bits;
    let chunk = elements.min(plan.proof.chunk.into()).min(2 * memory.len()) & !15;
    let channels = usize::from(table.output.channels);
    let in_strips = channels & !(STRIP - 1);
    let filter_bytes = elements * w_bits / 8;
    let weights = &parameters[table.weights as usize..][..channels * filter_bytes];
    let (mut strips, rest) = weights.split_at(in_strips * filter_bytes);

    let mut channel = 0;
    let mut output = output;
    let logits = table.output.bits == Bits::B32;
    if chunk == elements && (logits || usual(&tables)) {
        let x = &mut memory[..elements / 2];
        let input_sum = loops.widen(input, x);
        let (written, after) = output.split_at_mut(table.output.bits.row_bytes(in_strips));
        let all = Strips { weights: strips, x, input_sum, interval };
        written.fill(0);
        loops.run(&all, &tables, if logits { Outcome::Sums } else { Outcome::Codes }, written);
        if logits {
            requantise(&tables, 0, bytemuck::cast_slice_mut(written), 1, input_sum);
        }
        (output, strips, channel) = (after, &[], in_strips);
    }
    let mut writer = PixelWriter::new(output, table.output.bits);
    for weights in strips.chunks_exact(STRIP * filter_bytes) {
        let (mut sums, mut input_sum) = ([0i32; STRIP], 0);
        let chunks = input.chunks(chunk * x_bits / 8);
        for (codes, weights) in chunks.zip(weights.chunks(chunk * w_bits / 8 * STRIP)) {
            let x = &mut memory[..4 * codes.len() / x_bits];
            let sum_of_chunk = loops.widen(codes, x);
            input_sum += sum_of_chunk;
            let strip = Strips { weights, x, input_sum: sum_of_chunk, interval };
            loops.run(&strip, &tables, Outcome::Sums, bytemuck::cast_slice_mut(&mut sums));
        }
        put(&mut writer, &tables, channel, &mut sums, input_sum);
        channel += STRIP;
    }
    // The channels that fill no strip, as they are in the artifact.
    for filter in rest.chunks_exact(filter_bytes) {
        let (dot, input_sum) = plain([input, filter], [x_bits, w_bits], elements);
        put(&mut writer, &tables, channel, &mut [dot], input_sum);
        channel += 1;
    }
    writer.finish();
}

/// Writes codes or logits of channels from one on.
#[inline(never)]
fn put(writer: &mut PixelWriter, tables: &Tables, channel: usize, sums: &mut [i32], input_sum: i32) {
    requantise(tables, channel, sums, 1, input_sum);
    sums.iter().for_each(|sum| push(writer, *sum));
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
