//! Fully connected layer.

use mixq_format::Linear;
use mixq_format::layout::{BLOCK, Plan};

use super::{requantise, split, with_memory};
use crate::arch::armv7em::Tables;
use crate::arch::armv7em::linear::{CHANNELS, Loops};
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
    assert!([w_bits, x_bits] == [loops.blocks.weight_bits.count(), loops.widen.bits]);
    let (input, output, memory) = split(arena, [&table.input, &table.output], plan, own);
    let elements = 8 * input.len() / x_bits;
    let interval = plan.proof.interval.into();
    let chunk = elements.min(plan.proof.chunk.into()).min(2 * memory.len()) & !15;
    let mut results = Results {
        tables: Tables::new(&table.requant, &table.output, parameters),
        offsets: loops.offsets,
        writer: PixelWriter::new(output, table.output.bits),
    };
    let channels = usize::from(table.output.channels);
    let filter_bytes = elements * w_bits / 8;
    let strip_bytes = CHANNELS * filter_bytes;
    let weights = &parameters[table.weights as usize..][..channels * filter_bytes];
    let (strips, rest) = weights.split_at(channels / CHANNELS * strip_bytes);
    if chunk == elements {
        let x = &mut memory[..elements / 2];
        let input_sum = loops.widen.run(input, x);
        loops.strips(strips, strip_bytes, x, interval, |strip, sums| {
            results.write(strip * CHANNELS, sums, input_sum);
        });
    } else {
        for (strip, weights) in strips.chunks_exact(strip_bytes).enumerate() {
            let (mut all, mut input_sum) = ([0i32; CHANNELS], 0);
            for first in (0..elements).step_by(chunk) {
                let x = &mut memory[..chunk.min(elements - first) / 2];
                input_sum += loops.widen.run(&input[first * x_bits / 8..], x);
                let weights = &weights[first * w_bits / 8 * CHANNELS..];
                loops.strips(weights, weights.len(), x, interval, |_, sums| {
                    all.iter_mut().zip(sums).for_each(|(all, sum)| *all = all.wrapping_add(*sum));
                });
            }
            results.write(strip * CHANNELS, &mut all, input_sum);
        }
    }
    // The channels that fill no strip, as they are in the artifact.
    for (filter, channel) in rest.chunks_exact(filter_bytes).zip(channels / CHANNELS * CHANNELS..) {
        let (dot, input_sum) = plain([input, filter], [x_bits, w_bits], elements);
        results.put(channel, &mut [dot], input_sum);
    }
    results.writer.finish();
}

/// What sums become, and where that goes.
struct Results<'a> {
    tables: Tables<'a>,
    /// What was added to weights, by channel of a block.
    offsets: [i32; BLOCK],
    writer: PixelWriter<'a>,
}

impl Results<'_> {
    /// Writes codes or logits of a strip's channels.
    fn write(&mut self, channel: usize, sums: &mut [i32; CHANNELS], input_sum: i32) {
        let [lower, upper] = self.offsets.map(|offset| offset.wrapping_mul(input_sum));
        for [a, b] in sums.as_chunks_mut().0 {
            (*a, *b) = (a.wrapping_sub(lower), b.wrapping_sub(upper));
        }
        self.put(channel, sums, input_sum);
    }

    /// Writes codes or logits of channels from one on.
    #[inline(never)]
    fn put(&mut self, channel: usize, sums: &mut [i32], input_sum: i32) {
        requantise(&self.tables, channel, sums, 1, input_sum);
        self.writer.push_all(sums);
    }
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
