//! Fully connected layer.

use mixq_format::Linear;
use mixq_format::layout::{BLOCK, Plan, armv7em_requantises};

use super::with_scratch;
use crate::arch::armv7em::linear::{CHANNELS, Loops};
use crate::requant::{self, Range, Requantiser};
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
    execute(table, parameters, arena, plan, const { &Loops::of(X, W) });
}

#[inline(never)]
fn execute(table: &Linear, parameters: &[u8], arena: &mut [u8], plan: Plan, loops: &Loops) {
    let widths = [table.weight_bits, table.input.bits].map(|bits| bits.count());
    assert!(widths == [loops.blocks.weight_bits.count(), loops.widen.bits]);
    with_scratch(arena, [&table.input, &table.output], &plan, &mut |input, output, memory| {
        execute_in(table, parameters, &plan, loops, (input, output), memory);
    });
}
/// With memory for widened codes.
#[inline(never)]
fn execute_in(
    table: &Linear,
    parameters: &[u8],
    plan: &Plan,
    loops: &Loops,
    (input, output): (&[u8], &mut [u8]),
    memory: &mut [u32],
) {
    let [w_bits, x_bits] = [table.weight_bits, table.input.bits].map(|bits| bits.count());
    let elements = 8 * input.len() / x_bits;
    let interval = plan.proof.interval.into();
    let chunk = elements.min(plan.proof.chunk.into()).min(2 * memory.len()) & !15;
    let mut results = Results {
        tables: Tables::new(table, parameters, loops.offsets),
        requant: Requantiser::new(&table.requant, requant::multiplier, &table.output, parameters),
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
        let (mut dot, mut input_sum) = (0i32, 0);
        for element in 0..elements {
            let x = code(input, element, x_bits);
            let above = 32 - w_bits;
            let w = code(filter, element, w_bits) << above >> above;
            dot = dot.wrapping_add(x * w);
            input_sum += x;
        }
        results.requant.write(&mut results.writer, channel, dot, input_sum);
    }
    results.writer.finish();
}

/// What sums become, and where that goes.
struct Results<'a> {
    tables: Option<Tables<'a>>,
    requant: Requantiser<'a>,
    /// What was added to weights, by channel of a block.
    offsets: [i32; BLOCK],
    writer: PixelWriter<'a>,
}

impl Results<'_> {
    /// Writes codes or logits of a strip's channels.
    #[inline(always)]
    fn write(&mut self, channel: usize, sums: &mut [i32; CHANNELS], input_sum: i32) {
        if let Some(tables) = &self.tables {
            tables.requantise(channel, sums, input_sum);
            self.writer.push_all(sums);
        } else {
            self.write_unusual(channel, sums, input_sum);
        }
    }

    #[inline(never)]
    fn write_unusual(&mut self, channel: usize, sums: &[i32], input_sum: i32) {
        for (index, sum) in sums.iter().enumerate() {
            let dot = sum.wrapping_sub(self.offsets[index % BLOCK].wrapping_mul(input_sum));
            self.requant.write(&mut self.writer, channel + index, dot, input_sum);
        }
    }
}

/// Tables of the usual kind, read without looking at their kind again for each channel.
struct Tables<'a> {
    biases: &'a [[u8; 4]],
    multipliers: &'a [[u8; 4]],
    shifts: &'a [u8],
    zero_points: &'a [u8],
    zero_point_step: usize,
    offsets: [i32; BLOCK],
    fraction: u32,
    zero_point: i32,
    range: Range,
}

impl<'a> Tables<'a> {
    /// `None` if one multiplier is that of all channels, or a shift less than a word.
    fn new(table: &'a Linear, parameters: &'a [u8], offsets: [i32; BLOCK]) -> Option<Tables<'a>> {
        let Linear { requant, output, .. } = table;
        let channels = usize::from(output.channels);
        let from = |offset: u32, bytes: usize| &parameters[offset as usize..][..bytes];
        let usual = requant.multiplier_step == 1 && armv7em_requantises(requant, channels, parameters);
        usual.then(|| Tables {
            biases: from(requant.bias, 4 * channels).as_chunks().0,
            multipliers: from(requant.multiplier, 4 * channels).as_chunks().0,
            shifts: from(requant.shift, channels),
            zero_points: from(requant.weight_zero_point, requant.zero_points(channels)),
            zero_point_step: requant.zero_point_step.into(),
            offsets,
            fraction: requant.fraction.into(),
            zero_point: output.zero_point.into(),
            range: Range::of(output.bits),
        })
    }

    /// The codes or logits of channels from one on in place of their sums, as [`Requantiser::write`] has them.
    #[inline(never)]
    fn requantise(&self, channel: usize, sums: &mut [i32], input_sum: i32) {
        let tables = self.biases[channel..].iter().zip(&self.multipliers[channel..]);
        let mut zero_points = self.zero_points[channel * self.zero_point_step..].iter();
        let mut zero_point = 0;
        let [mut offset, mut next] = self.offsets;
        for ((sum, (bias, multiplier)), shift) in sums.iter_mut().zip(tables).zip(&self.shifts[channel..]) {
            // The next, or the one of all channels.
            if let Some(byte) = zero_points.next() {
                zero_point = i32::from(*byte as i8);
            }
            let dot = sum.wrapping_sub((zero_point + offset).wrapping_mul(input_sum));
            (offset, next) = (next, offset);
            let raised = (dot << self.fraction).wrapping_add(i32::from_le_bytes(*bias));
            let product = i64::from(raised) * i64::from(i32::from_le_bytes(*multiplier));
            // At most 2^30 before the zero point.
            *sum = self.range.clamp(((product >> 32) as i32 >> (shift & 31)) + self.zero_point);
        }
    }
}

/// Code `index` of packed codes.
fn code(row: &[u8], index: usize, bits: usize) -> i32 {
    let bit = index * bits;
    i32::from(row[bit / 8] >> (bit % 8)) & ((1 << bits) - 1)
}
