//! The input of a convolution in groups, and where the taps of its windows lie in it.

use core::ops::Range;

use mixq_format::target::armv7em::Proof;
use mixq_format::{GroupedConv, Window};

use super::super::asm::Layer;
use super::super::asm::PIXELS;
use super::super::asm::conv::Filters;
use super::super::asm::row::{self, Row};
use super::super::asm::window::{Distances, Taps, Views};
use super::super::conv::inner;
use super::Instance;

/// The input of a convolution in groups.
pub(super) struct Source<'a> {
    pub(super) filters: Filters<'a, GroupedConv>,
    pub(super) instance: &'a Instance,
    /// The codes of the input tensor, without those of the first `seen` pixels.
    pub(super) input: &'a [u8],
    /// Pixels of the input that have been cut off: no window sees them any more.
    seen: usize,
    /// Elements of a filter.
    pub(super) elements: usize,
    /// Channels of a group.
    pub(super) channels: usize,
    /// Rows and columns of the output whose windows see no padding.
    inner: [Range<u16>; 2],
    /// Whether each output pixel sees the input pixel of the same number: then rows do not matter.
    pub(super) seamless: bool,
}

/// The taps that meet the input along one axis, and the input row or column that the first of them sees.
struct Axis {
    taps: Range<usize>,
    first: usize,
}

impl Axis {
    // One stack frame less.
    #[inline(always)]
    fn new(position: usize, [stride, pad, kernel, dilation, size]: [u16; 5]) -> Axis {
        let [pad, kernel, size] = [pad, kernel, size].map(usize::from);
        let (origin, dilation) = (position * usize::from(stride), usize::from(dilation).max(1));
        let until = |place: usize| place.saturating_sub(origin).div_ceil(dilation);
        let (start, end) = (until(pad), until(pad + size).min(kernel));
        Axis { taps: start..end, first: (origin + start * dilation).wrapping_sub(pad) }
    }
}

impl<'a> Source<'a> {
    // Not inlined: its stack frame is gone when the layer is executed.
    #[inline(never)]
    pub(super) fn new(
        layer: Layer<'a, GroupedConv>,
        proof: &'a Proof,
        instance: &'a Instance,
        codes: &'a [u8],
        seen: usize,
    ) -> Source<'a> {
        let table = layer.table();
        let GroupedConv { window, input, output, .. } = table;
        let (channels, taps) = (table.group_channels().max(1), window.taps());
        let span = table.span().unwrap_or(*window);
        let rows = [window.stride_height, window.pad_top, span.kernel_height, input.height];
        let columns = [window.stride_width, window.pad_left, span.kernel_width, input.width];
        Source {
            instance,
            filters: Filters { kernels: &instance.kernels, layer, proof },
            input: codes,
            seen,
            elements: taps * channels,
            channels,
            inner: [inner(rows, output.height), inner(columns, output.width)],
            seamless: taps == 1
                && input.width == output.width
                && (window.stride_width, window.stride_height) == (1, 1),
        }
    }

    fn table(&self) -> &'a GroupedConv {
        self.filters.layer.table()
    }

    /// Row and column of an output pixel.
    #[inline(always)]
    pub(super) fn place(&self, pixel: usize) -> [usize; 2] {
        let width = usize::from(self.table().output.width).max(1);
        [pixel / width, pixel % width]
    }

    /// The number of output pixels from a place on, at most `count`, whose windows lie in the input, one
    /// after another.
    #[inline(never)]
    pub(super) fn inside(&self, [y, x]: [usize; 2], count: usize) -> usize {
        let [rows, columns] = &self.inner;
        let inside = rows.contains(&(y as u16)) && columns.contains(&(x as u16));
        match inside {
            false => 0,
            true if self.seamless => count,
            true => count.min(usize::from(columns.end) - x),
        }
    }

    /// Adds the taps of the windows of output pixels that lie in the input. `place`: of the first of them.
    /// `pixels`: the first of them, among the four, and their number. The taps are the same for all of them.
    /// Returns the number of taps, which may be 0.
    #[inline(always)]
    pub(super) fn see<const N: usize>(
        &self,
        [y, x]: [usize; 2],
        pixels: [usize; 2],
        views: &mut Views<N>,
    ) -> usize {
        let GroupedConv { window, input, dilation_height, dilation_width, .. } = self.table();
        let Window { kernel_height, kernel_width, stride_height, stride_width, pad_top, pad_left } = *window;
        let rows = Axis::new(y, [stride_height, pad_top, kernel_height, *dilation_height, input.height]);
        let columns = Axis::new(x, [stride_width, pad_left, kernel_width, *dilation_width, input.width]);
        if rows.taps.is_empty() || columns.taps.is_empty() {
            return 0;
        }
        let kernel_width = usize::from(kernel_width);
        let taps = Taps {
            rows: rows.taps.len(),
            columns: columns.taps.len(),
            pixels,
            from: self.offset(rows.first, columns.first),
            element: (rows.taps.start * kernel_width + columns.taps.start) * self.channels,
        };
        views.add(&taps, &self.distances());
        taps.rows * taps.columns
    }

    #[inline(never)]
    fn distances(&self) -> Distances {
        let GroupedConv { window, input, dilation_height, dilation_width, .. } = self.table();
        let (pixel_bytes, width) = (input.pixel_bytes(), usize::from(input.width));
        let widen = &self.filters.kernels.widen;
        Distances {
            words: widen.words(self.channels),
            word: widen.word,
            tap: usize::from(*dilation_width) * pixel_bytes,
            row: usize::from(*dilation_height) * width * pixel_bytes,
            pitch: usize::from(window.stride_width) * pixel_bytes,
            row_elements: usize::from(window.kernel_width) * self.channels,
        }
    }

    /// Finds what four output pixels of a row see, from a place on, if windows have three columns without
    /// gaps and a stride of 1, and if all columns but the first and the last one lie in the input. Returns
    /// how many taps of each pixel lie in the input; `None` if it is not so.
    #[inline(always)]
    pub(super) fn see_row(&self, [y, x]: [usize; 2], row: &mut Row) -> Option<[usize; PIXELS]> {
        let GroupedConv { window, input, output, dilation_height, dilation_width, .. } = self.table();
        let Window { kernel_height, kernel_width, stride_height, stride_width, pad_top, pad_left } = *window;
        let is_one = usize::from(kernel_width) == row::COLUMNS
            && (stride_width, *dilation_width) == (1, 1)
            && x + PIXELS <= output.width.into();
        // Where column 1 lies in the input.
        let (width, second) = (usize::from(input.width), (x + 1).wrapping_sub(pad_left.into()));
        let rows = Axis::new(y, [stride_height, pad_top, kernel_height, *dilation_height, input.height]);
        if !is_one || second >= width || width - second < row::SEEN - 2 || rows.taps.is_empty() {
            return None;
        }
        let ends = [second > 0, width - second > row::SEEN - 2];
        let taps = row::Taps {
            rows: rows.taps.len(),
            from: self.offset(rows.first, second),
            ends,
            element: rows.taps.start * row::COLUMNS * self.channels,
        };
        *row = Row::of(&taps, &self.distances());
        let [first, last] = ends.map(|is_inside| rows.taps.len() * if is_inside { 3 } else { 2 });
        Some([first, rows.taps.len() * 3, rows.taps.len() * 3, last])
    }

    /// The same for one view.
    #[inline(never)]
    pub(super) fn see_one(&self, place: [usize; 2], pixels: [usize; 2], view: &mut Views<1>) -> usize {
        self.see(place, pixels, view)
    }

    /// Elements of a window that lie one after another, from `element` on: how many, at most `most`, and
    /// bytes from the start of the input that is left to the first of them, as if its group were the first
    /// one. `None`: they lie in the padding.
    #[inline(never)]
    pub(super) fn piece(&self, [y, x]: [usize; 2], element: usize, most: usize) -> (usize, Option<usize>) {
        let GroupedConv { window, input, dilation_height, dilation_width, .. } = self.table();
        let channels = self.channels.max(1);
        let (tap, channel) = (element / channels, element % channels);
        let width = usize::from(window.kernel_width).max(1);
        let (row, column) = (tap / width, tap % width);
        // A place before the input wraps to one beyond it.
        let place = |position: usize, stride: u16, tap: usize, dilation: u16, pad: u16| {
            (position * usize::from(stride) + tap * usize::from(dilation)).wrapping_sub(pad.into())
        };
        let y = place(y, window.stride_height, row, *dilation_height, window.pad_top);
        let x = place(x, window.stride_width, column, *dilation_width, window.pad_left);
        let is_inside = y < input.height.into() && x < input.width.into();
        let from = is_inside.then(|| self.offset(y, x) + channel * input.bits.count() / 8);
        ((channels - channel).min(most), from)
    }

    /// Bytes from the start of the input that is left to the first code of a pixel.
    #[inline(always)]
    pub(super) fn offset(&self, y: usize, x: usize) -> usize {
        let input = &self.table().input;
        (y * usize::from(input.width) + x).wrapping_sub(self.seen).wrapping_mul(input.pixel_bytes())
    }

    /// Bytes of a pixel before the codes of a group.
    #[inline(always)]
    pub(super) fn before(&self, group: usize) -> usize {
        group * self.channels * self.table().input.bits.count() / 8
    }
}
