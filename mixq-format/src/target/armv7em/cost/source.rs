//! What the windows of a convolution see, as far as it decides what filling a patch costs.

use core::ops::Range;

use super::super::super::cost::{Counts, Taps, axis};
use super::super::{Blocks, Windows};
use super::conv::{PIXELS, elements};
use super::pieces::P;
use crate::{Bits, Conv};

/// Widens words of some pixels, in assembly.
pub(super) fn widen(counts: &mut Counts, bits: usize, pixels: usize, words: usize) {
    if words == 0 {
        return;
    }
    let word = match bits {
        8 => P::Word8,
        4 => P::Word4,
        _ => P::Word2,
    };
    counts.add(P::WidenPixel as usize, pixels);
    counts.add(word as usize, pixels * words);
}

/// Widens half a word, if there is one: the number of its codes.
fn half(counts: &mut Counts, blocks: &Blocks, pixels: usize, elements: usize) -> usize {
    let half = if blocks.half_word(elements) { blocks.word / 2 } else { 0 };
    if half > 0 {
        counts.add(P::Half as usize, pixels);
        counts.add(P::HalfPair as usize, pixels * half / 2);
    }
    half
}

/// Widens what follows whole words.
pub(super) fn rest(counts: &mut Counts, blocks: &Blocks, pixels: usize, elements: usize) {
    let half = half(counts, blocks, pixels, elements);
    let whole = elements - elements % blocks.unit;
    let begin = whole - whole % blocks.word + half;
    counts.add(P::Rest as usize, pixels);
    counts.add(P::RestCode as usize, pixels * (elements - begin.min(elements)));
}

/// Where windows lie in the input.
pub(super) struct Source<'a> {
    pub(super) conv: &'a Conv,
    pub(super) windows: Windows,
    pub(super) elements: usize,
    blocks: Blocks,
    rows: Vec<Taps>,
    columns: Vec<Taps>,
    /// Whether all pixels of the output are as one row.
    seamless: bool,
}

impl Source<'_> {
    pub(super) fn new(conv: &Conv) -> Source<'_> {
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
    pub(super) fn groups(&self, first: usize) -> usize {
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

    fn widen(&self, counts: &mut Counts, pixels: usize, words: usize) {
        widen(counts, self.bits(), pixels, words);
    }

    pub(super) fn fill_again(&self, counts: &mut Counts, groups: usize) {
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
    pub(super) fn fill(
        &self,
        counts: &mut Counts,
        [first, size]: [usize; 2],
        elements: Range<usize>,
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
                    if self.direct(pixel) {
                        counts.add(P::DirectPixel as usize, times);
                    } else {
                        counts.add(P::StagedPixel as usize, times);
                        self.stage(counts, pixel, elements.clone(), times);
                    }
                }
                self.words_and_rest(counts, times * size, elements.len());
            }
        }
    }

    fn words_and_rest(&self, counts: &mut Counts, pixels: usize, elements: usize) {
        let whole = elements - elements % self.blocks.unit;
        self.widen(counts, pixels, whole * self.bits() / 32);
        match self.windows {
            Windows::PointwiseWords => {}
            Windows::PointwiseHalfWord => _ = half(counts, &self.blocks, pixels, elements),
            Windows::PointwiseTail
            | Windows::PixelWords
            | Windows::Rgb3x3
            | Windows::PixelBytes
            | Windows::UnpackedCodes => rest(counts, &self.blocks, pixels, elements),
        }
    }

    fn fill_words(
        &self,
        counts: &mut Counts,
        [first, size]: [usize; 2],
        elements: Range<usize>,
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

    /// Whether the codes of a pixel are widened from where they lie: those of a window of one row that sees
    /// no padding.
    fn direct(&self, pixel: usize) -> bool {
        let one_row = self.conv.window.kernel_height == 1 && self.windows == Windows::PixelBytes;
        one_row && self.inside(self.place(pixel), 1) == 1
    }

    fn stage(&self, counts: &mut Counts, pixel: usize, elements: Range<usize>, times: usize) {
        let unpack = self.windows == Windows::UnpackedCodes;
        if !unpack && elements.len() == self.elements {
            self.stage_window(counts, self.place(pixel), times);
            return;
        }
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

    /// Copies all codes of a window.
    fn stage_window(&self, counts: &mut Counts, [y, x]: [usize; 2], times: usize) {
        let Conv { window, input, .. } = self.conv;
        let [rows, columns] = [self.rows[y], self.columns[x]].map(Taps::count);
        let bytes = columns * input.pixel_bytes();
        counts.add(P::StagedWindow as usize, times);
        if rows * columns < window.taps() {
            counts.add(P::StagedPadding as usize, times);
            counts.add(P::StagePadding as usize, times * window.taps() * input.pixel_bytes());
        }
        counts.add(P::StagedRow as usize, times * rows);
        counts.add(P::StagedWord as usize, times * rows * (bytes / 4));
        counts.add(P::StagedByte as usize, times * rows * (bytes % 4));
    }

    /// Elements of a window that lie one after another, in the input or in the padding: how many each time.
    fn runs(&self, [y, x]: [usize; 2], elements: Range<usize>, mut each: impl FnMut(usize, bool)) {
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
