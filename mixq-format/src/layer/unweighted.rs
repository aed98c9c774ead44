//! Tables of layers without weights.

use super::Window;
use crate::Tensor;

/// A pooling layer; input and output share width, scale and zero point. Padding is left out: it
/// neither wins a maximum nor counts in an average.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "file", derive(serde::Serialize, serde::Deserialize))]
#[repr(C)]
pub struct Pool {
    /// What it reads.
    pub input: Tensor,
    /// What it writes.
    pub output: Tensor,
    /// The window; it covers at least one input pixel wherever it stands.
    pub window: Window,
}

/// A residual addition: `q_y = clamp(Z_y + floor((m_a (q_a - Z_a) + m_b (q_b - Z_b) + 2^(s-1)) / 2^s), 0,
/// N_b)`.
///
/// The output may lie where an input lies if both have the same offset and the same width: each
/// element is read before it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "file", derive(serde::Serialize, serde::Deserialize))]
#[repr(C)]
pub struct Add {
    /// One summand.
    pub a: Tensor,
    /// The other, of the same shape.
    pub b: Tensor,
    /// The sum, of the same shape.
    pub output: Tensor,
    /// `m_a = round(S_a / S_y * 2^s)`; `|m_a| < 2^22`.
    pub multiplier_a: i32,
    /// `m_b = round(S_b / S_y * 2^s)`; `|m_b| < 2^22`.
    pub multiplier_b: i32,
    /// `s`, 1 to 31.
    pub shift: u32,
}

/// A function of each element: the code of an output element is the entry of a table for the code of the
/// input element.
///
/// The output may lie where the input lies if both have the same offset and the same width: each element is
/// read before it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "file", derive(serde::Serialize, serde::Deserialize))]
#[repr(C)]
pub struct Elementwise {
    /// What it reads.
    pub input: Tensor,
    /// What it writes, of the same shape.
    pub output: Tensor,
    /// Offset of the table: a byte for each code of the input, beginning with code 0. Each is a code of the
    /// output.
    pub codes: u32,
}

impl Elementwise {
    /// Entries of the table, and bytes that it takes: 256, 16 or 4 for an input of 8, 4 or 2 bits.
    pub const fn entries(&self) -> usize {
        self.input.bits.max_code() as usize + 1
    }
}

/// A product of two tensors: `q_y = clamp(Z_y + floor((m (q_a - Z_a) (q_b - Z_b) + 2^(s-1)) / 2^s), 0, N_b)`.
///
/// The output may lie where an input of its shape lies if both have the same offset and the same width: each
/// element is read before it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "file", derive(serde::Serialize, serde::Deserialize))]
#[repr(C)]
pub struct Multiply {
    /// One factor.
    pub a: Tensor,
    /// The other, of the same shape; or one pixel, which multiplies each pixel of `a`.
    pub b: Tensor,
    /// The product, of the shape of `a`.
    pub output: Tensor,
    /// `m = round(S_a S_b / S_y * 2^s)`; `|m| < 2^15`, so that 32 bits hold `m` times any product of codes.
    pub multiplier: i32,
    /// `s`, one of [`Multiply::SHIFTS`].
    pub shift: u32,
}

impl Multiply {
    /// Shifts that a multiplication may have. A product of codes that is not 0 leaves the range of codes if
    /// `m / 2^s` is 256 or more, which the least shift allows; the largest one is as fine as any needs.
    pub const SHIFTS: core::ops::RangeInclusive<u32> = 6..=23;

    /// Whether `b` is one pixel that multiplies several.
    pub const fn by_channel(&self) -> bool {
        self.b.pixels() < self.output.pixels()
    }
}

/// A ReLU with a slope for each channel: `q_y = clamp(Z_y + floor((m (q_x - Z_x) + 2^(s-1)) / 2^s), 0, N_b)`,
/// where `m` is that of the channel if `q_x < Z_x`, else that of all channels.
///
/// The output may lie where the input lies if both have the same offset and the same width: each element is
/// read before it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "file", derive(serde::Serialize, serde::Deserialize))]
#[repr(C)]
pub struct Prelu {
    /// What it reads.
    pub input: Tensor,
    /// What it writes, of the same shape.
    pub output: Tensor,
    /// Offset of the multipliers below the zero point: for each channel `round(slope S_x / S_y * 2^s)` in 32
    /// bits, magnitudes below 2^22.
    pub slopes: u32,
    /// `m = round(S_x / S_y * 2^s)` from the zero point on; `|m| < 2^22`.
    pub multiplier: i32,
    /// `s`, 1 to 31.
    pub shift: u32,
}

impl Prelu {
    /// What no multiplier reaches in magnitude.
    pub const LIMIT: i32 = 1 << 22;
}
