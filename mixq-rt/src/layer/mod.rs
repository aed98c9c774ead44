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
mod patch;
mod pool;

pub use add::add;
pub use conv::conv;
pub use depthwise::depthwise;
pub use linear::linear;
pub use pool::{average_pool, max_pool};

#[cfg(armv7em)]
pub(crate) use add::check_sum;
#[cfg(armv7em)]
pub(crate) use pool::MOST_AVERAGED;

use core::slice::from_mut;

use mixq_format::{Tensor, Window};

use crate::arch::{self, Pair};
use crate::check::check;
use crate::tensor::CHUNK;

/// Output channels that are requantised at once. On ARMv7E-M, where few layers come here, the stack is worth
/// more than time.
const BLOCK: usize = if cfg!(armv7em) { 4 } else { 8 };

/// The taps of a window's axis that meet the input; the others lie in the padding.
#[derive(Clone, Copy)]
pub(crate) struct Taps {
    /// The first that does; there is one.
    pub(crate) start: usize,
    /// The first after them that does not.
    pub(crate) end: usize,
    /// The input row or column that tap `start` sees.
    pub(crate) first: usize,
}

impl Taps {
    /// Those of the window at a position.
    ///
    /// # Panics
    /// If the window lies wholly in the padding.
    #[inline(always)]
    pub(crate) fn new(position: usize, stride: u16, pad: u16, kernel: u16, size: u16) -> Taps {
        let (origin, pad) = (position * usize::from(stride), usize::from(pad));
        let start = pad.saturating_sub(origin);
        let end = usize::from(kernel).min((usize::from(size) + pad).saturating_sub(origin));
        check(start < end);
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
// Inlined: two frames less on the stack.
#[inline(always)]
fn for_each_pixel(
    window: &Window,
    input: &Tensor,
    output: &Tensor,
    output_bytes: &mut [u8],
    mut each: impl FnMut(Taps, Taps, &mut [u8]),
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

/// The inner loops of a convolution for one pair of widths.
///
/// They are called through pointers: what is around the inner loops exists once in an image,
/// whatever the widths of its layers, and every loop has all registers to itself.
struct Loops {
    unpack: fn(&[u8], &mut [Pair], bool),
    dots: Dots,
}

/// Adds the dot products of a segment to those of some output channels, of two pixels. The channels' weights
/// begin `filter_bytes` apart.
type Dots = fn(codes: &[[Pair; CHUNK]], weights: &[u8], filter_bytes: usize, sums: [&mut [i32]; 2]);

impl Loops {
    const fn of<const X: usize, const W: usize>() -> Loops {
        Loops { unpack: arch::unpack::<X>, dots: dots::<X, W> }
    }
}

#[inline(never)]
fn dots<const X: usize, const W: usize>(
    codes: &[[Pair; CHUNK]],
    mut weights: &[u8],
    filter_bytes: usize,
    [first, second]: [&mut [i32]; 2],
) {
    for (first, second) in first.iter_mut().zip(second) {
        let (chunks, rest) = weights.as_chunks();
        if let Some(chunks) = chunks.get(..codes.len()) {
            let dots = arch::dot_pairs::<X, W>(codes, chunks);
            *first = first.wrapping_add(dots[0]);
            *second = second.wrapping_add(dots[1]);
        } else {
            // The last chunk reaches beyond all filters, and beyond all parameters.
            let (whole, last) = codes.split_at(chunks.len());
            let mut buffer = [0; W];
            buffer[..rest.len()].copy_from_slice(rest);
            for (codes, weights) in [(whole, weights), (last, &buffer)] {
                dots::<X, W>(codes, weights, W, [from_mut(first), from_mut(second)]);
            }
        }
        weights = weights.get(filter_bytes..).unwrap_or_default();
    }
}
