//! The operators in plain Rust: one function for each, generic only over the bits. A function reads shapes
//! from the layer's table, so that an image has one copy of it for all layers with these bits.
//!
//! `X` (bits of the input), `W` (bits of the weights) and the [rule](super::requant::RuleFn) of
//! requantisation must be those of the layer's table. Otherwise, or with parameters that
//! [`Network::validate`](mixq_format::Network::validate) refuses, a kernel panics or writes wrong values to
//! the arena. It never accesses other memory.

mod add;
mod constants;
mod conv;
mod depthwise;
mod elementwise;
mod grouped;
mod linear;
mod loops;
mod multiply;
mod patch;
mod pool;
mod prelu;
mod rearrange;
mod resize;
mod write;

pub use add::add;
pub use constants::constants;
pub use conv::conv;
pub use depthwise::depthwise;
pub use elementwise::elementwise;
pub use grouped::grouped_conv;
pub use linear::linear;
pub use multiply::multiply;
pub use pool::{average_pool, max_pool};
pub use prelu::prelu;
pub use rearrange::rearrange;
pub use resize::resize;

pub use crate::target::requant::{multiplier, thresholds16, thresholds32};

pub(crate) use loops::high_word;
#[cfg(not(armv6m))]
pub(crate) use loops::word;

use core::slice::from_mut;

use mixq_format::{Tensor, Window};

use super::{FEW_ARE_PORTABLE, Taps};
use crate::target::tensor::CHUNK;

/// Output channels that are requantised at once. Fewer, which takes less stack but more time, where few
/// layers execute portable kernels.
const BLOCK: usize = if FEW_ARE_PORTABLE { 4 } else { 8 };

/// Elements that are unpacked at once: whole chunks. Fewer where few layers execute portable kernels.
pub(crate) const SEGMENT: usize = if FEW_ARE_PORTABLE { 32 } else { 64 };

/// The codes of two pixels that are multiplied by the same weight.
// Aligned, so that both are read as one word.
#[derive(Clone, Copy)]
#[repr(align(4))]
pub(crate) struct Pair(pub(crate) [u16; 2]);

impl Pair {
    /// A word with the first code in its lower half and the second code in its upper half.
    #[inline(always)]
    pub(crate) fn word(self) -> i32 {
        i32::from(self.0[0]) | i32::from(self.0[1]) << 16
    }
}

/// Calls `each(rows, columns, pixel)` for every pixel of the output: with the taps of its window that meet
/// the input, and with the pixel's bytes.
// Inlined: two stack frames less.
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
/// They are called through pointers, so that the code around them exists once in an image, for all widths of
/// its layers, and so that each loop can use all registers.
struct Loops {
    /// See [`loops::unpack`].
    unpack: fn(&[u8], &mut [Pair], bool),
    dots: Dots,
}

/// Adds the dot products of a segment of `codes` and the `weights` of consecutive output channels to `sums`,
/// for both pixels. The weights of the channels begin `filter_bytes` apart.
type Dots = fn(codes: &[[Pair; CHUNK]], weights: &[u8], filter_bytes: usize, sums: [&mut [i32]; 2]);

impl Loops {
    const fn of<const X: usize, const W: usize>() -> Loops {
        Loops { unpack: loops::unpack::<X>, dots: dots::<X, W> }
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
            let dots = loops::dot_pairs::<X, W>(codes, chunks);
            *first = first.wrapping_add(dots[0]);
            *second = second.wrapping_add(dots[1]);
        } else {
            // The last chunk of weights reaches beyond the parameters: its bytes are copied to a buffer.
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
