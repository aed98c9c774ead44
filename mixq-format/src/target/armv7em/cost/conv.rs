//! Standard convolutions: groups of four output pixels, for each of which a patch is filled, times blocks of
//! weights.

use super::super::super::cost::{Counts, Taps, axis};
use super::super::{
    BLOCK, Blocks, LEAST_SCRATCH, LEAST_SCRATCH_OF_RGB3X3, LEAST_SCRATCH_OF_RGB3X3_AND_SUMS, RECORD,
    RGB3X3_WITH_ZERO_POINT, Windows,
};
use super::Known;
use super::pieces::P;
use crate::{Bits, Conv};

/// Output pixels of a group.
const PIXELS: usize = 4;

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

impl Memory {
    /// With this number of bytes in the arena.
    pub(super) fn of(conv: &Conv, known: &Known, scratch_bytes: usize) -> Memory {
        let windows = Windows::of(conv);
        let (rgb, sums) = (windows == Windows::Rgb3x3, known.codes == 0);
        let least = match (rgb, sums) {
            (true, true) => LEAST_SCRATCH_OF_RGB3X3_AND_SUMS,
            (true, false) => LEAST_SCRATCH_OF_RGB3X3,
            (false, _) => LEAST_SCRATCH,
        };
        let elements = elements(conv);
        let (bytes, staged) = (scratch_bytes.max(least), usize::from(windows.staged()));
        let whole = elements.next_multiple_of(16);
        let each = 2 * PIXELS + staged;
        // As `Scratch::new` has it.
        let accumulators = if sums { 4 * 4 * PIXELS } else { 0 };
        let chunk = if rgb {
            RGB3X3_WITH_ZERO_POINT
        } else if whole <= known.proof.chunk.into() && each * whole + accumulators <= bytes {
            whole
        } else {
            usize::from(known.proof.chunk).min((bytes * 2 / 3).max(16 * each) / each) & !15
        };
        let before = 2 * chunk + if rgb { 0 } else { staged * chunk / 4 };
        let channels = ((bytes / 4).saturating_sub(before) / PIXELS & !3).max(4);
        let filters = usize::from(conv.output.channels);
        let sets = if chunk >= elements && !sums { 1 } else { filters.div_ceil(channels) };
        Memory { chunk: chunk.min(whole), sets, on_the_stack: scratch_bytes < least }
    }
}

/// Elements that a window sees.
fn elements(conv: &Conv) -> usize {
    conv.window.taps() * usize::from(conv.input.channels)
}

pub(super) fn tally(conv: &Conv, known: &Known, scratch_bytes: usize) -> Counts {
    let memory = Memory::of(conv, known, scratch_bytes);
    let source = &Source::new(conv);
    let mut counts = super::counts();
    let Conv { output, .. } = conv;
    counts.add(P::Conv as usize, 1);
    counts.add(P::OnTheStack as usize, memory.on_the_stack.into());
    let (pixels, width) = (output.pixels(), usize::from(output.width));
    let rgb = source.windows == Windows::Rgb3x3;
    let row = if rgb { width } else { pixels };
    let size = if row < PIXELS { 1 } else { PIXELS };
    let chunks = source.elements.div_ceil(memory.chunk);
    let (one, sums) = (chunks * memory.sets == 1, known.codes == 0);
    let again = one && !sums && size > 1;
    let (mut first, mut groups, mut calls) = (0, 0, 0);
    while first < pixels {
        first -= (first % row).saturating_sub(row - size);
        for chunk in 0..chunks {
            let times = if chunks == 1 { 1 } else { memory.sets };
            let start = chunk * memory.chunk;
            source.fill(
                &mut counts,
                [first, size],
                start..(start + memory.chunk).min(source.elements),
                times,
            );
        }
        first += size;
        let more = if again && first < pixels { source.groups(first) } else { 0 };
        source.fill_again(&mut counts, more);
        first += more * PIXELS;
        (groups, calls) = (groups + 1 + more, calls + 1);
    }
    counts.add(P::Again as usize, groups - calls);
    if one && !sums {
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
        blocks(&mut counts, conv, known, elements, [chunk == 0, last], groups);
    }
    if sums {
        let finished = groups * memory.sets;
        counts.add(P::FinishSums as usize, finished);
        counts.add(P::FinishPixel as usize, finished * size);
        let codes = groups * size * usize::from(output.channels);
        counts.add(P::Requantise as usize, codes);
        counts.add(P::Push as usize, codes);
    }
    counts
}

/// All blocks of a chunk, for a number of groups.
fn blocks(
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
    let packed = !matches!(weight_bits, Bits::B8) && !(shape.word == 4 && matches!(weight_bits, Bits::B4));
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

/// Where windows lie in the input.
struct Source<'a> {
    conv: &'a Conv,
    windows: Windows,
    elements: usize,
    blocks: Blocks,
    rows: Vec<Taps>,
    columns: Vec<Taps>,
    /// Whether all pixels of the output are as one row.
    seamless: bool,
}

impl Source<'_> {
    fn new(conv: &Conv) -> Source<'_> {
        let Conv { input, output, window, .. } = conv;
        Source {
            conv,
            windows: Windows::of(conv),
            elements: elements(conv),
            blocks: Blocks::of_conv(conv),
            rows: axis(window, true, input.height, output.height),
            columns: axis(window, false, input.width, output.width),
            seamless: window.taps() == 1
                && input.width == output.width
                && (window.stride_width, window.stride_height) == (1, 1),
        }
    }

    fn place(&self, pixel: usize) -> [usize; 2] {
        let width = usize::from(self.conv.output.width).max(1);
        [pixel / width, pixel % width]
    }

    /// How many of `count` pixels from a place on are in one row and see no padding.
    fn inside(&self, [y, x]: [usize; 2], count: usize) -> usize {
        let window = &self.conv.window;
        let [height, width] = [window.kernel_height, window.kernel_width].map(usize::from);
        if self.rows[y].count() < height {
            return 0;
        }
        let columns = self.columns[x..].iter().take(count);
        columns.take_while(|taps| taps.count() == width).count()
    }

    /// Groups that follow in the same call.
    fn groups(&self, first: usize) -> usize {
        let width = self.conv.output.width.into();
        let pixels = match self.windows {
            Windows::Rgb3x3 => self.inside(self.place(first), width),
            Windows::PointwiseWords if self.seamless => self.conv.output.pixels() - first,
            Windows::PointwiseWords => self.inside(self.place(first), width),
            Windows::PointwiseHalfWord
            | Windows::PointwiseTail
            | Windows::PixelWords
            | Windows::PixelBytes
            | Windows::UnpackedCodes => 0,
        };
        pixels / PIXELS
    }

    fn bits(&self) -> usize {
        self.blocks.input_bits()
    }

    /// Widens words of some pixels, in assembly.
    fn widen(&self, counts: &mut Counts, pixels: usize, words: usize) {
        if words == 0 {
            return;
        }
        let word = match self.bits() {
            8 => P::Word8,
            4 => P::Word4,
            _ => P::Word2,
        };
        counts.add(P::WidenPixel as usize, pixels);
        counts.add(word as usize, pixels * words);
    }

    fn fill_again(&self, counts: &mut Counts, groups: usize) {
        match self.windows {
            Windows::Rgb3x3 => counts.add(self.rgb() as usize, groups * PIXELS / 2),
            Windows::PointwiseWords => {
                self.widen(counts, groups * PIXELS, self.elements * self.bits() / 32);
            }
            Windows::PointwiseHalfWord
            | Windows::PointwiseTail
            | Windows::PixelWords
            | Windows::PixelBytes
            | Windows::UnpackedCodes => {}
        }
    }

    fn rgb(&self) -> P {
        match self.conv.input.bits {
            Bits::B8 => P::Rgb8,
            Bits::B4 => P::Rgb4,
            Bits::B2 | Bits::B32 => P::Rgb2,
        }
    }

    /// Fills a patch, `times` times.
    fn fill(
        &self,
        counts: &mut Counts,
        [first, size]: [usize; 2],
        elements: core::ops::Range<usize>,
        times: usize,
    ) {
        counts.add(P::Fill as usize, times);
        match self.windows {
            Windows::PointwiseWords | Windows::PointwiseHalfWord | Windows::PointwiseTail => {
                counts.add(P::PointwisePixel as usize, times * size);
                self.words_and_rest(counts, times * size, elements.len());
            }
            Windows::PixelWords => self.fill_words(counts, [first, size], elements, times),
            Windows::Rgb3x3 => self.fill_rgb(counts, [first, size], times),
            Windows::PixelBytes | Windows::UnpackedCodes => {
                for pixel in first..first + size {
                    counts.add(P::StagedPixel as usize, times);
                    self.stage(counts, pixel, elements.clone(), times);
                }
                self.words_and_rest(counts, times * size, elements.len());
            }
        }
    }

    fn words_and_rest(&self, counts: &mut Counts, pixels: usize, elements: usize) {
        let Blocks { unit, word, .. } = self.blocks;
        let whole = elements - elements % unit;
        self.widen(counts, pixels, whole * self.bits() / 32);
        let no_rest = matches!(self.windows, Windows::PointwiseWords);
        if no_rest {
            return;
        }
        let half = if self.blocks.half_word(elements) { word / 2 } else { 0 };
        if half > 0 {
            counts.add(P::Half as usize, pixels);
            counts.add(P::HalfPair as usize, pixels * half / 2);
        }
        if matches!(self.windows, Windows::PointwiseHalfWord) {
            return;
        }
        let begin = whole - whole % word + half;
        counts.add(P::Rest as usize, pixels);
        counts.add(P::RestCode as usize, pixels * (elements - begin.min(elements)));
    }

    fn fill_words(
        &self,
        counts: &mut Counts,
        [first, size]: [usize; 2],
        elements: core::ops::Range<usize>,
        times: usize,
    ) {
        let mut pixel = 0;
        while pixel < size {
            let place = self.place(first + pixel);
            let pixels = self.inside(place, size - pixel).max(1);
            counts.add(P::Place as usize, times);
            self.runs(place, elements.clone(), |length, padded| {
                if padded {
                    counts.add(P::PadRun as usize, times);
                    counts.add(P::PadPair as usize, times * length / 2);
                } else {
                    counts.add(P::Run as usize, times);
                    self.widen(counts, times * pixels, length * self.bits() / 32);
                }
            });
            pixel += pixels;
        }
    }

    fn fill_rgb(&self, counts: &mut Counts, [first, size]: [usize; 2], times: usize) {
        for pixel in (0..size).step_by(2) {
            let place = self.place(first + pixel);
            counts.add(self.rgb() as usize, times);
            if self.inside(place, 2) == 2 {
                counts.add(P::RgbPair as usize, times);
                continue;
            }
            let [y, x] = place;
            let Conv { window, input, .. } = self.conv;
            let both = usize::from(window.kernel_width + window.stride_width);
            let (origin, pad) = (x * usize::from(window.stride_width), usize::from(window.pad_left));
            let end = (origin + both).saturating_sub(pad).min(input.width.into());
            let bytes = end.saturating_sub(origin.saturating_sub(pad)) * input.pixel_bytes();
            counts.add(P::RgbStaged as usize, times);
            let rows = self.rows[y].count();
            counts.add(P::RgbStagedRow as usize, times * rows);
            counts.add(P::RgbStagedStep as usize, times * rows * (bytes / 4 + bytes % 4));
        }
    }

    fn stage(&self, counts: &mut Counts, pixel: usize, elements: core::ops::Range<usize>, times: usize) {
        let unpack = self.windows == Windows::UnpackedCodes;
        let bits = self.bits();
        self.runs(self.place(pixel), elements, |length, padded| {
            let bytes = times * length * bits / 8;
            let (run, each) = match (padded, unpack) {
                (true, _) => (P::StageRun, P::StagePadding),
                (false, false) => (P::StageRun, P::StageByte),
                (false, true) => (P::UnpackRun, P::UnpackCode),
            };
            counts.add(run as usize, times);
            counts.add(each as usize, bytes);
        });
    }

    /// Elements of a window that lie one after another, in the input or in the padding: how many each time.
    fn runs(&self, [y, x]: [usize; 2], elements: core::ops::Range<usize>, mut each: impl FnMut(usize, bool)) {
        let Conv { window, input, .. } = self.conv;
        let channels = usize::from(input.channels);
        let row_elements = usize::from(window.kernel_width) * channels;
        let (rows, columns) = (self.rows[y], self.columns[x]);
        let mut at = elements.start;
        while at < elements.end {
            let (row, inside) = (at / row_elements, at % row_elements);
            let (left, right) = (columns.start * channels, columns.end * channels);
            let (end, padded) = match (rows.start..rows.end).contains(&row) {
                true if inside < left => (left, true),
                true if inside < right => (right, false),
                _ => (row_elements, true),
            };
            let length = (end - inside).min(elements.end - at);
            each(length, padded);
            at += length;
        }
    }
}
