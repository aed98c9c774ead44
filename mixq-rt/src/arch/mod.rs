//! The inner loops: all that is worth writing for an instruction set.
//!
//! A set provides these functions; layers know nothing else of it. `X` are the bits of the input's
//! codes, `W` those of the weights. Rows are as in [`mixq_format`]; bits after the last element of a row
//! may be anything. Sums wrap; the build proves that the final accumulator fits 32 bits.
//!
//! * `unpack::<X>(row, to, second)`: the codes of a row, beside those of another pixel;
//! * `dot::<X, W>(x, w, elements)`: `sum(q_x s_w)` over two rows;
//! * `dot_pairs::<X, W>(x, w)`: the same of two unpacked pixels over at most a [`SEGMENT`];
//! * `multiply_accumulate::<X>(sums, x, w)`: eight channels of one tap of a depthwise convolution;
//! * `high_word(a, b)`: the upper half of a product of 64 bits;
//! * `word(bytes)`: a little endian word that may be aligned.

#[cfg(armv6m)]
#[allow(unsafe_code)]
mod armv6m;
#[cfg(armv7em)]
#[allow(unsafe_code)]
pub(crate) mod armv7em;
mod portable;

#[cfg(armv6m)]
pub(crate) use armv6m::word;
#[cfg(not(armv6m))]
pub(crate) use portable::word;
pub(crate) use portable::{dot, dot_pairs, high_word, multiply_accumulate, unpack};

/// Elements that are unpacked at once, whole chunks; few where few layers need them.
pub(crate) const SEGMENT: usize = if cfg!(armv7em) { 32 } else { 64 };

/// The codes of two pixels for the same weight.
// Aligned: read as one word.
#[derive(Clone, Copy)]
#[repr(align(4))]
pub(crate) struct Pair(pub(crate) [u16; 2]);

impl Pair {
    /// The first in the lower half, the second in the upper.
    #[inline(always)]
    pub(crate) fn word(self) -> i32 {
        i32::from(self.0[0]) | i32::from(self.0[1]) << 16
    }
}
