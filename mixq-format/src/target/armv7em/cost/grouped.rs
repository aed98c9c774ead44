//! Convolutions in groups of channels, and with gaps between taps: groups of four output pixels, for each of
//! which and each group of channels a patch is filled, times blocks of weights.

use core::ops::Range;

use super::super::super::cost::{Counts, Free};
use super::super::{
    Blocks, Division, LEAST_SCRATCH, Phase, Plan, Windows, of_group, windows_of, without_gaps,
};
use super::Known;
use super::conv::{Memory, PIXELS, blocks, finish};
use super::pieces::P;
use super::source::{rest, widen};
use crate::{Conv, GroupedConv, Window};

/// How a convolution uses a number of bytes of scratch: the memory and the output pixels of each phase.
pub(super) fn phases(
    grouped: &GroupedConv,
    known: &Known,
    scratch_bytes: usize,
    free: Free,
) -> Vec<(Memory, Range<usize>)> {
    let Free { spent, joined } = free;
    let plan = Plan { scratch: 0, scratch_bytes: scratch_bytes as u32, spent, joined, proof: known.proof };
    let on_the_stack = scratch_bytes < LEAST_SCRATCH || joined;
    let given = if joined { 0 } else { scratch_bytes }.max(LEAST_SCRATCH);
    let (conv, filters, sums) = (without_gaps(grouped), of_group(grouped), known.codes == 0);
    let division = Division::of(&filters, windows_of(grouped), known.proof.chunk.into(), sums);
    let division = Division { channels: grouped.group_filters(), ..division };
    let (mut phases, mut left) = (Vec::new(), 0..grouped.output.pixels());
    while !left.is_empty() {
        let phase = Phase::divided(&conv, &division, false, &plan, given, left.clone());
        let chunk = division.chunk(phase.bytes, phase.apart_bytes > 0);
        let elements = grouped.window.taps() * grouped.group_channels();
        let memory = Memory::of_chunk(&division, chunk, elements, [phase.bytes, phase.apart_bytes]);
        left = phase.rest(left);
        phases.push((Memory { on_the_stack, ..memory }, phase.pixels));
    }
    phases
}

pub(super) fn tally(grouped: &GroupedConv, known: &Known, scratch_bytes: usize, free: Free) -> Counts {
    let mut counts = super::counts();
    let phases = phases(grouped, known, scratch_bytes, free);
    counts.add(P::OnTheStack as usize, phases.first().is_some_and(|(memory, _)| memory.on_the_stack).into());
    let source = Source::new(grouped);
    for (memory, pixels) in phases {
        source.phase(&mut counts, known, memory, pixels);
    }
    counts
}

/// Where windows lie in the input.
struct Source<'a> {
    grouped: &'a GroupedConv,
    filters: Conv,
    windows: Windows,
    elements: usize,
    groups: usize,
    /// Whether all pixels of the output are as one row.
    seamless: bool,
    /// Of each row and of each column of the output: which taps see the input.
    rows: Vec<Vec<bool>>,
    columns: Vec<Vec<bool>>,
}

/// Which taps see the input, for each place along an axis.
fn axis([stride, kernel, dilation, pad, size]: [u16; 5], outputs: u16) -> Vec<Vec<bool>> {
    let [stride, dilation, pad, size] = [stride, dilation, pad, size].map(usize::from);
    let sees = |place: usize, tap: u16| {
        let position = place * stride + usize::from(tap) * dilation;
        (pad..pad + size).contains(&position)
    };
    (0..usize::from(outputs)).map(|place| (0..kernel).map(|tap| sees(place, tap)).collect()).collect()
}

impl Source<'_> {
    fn new(grouped: &GroupedConv) -> Source<'_> {
        let GroupedConv { input, output, window, dilation_height, dilation_width, .. } = grouped;
        let Window { kernel_height, kernel_width, stride_height, stride_width, pad_top, pad_left } = *window;
        let rows = [stride_height, kernel_height, *dilation_height, pad_top, input.height];
        let columns = [stride_width, kernel_width, *dilation_width, pad_left, input.width];
        Source {
            rows: axis(rows, output.height),
            columns: axis(columns, output.width),
            grouped,
            filters: of_group(grouped),
            windows: windows_of(grouped),
            elements: window.taps() * grouped.group_channels(),
            groups: grouped.groups.into(),
            seamless: window.taps() == 1
                && input.width == output.width
                && (window.stride_width, window.stride_height) == (1, 1),
        }
    }

    fn phase(&self, counts: &mut Counts, known: &Known, memory: Memory, pixels: Range<usize>) {
        let Range { start: mut first, end } = pixels;
        let all = self.grouped.output.pixels();
        let size = if all < PIXELS { 1 } else { PIXELS };
        let chunks = self.elements.div_ceil(memory.chunk);
        let fills = self.groups * if chunks == 1 { 1 } else { memory.sets };
        // Whether one call computes all groups of channels, or all output pixels.
        let together = !self.windows.staged() && known.codes > 0 && chunks == 1;
        counts.add(if together { P::TogetherPhase } else { P::GroupedPhase } as usize, 1);
        if together && self.seamless {
            self.alone(counts, known, pixels);
            return;
        }
        let mut groups_of_pixels = 0;
        while first < end {
            first = first.min(all - size);
            for chunk in 0..chunks {
                let start = chunk * memory.chunk;
                let elements = start..(start + memory.chunk).min(self.elements);
                match self.windows.staged() {
                    true => self.staged(counts, [first, size], elements, fills),
                    false => self.words(counts, [first, size], elements, fills, together),
                }
            }
            first += size;
            groups_of_pixels += 1;
        }
        if together {
            counts.add(P::Prepare as usize, 1);
            counts.add(P::GroupedTogether as usize, groups_of_pixels);
            counts.add(P::NextGroup as usize, groups_of_pixels * self.groups);
        } else {
            let each = chunks * memory.sets;
            let calls = groups_of_pixels * self.groups * each;
            counts.add(P::GroupedPixels as usize, groups_of_pixels);
            counts.add(P::GroupedCall as usize, calls);
            // Where a group takes one call, this moves from group to group.
            let prepared = if each == 1 { 1 } else { calls };
            counts.add(P::Prepare as usize, prepared);
            counts.add(P::Shift as usize, if self.groups > 1 { calls - prepared } else { 0 });
        }
        for chunk in 0..chunks {
            let start = chunk * memory.chunk;
            let elements = memory.chunk.min(self.elements - start);
            let ends = [chunk == 0, chunk + 1 == chunks];
            blocks(counts, &self.filters, known, elements, ends, groups_of_pixels);
        }
        if known.codes == 0 {
            let finished = groups_of_pixels * self.groups * memory.sets;
            finish(counts, &self.grouped.output, [finished, groups_of_pixels * size], size);
        }
    }

    /// One group of channels after the other, each for all output pixels, which see one pixel each.
    fn alone(&self, counts: &mut Counts, known: &Known, Range { start: mut first, end }: Range<usize>) {
        let (all, bits) = (self.grouped.output.pixels(), self.grouped.input.bits.count());
        let size = if all < PIXELS { 1 } else { PIXELS };
        let mut groups_of_pixels = 0;
        while first < end {
            first = first.min(all - size);
            let groups = if size == 1 { 1 } else { ((end - first) / PIXELS).max(1) };
            counts.add(P::AloneRun as usize, self.groups);
            counts.add(P::AloneAgain as usize, self.groups * (groups - 1));
            widen(counts, bits, self.groups * groups * size, self.elements * bits / 32);
            groups_of_pixels += groups;
            first += groups * size;
        }
        counts.add(P::Prepare as usize, 1);
        counts.add(P::Shift as usize, self.groups - 1);
        blocks(counts, &self.filters, known, self.elements, [true; 2], groups_of_pixels);
    }

    fn place(&self, pixel: usize) -> [usize; 2] {
        let width = usize::from(self.grouped.output.width).max(1);
        [pixel / width, pixel % width]
    }

    /// Whether a tap sees the input.
    fn sees(&self, [y, x]: [usize; 2], tap: usize) -> bool {
        let width = usize::from(self.grouped.window.kernel_width).max(1);
        self.rows[y][tap / width] && self.columns[x][tap % width]
    }

    /// Taps that see the input: how many rows, and how many in a row.
    fn taps(&self, [y, x]: [usize; 2]) -> [usize; 2] {
        [&self.rows[y], &self.columns[x]].map(|axis| axis.iter().filter(|sees| **sees).count())
    }

    /// How many of `count` pixels from a place on are in one row and see no padding.
    fn inside(&self, [y, x]: [usize; 2], count: usize) -> usize {
        let all = |axis: &Vec<bool>| axis.iter().all(|sees| *sees);
        match (self.seamless, all(&self.rows[y])) {
            (true, _) => count,
            (false, true) => self.columns[x..].iter().take(count).take_while(|axis| all(axis)).count(),
            (false, false) => 0,
        }
    }

    /// Fills a patch with groups of whole words.
    fn words(
        &self,
        counts: &mut Counts,
        [first, size]: [usize; 2],
        elements: Range<usize>,
        fills: usize,
        together: bool,
    ) {
        if elements.len() < self.elements {
            (first..first + size).for_each(|pixel| self.part(counts, pixel, elements.clone(), fills));
            return;
        }
        let bits = self.grouped.input.bits.count();
        let word = match bits {
            8 => P::Word8,
            4 => P::Word4,
            _ => P::Word2,
        };
        if together && self.row(counts, first, fills) {
            return;
        }
        let mut pixel = 0;
        while pixel < size {
            let place = self.place(first + pixel);
            let inside = self.inside(place, size - pixel);
            let pixels = inside.max(1);
            // How often it is found what the pixels see: once for all groups, if all see it together.
            let found = if together || inside == size { 1 } else { fills };
            let view = if together { P::TogetherView } else { P::View };
            counts.add(view as usize, found);
            if inside == 0 {
                counts.add(P::ViewPadding as usize, found);
                counts.add(P::ViewPair as usize, found * self.elements / 2);
            }
            let [rows, columns] = self.taps(place);
            if rows * columns > 0 {
                let taps = fills * pixels * rows * columns;
                counts.add(P::WidenWindow as usize, if together { 0 } else { fills });
                counts.add(P::WindowView as usize, fills);
                counts.add(P::WindowPixel as usize, fills * pixels);
                counts.add(P::WindowRow as usize, fills * pixels * rows);
                counts.add(P::WindowTap as usize, taps);
                counts.add(word as usize, taps * self.grouped.group_channels() * bits / 32);
            }
            pixel += pixels;
        }
    }

    /// Fills a patch with four neighbouring windows of three columns, whose columns have a stride of 1 and no
    /// gaps. Returns whether they are such windows, whose inner columns lie in the input.
    fn row(&self, counts: &mut Counts, first: usize, fills: usize) -> bool {
        let GroupedConv { input, output, window, dilation_width, .. } = self.grouped;
        let [y, x] = self.place(first);
        let [width, pad] = [input.width, window.pad_left].map(usize::from);
        let is_row = (window.kernel_width, window.stride_width, *dilation_width) == (3, 1, 1)
            && x + PIXELS <= output.width.into()
            && x + 1 >= pad
            && x + 5 <= width + pad;
        let rows = self.rows[y].iter().filter(|sees| **sees).count();
        if !is_row || rows == 0 {
            return false;
        }
        let bits = input.bits.count();
        let [word, end] = match bits {
            8 => [P::BesideWord8, P::BesideEnd8],
            4 => [P::BesideWord4, P::BesideEnd4],
            _ => [P::BesideWord2, P::BesideEnd2],
        };
        let ends = [x >= pad, x + 6 <= width + pad].map(usize::from);
        let is_padded = |end: usize| end == 0 || rows < window.kernel_height.into();
        let padded = [ends[0], 1, 1, ends[1]].into_iter().filter(|end| is_padded(*end)).count();
        counts.add(P::Beside as usize, 1);
        counts.add(P::ViewPadding as usize, padded);
        counts.add(P::ViewPair as usize, padded * self.elements / 2);
        let words = fills * rows * self.grouped.group_channels() * bits / 32;
        counts.add(P::BesideCall as usize, fills);
        counts.add(P::BesideRow as usize, fills * rows);
        counts.add(word as usize, words);
        counts.add(end as usize, words * (ends[0] + ends[1]));
        true
    }

    /// Widens a part of a pixel's window, tap by tap.
    fn part(&self, counts: &mut Counts, pixel: usize, elements: Range<usize>, fills: usize) {
        let bits = self.grouped.input.bits.count();
        counts.add(P::PiecePixel as usize, fills);
        self.pieces(self.place(pixel), elements, |length, is_inside| {
            if is_inside {
                counts.add(P::Piece as usize, fills);
                widen(counts, bits, fills, length * bits / 32);
            } else {
                counts.add(P::PadPiece as usize, fills);
                counts.add(P::ViewPair as usize, fills * length / 2);
            }
        });
    }

    /// Fills a patch with other groups.
    fn staged(&self, counts: &mut Counts, [first, size]: [usize; 2], elements: Range<usize>, fills: usize) {
        let bits = self.grouped.input.bits.count();
        for pixel in first..first + size {
            let place = self.place(pixel);
            let mut pieces = Vec::new();
            self.pieces(place, elements.clone(), |length, is_inside| pieces.push((length, is_inside)));
            counts.add(P::PiecePixel as usize, fills);
            if pieces == [(elements.len(), true)] {
                continue;
            }
            for (length, is_inside) in pieces {
                let [piece, each] = match is_inside {
                    true => [P::StagedPiece, P::StageByte],
                    false => [P::StagedPadPiece, P::StagePadding],
                };
                counts.add(piece as usize, fills);
                counts.add(each as usize, fills * length * bits / 8);
            }
        }
        let blocks = Blocks::of_conv(&self.filters);
        let whole = elements.len() - elements.len() % blocks.unit;
        widen(counts, bits, size * fills, whole * bits / 32);
        rest(counts, &blocks, size * fills, elements.len());
    }

    /// Elements of a window that lie one after another in the input or in the padding: how many each time,
    /// and whether in the input.
    fn pieces(&self, place: [usize; 2], elements: Range<usize>, mut each: impl FnMut(usize, bool)) {
        let channels = self.grouped.group_channels();
        let mut at = elements.start;
        while at < elements.end {
            let length = (channels - at % channels).min(elements.end - at);
            each(length, self.sees(place, at / channels));
            at += length;
        }
    }
}
