//! What windows see, as patches.

use core::ops::Range;

use mixq_format::Conv;

use super::runs::Runs;
use crate::arch::armv7em::{
    Filters, More, Nine, PAIR, PIXELS, Patch, STAGED_ROW, Scratch, stage_row, stage_rows,
};
use crate::layer::Taps;

/// The input of a convolution.
pub(super) struct Source<'a> {
    pub(super) filters: Filters<'a>,
    /// Elements that a window sees.
    pub(super) elements: usize,
    order: Order,
    /// Rows and columns of the output whose windows see no padding.
    inner: [Range<u16>; 2],
    /// Bytes from what an output pixel sees to what the next one in its row does, and the first one of the next row.
    pitch: usize,
    row_pitch: usize,
    /// Bytes of padding before the input, as if it were there.
    before: usize,
    /// Whether all pixels of the output are as one row.
    seamless: bool,
}

/// How the elements of a window lie in the input.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    /// All in a row.
    Row,
    /// In whole words of each pixel.
    Words,
    /// In three rows of three channels: see [`Nine`].
    Nine,
    /// In bytes of each pixel: staged one after another, unpacked if they do not fill them, before they are widened.
    Bytes,
}

impl<'a> Source<'a> {
    // Apart: its frame is gone when the layer is executed.
    #[inline(never)]
    pub(super) fn new(filters: Filters<'a>) -> Source<'a> {
        let Filters { table, kernels, .. } = filters;
        let Conv { window, input, output, .. } = table;
        let taps = usize::from(window.kernel_height) * usize::from(window.kernel_width);
        let channels = usize::from(input.channels);
        let whole = (window.kernel_height, window.kernel_width) == (input.height, input.width)
            && window.pad_left == 0
            && window.pad_top == 0
            && output.pixels() == 1;
        let blocks = kernels.blocks;
        let unpacked = kernels.unpack.is_some();
        let order = if kernels.nine.is_some() {
            Order::Nine
        } else if taps == 1 || (whole && !unpacked) {
            Order::Row
        } else if channels.is_multiple_of(blocks.unit.max(kernels.widen.word)) && !unpacked {
            Order::Words
        } else {
            Order::Bytes
        };
        let inner = [
            inner(window.stride_height, window.pad_top, window.kernel_height, input.height, output.height),
            inner(window.stride_width, window.pad_left, window.kernel_width, input.width, output.width),
        ];
        Source {
            filters,
            elements: taps * channels,
            order,
            inner,
            pitch: usize::from(window.stride_width) * input.pixel_bytes(),
            row_pitch: usize::from(window.stride_height) * usize::from(input.width) * input.pixel_bytes(),
            before: (usize::from(window.pad_top) * usize::from(input.width) + usize::from(window.pad_left))
                * input.pixel_bytes(),
            seamless: taps == 1
                && input.width == output.width
                && (window.stride_width, window.stride_height) == (1, 1),
        }
    }

    /// Divides memory, for at most so many elements at once, with accumulators even if all elements fit, or without.
    #[inline(always)]
    pub(super) fn scratch<'m>(&self, memory: &'m mut [u32], most: usize, sums: bool) -> Scratch<'m> {
        match self.order {
            Order::Nine => Scratch::of_nine(memory),
            _ => {
                let staged = self.order == Order::Bytes;
                Scratch::new(memory, self.elements.next_multiple_of(16), most, staged, sums)
            }
        }
    }

    /// Output pixels that a group does not leave: a row of them where two are staged together.
    #[inline(always)]
    pub(super) fn row(&self) -> usize {
        let output = &self.filters.table.output;
        if self.order == Order::Nine { output.width.into() } else { output.pixels() }
    }

    /// The whole groups of output pixels from one on whose windows are taken with all of their elements, one after the other.
    #[inline(never)]
    pub(super) fn groups<'i>(&self, first: usize, input: &'i [u8]) -> Option<More<'i>> {
        let Filters { table, kernels, .. } = self.filters;
        let fill = match self.order {
            Order::Nine => kernels.nine.as_ref()?.fill(self.input_row()),
            Order::Row if self.elements.is_multiple_of(kernels.widen.word.max(kernels.blocks.unit)) => {
                kernels.widen.fill(self.elements / kernels.widen.word)
            }
            _ => return None,
        };
        let place = self.place(first);
        let pixels = match self.seamless {
            true => table.output.pixels() - first,
            false => self.inside(place, table.output.width.into()),
        };
        let groups = pixels / PIXELS;
        (groups > 0).then(|| More { fill, codes: &input[self.offset(place)..], pitch: self.pitch, groups })
    }

    /// Fills a patch from an element on, for output pixels `first..first + count`: those together whose windows are in one row and see no
    /// padding.
    // One caller: a frame less on the stack.
    #[inline(always)]
    pub(super) fn fill(
        &self,
        scratch: &mut Scratch,
        input: &[u8],
        first: usize,
        count: usize,
        element: usize,
    ) {
        let (mut patch, stage) = scratch.begin(scratch.chunk().min(self.elements - element));
        if let Some(nine) = &self.filters.kernels.nine {
            for pixel in (0..count).step_by(PAIR) {
                self.widen_nine(nine, &mut patch, pixel, stage, input, self.place(first + pixel));
            }
            return;
        }
        let mut pixel = 0;
        while pixel < count {
            let place = self.place(first + pixel);
            let inside = if self.seamless { count } else { self.inside(place, count - pixel) };
            let staged = self.order == Order::Bytes;
            // Those that see padding one by one.
            let pixels = [pixel, if staged { 1 } else { inside.max(1) }];
            match self.order {
                Order::Words => self.widen_runs(&mut patch, pixels, input, element, place),
                Order::Bytes => {
                    self.stage(stage, patch.elements(), input, element, place);
                    self.widen(&mut patch, pixels, stage);
                }
                Order::Row | Order::Nine => {
                    let first = self.offset(place) + element * self.filters.kernels.widen.bits / 8;
                    self.widen(&mut patch, pixels, &input[first..]);
                }
            }
            pixel += pixels[1];
        }
    }

    /// Widens what a pair of output pixels sees: staged, with the padding, if that is part of it.
    #[inline(never)]
    fn widen_nine(
        &self,
        nine: &Nine,
        patch: &mut Patch,
        pixel: usize,
        stage: &mut [u8],
        input: &[u8],
        place: [usize; 2],
    ) {
        if self.inside(place, PAIR) == PAIR {
            patch.widen_nine(nine, pixel, &input[self.offset(place)..], [self.input_row(), self.pitch]);
            return;
        }
        let Conv { window, input: tensor, .. } = self.filters.table;
        let rows = Taps::new(place[0], window.stride_height, window.pad_top, 3, tensor.height);
        let columns =
            Taps::new(place[1], window.stride_width, window.pad_left, 3 + window.stride_width, tensor.width);
        let (pixel_bytes, row_bytes) = (tensor.pixel_bytes(), self.input_row());
        let inside = input.get(rows.first * row_bytes + columns.first * pixel_bytes..).unwrap_or_default();
        let bytes = [columns.start, columns.count()].map(|pixels| pixels * pixel_bytes);
        stage_rows(stage, inside, row_bytes, rows.start..rows.end, bytes, self.padding());
        patch.widen_nine(nine, pixel, stage, [STAGED_ROW, self.pitch]);
    }

    /// Bytes from a row of the input to the next.
    #[inline(always)]
    fn input_row(&self) -> usize {
        let input = &self.filters.table.input;
        usize::from(input.width) * input.pixel_bytes()
    }

    /// Row and column of an output pixel.
    #[inline(always)]
    fn place(&self, pixel: usize) -> [usize; 2] {
        let width = usize::from(self.filters.table.output.width);
        [pixel / width, pixel % width]
    }

    /// Where the window of an output pixel that sees no padding begins: bytes from the start of the input.
    #[inline(always)]
    fn offset(&self, [y, x]: [usize; 2]) -> usize {
        y * self.row_pitch + x * self.pitch - self.before
    }

    /// How many of `count` output pixels from a place on are in one row and see no padding.
    #[inline(always)]
    fn inside(&self, [y, x]: [usize; 2], count: usize) -> usize {
        let [rows, columns] = &self.inner;
        let inside = rows.contains(&(y as u16)) && columns.contains(&(x as u16));
        if inside { count.min(usize::from(columns.end) - x) } else { 0 }
    }

    /// Widens a chunk of codes that lie one after another, for one or more pixels.
    #[inline(never)]
    fn widen(&self, patch: &mut Patch, [pixel, count]: [usize; 2], codes: &[u8]) {
        let (blocks, widen, elements) =
            (&self.filters.kernels.blocks, &self.filters.kernels.widen, patch.elements());
        let words = (elements & !(blocks.unit - 1)) / widen.word;
        patch.widen(widen, [pixel, count], 0, codes, [words, self.pitch]);
        if words * widen.word < elements {
            for index in 0..count {
                self.rest(patch, pixel + index, words * widen.word, &codes[index * self.pitch..]);
            }
        }
    }

    /// The codes of a chunk that fill no word, from an element on. Slots that stay empty may hold anything: they meet weights of 0.
    #[inline(never)]
    fn rest(&self, patch: &mut Patch, pixel: usize, mut element: usize, codes: &[u8]) {
        let (blocks, bits, elements) =
            (&self.filters.kernels.blocks, self.filters.kernels.widen.bits, patch.elements());
        if blocks.half_word(elements) {
            let byte = element * bits / 8;
            patch.widen_half(bits, pixel, element, [codes[byte], codes[byte + 1]]);
            element += blocks.word / 2;
        }
        let whole = elements & !(blocks.unit - 1);
        for element in element..elements {
            // As `Blocks::element` has it.
            let slot = match element.checked_sub(whole) {
                None => element,
                Some(tail) if tail < blocks.unit / 2 => whole + 2 * tail,
                Some(tail) => whole + 2 * tail + 1 - blocks.unit,
            };
            patch.put(pixel, slot, code(codes, element, bits));
        }
    }

    /// Widens runs of whole words, for one or more pixels whose windows see the same of input and padding.
    #[inline(never)]
    fn widen_runs(
        &self,
        patch: &mut Patch,
        [pixel, count]: [usize; 2],
        input: &[u8],
        element: usize,
        place: [usize; 2],
    ) {
        let widen = &self.filters.kernels.widen;
        let mut runs = Runs::new(self.filters.table, place, element, patch.elements());
        while let Some(run) = runs.next() {
            match run.from {
                Some(from) => {
                    let words = run.elements / widen.word;
                    patch.widen(widen, [pixel, count], run.first, &input[from..], [words, self.pitch]);
                }
                None => patch.pad(pixel, run.first, run.elements, self.filters.table.input.zero_point.into()),
            }
        }
    }

    /// Stages a chunk of codes, those of the padding too: packed, without the padding of rows, or unpacked.
    #[inline(never)]
    fn stage(&self, stage: &mut [u8], elements: usize, input: &[u8], element: usize, place: [usize; 2]) {
        let bits = self.filters.kernels.widen.bits;
        let tensor = &self.filters.table.input;
        let mut runs = Runs::new(self.filters.table, place, element, elements);
        while let Some(run) = runs.next() {
            let to = &mut stage[run.first * bits / 8..(run.first + run.elements) * bits / 8];
            match (run.from, self.filters.kernels.unpack) {
                (None, _) => stage_row(to, 0, &[], self.padding()),
                (Some(from), None) => stage_row(to, 0, &input[from..from + to.len()], 0),
                (Some(from), Some(unpack)) => {
                    let channels = [run.channel, tensor.channels.into()];
                    unpack(to, &input[from..], channels, tensor.bits.count());
                }
            }
        }
    }

    /// A byte of padding.
    fn padding(&self) -> u8 {
        let code = self.filters.table.input.zero_point;
        match self.filters.kernels.widen.bits {
            2 => code * 0x55,
            4 => code * 0x11,
            _ => code,
        }
    }
}

/// The positions of windows along one axis that see no padding.
fn inner(stride: u16, pad: u16, kernel: u16, size: u16, outputs: u16) -> Range<u16> {
    let [stride, pad, kernel, size] = [stride, pad, kernel, size].map(usize::from);
    let start = pad.div_ceil(stride);
    // The last window may begin at `size + pad - kernel`, counted from the first of the padding.
    let end = (size + pad).checked_sub(kernel).map_or(0, |last| last / stride + 1);
    // At most 2^16.
    start as u16..end.min(outputs.into()) as u16
}

/// Code `index` of a packed row.
#[inline(always)]
fn code(row: &[u8], index: usize, bits: usize) -> i32 {
    let bit = index * bits;
    i32::from(row[bit / 8] >> (bit % 8)) & ((1 << bits) - 1)
}
