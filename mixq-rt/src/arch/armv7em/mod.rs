//! Inner loops for the DSP instructions of ARMv7E-M (Cortex-M4, M7), in assembly.
//!
//! A group of [`PIXELS`] output pixels is computed at once. What their windows see is widened into a *patch*,
//! 16 bits an element; weights are read as [`layout::armv7em`](mixq_format::layout::armv7em) lays them out,
//! two output channels side by side, and unpacked by one instruction for two to four elements. The sums of
//! two channels and four pixels stay in registers until they are codes: see [`finish`].
//!
//! # Why nothing overflows
//!
//! How many elements may be multiplied at once is proven from the actual weights when firmware is compiled:
//! [`layout::proof`](mixq_format::layout::proof). That the sum over all elements fits 32 bits is proven by
//! the build.

pub(crate) mod add;
mod bytes;
mod call;
pub(crate) mod depthwise;
mod finish;
mod frame;
pub(crate) mod linear;
mod nibbles;
mod nine;
mod packed;
pub(crate) mod pool;
mod scratch;
mod split;
mod stage;
mod tables;
mod widen;

pub(crate) use call::{Call, Chunk, Filters, Kernels, More, Ready};
pub(crate) use nine::{Nine, PAIR, STAGED_ROW};
pub(crate) use scratch::{Patch, Scratch};
pub(crate) use split::split;
pub(crate) use stage::{stage_row, stage_rows};
pub(crate) use tables::Tables;
pub(crate) use widen::{Fill, Widen};

use mixq_format::Bits;

/// Output pixels of a group.
pub(crate) const PIXELS: usize = 4;

/// The width of a code or a weight.
///
/// # Panics
/// If there is none of so many bits: code that names it does not compile.
const fn bits(count: usize) -> Bits {
    match count {
        2 => Bits::B2,
        4 => Bits::B4,
        8 => Bits::B8,
        _ => panic!("codes and weights have 8, 4 or 2 bits"),
    }
}
