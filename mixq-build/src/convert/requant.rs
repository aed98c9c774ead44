//! The requantisation of one output channel, with the proof that it cannot overflow.

use super::Grid;
use super::fixed_point::FixedPoint;
use crate::config::Rounding;

/// What one output channel needs to know of its surroundings.
pub struct Channel<'a> {
    /// Signed weight codes of its window.
    pub codes: &'a [i8],
    /// What they stand for.
    pub weights: Grid,
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
}

/// The table entries of one output channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// `B(c)`, with everything that does not depend on the input.
    pub bias: i32,
    /// `M(c)`.
    pub multiplier: FixedPoint,
    /// The output is the same for every input: the weights must be stored as zero points, so that the sum is 0.
    pub constant: bool,
}

impl Channel<'_> {
    /// `B(c) = round((beta sigma / gamma - mu + bias) / (S_x S_w(c)))` and `M(c) = gamma / sigma S_x S_w(c) / S_y`
    /// (arXiv 1905.13082, section 4), with the half for rounding and the input's zero point in `B`.
    ///
    /// # Errors
    /// A sentence with the numbers, if the channel cannot be computed in 32 bits.
    pub fn entry(&self) -> Result<Entry, String> {
        let unit = self.multiplier * self.input.scale * self.weights.scale;
        let multiplier = unit / self.output.scale;
        if !multiplier.is_finite() || !self.offset.is_finite() {
            return Err(format!("its multiplier {multiplier} or its offset {} is not finite", self.offset));
        }
        let Some(fixed) = FixedPoint::new(multiplier) else {
            if multiplier.abs() >= 1.0 {
                return Err(format!("its multiplier {multiplier} exceeds 2^31"));
            }
            return self.constant();
        };
        let half = match self.rounding {
            // The floor of whole numbers takes nothing away that would have to be made up for.
            Rounding::Nearest if fixed.value().fract() != 0.0 => 0.5 / multiplier,
            _ => 0.0,
        };
        let bias = (self.offset / unit + half).round();
        let entry = self.fold(bias, fixed).map(|bias| Entry { bias, multiplier: fixed, constant: false });
        entry.or_else(|reason| if self.varies(multiplier) { Err(reason) } else { self.constant() })
    }

    /// Whether the output changes by more than one code, over all inputs.
    fn varies(&self, multiplier: f64) -> bool {
        let (low, high) = self.sum_range();
        let ends =
            [low, high].map(|sum| self.code(self.offset / self.output.scale + sum as f64 * multiplier));
        (ends[0] - ends[1]).abs() > 1.0
    }

    /// The bias with the parts of the zero points in it, proven to overflow nothing.
    fn fold(&self, bias: f64, multiplier: FixedPoint) -> Result<i32, String> {
        let (low, high) = self.sum_range();
        let fits = |value: f64| value.abs() < f64::from(i32::MAX);
        if !fits(bias + low as f64) || !fits(bias + high as f64) {
            return Err(format!("its bias {bias:.0} with sums from {low} to {high} exceeds 32 bits"));
        }
        let (sum_codes, count) = (self.code_sum(), self.codes.len() as i64);
        let (zx, zw) = (i64::from(self.input.zero_point), i64::from(self.weights.zero_point));
        let folded = bias as i64 - zx * sum_codes + count * zx * zw;
        self.prove(folded)?;
        if self.output_max.is_none() {
            let ends = [low, high].map(|sum| multiplier.apply(sum + bias as i64));
            if ends.iter().any(|logit| i32::try_from(*logit).is_err()) {
                return Err(format!("its logit reaches {} or {}, beyond 32 bits", ends[0], ends[1]));
            }
        }
        i32::try_from(folded).map_err(|_| format!("its bias {folded} exceeds 32 bits"))
    }

    /// A channel whose output does not depend on its input, from `gamma = 0` for example.
    fn constant(&self) -> Result<Entry, String> {
        let value = self.offset / self.output.scale;
        let code = self.code(value) - f64::from(self.output.zero_point);
        if code.abs() >= f64::from(i32::MAX) {
            return Err(format!("its constant {value} exceeds 32 bits"));
        }
        Ok(Entry { bias: code as i32, multiplier: FixedPoint::ONE, constant: true })
    }

    /// The code for a value in units of the output scale.
    fn code(&self, value: f64) -> f64 {
        let rounded = match self.rounding {
            Rounding::Nearest => (value + 0.5).floor(),
            Rounding::Floor => value.floor(),
        };
        match self.output_max {
            Some(max) => (rounded + f64::from(self.output.zero_point)).clamp(0.0, max as f64),
            None => rounded,
        }
    }

    fn code_sum(&self) -> i64 {
        self.codes.iter().map(|code| i64::from(*code)).sum()
    }

    /// Least and greatest `sum((q_x - Z_x) (s_w - Z_w))` over all inputs, for these very weights.
    fn sum_range(&self) -> (i64, i64) {
        let (zx, zw) = (i64::from(self.input.zero_point), i64::from(self.weights.zero_point));
        let (below, above) = (-zx, self.input_max - zx);
        self.codes.iter().fold((0, 0), |(low, high), code| {
            let weight = i64::from(*code) - zw;
            let ends = (weight * below, weight * above);
            (low + ends.0.min(ends.1), high + ends.0.max(ends.1))
        })
    }

    /// No intermediate of the kernel leaves 32 bits: the sum of products, the sum of inputs times the zero point, both
    /// together, and with the bias. Partial sums are bounded by the sums of their positive and negative terms.
    fn prove(&self, folded_bias: i64) -> Result<(), String> {
        let terms = |sign: i64| -> i64 {
            self.codes.iter().map(|code| (i64::from(*code) * sign).max(0) * self.input_max).sum()
        };
        let (positive, negative) = (terms(1), terms(-1));
        let inputs = self.codes.len() as i64 * self.input_max;
        let zero_point = inputs * i64::from(self.weights.zero_point).abs();
        let reach = positive.max(negative) + zero_point + folded_bias.abs();
        if reach > i64::from(i32::MAX) {
            return Err(format!("its accumulator may reach {reach}, beyond 32 bits"));
        }
        Ok(())
    }
}
