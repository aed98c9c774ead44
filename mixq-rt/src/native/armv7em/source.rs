//! What windows see, as patches.

use mixq_format::{Bits, Conv};

use crate::arch::armv7em::{Kernels, Scratch};
use crate::layer::Taps;

/// The input of a convolution.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) table: &'a Conv,
    pub(super) kernels: &'a Kernels,
    input: &'a [u8],
    /// Elements that a window sees.
    pub(super) elements: usize,
    pub(super) filter_bytes: usize,
    order: Order,
}

/// How the elements of a window lie in the input.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    /// All in a row.
    Row,
    /// In whole words of each pixel.
    Words,
    /// In whole bytes of each pixel.
    Bytes,
    /// Otherwise.
    Any,
}

impl<'a> Source<'a> {
    pub(super) fn new(table: &'a Conv, input: &'a [u8], kernels: &'a Kernels) -> Source<'a> {
        let window = &table.window;
        let taps = usize::from(window.kernel_height) * usize::from(window.kernel_width);
        let channels = usize::from(table.input.channels);
        let whole = (window.kernel_height, window.kernel_width) == (table.input.height, table.input.width)
            && window.pad_left == 0
            && window.pad_top == 0
            && table.output.pixels() == 1;
        let bytes = (channels * kernels.widen.bits).is_multiple_of(8);
        let order = if taps == 1 || (bytes && whole) {
            Order::Row
        } else if channels.is_multiple_of(kernels.blocks.unit.max(kernels.widen.word)) {
            Order::Words
        } else if bytes {
            Order::Bytes
        } else {
            Order::Any
        };
        let filter_bytes = taps * table.weight_bits.row_bytes(channels);
        Source { table, kernels, input, elements: taps * channels, filter_bytes, order }
    }

    /// Element of a filter as it is in the artifact.
    pub(super) fn weight(&self, filter: &[u8], element: usize) -> i32 {
        let (bits, channels) = (self.table.weight_bits, usize::from(self.table.input.channels));
        let row = &filter[element / channels * bits.row_bytes(channels)..];
        let above = 32 - bits.count();
        (code(row, element % channels, bits.count()) << above) >> above
    }

    /// Whether the codes have to be packed without the padding of rows before they are widened.
    pub(super) fn staged(&self) -> bool {
        matches!(self.order, Order::Bytes | Order::Any)
    }

    /// Fills a patch from an element on, for output pixels `first..first + count`.
    #[inline(always)]
    pub(super) fn fill(&self, patch: &mut Scratch, first: usize, count: usize, element: usize) {
        patch.begin(patch.chunk().min(self.elements - element), element == 0);
        match self.order {
            Order::Row => self.fill_row(patch, first, count, element),
            Order::Words => self.fill_words(patch, first, count, element),
            Order::Bytes => self.fill_bytes(patch, first, count, element),
            Order::Any => self.fill_any(patch, first, count, element),
        }
    }

    #[inline(never)]
    fn fill_row(&self, patch: &mut Scratch, first: usize, count: usize, element: usize) {
        let (window, input) = (&self.table.window, &self.table.input);
        let widen = &self.kernels.widen;
        let words = (patch.elements() & !(self.kernels.blocks.unit - 1)) / widen.word;
        for pixel in 0..count {
            let [y, x] = self.place(first + pixel);
            let first = y * usize::from(window.stride_height) * usize::from(input.width)
                + x * usize::from(window.stride_width);
            let codes = &self.input[first * input.pixel_bytes() + element * widen.bits / 8..];
            patch.widen(widen, pixel, 0, codes, words);
            for element in words * widen.word..patch.elements() {
                patch.put(pixel, self.slot(element, patch), code(codes, element, widen.bits));
            }
        }
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
        let unit = self.kernels.blocks.unit;
        let whole = patch.elements() & !(unit - 1);
        match element.checked_sub(whole) {
            None => element,
            Some(tail) if tail < unit / 2 => whole + 2 * tail,
            Some(tail) => whole + 2 * tail + 1 - unit,
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
    fn fill_words(&self, patch: &mut Scratch, first: usize, count: usize, element: usize) {
        for pixel in 0..count {
            self.runs(patch.elements(), element, self.place(first + pixel), |from, done, run| match from {
                Some(from) => {
                    let words = run / self.kernels.widen.word;
                    patch.widen(&self.kernels.widen, pixel, done, &self.input[from..], words);
                }
                None => {
                    for slot in done..done + run {
                        patch.put(pixel, slot, self.table.input.zero_point.into());
                    }
                }
            });
        }
    }

    #[inline(never)]
    fn fill_bytes(&self, patch: &mut Scratch, first: usize, count: usize, element: usize) {
        for pixel in 0..count {
            self.stage_bytes(patch, element, self.place(first + pixel));
            self.widen_stage(patch, pixel);
        }
    }

    #[inline(never)]
    fn fill_any(&self, patch: &mut Scratch, first: usize, count: usize, element: usize) {
        for pixel in 0..count {
            self.stage(patch, element, self.place(first + pixel));
            self.widen_stage(patch, pixel);
        }
    }

    /// Widens what is staged for a pixel.
    #[inline(always)]
    fn widen_stage(&self, patch: &mut Scratch, pixel: usize) {
        let widen = &self.kernels.widen;
        let words = (patch.elements() & !(self.kernels.blocks.unit - 1)) / widen.word;
        patch.widen_staged(widen, pixel, words);
        for element in words * widen.word..patch.elements() {
            let code = code(patch.stage(), element, widen.bits);
            patch.put(pixel, self.slot(element, patch), code);
        }
    }

    #[inline(always)]
    fn stage_bytes(&self, patch: &mut Scratch, element: usize, place: [usize; 2]) {
        let bits = self.kernels.widen.bits;
        let padding = self.padding();
        let count = patch.elements();
        let codes = patch.stage();
        self.runs(count, element, place, |from, done, run| {
            let to = &mut codes[done * bits / 8..(done + run) * bits / 8];
            match from {
                Some(from) => copy(to, &self.input[from..]),
                None => to.fill(padding),
            }
        });
    }

    #[inline(always)]
    fn stage(&self, patch: &mut Scratch, element: usize, [y, x]: [usize; 2]) {
        let (input, bits) = (&self.table.input, self.kernels.widen.bits);
        let (rows, columns) = self.taps(y, x);
        let (width, channels) = (usize::from(self.table.window.kernel_width), usize::from(input.channels));
        let (mut tap, mut channel) = (element / channels, element % channels);
        let count = patch.elements();
        let codes = patch.stage();
        codes.fill(0);
        for index in 0..count {
            let code = match (rows.see(tap / width), columns.see(tap % width)) {
                (Some(y), Some(x)) => {
                    let pixel = y * usize::from(input.width) + x;
                    code(&self.input[pixel * input.pixel_bytes()..], channel, bits)
                }
                _ => input.zero_point.into(),
            };
            codes[index * bits / 8] |= (code << (index * bits % 8)) as u8;
            channel += 1;
            if channel == channels {
                (tap, channel) = (tap + 1, 0);
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
