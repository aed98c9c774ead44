//! Inner loops in assembly, and the safe functions that call them.
//!
//! A convolution computes a group of [`PIXELS`] output pixels at once. It widens the codes that their windows
//! see into a *patch*, with 16 bits an element. It reads weights as
//! [`rearrange`](mixq_format::target::armv7em::rearrange) lays them out, two output channels side by side.
//! One instruction unpacks the weights of two to four elements. The sums of two channels and four pixels stay
//! in registers until they are codes: see [`conv`].
//!
//! # Why nothing overflows
//!
//! When firmware is compiled, [`proof`](mixq_format::target::armv7em::proof()) computes from the actual
//! weights how many elements may be multiplied at once. The build has proven that 32 bits hold the sum over
//! all elements.

// `naked_asm!` for all files below. Not all processors of the Rust target of ARMv8-M have DSP instructions,
// so that the assembly itself must name a processor that has them. This is needed also if rustc's flags name
// one: at link time, the assembler reads the assembly again, without these flags.
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
pub(super) mod elementwise;
pub(super) mod interleave;
pub(super) mod layer;
pub(super) mod linear;
pub(super) mod multiply;
pub(super) mod pool;
pub(super) mod row;
pub(super) mod runs;
mod tables;
mod widen;
pub(super) mod window;

pub(super) use layer::{Layer, Parts, split};
pub(super) use tables::Tables;

use mixq_format::Bits;

/// Output pixels of a group, which are computed at once.
pub(super) const PIXELS: usize = 4;

/// The width of a code or a weight of `count` bits.
///
/// # Panics
/// If `count` is not 8, 4 or 2. Called in `const` code, this is an error of the compiler.
const fn bits(count: usize) -> Bits {
    match count {
        2 => Bits::B2,
        4 => Bits::B4,
        8 => Bits::B8,
        _ => panic!("codes and weights have 8, 4 or 2 bits"),
    }
}
