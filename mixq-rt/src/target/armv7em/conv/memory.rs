//! Parts of tensors as memory to work in.

use mixq_format::Operands;
use mixq_format::target::armv7em::{Phase, Place};

use super::super::asm::layer::{Layer, OneInput, with_arena};
use super::super::asm::{PIXELS, Parts};
use super::super::split;
use super::Given;
use crate::target::armv7em::check::refuse;

/// What a phase reads and writes.
pub(crate) struct Memory<'a, T> {
    pub(crate) layer: Layer<'a, T>,
    /// The input, from the first pixel on that the phase needs.
    pub(crate) input: &'a [u8],
    pub(crate) output: &'a mut [u8],
    /// Where patches lie: at its end.
    pub(crate) memory: &'a mut [u32],
    /// Where accumulators may lie: at its end.
    pub(crate) apart: &'a mut [u32],
    /// The pixel that `output` begins with.
    pub(crate) begin: usize,
}

/// Of a phase that works between input and output, and in `own`.
#[inline(never)]
pub(crate) fn between<'a, T: OneInput>(
    operands: Operands<'a, T>,
    own: &'a mut [u32],
    phase: &Phase,
) -> Memory<'a, T> {
    let (layer, arena) = with_arena(operands);
    let [input, output] = layer.table().tensors();
    let (input_bytes, output_bytes) = (input.pixel_bytes(), output.pixel_bytes());
    let (from, to) = (input.offset as usize, output.offset as usize);
    let codes = (phase.input.end - phase.input.start) * input_bytes;
    if from < to {
        // The last group may begin earlier, so that it has as many pixels as others.
        let start = phase.pixels.start;
        let begin = output.pixels().checked_sub(PIXELS).map_or(start, |last| last.min(start));
        let (_, rest) = divide(arena, from);
        let (input, rest) = divide(rest, codes);
        let (free, rest) = divide(rest, (to + begin * output_bytes).wrapping_sub(from + codes));
        let (output, _) = divide(rest, (output.pixels() - begin) * output_bytes);
        let [memory, apart] = of_both(phase, words(free), own);
        Memory { layer, input, output, memory, apart, begin }
    } else {
        let end = to + phase.pixels.end * output_bytes;
        let start = from + phase.input.start * input_bytes;
        let (_, rest) = divide(arena, to);
        let (output, rest) = divide(rest, phase.pixels.end * output_bytes);
        let (free, rest) = divide(rest, start.wrapping_sub(end));
        let (input, _) = divide(rest, codes);
        let [memory, apart] = of_both(phase, words(free), own);
        Memory { layer, input, output, memory, apart, begin: 0 }
    }
}

/// Where patches lie, and where accumulators may lie.
#[inline(always)]
fn of_both<'a>(phase: &Phase, between: &'a mut [u32], own: &'a mut [u32]) -> [&'a mut [u32]; 2] {
    if phase.place == Place::Given { [own, between] } else { [between, own] }
}

/// Of another phase.
#[inline(never)]
pub(crate) fn separate<'a, T: OneInput, I>(
    given: &'a mut Given<T, I>,
    own: &'a mut [u32],
    phase: &Phase,
) -> Memory<'a, T> {
    let Parts { layer, input, output, memory } = split(given.operands.reborrow(), given.plan, own);
    let [from, to] = layer.table().tensors();
    let (head, input) = divide(input, phase.input.start * from.pixel_bytes());
    let (output, tail) = divide(output, phase.pixels.end * to.pixel_bytes());
    let (head, tail) = (words(head), words(tail));
    // Both lie in different places, if the accumulators have any bytes.
    let (memory, apart) = match (phase.place, phase.apart) {
        (Place::Given, Place::Output) => (memory, tail),
        (Place::Given, _) => (memory, head),
        (Place::Output, Place::Input) => (tail, head),
        (Place::Output, _) => (tail, memory),
        (_, Place::Output) => (head, tail),
        (_, _) => (head, memory),
    };
    Memory { layer, input, output, memory, apart, begin: 0 }
}

/// The first `count` bytes, and the others.
///
/// # Panics
/// If there are fewer bytes.
#[inline(always)]
fn divide(bytes: &mut [u8], count: usize) -> (&mut [u8], &mut [u8]) {
    bytes.split_at_mut_checked(count).unwrap_or_else(|| refuse())
}

/// The words that lie wholly in some bytes.
#[inline(never)]
fn words(bytes: &mut [u8]) -> &mut [u32] {
    bytemuck::pod_align_to_mut(bytes).1
}

/// The last `bytes` bytes of some words: a multiple of 4.
///
/// # Panics
/// If there are fewer words.
#[inline(always)]
pub(crate) fn last(words: &mut [u32], bytes: usize) -> &mut [u32] {
    let first = words.len().wrapping_sub(bytes / 4);
    words.get_mut(first..).unwrap_or_else(|| refuse())
}
