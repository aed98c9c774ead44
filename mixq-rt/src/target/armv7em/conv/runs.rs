//! Divides a window into runs: elements that lie one after another in the input.

use mixq_format::Conv;

use crate::target::Taps;

/// The taps that meet the input, by rows and by columns, for the output pixel at row `y` and column `x`.
#[inline(never)]
fn taps(table: &Conv, [y, x]: [usize; 2]) -> (Taps, Taps) {
    let Conv { window, input, .. } = table;
    let rows = axis(y, window.stride_height, window.pad_top, window.kernel_height, input.height);
    let columns = axis(x, window.stride_width, window.pad_left, window.kernel_width, input.width);
    (rows, columns)
}

/// The taps that meet the input along one axis: see [`Taps::new`].
#[inline(never)]
pub(super) fn axis(position: usize, stride: u16, pad: u16, kernel: u16, size: u16) -> Taps {
    Taps::new(position, stride, pad, kernel, size)
}

/// Elements of a window that lie one after another, either in the input or in the padding.
pub(super) struct Run {
    /// Bytes from the start of the input that is left to the first element. `None`: the elements lie
    /// in the padding.
    pub(super) from: Option<usize>,
    /// Channel of the first element.
    pub(super) channel: usize,
    /// Elements of all earlier runs.
    pub(super) first: usize,
    /// Number of elements.
    pub(super) elements: usize,
}

/// The runs of a part of a window, in the order of its elements.
pub(super) struct Runs<'a> {
    table: &'a Conv,
    rows: Taps,
    columns: Taps,
    /// The pixel of the input that the first tap of a row of the window would see in the input's first row,
    /// if there were no padding. It wraps.
    first: usize,
    /// Row of the window in which the next element is.
    row: usize,
    /// Elements of that row before the next element.
    inside: usize,
    /// Elements of the runs so far.
    done: usize,
    /// Elements of all runs.
    count: usize,
}

impl<'a> Runs<'a> {
    /// The runs of `count` elements, beginning with `element`. `place`: row and column of the output pixel.
    /// `seen`: pixels of the input that have been cut off.
    #[inline(always)]
    pub(super) fn new(
        table: &'a Conv,
        place: [usize; 2],
        seen: usize,
        element: usize,
        count: usize,
    ) -> Runs<'a> {
        let Conv { window, input, .. } = table;
        let (rows, columns) = taps(table, place);
        let first = columns.first.wrapping_sub(columns.start).wrapping_sub(seen);
        let row_elements = usize::from(window.kernel_width) * usize::from(input.channels);
        let (row, inside) = (element / row_elements, element % row_elements);
        Runs { table, rows, columns, first, row, inside, done: 0, count }
    }

    /// The next run.
    // Inlined: one stack frame less.
    #[inline(always)]
    pub(super) fn next(&mut self) -> Option<Run> {
        if self.done == self.count {
            return None;
        }
        let (window, input) = (&self.table.window, &self.table.input);
        let channels = usize::from(input.channels);
        let row_elements = usize::from(window.kernel_width) * channels;
        let (left, right) = (self.columns.start * channels, self.columns.end * channels);
        let (tap, channel) = (self.inside / channels, self.inside % channels);
        let (end, from) = match self.rows.see(self.row) {
            Some(_) if self.inside < left => (left, None),
            Some(y) if self.inside < right => {
                let pixel = (y * usize::from(input.width) + tap).wrapping_add(self.first);
                (right, Some(pixel * input.pixel_bytes() + channel * input.bits.count() / 8))
            }
            _ => (row_elements, None),
        };
        let run = Run {
            from,
            channel,
            first: self.done,
            elements: (end - self.inside).min(self.count - self.done),
        };
        self.done += run.elements;
        self.inside += run.elements;
        if self.inside == row_elements {
            (self.row, self.inside) = (self.row + 1, 0);
        }
        Some(run)
    }
}
