//! Standard convolutions: groups of four output pixels, for each of which a patch is filled, times blocks of
//! weights.

use core::ops::Range;

use super::super::super::cost::{Counts, Free};
use super::super::{
    BLOCK, Blocks, Division, LEAST_SCRATCH, LEAST_SCRATCH_OF_RGB3X3, LEAST_SCRATCH_OF_RGB3X3_AND_SUMS, Phase,
    Plan, RECORD, RGB3X3_WITH_ZERO_POINT, Windows,
};
use super::Known;
use super::pieces::P;
use super::source::Source;
use crate::{Bits, Conv, Tensor};

/// Output pixels of a group.
pub(super) const PIXELS: usize = 4;

/// How a convolution uses its memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Memory {
    /// Elements of a whole chunk.
    pub(super) chunk: usize,
    /// How many times each chunk is taken: for as many output channels as there are accumulators.
    pub(super) sets: usize,
    /// Whether it is on the stack.
    pub(super) on_the_stack: bool,
}

/// Bytes of memory that a convolution takes from the stack, if there is less scratch.
fn least(conv: &Conv, known: &Known) -> usize {
    match (Windows::of(conv), known.codes) {
        (Windows::Rgb3x3, 0) => LEAST_SCRATCH_OF_RGB3X3_AND_SUMS,
        (Windows::Rgb3x3, _) => LEAST_SCRATCH_OF_RGB3X3,
        _ => LEAST_SCRATCH,
    }
}

impl Memory {
    /// With this number of bytes in the arena.
    pub(super) fn of(conv: &Conv, known: &Known, scratch_bytes: usize) -> Memory {
        let on_the_stack = scratch_bytes < least(conv, known);
        Memory { on_the_stack, ..Memory::divided(conv, known, scratch_bytes.max(least(conv, known)), 0) }
    }

    /// With this number of bytes, and `apart` more for the accumulators, if these lie elsewhere.
    fn divided(conv: &Conv, known: &Known, bytes: usize, apart: usize) -> Memory {
        let (windows, sums) = (Windows::of(conv), known.codes == 0);
        let rgb = windows == Windows::Rgb3x3;
        let division = Division::of(conv, windows, known.proof.chunk.into(), sums);
        let chunk = if rgb { RGB3X3_WITH_ZERO_POINT } else { division.chunk(bytes, apart > 0) };
        Memory::of_chunk(&division, chunk, elements(conv), [bytes, apart])
    }

    /// With chunks of this many of the elements, and bytes for them, and `apart` for the accumulators, if
    /// these lie elsewhere.
    pub(super) fn of_chunk(
        division: &Division,
        chunk: usize,
        elements: usize,
        [bytes, apart]: [usize; 2],
    ) -> Memory {
        let accumulators = if apart > 0 { apart } else { bytes.saturating_sub(chunk * division.each) };
        let channels = ((accumulators / (4 * PIXELS)) & !3).max(4);
        let one = chunk >= elements && !division.sums;
        let sets = if one { 1 } else { division.channels.div_ceil(channels) };
        Memory { chunk: chunk.min(division.elements), sets, on_the_stack: false }
    }
}

/// Elements that a window sees.
pub(super) fn elements(conv: &Conv) -> usize {
    conv.window.taps() * usize::from(conv.input.channels)
}

/// How a convolution uses a number of bytes of scratch: the memory and the output pixels of each
/// phase.
pub(super) struct Way {
    pub(super) phases: Vec<(Memory, Range<usize>)>,
    /// Whether this is the kernel without phases: there is room for all elements of four windows.
    whole: bool,
}

impl Way {
    pub(super) fn of(conv: &Conv, known: &Known, scratch_bytes: usize, free: Free) -> Way {
        let (pixels, windows) = (conv.output.pixels(), Windows::of(conv));
        let Free { spent, joined } = free;
        let plan =
            Plan { scratch: 0, scratch_bytes: scratch_bytes as u32, spent, joined, proof: known.proof };
        let memory = Memory::of(conv, known, scratch_bytes);
        if known.codes > 0 && memory.chunk >= elements(conv) && memory.sets == 1 {
            return Way { phases: vec![(memory, 0..pixels)], whole: true };
        }
        let on_the_stack = memory.on_the_stack || joined;
        let given = if joined { 0 } else { scratch_bytes }.max(least(conv, known));
        let (mut phases, mut left) = (Vec::new(), 0..pixels);
        while !left.is_empty() {
            let phase = Phase::of(conv, windows, &plan, given, known.codes == 0, left.clone());
            let divided = Memory::divided(conv, known, phase.bytes, phase.apart_bytes);
            left = phase.rest(left);
            phases.push((Memory { on_the_stack, ..divided }, phase.pixels));
        }
        Way { phases, whole: false }
    }
}

pub(super) fn tally(conv: &Conv, known: &Known, scratch_bytes: usize, free: Free) -> Counts {
    let source = &Source::new(conv);
    let mut counts = super::counts();
    let Way { phases, whole } = Way::of(conv, known, scratch_bytes, free);
    counts.add(P::Conv as usize, 1);
    counts.add(P::OnTheStack as usize, phases.first().is_some_and(|(memory, _)| memory.on_the_stack).into());
    for (memory, pixels) in phases {
        counts.add(P::Phase as usize, (!whole).into());
        groups(&mut counts, source, known, memory, pixels, whole);
    }
    counts
}

/// The groups of some output pixels in the same memory, beginning with the first one. `whole`: whether this
/// is the kernel without phases.
fn groups(
    counts: &mut Counts,
    source: &Source<'_>,
    known: &Known,
    memory: Memory,
    Range { start: mut first, end }: Range<usize>,
    whole: bool,
) {
    let conv = source.conv;
    let output = &conv.output;
    let (pixels, width) = (output.pixels(), usize::from(output.width));
    let rgb = source.windows == Windows::Rgb3x3;
    let row = if rgb { width } else { pixels };
    let size = if row < PIXELS { 1 } else { PIXELS };
    let chunks = source.elements.div_ceil(memory.chunk);
    let (one, sums) = (chunks * memory.sets == 1, known.codes == 0);
    let again = whole && size > 1;
    let (mut groups, mut calls) = (0, 0);
    while first < end {
        first -= (first % row).saturating_sub(row - size);
        for chunk in 0..chunks {
            let times = if chunks == 1 { 1 } else { memory.sets };
            let start = chunk * memory.chunk;
            source.fill(counts, [first, size], start..(start + memory.chunk).min(source.elements), times);
        }
        first += size;
        let more = if again && first < pixels { source.groups(first) } else { 0 };
        source.fill_again(counts, more);
        first += more * PIXELS;
        (groups, calls) = (groups + 1 + more, calls + 1);
    }
    counts.add(P::Again as usize, groups - calls);
    if whole {
        counts.add(P::WholeCall as usize, calls);
        let followed = matches!(source.windows, Windows::Rgb3x3 | Windows::PointwiseWords);
        counts.add(P::Groups as usize, if followed { calls } else { 0 });
    } else {
        counts.add(P::PartCall as usize, calls * chunks * memory.sets);
    }
    let prepared = if one { 1 } else { calls * chunks * memory.sets };
    counts.add(P::Prepare as usize, prepared);
    for chunk in 0..chunks {
        let start = chunk * memory.chunk;
        let elements = memory.chunk.min(source.elements - start);
        let last = chunk + 1 == chunks;
        blocks(counts, conv, known, elements, [chunk == 0, last], groups);
    }
    if sums {
        finish(counts, output, [groups * memory.sets, groups * size], size);
    }
}

/// Makes codes or logits of stored sums: so many times, for so many output pixels in all, `size` each time.
pub(super) fn finish(counts: &mut Counts, output: &Tensor, [times, pixels]: [usize; 2], size: usize) {
    counts.add(P::FinishSums as usize, times);
    counts.add(P::FinishPixel as usize, times * size);
    let codes = pixels * usize::from(output.channels);
    counts.add(P::Requantise as usize, codes);
    let push = match output.bits {
        Bits::B32 => P::Push,
        Bits::B8 => P::Push8,
        Bits::B4 => P::Push4,
        Bits::B2 => P::Push2,
    };
    counts.add(push as usize, codes);
}

/// All blocks of a chunk, for a number of groups.
pub(super) fn blocks(
    counts: &mut Counts,
    conv: &Conv,
    known: &Known,
    elements: usize,
    [first, last]: [bool; 2],
    groups: usize,
) {
    let Conv { input, output, window, requant, weight_bits, .. } = conv;
    let shape = Blocks::of_conv(conv);
    let (codes, records) = (known.codes > 0 && last, known.codes > 0);
    let own = usize::from(requant.zero_point_step);
    let inside = shape.rgb3x3 && records && own > 0 && shape.holds_zero_points();
    let stored = if shape.rgb3x3 && records { shape.stored_of_rgb3x3(false) } else { 0 };
    let elements = if inside { RGB3X3_WITH_ZERO_POINT } else { elements.max(stored) };
    let (units, left) = (elements / shape.unit, elements % shape.unit);
    let times = groups * usize::from(output.channels) / BLOCK;
    let nibbles = shape.word == 4 && matches!(weight_bits, Bits::B4);
    let packed = !(nibbles || matches!(weight_bits, Bits::B8));
    let [unit, pass, block, tail] = match (weight_bits, packed) {
        (Bits::B8, _) => [P::Unit8, P::Pass8, P::Block8, P::Tail8],
        (Bits::B4, false) => [P::UnitNibbles, P::PassNibbles, P::BlockNibbles, P::TailNibbles],
        (Bits::B4, true) => [P::Unit4, P::Pass4, P::Block4, P::Tail4],
        (Bits::B2 | Bits::B32, _) => [P::Unit2, P::Pass2, P::Block2, P::Tail2],
    };
    let unrolled = if matches!(weight_bits, Bits::B8) { 8 } else { 4 };
    let passes = |units: usize| units.div_ceil(unrolled).max(1);
    let all = if packed {
        let interval = (usize::from(known.proof.interval) / shape.unit).max(1);
        let at_first = if units == 0 { 0 } else { (units - 1) % interval + 1 };
        let more = (units - at_first) / interval;
        let taken_out = match weight_bits {
            Bits::B4 => P::Interval4,
            Bits::B8 | Bits::B2 | Bits::B32 => P::Interval2,
        };
        counts.add(taken_out as usize, times * more);
        passes(at_first) + more * passes(interval)
    } else {
        passes(units - usize::from(inside))
    };
    counts.add(unit as usize, times * units);
    counts.add(pass as usize, times * all);
    if !inside {
        counts.add(block as usize, times);
    }
    counts.add(tail as usize, if left > 0 { times } else { 0 });
    // As `Filters::prepare` has it.
    let row_bytes = weight_bits.row_bytes(input.channels.into());
    let filter_bytes = window.taps() * row_bytes;
    let before = if records && !inside { BLOCK * own } else { 0 };
    let stride = BLOCK * filter_bytes + if records { BLOCK * own + RECORD } else { 0 };
    let tail = if left > 0 && shape.rgb3x3 { shape.tail(super::super::RGB3X3_ELEMENTS) } else { left };
    let length =
        4 * units + (BLOCK * weight_bits.count() * tail).div_ceil(8) + if codes { RECORD } else { 0 };
    let skip = stride.saturating_sub(length);
    if inside {
        let piece = if packed || !matches!(weight_bits, Bits::B8) { P::InsideNibbles } else { P::Inside8 };
        counts.add(piece as usize, times);
    } else if !(skip == before && skip > 0) {
        counts.add(P::Slow as usize, times);
    }
    if !codes || !first {
        let piece = if first { P::Store } else { P::AddStored };
        counts.add(piece as usize, times);
        let asr = if packed { 0 } else { times };
        counts.add(P::StoredUnits as usize, asr);
    }
    if codes {
        let piece = match known.codes {
            8 => P::Codes8,
            4 => P::Codes4,
            _ => P::Codes2,
        };
        counts.add(piece as usize, times);
        counts.add(P::ZeroPoint as usize, if output.zero_point == 0 { 0 } else { times });
    }
}
