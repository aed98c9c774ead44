//! What windows see, as patches.

use core::ops::Range;

use mixq_format::layout::Blocks;
use mixq_format::{Bits, Conv};

use super::runs::Runs;
use crate::arch::armv7em::{Kernels, Patch, Scratch};

/// The input of a convolution.
pub(super) struct Source<'a> {
    pub(super) table: &'a Conv,
    pub(super) kernels: &'a Kernels,
    pub(super) blocks: Blocks,
    /// Elements that a window sees.
    pub(super) elements: usize,
    pub(super) filter_bytes: usize,
    order: Order,
    /// Rows and columns of the output whose windows see no padding.
    inner: [Range<usize>; 2],
    /// Bytes from what an output pixel sees to what the next one in its row does.
    pitch: usize,
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
    /// In three rows of nine bytes.
    Nine,
    /// In whole bytes of each pixel.
    Bytes,
}

impl<'a> Source<'a> {
    // Apart: its frame is gone when the layer is executed.
    #[inline(never)]
    pub(super) fn new(table: &'a Conv, kernels: &'a Kernels) -> Source<'a> {
        let Conv { window, input, output, .. } = table;
        let taps = usize::from(window.kernel_height) * usize::from(window.kernel_width);
        let channels = usize::from(input.channels);
        let whole = (window.kernel_height, window.kernel_width) == (input.height, input.width)
            && window.pad_left == 0
            && window.pad_top == 0
            && output.pixels() == 1;
        let bytes = (channels * kernels.widen.bits).is_multiple_of(8);
        let blocks = Blocks::of_conv(table);
        let order = if blocks.nine {
            Order::Nine
        } else if taps == 1 || (bytes && whole) {
            Order::Row
        } else if channels.is_multiple_of(blocks.unit.max(kernels.widen.word)) {
            Order::Words
        } else {
            Order::Bytes
        };
        let inner = [
            inner(window.stride_height, window.pad_top, window.kernel_height, input.height, output.height),
            inner(window.stride_width, window.pad_left, window.kernel_width, input.width, output.width),
        ];
        Source {
            table,
            kernels,
            blocks,
            elements: taps * channels,
            filter_bytes: taps * table.weight_bits.row_bytes(channels),
            order,
            inner,
            pitch: usize::from(window.stride_width) * input.pixel_bytes(),
            seamless: taps == 1
                && input.width == output.width
                && (window.stride_width, window.stride_height) == (1, 1),
        }
    }

    /// Elements that a patch has room for if it holds all: whole units.
    pub(super) fn room(&self) -> usize {
        // The memory goes on after these 28, and what a loop reads there meets weights of 0.
        self.elements.next_multiple_of(if self.blocks.nine { 4 } else { 16 })
    }

    /// Whether the codes have to be packed without the padding of rows before they are widened.
    pub(super) fn staged(&self) -> bool {
        matches!(self.order, Order::Nine | Order::Bytes)
    }

    /// Fills a patch from an element on, for output pixels `first..first + count`: those together whose windows are in one row and see no
    /// padding.
    #[inline(never)]
    pub(super) fn fill(
        &self,
        scratch: &mut Scratch,
        input: &[u8],
        first: usize,
        count: usize,
        element: usize,
    ) {
        let (mut patch, stage) = scratch.begin(scratch.chunk().min(self.elements - element));
        let widen = &self.kernels.widen;
        let mut pixel = 0;
        while pixel < count {
            let place = self.place(first + pixel);
            let inside = if self.seamless { count } else { self.inside(place, count - pixel) };
            let pixels = match self.order {
                Order::Bytes => [pixel, 1],
                _ => [pixel, inside.max(1)],
            };
            match self.order {
                Order::Row => {
                    self.widen(&mut patch, pixels, &input[self.origin(place) + element * widen.bits / 8..]);
                }
                Order::Words => self.widen_runs(&mut patch, pixels, input, element, place),
                Order::Nine if inside > 0 => {
                    let row_bytes = usize::from(self.table.input.width) * self.table.input.pixel_bytes();
                    patch.widen_nine(pixels, &input[self.origin(place)..], [row_bytes, self.pitch]);
                }
                Order::Nine => {
                    self.stage(stage, patch.elements(), input, element, place);
                    patch.widen_nine(pixels, stage, [9, 0]);
                }
                Order::Bytes => {
                    self.stage(stage, patch.elements(), input, element, place);
                    self.widen(&mut patch, pixels, stage);
                }
            }
            pixel += pixels[1];
        }
    }

    /// Row and column of an output pixel.
    #[inline(always)]
    fn place(&self, pixel: usize) -> [usize; 2] {
        let width = usize::from(self.table.output.width);
        [pixel / width, pixel % width]
    }

    /// How many of `count` output pixels from a place on are in one row and see no padding.
    #[inline(always)]
    fn inside(&self, [y, x]: [usize; 2], count: usize) -> usize {
        let [rows, columns] = &self.inner;
        if rows.contains(&y) && columns.contains(&x) { count.min(columns.end - x) } else { 0 }
    }

    /// Where the window of an output pixel begins that sees no padding: bytes from the start of the input.
    #[inline(always)]
    fn origin(&self, [y, x]: [usize; 2]) -> usize {
        let Conv { window, input, .. } = self.table;
        let row = y * usize::from(window.stride_height) - usize::from(window.pad_top);
        let column = x * usize::from(window.stride_width) - usize::from(window.pad_left);
        (row * usize::from(input.width) + column) * input.pixel_bytes()
    }

    /// Widens a chunk of codes that lie one after another, for one or more pixels.
    #[inline(never)]
    fn widen(&self, patch: &mut Patch, [pixel, count]: [usize; 2], codes: &[u8]) {
        let (blocks, widen, elements) = (&self.blocks, &self.kernels.widen, patch.elements());
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
        let (blocks, bits, elements) = (&self.blocks, self.kernels.widen.bits, patch.elements());
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
        let widen = &self.kernels.widen;
        let mut runs = Runs::new(self.table, place, element, patch.elements());
        while let Some(run) = runs.next() {
            match run.from {
                Some(from) => {
                    let words = run.elements / widen.word;
                    patch.widen(widen, [pixel, count], run.first, &input[from..], [words, self.pitch]);
                }
                None => patch.pad(pixel, run.first, run.elements, self.table.input.zero_point.into()),
            }
        }
    }

    /// Packs a chunk of codes, those of the padding too.
    #[inline(never)]
    fn stage(&self, stage: &mut [u8], elements: usize, input: &[u8], element: usize, place: [usize; 2]) {
        let bits = self.kernels.widen.bits;
        let mut runs = Runs::new(self.table, place, element, elements);
        while let Some(run) = runs.next() {
            let to = &mut stage[run.first * bits / 8..(run.first + run.elements) * bits / 8];
            match run.from {
                Some(from) => copy(to, &input[from..]),
                None => to.fill(self.padding()),
            }
        }
    }

    /// A byte of padding.
    fn padding(&self) -> u8 {
        let code = self.table.input.zero_point;
        match self.table.input.bits {
            Bits::B2 => code * 0x55,
            Bits::B4 => code * 0x11,
            _ => code,
        }
    }
}

/// The positions of windows along one axis that see no padding.
fn inner(stride: u16, pad: u16, kernel: u16, size: u16, outputs: u16) -> Range<usize> {
    let [stride, pad, kernel, size] = [stride, pad, kernel, size].map(usize::from);
    let start = pad.div_ceil(stride);
    // The last window may begin at `size + pad - kernel`, counted from the first of the padding.
    let end = (size + pad).checked_sub(kernel).map_or(0, |last| last / stride + 1);
    start..end.min(outputs.into())
}

/// Copies the first bytes, word by word as long as it goes.
#[inline(always)]
fn copy(to: &mut [u8], from: &[u8]) {
    let (words, rest) = to.as_chunks_mut::<4>();
    let (from_words, from_rest) = from[..4 * words.len() + rest.len()].as_chunks::<4>();
    for (to, from) in words.iter_mut().zip(from_words) {
        *to = *from;
    }
    for (to, from) in rest.iter_mut().zip(from_rest) {
        *to = *from;
    }
}

/// Code `index` of a packed row.
#[inline(always)]
fn code(row: &[u8], index: usize, bits: usize) -> i32 {
    let bit = index * bits;
    i32::from(row[bit / 8] >> (bit % 8)) & ((1 << bits) - 1)
}
