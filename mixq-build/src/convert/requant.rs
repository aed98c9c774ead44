//! Requantisation by a multiplier and a bias.

use super::channel::Channel;
use super::fixed_point::FixedPoint;
use super::thresholds::Thresholds;
use crate::settings::Rounding;

/// Multipliers that are tried for one that, with some bias, has every step exactly where it was trained.
const MULTIPLIERS: i32 = 64;

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

/// Biases from `least` to `greatest`; with the opposite sign if `negative`.
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
        let fixed = self.quick(fixed);
        let half = match self.rounding {
            // Rounding down loses nothing of whole numbers.
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
        let found = moves.filter_map(|by| multiplier.moved((by * step) as i32)).find_map(|multiplier| {
            let bias = self.exact_biases(multiplier, &thresholds)?.nearest(rounded.bias)?;
            self.prove(bias.into()).ok()?;
            Some(Entry { bias, multiplier, constant: false })
        });
        found.or_else(|| self.nearest(rounded, &thresholds))
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Below 1, and for the ends of the range always, a multiplier comes to every code.
        #[test]
        fn a_constant_takes_any_multiplier(
            multiplier in 1e-5f64..0.999, large in 1f64..1000.0,
            zero_point in 0i64..=15, code in 0i64..=15, negative: bool,
        ) {
            let bias = (code - zero_point) as i32;
            let entry = Entry { bias, multiplier: FixedPoint::ONE, constant: true };
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
