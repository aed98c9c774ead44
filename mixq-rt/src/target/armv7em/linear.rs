//! Fully connected layer.

use mixq_format::target::armv7em::{Plan, STACK_OF_LINEAR, STRIP};
use mixq_format::{Bits, Linear, Operands};

use super::asm::Parts;
use super::asm::linear::{Loops, Strips};
use super::{split, with_memory};
use crate::target::armv7em::check::refuse;

/// Executes a fully connected layer with `X`-bit input and `W`-bit weights. `Y`: the bits of the output, if
/// the loops make codes ([`codes`](mixq_format::target::armv7em::codes)); else 0, for any width of output.
///
/// # Panics
/// If the table has other widths; if weights are not aligned; if the plan's memory reaches beyond the arena
/// or into a tensor; if the number of elements is not a multiple of 16.
#[inline(always)]
pub fn linear<const X: usize, const W: usize, const Y: usize>(operands: Operands<Linear>, plan: &Plan) {
    let (mut operands, loops) =
        (operands, const { &Loops::of([X, W, Y], if Y == 0 { plain::<X, W> } else { none }) });
    with_memory::<{ STACK_OF_LINEAR / 4 }>(plan, |own| execute(&mut operands, plan, loops, own));
}

#[inline(never)]
fn execute(operands: &mut Operands<Linear>, plan: &Plan, loops: &Loops, own: &mut [u32]) {
    let Parts { layer, input, output, memory } = split(operands.reborrow(), plan, own);
    let Linear { input: x, output: y, .. } = layer.table();
    let (elements, channels) = (x.elements(), usize::from(y.channels));
    let mut strips = Strips::new(layer, loops, plan.proof.interval.into(), input, memory);
    if strips.make_codes() {
        strips.widen(0, elements);
        strips.codes(channels / STRIP, output);
        return;
    }
    // Makes the sums of one strip after the other, over chunks of elements: as many as there is room for.
    let chunk = elements.min(plan.proof.chunk.into()).min(strips.room());
    output.fill(0);
    let (mut channel, mut sum_of_chunk) = (0, 0);
    while channel < channels {
        let (mut sums, mut input_sum) = ([0i32; STRIP], 0);
        let in_strip = channels - channel >= STRIP;
        if in_strip {
            let mut first = 0;
            loop {
                let size = chunk.min(elements - first);
                if channel == 0 || size < elements {
                    sum_of_chunk = strips.widen(first, size);
                }
                strips.add(&mut sums);
                input_sum += sum_of_chunk;
                first += size;
                if first == elements {
                    break;
                }
            }
        } else {
            // A channel after the last whole strip: its weights are as in the artifact.
            (sums[0], input_sum) = strips.plain(elements);
        }
        let sums = if in_strip { &mut sums[..] } else { &mut sums[..1] };
        strips.requantise(channel, sums, input_sum);
        for sum in sums {
            put(output, channel, y.bits, *sum);
            channel += 1;
        }
    }
}

/// The sums of a channel ([`Plain`](super::asm::linear::Plain)) of `X`-bit codes and `W`-bit weights.
// No iterator of known length: the compiler would unroll the loop, to five times as much code.
fn plain<const X: usize, const W: usize>(mut input: &[u8], mut filter: &[u8]) -> (i32, i32) {
    let (mut dot, mut input_sum) = (0i32, 0);
    // Four elements take half as many bytes as one has bits.
    while let (Some(x), Some(w)) = (input.split_off(..X / 2), filter.split_off(..W / 2)) {
        let (x, w) = (word(x), word(w));
        for element in 0..4 {
            let x = (x >> (element * X)) & ((1 << X) - 1);
            let w = (w << (32 - W - element * W)) as i32 >> (32 - W);
            dot = dot.wrapping_add(x as i32 * w);
            input_sum += x as i32;
        }
    }
    (dot, input_sum)
}

/// Where the loops make codes, all channels are in strips.
fn none(_: &[u8], _: &[u8]) -> (i32, i32) {
    refuse()
}

/// Up to four bytes as the lowest ones of a word.
#[inline(always)]
fn word(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte))
}

/// Writes element `index` of a packed row: a code, whose bits must be 0 before, or a logit.
///
/// # Panics
/// If the row has fewer elements.
#[inline(never)]
fn put(elements: &mut [u8], index: usize, bits: Bits, value: i32) {
    let bit = index * bits.count();
    match elements.get_mut(bit / 8..) {
        Some([byte, ..]) if bits != Bits::B32 => *byte |= (value as u8) << (bit % 8),
        Some([a, b, c, d, ..]) => [*a, *b, *c, *d] = value.to_ne_bytes(),
        _ => refuse(),
    }
}
