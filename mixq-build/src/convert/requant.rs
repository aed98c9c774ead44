//! The requantisation of one output channel, with the proof that it cannot overflow.

use mixq_format::Bits;

use super::Grid;
use super::fixed_point::FixedPoint;
use super::thresholds::Thresholds;
use crate::settings::Rounding;

/// Multipliers that are tried for one that, with some bias, has every step exactly where it was trained.
const MULTIPLIERS: i32 = 64;

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
    /// Bits of the bias below the unit of the accumulator.
    pub fraction: u8,
    /// All channels of the layer have one multiplier.
    pub shares_multiplier: bool,
}

/// The table entries of one output channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// `B(c)`, with everything that does not depend on the input.
    pub bias: i32,
    /// `M(c)`.
    pub multiplier: FixedPoint,
    /// The output is the same for every input: the weights must be stored as zero points, so that the sum is
    /// 0.
    pub constant: bool,
}

impl Entry {
    /// The same code or logit with another multiplier, which only a constant channel can take.
    ///
    /// # Errors
    /// A sentence with the numbers, if no bias gives it.
    pub fn at(self, multiplier: FixedPoint, zero_point: i64, max: Option<i64>) -> Result<Entry, String> {
        if self.multiplier == multiplier {
            return Ok(self);
        }
        if !self.constant {
            let times = self.multiplier.value() / multiplier.value();
            return Err(format!("its multiplier is {times} times the one that the layer's channels share"));
        }
        let code = |value: i64| max.map_or(value, |max| (value + zero_point).clamp(0, max));
        // The least bias whose product reaches the code, and the one before, which matters below code 0.
        let wanted = self.multiplier.apply(self.bias.into());
        let scaled = i128::from(wanted) << multiplier.shift;
        let magnitude = i128::from(multiplier.mantissa).abs();
        let sign = i128::from(multiplier.mantissa).signum();
        let least = scaled.div_euclid(magnitude) + i128::from(scaled.rem_euclid(magnitude) != 0);
        let fitting = [least, least - 1].into_iter().find_map(|bias| {
            let bias = i32::try_from(sign * bias).ok()?;
            (code(multiplier.apply(bias.into())) == code(wanted)).then_some(bias)
        });
        let bias = fitting.ok_or_else(|| {
            let shared = multiplier.value();
            format!("its constant {wanted} cannot be had in 32 bits with the layer's multiplier {shared}")
        })?;
        Ok(Entry { bias, multiplier, constant: true })
    }
}

/// Biases from `least` to `greatest`; the opposite of these if `negative`.
struct Biases {
    least: i64,
    greatest: i64,
    negative: bool,
}

impl Biases {
    /// The one next to `bias`; `None` if there is none, or not in 32 bits.
    fn nearest(&self, bias: i32) -> Option<i32> {
        if self.least > self.greatest {
            return None;
        }
        let sign = if self.negative { -1 } else { 1 };
        i32::try_from(sign * (sign * i64::from(bias)).clamp(self.least, self.greatest)).ok()
    }
}

impl Channel<'_> {
    /// `B(c) = round((beta sigma / gamma - mu + bias) / (S_x S_w(c)))` and `M(c) = gamma / sigma S_x S_w(c) /
    /// S_y` (arXiv 1905.13082, section 4), with the half for rounding and the input's zero point in `B`.
    ///
    /// # Errors
    /// A sentence with the numbers, if the channel cannot be computed in 32 bits.
    pub fn entry(&self) -> Result<Entry, String> {
        self.check()?;
        let unit = self.multiplier * self.input.scale * self.weights.scale / self.parts();
        let multiplier = unit / self.output.scale;
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
        let entry = self.fold(bias, fixed).map(|bias| {
            let rounded = Entry { bias, multiplier: fixed, constant: false };
            self.exact(rounded).unwrap_or(rounded)
        });
        entry.or_else(|reason| if self.varies(multiplier) { Err(reason) } else { self.constant() })
    }

    /// The entry next to this one with which every sum has the code of the exact rule: the network then
    /// computes what was trained. A single code that differs would not matter, but it moves the sums of the
    /// next layer across steps, and after some layers every image has other codes.
    fn exact(&self, rounded: Entry) -> Option<Entry> {
        let max = self.output_max?;
        let thresholds = self.thresholds().ok()?;
        let multiplier = rounded.multiplier;
        // Moves the last step by half a unit of the bias.
        let step = f64::from(multiplier.mantissa) * multiplier.value().abs() / (2 * max) as f64;
        let moves = (0..if self.shares_multiplier { 1 } else { MULTIPLIERS })
            .map(|index| f64::from((index + 1) / 2 * if index % 2 == 0 { -1 } else { 1 }));
        moves.filter_map(|by| multiplier.moved((by * step) as i32)).find_map(|multiplier| {
            let bias = self.exact_biases(multiplier, &thresholds)?.nearest(rounded.bias)?;
            self.prove(bias.into()).ok()?;
            Some(Entry { bias, multiplier, constant: false })
        })
    }

    /// The biases that have these thresholds with this multiplier.
    ///
    /// With `M > 0`, sum `s` has code `k` or more iff `(s 2^f + B) M0 >= (k - Z_y) 2^shift`; the least such
    /// sum is the threshold `T(k)`, so that `T(k) 2^f + B` reaches the least integer that does, and `(T(k) -
    /// 1) 2^f + B` does not. With `M < 0` the same holds for `-s` and `-B`.
    fn exact_biases(&self, fixed: FixedPoint, exact: &Thresholds) -> Option<Biases> {
        let (low, high) = self.sum_range();
        // From sums with the zero points in them to those without.
        let constant = self.folded_zero_points();
        let reach = match exact.complemented {
            false => (low - constant, high - constant),
            true => (constant - high, constant - low),
        };
        let mut biases = Biases { least: i64::MIN, greatest: i64::MAX, negative: exact.complemented };
        for (code, threshold) in (1..).zip(&exact.bounds) {
            let steps = i128::from(code - i64::from(self.output.zero_point)) << fixed.shift;
            let mantissa = i128::from(fixed.mantissa).abs();
            let needed = steps.div_euclid(mantissa) + i128::from(steps.rem_euclid(mantissa) != 0);
            let needed = i64::try_from(needed).ok()?;
            let threshold = i64::from(*threshold);
            // Sums out of reach do not matter.
            if threshold <= reach.1 {
                biases.least = biases.least.max(needed - (threshold << self.fraction));
            }
            if threshold > reach.0 {
                biases.greatest = biases.greatest.min(needed - 1 - ((threshold - 1) << self.fraction));
            }
        }
        Some(biases)
    }

    /// What the zero points add to every sum `sum(q_x (s_w - Z_w))` to make it `sum((q_x - Z_x) (s_w -
    /// Z_w))`.
    fn folded_zero_points(&self) -> i64 {
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
    fn parts(&self) -> f64 {
        f64::from(1u32 << self.fraction)
    }

    /// Whether the output changes by more than one code, over all inputs.
    fn varies(&self, multiplier: f64) -> bool {
        let (low, high) = self.scaled_sum_range();
        let ends =
            [low, high].map(|sum| self.code(self.offset / self.output.scale + sum as f64 * multiplier));
        (ends[0] - ends[1]).abs() > 1.0
    }

    /// The bias with the parts of the zero points in it, proven to overflow nothing.
    fn fold(&self, bias: f64, multiplier: FixedPoint) -> Result<i32, String> {
        let (low, high) = self.scaled_sum_range();
        let fits = |value: f64| value.abs() < f64::from(i32::MAX);
        if !fits(bias + low as f64) || !fits(bias + high as f64) {
            return Err(format!("its bias {bias:.0} with sums from {low} to {high} exceeds 32 bits"));
        }
        let folded = bias as i64 + (self.folded_zero_points() << self.fraction);
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
        let one = FixedPoint::ONE;
        let multiplier = FixedPoint { shift: one.shift + self.fraction, ..one };
        let bias = i32::try_from((code as i64) << self.fraction);
        let bias = bias.map_err(|_| format!("its constant {value} exceeds 32 bits"))?;
        Ok(Entry { bias, multiplier, constant: true })
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

    pub(super) fn code_sum(&self) -> i64 {
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

    /// As [`Self::sum_range`], in the units of the bias.
    fn scaled_sum_range(&self) -> (i64, i64) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Below 1, and for the ends of the range always, a multiplier comes to every code.
        #[test]
        fn a_constant_takes_any_multiplier(
            multiplier in 1e-5f64..0.999, large in 1f64..1000.0, zero_point in 0i64..=15, code in 0i64..=15, negative: bool,
        ) {
            let entry = Entry { bias: (code - zero_point) as i32, multiplier: FixedPoint::ONE, constant: true };
            let sign = if negative { -1.0 } else { 1.0 };
            let ends = code == 0 || code == 15 || code == zero_point;
            for multiplier in [Some(multiplier), ends.then_some(large)].into_iter().flatten() {
                let shared = FixedPoint::new(sign * multiplier).unwrap();
                let found = entry.at(shared, zero_point, Some(15)).unwrap();
                prop_assert_eq!(found.multiplier, shared);
                let product = i128::from(found.bias) * i128::from(shared.mantissa);
                let floor = product.div_euclid(1 << shared.shift) as i64;
                prop_assert_eq!((floor + zero_point).clamp(0, 15), code);
            }
            let inner = Entry { bias: 1, ..entry };
            // No multiple of 3 is 1, and logits are not clamped.
            prop_assert!(inner.at(FixedPoint::new(3.0).unwrap(), 0, None).is_err());
            let varying = Entry { constant: false, ..entry };
            prop_assert!(varying.at(FixedPoint::new(0.3).unwrap(), 0, None).is_err());
        }
    }
}
