//! Fully connected layer.

use mixq_format::Linear;
use mixq_format::layout::{Plan, STRIP};

use super::{requantise, split, with_memory};
use crate::arch::armv7em::Tables;
use crate::arch::armv7em::linear::{Loops, Strips, usual};
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
    with_memory(&plan, false, |own| {
        execute(table, parameters, arena, &plan, const { &Loops::of(X, W) }, own)
    });
}

#[inline(never)]
fn execute(table: &Linear, parameters: &[u8], arena: &mut [u8], plan: &Plan, loops: &Loops, own: &mut [u32]) {
    let [w_bits, x_bits] = [table.weight_bits, table.input.bits].map(|bits| bits.count());
    assert!([w_bits, x_bits] == [loops.weight_bits, loops.widen.bits]);
    let tables = Tables::new(&table.requant, &table.output, parameters);
    let (input, output, memory) = split(arena, [&table.input, &table.output], plan, own);
    let elements = 8 * input.len() / x_bits;
    let interval = plan.proof.interval.into();
    let chunk = elements.min(plan.proof.chunk.into()).min(2 * memory.len()) & !15;
    let channels = usize::from(table.output.channels);
    let filter_bytes = elements * w_bits / 8;
    let weights = &parameters[table.weights as usize..][..channels * filter_bytes];
    let in_strips = channels / STRIP * STRIP;
    let (strips, rest) = weights.split_at(in_strips * filter_bytes);

    let mut input_sum = 0;
    let mut channel = 0;
    if chunk == elements {
        input_sum = loops.widen.run(input, &mut memory[..elements / 2]);
        if usual(&tables) {
            let strips = Strips { weights: strips, x: &memory[..elements / 2], input_sum, interval };
            channel = in_strips;
            loops.codes(&strips, &tables, &mut output[..table.output.bits.row_bytes(channel)]);
        }
    }
    let mut writer = PixelWriter::new(&mut output[table.output.bits.row_bytes(channel)..], table.output.bits);
    let mut put = |channel: usize, sums: &mut [i32], input_sum: i32| {
        requantise(&tables, channel, sums, 1, input_sum);
        writer.push_all(sums);
    };
    while channel < in_strips {
        let weights = &strips[channel * filter_bytes..][..STRIP * filter_bytes];
        let mut sums = [0i32; STRIP];
        if chunk < elements {
            input_sum = 0;
        }
        for first in (0..elements).step_by(chunk) {
            let x = &mut memory[..chunk.min(elements - first) / 2];
            let mut of_chunk = input_sum;
            if chunk < elements {
                of_chunk = loops.widen.run(&input[first * x_bits / 8..], x);
                input_sum += of_chunk;
            }
            let bytes = 2 * x.len() * w_bits / 8 * STRIP;
            let weights = &weights[first * w_bits / 8 * STRIP..][..bytes];
            let mut more = [0; STRIP];
            loops.sums(&Strips { weights, x, input_sum: of_chunk, interval }, &mut more);
            sums.iter_mut().zip(more).for_each(|(sum, more)| *sum = sum.wrapping_add(more));
        }
        put(channel, &mut sums, input_sum);
        channel += STRIP;
    }
    // The channels that fill no strip, as they are in the artifact.
    for (filter, channel) in rest.chunks_exact(filter_bytes).zip(in_strips..) {
        let (dot, input_sum) = plain([input, filter], [x_bits, w_bits], elements);
        put(channel, &mut [dot], input_sum);
    }
    writer.finish();
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
