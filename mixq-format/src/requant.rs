//! From accumulators to codes.

use crate::Tensor;

/// What the code of an accumulator is; the formulas are at [`Requant`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "file", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "file", serde(rename_all = "snake_case"))]
#[repr(u8)]
pub enum Rule {
    /// Its product with a fixed-point multiplier: folded batch norm and ICN.
    Multiplier,
    /// The number of thresholds of 16 bits that it reaches.
    Thresholds16,
    /// The number of thresholds of 32 bits that it reaches.
    Thresholds32,
}

impl Rule {
    /// Bytes of one threshold; `None` for the multiplier.
    pub const fn threshold_bytes(self) -> Option<usize> {
        match self {
            Rule::Multiplier => None,
            Rule::Thresholds16 => Some(2),
            Rule::Thresholds32 => Some(4),
        }
    }
}

/// How accumulators become output codes (section 4 of arXiv 1905.13082).
///
/// For output channel `c`, with the sum over the window `A = sum(q_x s_w)` of input codes and signed
/// weight codes and `X = sum(q_x)`, by rule [`Rule::Multiplier`]:
///
/// `q_y = clamp(Z_y + floor(((A - Z_w(c) X) 2^fraction + B(c)) M0(c) / 2^shift(c)), 0, N_b)`
///
/// and by the others, for codes of 4 or 2 bits, the number of `k` in `1..=N_b` with
///
/// `A - Z_w(c) X >= T(c, k)`
///
/// The build puts everything that does not depend on the input into `B` and `T`: batch norm, bias, the
/// input's zero point and the half for rounding to nearest; into `T` the output's zero point, too. It
/// proves that no intermediate leaves 32 bits (the product 64). Logits are not clamped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "file", derive(serde::Serialize, serde::Deserialize))]
#[repr(C)]
pub struct Requant {
    /// Offset of `B`: one `i32` (little endian) for each output channel. Not read where there are
    /// thresholds.
    pub bias: u32,
    /// Offset of `M0`: `i32`, one or one for each output channel. Of `T` where there are thresholds: for
    /// each output channel `N_b` `i16` or `i32` (little endian), none smaller than the one before.
    pub multiplier: u32,
    /// Offset of the shifts: `u8`, 0 to 63, as many as multipliers. Not read where there are thresholds.
    pub shift: u32,
    /// Offset of `Z_w`, in the signed range of the weight codes: `i8`, one or one for each output channel.
    pub weight_zero_point: u32,
    /// Which formula.
    pub rule: Rule,
    /// 1 if multipliers and shifts differ by output channel, else 0.
    pub multiplier_step: u8,
    /// 1 if weight zero points differ by output channel, else 0.
    pub zero_point_step: u8,
    /// Bits of `B` below the unit of the accumulator, 0 to 8: with few bits a unit is a good part of an
    /// output's step, and a bias of whole units would move codes.
    pub fraction: u8,
}

impl Requant {
    /// The usual `fraction`: so fine that most channels have a bias with which every step lies exactly where
    /// it was trained. DSP kernels shift by it in the instruction that adds.
    pub const FRACTION: u8 = 7;

    /// That of layers whose sums, or whose multipliers, leave no room for the usual one.
    pub const COARSE_FRACTION: u8 = 4;

    /// Multipliers, and as many shifts: 0, 1 or one for each of the `channels` output channels.
    pub const fn multipliers(&self, channels: usize) -> usize {
        match (self.rule, self.multiplier_step) {
            (Rule::Multiplier, 0) => 1,
            (Rule::Multiplier, _) => channels,
            (Rule::Thresholds16 | Rule::Thresholds32, _) => 0,
        }
    }

    /// Weight zero points: 1 or one for each of the `channels` output channels.
    pub const fn zero_points(&self, channels: usize) -> usize {
        if self.zero_point_step == 0 { 1 } else { channels }
    }

    /// Bytes of all tables of a layer that writes `output`.
    pub const fn parameter_bytes(&self, output: &Tensor) -> usize {
        let channels = output.channels as usize;
        let by_rule = match self.rule.threshold_bytes() {
            None => 4 * channels + 5 * self.multipliers(channels),
            Some(bytes) => bytes * output.bits.max_code() as usize * channels,
        };
        by_rule + self.zero_points(channels)
    }
}
