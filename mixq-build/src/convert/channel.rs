//! One output channel with all that its requantisation depends on, and the proof that its sums fit.

use mixq_format::Bits;

use super::{Arithmetic, Grid};
use crate::settings::Rounding;

/// What one output channel needs to know of its surroundings.
pub struct Channel<'a> {
    /// Signed weight codes of its window.
    pub codes: &'a [i8],
    /// What they stand for.
    pub weights: Grid,
    /// Their width.
    pub weight_bits: Bits,
    /// The input's grid.
    pub input: Grid,
    /// The input's largest code.
    pub input_max: i64,
    /// The output's grid; for logits the common scale with zero point 0.
    pub output: Grid,
    /// The output's largest code; `None` for logits.
    pub output_max: Option<i64>,
    /// `gamma / sigma`.
    pub multiplier: f64,
    /// `beta - mu gamma / sigma`.
    pub offset: f64,
    /// How to round.
    pub rounding: Rounding,
    /// By which arithmetic sums have codes.
    pub arithmetic: Arithmetic,
    /// Bits of the bias below the unit of the accumulator.
    pub fraction: u8,
    /// All channels of the layer have one multiplier.
    pub shares_multiplier: bool,
}

impl Channel<'_> {
    /// What the zero points add to every sum `sum(q_x (s_w - Z_w))` to make it `sum((q_x - Z_x) (s_w -
    /// Z_w))`.
    pub(super) fn folded_zero_points(&self) -> i64 {
        let (zx, zw) = (i64::from(self.input.zero_point), i64::from(self.weights.zero_point));
        self.codes.len() as i64 * zx * zw - zx * self.code_sum()
    }

    /// The numbers are numbers, and the codes are codes.
    pub(super) fn check(&self) -> Result<(), String> {
        let multiplier = self.multiplier * self.input.scale * self.weights.scale / self.output.scale;
        if !multiplier.is_finite() || !self.offset.is_finite() {
            return Err(format!("its multiplier {multiplier} or its offset {} is not finite", self.offset));
        }
        let half = 1 << (self.weight_bits.count() - 1);
        let mut all = self.codes.iter().map(|code| i32::from(*code)).chain([self.weights.zero_point]);
        match all.find(|code| !(-half..half).contains(code)) {
            None => Ok(()),
            Some(code) => {
                let bits = self.weight_bits.count();
                Err(format!("its weight code or zero point {code} has more than {bits} bits"))
            }
        }
    }

    /// Parts of an accumulator's unit that the bias counts.
    pub(super) fn parts(&self) -> f64 {
        f64::from(1u32 << self.fraction)
    }

    /// The code for a value in units of the output scale.
    pub(super) fn code(&self, value: f64) -> f64 {
        let rounded = match (self.rounding, self.arithmetic) {
            (Rounding::Nearest, Arithmetic::Exact) => (value + 0.5).floor(),
            (Rounding::Nearest, Arithmetic::LiteRt | Arithmetic::OnnxRuntime) => value.round_ties_even(),
            (Rounding::Floor, _) => value.floor(),
        };
        match self.output_max {
            Some(max) => (rounded + f64::from(self.output.zero_point)).clamp(0.0, max as f64),
            None => rounded,
        }
    }

    /// The sum of the weight codes.
    pub(super) fn code_sum(&self) -> i64 {
        self.codes.iter().map(|code| i64::from(*code)).sum()
    }

    /// Least and greatest `sum((q_x - Z_x) (s_w - Z_w))` over all inputs, for these very weights.
    pub(super) fn sum_range(&self) -> (i64, i64) {
        let (zx, zw) = (i64::from(self.input.zero_point), i64::from(self.weights.zero_point));
        let (below, above) = (-zx, self.input_max - zx);
        self.codes.iter().fold((0, 0), |(low, high), code| {
            let weight = i64::from(*code) - zw;
            let ends = (weight * below, weight * above);
            (low + ends.0.min(ends.1), high + ends.0.max(ends.1))
        })
    }

    /// As [`Self::sum_range`], in the units of the bias.
    pub(super) fn scaled_sum_range(&self) -> (i64, i64) {
        let (low, high) = self.sum_range();
        (low << self.fraction, high << self.fraction)
    }

    /// No intermediate of the kernel leaves 32 bits: the sum of products, the sum of inputs times the zero
    /// point, both together, in units of the bias, and with the bias. Partial sums are bounded by the sums of
    /// their positive and negative terms.
    pub(super) fn prove(&self, folded_bias: i64) -> Result<(), String> {
        let terms = |sign: i64| -> i64 {
            self.codes.iter().map(|code| (i64::from(*code) * sign).max(0) * self.input_max).sum()
        };
        let (positive, negative) = (terms(1), terms(-1));
        let inputs = self.codes.len() as i64 * self.input_max;
        let zero_point = inputs * i64::from(self.weights.zero_point).abs();
        let reach = ((positive.max(negative) + zero_point) << self.fraction) + folded_bias.abs();
        if reach > i64::from(i32::MAX) {
            return Err(format!("its accumulator may reach {reach}, beyond 32 bits"));
        }
        Ok(())
    }
}
