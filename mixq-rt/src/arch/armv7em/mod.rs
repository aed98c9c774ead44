//! Inner loops for the DSP instructions of ARMv7E-M (Cortex-M4, M7), in assembly.
//!
//! A group of [`PIXELS`] output pixels is computed at once. What their windows see is widened into a [`Patch`], 16 bits an
//! element, at most [`CHUNK`] elements of a pixel; weights are read as [`layout::armv7em`](mixq_format::layout::armv7em)
//! lays them out, and unpacked by one instruction for two to four elements.
//!
//! # Why nothing overflows
//!
//! For each pair of widths the kernels are right for *any* weights and codes, because a chunk is short: see the assertions
//! in [`packed`] and [`nibbles`]. That the sum over all chunks fits 32 bits is proven by the build from the actual weights.

mod bytes;
mod call;
pub(crate) mod depthwise;
mod nibbles;
mod packed;
mod requantise;
mod widen;

use mixq_format::layout::CHUNK;

pub(crate) use call::{Kernels, accumulate};
pub(crate) use requantise::{Tables, pack};
pub(crate) use widen::{Scratch, Widen};

/// Output pixels of a group.
pub(crate) const PIXELS: usize = 4;

const fn bits(count: usize) -> mixq_format::Bits {
    match count {
        2 => mixq_format::Bits::B2,
        4 => mixq_format::Bits::B4,
        _ => mixq_format::Bits::B8,
    }
}
