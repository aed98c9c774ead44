//! The table of a layer that joins a tensor and constants.

use crate::{Bits, Multiply, Tensor};

/// What is computed of an element and its constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "file", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "file", serde(rename_all = "snake_case"))]
#[repr(u8)]
pub enum Operation {
    /// `q_y = clamp(Z_y + floor((m (q_x - Z_x) + m_c (q_c - Z_c) + 2^(s-1)) / 2^s), 0, N_b)`.
    Sum,
    /// `q_y = clamp(Z_y + floor((m (q_x - Z_x) (q_c - Z_c) + 2^(s-1)) / 2^s), 0, N_b)`.
    Product,
}

/// A tensor and a constant for each of its elements, which kernels read from the parameters: their sum, or
/// their product.
///
/// The output may lie where the input lies if both have the same offset and the same width: each element is
/// read before it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "file", derive(serde::Serialize, serde::Deserialize))]
#[repr(C)]
pub struct Constants {
    /// What it reads.
    pub input: Tensor,
    /// What it writes, of the same shape.
    pub output: Tensor,
    /// Offset of the constants' codes, which are signed: for each pixel of the input a row of
    /// `input.channels` elements.
    pub weights: u32,
    /// Width of such a code.
    pub weight_bits: Bits,
    /// The code of the constant 0.
    pub weight_zero_point: i8,
    /// What is computed.
    pub operation: Operation,
    /// Of a sum `m = round(S_x / S_y * 2^s)`, `|m| < 2^22`; of a product `m = round(S_x S_c / S_y * 2^s)`,
    /// `|m| < 2^15`.
    pub multiplier: i32,
    /// Of a sum `m_c = round(S_c / S_y * 2^s)`, `|m_c| < 2^22`; of a product 0.
    pub multiplier_constant: i32,
    /// `s`: of a sum 1 to 31, of a product one of [`Multiply::SHIFTS`].
    pub shift: u32,
}

impl Constants {
    /// Bytes of the constants of a row.
    pub(crate) const fn row_bytes(&self) -> u32 {
        self.input.width as u32 * self.weight_bits.row_bytes(self.input.channels as usize) as u32
    }

    /// Whether 32 bits hold all that is computed, as of [`Add`](crate::Add) and [`Multiply`].
    pub(crate) const fn in_range(&self) -> bool {
        let Constants { multiplier, multiplier_constant, shift, .. } = *self;
        match self.operation {
            Operation::Sum => {
                let small =
                    multiplier.unsigned_abs() < 1 << 22 && multiplier_constant.unsigned_abs() < 1 << 22;
                small && shift > 0 && shift <= 31
            }
            Operation::Product => {
                let shifts = shift >= *Multiply::SHIFTS.start() && shift <= *Multiply::SHIFTS.end();
                multiplier.unsigned_abs() < 1 << 15 && multiplier_constant == 0 && shifts
            }
        }
    }

    /// What the layer is, in words.
    pub(super) const fn word(&self) -> &'static str {
        match self.operation {
            Operation::Sum => "add constant",
            Operation::Product => "multiply constant",
        }
    }
}
