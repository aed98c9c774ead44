//! Fully connected layer.

use mixq_format::layout::{LEAST_SCRATCH, Plan, STRIP};
use mixq_format::{Bits, Linear};

use super::{split, with_memory};
use crate::arch::armv7em::linear::{Loops, Strips};
use crate::check::refuse;
use crate::tensor::put;

/// Executes a fully connected layer with `X`-bit input and `W`-bit weights. `Y` are the bits of the output if
/// [`armv7em_codes`](mixq_format::layout::armv7em_codes) has it that they are made strip by strip; 0, for any width, if they are not.
///
/// # Panics
/// For layers that [`armv7em_takes`](mixq_format::layout::armv7em_takes) does not take.
#[inline(always)]
pub fn linear<const X: usize, const W: usize, const Y: usize>(
    table: &Linear,
    parameters: &[u8],
    arena: &mut [u8],
    plan: &Plan,
) {
    let loops = const { &Loops::of(X, W, Y) };
    with_memory::<{ LEAST_SCRATCH / 4 }>(plan, |own| match Y {
        0 => sums(table, parameters, arena, plan, loops, own),
        _ => codes(table, parameters, arena, plan, loops, own),
    });
}

/// Makes all codes at once, of all elements.
#[inline(never)]
fn codes(table: &Linear, parameters: &[u8], arena: &mut [u8], plan: &Plan, loops: &Loops, own: &mut [u32]) {
    let Layer { input, output, weights, mut strips } = Layer::new(table, parameters, arena, plan, loops, own);
    strips.widen(input, table.input.elements());
    strips.codes(weights, usize::from(table.output.channels) / STRIP, output);
}

/// Makes sums of a strip after the other, of as many elements at once as there is room for, and codes or logits of them.
#[inline(never)]
fn sums(table: &Linear, parameters: &[u8], arena: &mut [u8], plan: &Plan, loops: &Loops, own: &mut [u32]) {
    let mut layer = Layer::new(table, parameters, arena, plan, loops, own);
    let Linear { input: x, output: y, weight_bits, .. } = table;
    let (elements, channels) = (x.elements(), usize::from(y.channels));
    let chunk = elements.min(plan.proof.chunk.into()).min(layer.strips.room());
    layer.output.fill(0);
    let (mut channel, mut sum_of_chunk) = (0, 0);
    while channel < channels {
        let (mut sums, mut input_sum) = ([0i32; STRIP], 0);
        let in_strip = channels - channel >= STRIP;
        if in_strip {
            let mut first = 0;
            while first < elements {
                let size = chunk.min(elements - first);
                if channel == 0 || size < elements {
                    sum_of_chunk = layer.strips.widen(&layer.input[first * x.bits.count() / 8..], size);
                }
                let weights = layer.weights(size * weight_bits.count());
                layer.strips.add(weights, &mut sums);
                input_sum += sum_of_chunk;
                first += size;
            }
        } else {
            // A channel that fills no strip, as it is in the artifact.
            let filter = layer.weights(elements * weight_bits.count() / 8);
            (sums[0], input_sum) = plain([layer.input, filter], [x.bits, *weight_bits], elements);
        }
        let sums = if in_strip { &mut sums[..] } else { &mut sums[..1] };
        layer.strips.requantise(channel, sums, input_sum);
        for sum in sums {
            put(layer.output, channel, y.bits, *sum);
            channel += 1;
        }
    }
}

struct Layer<'a> {
    input: &'a [u8],
    output: &'a mut [u8],
    /// Those that were not read yet.
    weights: &'a [u8],
    strips: Strips<'a>,
}

impl<'a> Layer<'a> {
    #[inline(never)]
    fn new(
        table: &Linear,
        parameters: &'a [u8],
        arena: &'a mut [u8],
        plan: &Plan,
        loops: &'a Loops,
        own: &'a mut [u32],
    ) -> Layer<'a> {
        let (input, output, memory) = split(arena, [&table.input, &table.output], plan, own);
        let weights = parameters.get(table.weights as usize..).unwrap_or_else(|| refuse());
        let strips = Strips::new(table, parameters, loops, plan.proof.interval.into(), memory);
        Layer { input, output, weights, strips }
    }

    /// So many bytes of the next weights.
    #[inline(never)]
    fn weights(&mut self, bytes: usize) -> &'a [u8] {
        self.weights.split_off(..bytes).unwrap_or_else(|| refuse())
    }
}

/// `sum(q_x s_w)` and `sum(q_x)` over packed codes and weights.
#[inline(never)]
fn plain([input, filter]: [&[u8]; 2], [x_bits, w_bits]: [Bits; 2], elements: usize) -> (i32, i32) {
    let (mut dot, mut input_sum) = (0i32, 0);
    for element in 0..elements {
        let x = code(input, element, x_bits.count());
        let above = 32 - w_bits.count();
        let w = code(filter, element, w_bits.count()) << above >> above;
        dot = dot.wrapping_add(x * w);
        input_sum += x;
    }
    (dot, input_sum)
}

/// Code `index` of packed codes.
#[inline(never)]
fn code(row: &[u8], index: usize, bits: usize) -> i32 {
    let bit = index * bits;
    let byte = row.get(bit / 8).unwrap_or_else(|| refuse());
    i32::from(byte >> (bit % 8)) & ((1 << bits) - 1)
}
