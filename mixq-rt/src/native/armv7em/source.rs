//! What windows see, as patches.

use core::ops::Range;

use mixq_format::layout::Blocks;
use mixq_format::{Bits, Conv};

use crate::arch::armv7em::{Kernels, Scratch};
use crate::layer::Taps;

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
        let filter_bytes = taps * table.weight_bits.row_bytes(channels);
        Source { table, kernels, blocks, elements: taps * channels, filter_bytes, order, inner }
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

    /// Fills a patch from an element on, for output pixels `first..first + count`.
    #[inline(always)]
    pub(super) fn fill(&self, patch: &mut Scratch, input: &[u8], first: usize, count: usize, element: usize) {
        patch.begin(patch.chunk().min(self.elements - element));
        match self.order {
            Order::Row => self.fill_row(patch, input, first, count, element),
            Order::Words => self.fill_words(patch, input, first, count, element),
            Order::Nine => self.fill_nine(patch, input, first, count),
            Order::Bytes => self.fill_bytes(patch, input, first, count, element),
        }
    }

    #[inline(never)]
    fn fill_row(&self, patch: &mut Scratch, input: &[u8], first: usize, count: usize, element: usize) {
        let tensor = &self.table.input;
        let widen = &self.kernels.widen;
        let words = (patch.elements() & !(self.blocks.unit - 1)) / widen.word;
        let codes = |pixel| {
            let [row, column] = self.origin(pixel);
            let pixel = row * usize::from(tensor.width) + column;
            &input[pixel * tensor.pixel_bytes() + element * widen.bits / 8..]
        };
        let Conv { window, output, .. } = self.table;
        let in_a_row = first % usize::from(output.width) + count <= usize::from(output.width);
        let whole = tensor.width == output.width && (window.stride_width, window.stride_height) == (1, 1);
        if in_a_row || whole {
            patch.widen(widen, [0, count], 0, codes(first), [words, self.pitch()]);
        } else {
            for pixel in 0..count {
                patch.widen(widen, [pixel, 1], 0, codes(first + pixel), [words, 0]);
            }
        }
        if words * widen.word < patch.elements() {
            for pixel in 0..count {
                self.put_rest(patch, pixel, words * widen.word, codes(first + pixel));
            }
        }
    }

    /// Bytes from what an output pixel sees to what the next one in its row does.
    #[inline(always)]
    fn pitch(&self) -> usize {
        usize::from(self.table.window.stride_width) * self.table.input.pixel_bytes()
    }

    /// Codes from an element on that fill no word, from a row that begins with the chunk.
    #[inline(never)]
    fn put_rest(&self, patch: &mut Scratch, pixel: usize, element: usize, codes: &[u8]) {
        for element in element..patch.elements() {
            patch.put(pixel, self.slot(element, patch), code(codes, element, self.kernels.widen.bits));
        }
    }

    /// Row and column of the input that an output pixel's window begins with, where there is no padding.
    #[inline(always)]
    fn origin(&self, pixel: usize) -> [usize; 2] {
        let [y, x] = self.place(pixel);
        let window = &self.table.window;
        [y * usize::from(window.stride_height), x * usize::from(window.stride_width)]
    }

    /// Row and column of an output pixel.
    #[inline(always)]
    fn place(&self, pixel: usize) -> [usize; 2] {
        let width = usize::from(self.table.output.width);
        [pixel / width, pixel % width]
    }

    /// Where an element goes that fills no word, as [`Blocks::element`](mixq_format::layout::Blocks::element) has it. A slot that stays
    /// empty may hold anything: it meets a weight of 0.
    #[inline(always)]
    fn slot(&self, element: usize, patch: &Scratch) -> usize {
        let blocks = &self.blocks;
        let short = blocks.last_word_is_short(patch.elements());
        let size = if short { blocks.word } else { blocks.unit };
        let whole = patch.elements() & !(size - 1);
        match element.checked_sub(whole) {
            None => element,
            Some(tail) if tail < size / 2 => whole + 2 * tail,
            Some(tail) => whole + 2 * tail + 1 - size,
        }
    }

    /// The taps of a window's rows or columns at a position of the output, along one axis.
    #[inline(always)]
    fn taps(&self, y: usize, x: usize) -> (Taps, Taps) {
        let (window, input) = (&self.table.window, &self.table.input);
        let rows = Taps::new(y, window.stride_height, window.pad_top, window.kernel_height, input.height);
        let columns = Taps::new(x, window.stride_width, window.pad_left, window.kernel_width, input.width);
        (rows, columns)
    }

    /// Calls `each` with runs of a window's elements, from one on: the place of a run in the input (`None`: padding), and its elements.
    #[inline(always)]
    fn runs(
        &self,
        count: usize,
        element: usize,
        [y, x]: [usize; 2],
        mut each: impl FnMut(Option<usize>, usize, usize),
    ) {
        let (input, channels) = (&self.table.input, usize::from(self.table.input.channels));
        let (rows, columns) = self.taps(y, x);
        let row_elements = usize::from(self.table.window.kernel_width) * channels;
        let (left, right) = (columns.start * channels, columns.end * channels);
        let (mut row, mut inside) = (element / row_elements, element % row_elements);
        let mut done = 0;
        while done < count {
            let (end, from) = match rows.see(row) {
                Some(_) if inside < left => (left, None),
                Some(y) if inside < right => {
                    let first = (y * usize::from(input.width) + columns.first) * input.pixel_bytes();
                    (right, Some(first + (inside - left) * self.kernels.widen.bits / 8))
                }
                _ => (row_elements, None),
            };
            let run = (end - inside).min(count - done);
            each(from, done, run);
            done += run;
            inside += run;
            if inside == row_elements {
                (row, inside) = (row + 1, 0);
            }
        }
    }

    /// Each run of elements is whole words.
    #[inline(never)]
    fn fill_words(&self, patch: &mut Scratch, input: &[u8], first: usize, count: usize, element: usize) {
        let place = self.place(first);
        if self.inside(place, count) {
            self.fill_words_of(patch, input, [0, count], self.pitch(), element, place);
        } else {
            for pixel in 0..count {
                self.fill_words_of(patch, input, [pixel, 1], 0, element, self.place(first + pixel));
            }
        }
    }

    /// For pixels whose windows see the same of input and padding.
    #[inline(always)]
    fn fill_words_of(
        &self,
        patch: &mut Scratch,
        input: &[u8],
        [pixel, count]: [usize; 2],
        pitch: usize,
        element: usize,
        place: [usize; 2],
    ) {
        let widen = &self.kernels.widen;
        self.runs(patch.elements(), element, place, |from, done, run| match from {
            Some(from) => {
                let words = run / widen.word;
                patch.widen(widen, [pixel, count], done, &input[from..], [words, pitch]);
            }
            None => patch.pad(pixel, done, run, self.table.input.zero_point.into()),
        });
    }

    /// Whether the windows of a group are in one row and see no padding.
    #[inline(always)]
    fn inside(&self, [y, x]: [usize; 2], count: usize) -> bool {
        let [rows, columns] = &self.inner;
        rows.contains(&y) && x >= columns.start && x + count <= columns.end
    }

    #[inline(never)]
    fn fill_nine(&self, patch: &mut Scratch, input: &[u8], first: usize, count: usize) {
        let tensor = &self.table.input;
        let row_bytes = usize::from(tensor.width) * tensor.pixel_bytes();
        let from = |[y, x]: [usize; 2]| {
            let window = &self.table.window;
            let row = y * usize::from(window.stride_height) - usize::from(window.pad_top);
            let column = x * usize::from(window.stride_width) - usize::from(window.pad_left);
            &input[row * row_bytes + column * tensor.pixel_bytes()..]
        };
        let place = self.place(first);
        if self.inside(place, count) {
            patch.widen_nine([0, count], from(place), [row_bytes, self.pitch()]);
            return;
        }
        for pixel in 0..count {
            let place = self.place(first + pixel);
            if self.inside(place, 1) {
                patch.widen_nine([pixel, 1], from(place), [row_bytes, 0]);
            } else {
                self.stage_bytes(patch, input, 0, place);
                patch.widen_nine_staged(pixel);
            }
        }
    }

    #[inline(never)]
    fn fill_bytes(&self, patch: &mut Scratch, input: &[u8], first: usize, count: usize, element: usize) {
        for pixel in 0..count {
            self.stage_bytes(patch, input, element, self.place(first + pixel));
            self.widen_stage(patch, pixel);
        }
    }

    /// Widens what is staged for a pixel.
    #[inline(never)]
    fn widen_stage(&self, patch: &mut Scratch, pixel: usize) {
        let (blocks, widen) = (&self.blocks, &self.kernels.widen);
        let elements = patch.elements();
        let words = if blocks.last_word_is_short(elements) {
            elements.div_ceil(widen.word)
        } else {
            (elements & !(blocks.unit - 1)) / widen.word
        };
        patch.widen_staged(widen, pixel, words);
        for element in words * widen.word..elements {
            let code = code(patch.stage(), element, widen.bits);
            patch.put(pixel, self.slot(element, patch), code);
        }
    }

    #[inline(never)]
    fn stage_bytes(&self, patch: &mut Scratch, input: &[u8], element: usize, place: [usize; 2]) {
        let bits = self.kernels.widen.bits;
        let padding = self.padding();
        let count = patch.elements();
        let codes = patch.stage();
        // What fills no word, widened as one, is 0 after the last code.
        let last = (count * bits / 8) & !3;
        if let Some(word) = codes.get_mut(last..last + 4) {
            word.fill(0);
        }
        self.runs(count, element, place, |from, done, run| {
            let to = &mut codes[done * bits / 8..(done + run) * bits / 8];
            match from {
                Some(from) => copy(to, &input[from..]),
                None => to.fill(padding),
            }
        });
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
