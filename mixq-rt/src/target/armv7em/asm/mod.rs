//! Inner loops in assembly, and what may be called safely around them.
//!
//! A group of [`PIXELS`] output pixels is computed at once. What their windows see is widened into a *patch*,
//! 16 bits an element; weights are read as [`rearrange`](mixq_format::target::armv7em::rearrange) lays them
//! out, two output channels side by side, and unpacked by one instruction for two to four elements. The sums
//! of two channels and four pixels stay in registers until they are codes: see [`conv`].
//!
//! # Why nothing overflows
//!
//! How many elements may be multiplied at once is proven from the actual weights when firmware is compiled:
//! [`proof`](mixq_format::target::armv7em::proof()). That the sum over all elements fits 32 bits is proven by
//! the build.

// `naked_asm!`, in all files below. The Rust target of ARMv8-M leaves DSP instructions open, so the assembler
// must be told of them, also where rustc is: it reads assembly again at link time, without rustc's flags.
#[cfg(portable)]
macro_rules! naked_asm {
    ($($body:tt)*) => {
        core::arch::naked_asm!(".cpu cortex-m33", $($body)*)
    };
}
#[cfg(not(portable))]
macro_rules! naked_asm {
    ($($body:tt)*) => {
        core::arch::naked_asm!($($body)*)
    };
}

pub(super) mod add;
pub(super) mod conv;
pub(super) mod depthwise;
pub(super) mod layer;
pub(super) mod linear;
pub(super) mod pool;
mod tables;
mod widen;

pub(super) use layer::{Layer, Parts, split};
pub(super) use tables::Tables;

use mixq_format::Bits;

/// Output pixels of a group.
pub(super) const PIXELS: usize = 4;

/// The width of a code or a weight.
///
/// # Panics
/// If there is none for this number of bits: code that names it does not compile.
const fn bits(count: usize) -> Bits {
    match count {
        2 => Bits::B2,
        4 => Bits::B4,
        8 => Bits::B8,
        _ => panic!("codes and weights have 8, 4 or 2 bits"),
    }
}
