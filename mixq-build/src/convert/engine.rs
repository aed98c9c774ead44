//! The codes that engines of quantised files give to sums.
//!
//! They multiply a sum, as a float of 32 bits, with another one and round the product, halves to even:
//! XNNPACK (LiteRT) by its `fp32` requantisation, ONNX Runtime by `MlasRequantizeOutput`. Where the real
//! product is near a half, its float may be the half itself, or lie on the other side.

use mixq_format::target::armv7em::SHIFTS;

use super::channel::Channel;
use super::fixed_point::FixedPoint;
use super::requant::Entry;
use super::thresholds::Thresholds;
use super::{Arithmetic, litert};
use crate::settings::Rounding;

/// Biases on each side that are tried for one that has every step where the engine has it.
const BIASES: i64 = 32;

/// The code of 0 of int8.
const MIDDLE: i64 = 128;

/// Sums that LiteRT does not multiply with floats.
#[derive(Clone, Copy)]
enum Special {
    /// What only changes its scale: XNNPACK has the factor in parts of 256.
    Copy { parts: i64 },
    /// An average of so many integers of 8 bits, halves away from 0; and what is 0 less than the sum.
    Average { count: i64, zero: i64 },
}

/// How an engine makes codes of the sums of a channel.
pub(super) struct Engine {
    /// What is added to a sum, in its units.
    bias: i64,
    /// What is multiplied with then.
    scale: f32,
    special: Option<Special>,
    zero_point: i64,
}

impl Channel<'_> {
    /// Whether half a step is rounded to the even number.
    pub(super) fn halves_to_even(&self) -> bool {
        self.arithmetic != Arithmetic::Exact && self.rounding == Rounding::Nearest
    }

    /// The engine's way, if it has this channel: 32-bit scales and a whole bias, and nothing between sums and
    /// codes.
    pub(super) fn engine(&self) -> Option<Engine> {
        if !self.halves_to_even() || self.multiplier != 1.0 {
            return None;
        }
        let scales = [self.input.scale, self.weights.scale, self.output.scale];
        let [input, weights, output] = scales.map(|scale| scale as f32);
        let is_narrow = scales.iter().all(|scale| f64::from(*scale as f32) == *scale);
        let bias = self.offset / (self.input.scale * self.weights.scale);
        let is_whole = (bias - bias.round()).abs() <= 1e-9 * bias.abs() && bias.abs() < f64::from(i32::MAX);
        (is_narrow && is_whole).then(|| Engine {
            bias: bias.round() as i64,
            scale: input * weights / output,
            special: self.special(),
            zero_point: self.output.zero_point.into(),
        })
    }
}

impl Channel<'_> {
    fn special(&self) -> Option<Special> {
        let ones = self.codes.iter().all(|code| *code == 1) && self.weights.zero_point == 0;
        if self.arithmetic != Arithmetic::LiteRt
            || !ones
            || self.offset != 0.0
            || self.output_max != Some(255)
        {
            return None;
        }
        let count = self.codes.len() as i64;
        if count == 1 && self.weights.scale == 1.0 {
            let parts = litert::multiplier(self.input, self.output, 1.0);
            return (parts > 0).then_some(Special::Copy { parts });
        }
        let averages = self.input == self.output && self.weights.scale == f64::from(1.0 / count as f32);
        let zero = count * (i64::from(self.input.zero_point) - MIDDLE);
        averages.then_some(Special::Average { count, zero })
    }
}

impl Engine {
    /// Whether a sum, less the zero point of the input, has this code or a larger one.
    fn reaches(&self, sum: i64, code: i64) -> bool {
        match self.special {
            Some(Special::Copy { parts }) => return (sum * parts + 128) >> 8 >= code - self.zero_point,
            Some(Special::Average { count, zero }) => {
                let sum = sum + zero;
                let half = if sum > 0 { count / 2 } else { -count / 2 };
                return (sum + half) / count >= code - MIDDLE;
            }
            None => {}
        }
        let product = (sum + self.bias) as f32 * self.scale;
        f64::from(product.round_ties_even()) >= (code - self.zero_point) as f64
    }

    /// The least sum with a code, near the exact one; `constant` is in the sums what the zero point of the
    /// input adds. Sums out of reach are cut to the first beyond.
    pub(super) fn least(&self, code: i64, exact: i64, [low, high]: [i64; 2], constant: i64) -> i64 {
        let reaches = |sum: i64| self.reaches(sum - constant, code);
        let mut sum = exact;
        while sum > low && reaches(sum - 1) {
            sum -= 1;
        }
        while sum <= high && !reaches(sum) {
            sum += 1;
        }
        sum
    }
}

impl Channel<'_> {
    /// A multiplier as the quick kernels take it: of a small one the mantissa has fewer bits, so that all
    /// biases of the layer have the usual fraction.
    pub(super) fn quick(&self, multiplier: FixedPoint) -> FixedPoint {
        if self.arithmetic == Arithmetic::Exact {
            multiplier
        } else {
            multiplier.with_shift_to(*SHIFTS.end())
        }
    }

    /// The bias and the multiplier near those of an entry that have most of these thresholds: all, if there
    /// are such, and of several the bias that is next.
    ///
    /// A multiplier has 31 bits, and a bias few below the unit of the accumulator: so biases are tried, and
    /// for each the multiplier is computed. Products of floats do not lie on one line: with a small
    /// multiplier the thresholds of a channel may ask for more than one has, and then a sum that is half a
    /// step between two codes may have the other one.
    pub(super) fn nearest(&self, rounded: Entry, exact: &Thresholds) -> Option<Entry> {
        if self.arithmetic == Arithmetic::Exact || self.shares_multiplier || exact.complemented {
            return None;
        }
        let mut found: Option<(usize, Entry)> = None;
        for index in 0..=2 * BIASES {
            let by = (index + 1) / 2 * if index % 2 == 0 { -1 } else { 1 };
            let Ok(bias) = i32::try_from(i64::from(rounded.bias) + by) else { continue };
            let (missed, multiplier) = self.multiplier_for(bias.into(), rounded.multiplier, exact);
            let better = found.is_none_or(|(least, _)| missed < least);
            if better && self.prove(bias.into()).is_ok() {
                found = Some((missed, Entry { bias, multiplier, constant: false }));
            }
            if found.is_some_and(|(missed, _)| missed == 0) {
                break;
            }
        }
        found.map(|(_, entry)| entry)
    }

    /// The mantissa with which a bias has most of these thresholds, and how many it has not.
    fn multiplier_for(&self, bias: i64, fixed: FixedPoint, exact: &Thresholds) -> (usize, FixedPoint) {
        let (low, high) = self.sum_range();
        let constant = self.folded_zero_points();
        let reach = (low - constant, high - constant);
        // The mantissa must be at least all of the first, and at most all of the second.
        let (mut least, mut most) = (Vec::new(), Vec::new());
        // `factor` times the mantissa must be at least `bound`.
        let mut needs = |factor: i128, bound: i128| match factor.signum() {
            1 => least.push(-(-bound).div_euclid(factor)),
            -1 => most.push((-bound).div_euclid(-factor)),
            _ if bound > 0 => most.push(0),
            _ => {}
        };
        for (code, threshold) in (1..).zip(&exact.bounds) {
            let steps = i128::from(code - i64::from(self.output.zero_point)) << fixed.shift;
            let threshold = i64::from(*threshold);
            let sum = |accumulator: i64| i128::from((accumulator << self.fraction) + bias);
            if threshold <= reach.1 {
                needs(sum(threshold), steps);
            }
            if threshold > reach.0 {
                needs(-sum(threshold - 1), 1 - steps);
            }
        }
        least.sort_unstable();
        most.sort_unstable();
        let missed = |mantissa: i128| {
            least.len() - least.partition_point(|least| *least <= mantissa)
                + most.partition_point(|most| *most < mantissa)
        };
        let own = i128::from(fixed.mantissa);
        let fits = |mantissa: &i128| (1..=i128::from(i32::MAX)).contains(mantissa);
        let candidates = std::iter::once(own).chain(least.iter().chain(&most).copied().filter(fits));
        let best =
            candidates.min_by_key(|mantissa| (missed(*mantissa), (mantissa - own).abs())).unwrap_or(own);
        (missed(best), FixedPoint { mantissa: best as i32, ..fixed })
    }
}

#[cfg(test)]
mod tests;
