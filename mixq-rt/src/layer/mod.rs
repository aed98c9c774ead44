//! The operators: one function for each, generic over bits only. Shapes are read from the layer's
//! table, so a network holds one copy of a kernel however many of its layers use it.
//!
//! Tables, parameters and arena are those of a network that passes
//! [`Network::validate`](mixq_format::Network::validate); `X` (bits of the input), `W` (bits of the
//! weights) and the [rule](crate::requant::Rule) of requantisation are those of the table. With anything
//! else a kernel panics or writes wrong values into the arena, but never touches other memory.

mod add;
mod conv;
mod depthwise;
mod linear;
mod pool;

pub use add::add;
pub use conv::conv;
pub use depthwise::depthwise;
pub use linear::linear;
pub use pool::{average_pool, max_pool};

use mixq_format::{Tensor, Window};

use crate::arch;
use crate::tensor::row_bytes;

/// The bytes of a layer's filters in its parameter block, one after another.
///
/// # Panics
/// If they reach beyond the parameters.
fn filters(
    parameters: &[u8],
    offset: u32,
    filter_bytes: usize,
    channels: u16,
) -> core::slice::Chunks<'_, u8> {
    parameters[offset as usize..][..filter_bytes * usize::from(channels)].chunks(filter_bytes)
}

/// The taps of a window's axis that meet the input; the others lie in the padding.
#[derive(Clone, Copy)]
pub(crate) struct Taps {
    /// The first that does.
    pub(crate) start: usize,
    /// The first after them that does not.
    pub(crate) end: usize,
    /// The input row or column that tap `start` sees.
    pub(crate) first: usize,
}

impl Taps {
    #[inline(always)]
    pub(crate) fn new(position: usize, stride: u16, pad: u16, kernel: u16, size: u16) -> Taps {
        let (origin, pad) = (position * usize::from(stride), usize::from(pad));
        let start = pad.saturating_sub(origin);
        let end = usize::from(kernel).min((usize::from(size) + pad).saturating_sub(origin));
        Taps { start, end, first: origin + start - pad }
    }

    #[inline(always)]
    pub(crate) fn count(self) -> usize {
        self.end - self.start
    }

    /// The input row or column that a tap sees, unless it lies in the padding.
    #[inline(always)]
    pub(crate) fn see(self, tap: usize) -> Option<usize> {
        (self.start..self.end).contains(&tap).then(|| self.first + tap - self.start)
    }
}

/// Calls `each(rows, columns, pixel)` for every pixel of the output, with the taps of the window there
/// and the pixel's bytes.
#[inline(never)]
fn for_each_pixel(
    window: &Window,
    input: &Tensor,
    output: &Tensor,
    output_bytes: &mut [u8],
    each: &mut dyn FnMut(Taps, Taps, &mut [u8]),
) {
    let mut pixels = output_bytes.chunks_mut(output.pixel_bytes());
    for y in 0..usize::from(output.height) {
        let rows = Taps::new(y, window.stride_height, window.pad_top, window.kernel_height, input.height);
        for (x, pixel) in (0..usize::from(output.width)).zip(&mut pixels) {
            let columns =
                Taps::new(x, window.stride_width, window.pad_left, window.kernel_width, input.width);
            each(rows, columns, pixel);
        }
    }
}

/// The inner loops for one pair of widths, over consecutive rows of so many elements.
///
/// Operators take them as function pointers: what is around the inner loops exists once in an image,
/// whatever the widths of its layers, and every loop has all registers to itself.
struct Loops {
    /// `sum(q_x s_w)`.
    dot: fn(&[u8], &[u8], usize) -> i32,
    /// `sum(q_x)`.
    sum_codes: fn(&[u8], usize) -> i32,
    /// `sum(s_w)`.
    sum_weights: fn(&[u8], usize) -> i32,
}

impl Loops {
    const fn of<const X: usize, const W: usize>() -> Loops {
        Loops { dot: dot::<X, W>, sum_codes: sum_codes::<X>, sum_weights: sum_weights::<W> }
    }
}

/// As one long row where the rows of both fill their bytes.
fn dot<const X: usize, const W: usize>(mut x: &[u8], mut w: &[u8], channels: usize) -> i32 {
    let seamless = (channels * X).is_multiple_of(8) && (channels * W).is_multiple_of(8);
    let (x_row, w_row, elements) = if seamless {
        (x.len(), w.len(), x.len() * 8 / X)
    } else {
        (row_bytes::<X>(channels), row_bytes::<W>(channels), channels)
    };
    let mut dot = 0i32;
    while !x.is_empty() {
        dot = dot.wrapping_add(arch::dot::<X, W>(&x[..x_row], &w[..w_row], elements));
        (x, w) = (&x[x_row..], &w[w_row..]);
    }
    dot
}

fn sum_codes<const X: usize>(x: &[u8], channels: usize) -> i32 {
    let rows = x.chunks(row_bytes::<X>(channels));
    rows.fold(0, |sum, row| sum.wrapping_add(arch::sum_codes::<X>(row, channels)))
}

fn sum_weights<const W: usize>(w: &[u8], channels: usize) -> i32 {
    let rows = w.chunks(row_bytes::<W>(channels));
    rows.fold(0, |sum, row| sum.wrapping_add(arch::sum_weights::<W>(row, channels)))
}
