//! The range of values in which a tensor loses least when it is quantised, from a histogram of its values.

use mixq_format::Bits;
use tch::{Kind, Tensor};

use crate::settings::Rounding;

/// How often a tensor has which values, over all images that were shown.
pub struct Histogram {
    low: f64,
    high: f64,
    counts: Vec<f64>,
}

impl Histogram {
    /// Bins of a histogram: 16 for each step of 8 bits.
    pub const BINS: usize = 4096;

    /// Of no values yet, which lie between these; 0 does, too.
    pub fn new((low, high): (f64, f64)) -> Histogram {
        Histogram { low: low.min(0.0), high: high.max(0.0), counts: vec![0.0; Self::BINS] }
    }

    /// Adds the values of a tensor but those that are 0, which every grid has.
    pub fn add(&mut self, values: &Tensor) {
        let width = self.high - self.low;
        if width <= 0.0 {
            return;
        }
        let bins = |values: &Tensor| {
            let bins = ((values - self.low) * (Self::BINS as f64 / width))
                .floor()
                .clamp(0.0, (Self::BINS - 1) as f64);
            bins.to_kind(Kind::Int).flatten(0, -1)
        };
        let counts = bins(values).bincount(None::<Tensor>, Self::BINS as i64);
        let counts = Vec::<i64>::try_from(counts).expect("a flat tensor of counts");
        self.counts.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count as f64);
        let zero = bins(&values.flatten(0, -1).narrow(0, 0, 1).zeros_like()).int64_value(&[0]);
        let zeros = values.numel() as i64 - values.count_nonzero(None::<i64>).int64_value(&[]);
        self.counts[zero as usize] -= zeros as f64;
    }

    /// How many values each bin has.
    pub fn counts(&self) -> &[f64] {
        &self.counts
    }

    /// Forgets all values.
    pub fn clear(&mut self) {
        self.counts.fill(0.0);
    }

    /// Adds the values of another histogram with the same ends, by its counts: whole numbers, whose sums are
    /// exact in any order.
    pub fn add_counts(&mut self, counts: &[f64]) {
        self.counts.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
    }

    /// The range that loses least (squared error) with this number of bits: both ends are shares of those of
    /// the values.
    pub fn best_range(&self, bits: Bits, rounding: Rounding) -> (f64, f64) {
        let shares = || (4..=40).map(|share| f64::from(share) / 40.0);
        let best = |range: &dyn Fn(f64) -> (f64, f64)| {
            let errors = shares().map(|share| (self.error(range(share), bits, rounding), range(share)));
            errors.min_by(|a, b| a.0.total_cmp(&b.0)).expect("there are shares").1
        };
        // Both ends together, then each alone: tails may differ.
        let mut found = best(&|share| (self.low * share, self.high * share));
        if self.low < 0.0 && self.high > 0.0 {
            for _ in 0..2 {
                found = best(&|share| (self.low * share, found.1));
                found = best(&|share| (found.0, self.high * share));
            }
        }
        found
    }

    /// The sum of squared errors of all values on the grid of a range.
    fn error(&self, (low, high): (f64, f64), bits: Bits, rounding: Rounding) -> f64 {
        let levels = f64::from(bits.max_code());
        let scale = ((high - low) / levels).max(1e-12);
        let zero_point = (-low / scale + 0.5).floor().clamp(0.0, levels);
        let width = (self.high - self.low) / Self::BINS as f64;
        let error = |(bin, count): (usize, &f64)| {
            let value = self.low + (bin as f64 + 0.5) * width;
            let steps = value / scale;
            let rounded = match rounding {
                Rounding::Nearest => (steps + 0.5).floor(),
                Rounding::Floor => steps.floor(),
            };
            let code = (rounded + zero_point).clamp(0.0, levels);
            count * (value - (code - zero_point) * scale).powi(2)
        };
        self.counts.iter().enumerate().filter(|(_, count)| **count > 0.0).map(error).sum()
    }
}

/// The smallest and the largest value of a tensor, and 0.
pub fn extremes(values: &Tensor) -> (f64, f64) {
    let [low, high] = [values.min(), values.max()].map(|value| value.double_value(&[]));
    (low.min(0.0), high.max(0.0))
}

#[cfg(test)]
mod tests {
    use super::super::quantise::best_range;
    use super::*;
    use proptest::prelude::*;

    fn histogram(values: &Tensor) -> Histogram {
        let mut histogram = Histogram::new(extremes(values));
        histogram.add(values);
        histogram
    }

    /// The squared error of values themselves.
    fn error(values: &[f32], (low, high): (f64, f64), bits: Bits) -> f64 {
        let levels = f64::from(bits.max_code());
        let scale = (high - low) / levels;
        let zero_point = (-low / scale).round();
        let quantised = |x: f64| ((x / scale).round() + zero_point).clamp(0.0, levels) - zero_point;
        values.iter().map(|x| (f64::from(*x) - quantised(f64::from(*x)) * scale).powi(2)).sum()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(30))]
        /// It loses hardly more than the best range by the values themselves, whose ends are one share.
        #[test]
        fn bins_find_what_values_find(seed: u64, bits in 0usize..3, outlier in 1f32..20.0, relu: bool) {
            let bits = [Bits::B2, Bits::B4, Bits::B8][bits];
            let mut random = fastrand::Rng::with_seed(seed);
            let mut normal = || (0..12).map(|_| random.f32()).sum::<f32>() - 6.0;
            let mut values: Vec<f32> = (0..3000).map(|_| normal()).collect();
            values[7] = outlier;
            if relu {
                values.iter_mut().for_each(|value| *value = value.max(0.0));
            }
            let tensor = Tensor::from_slice(&values);
            let found = histogram(&tensor).best_range(bits, Rounding::Nearest);
            let plain = best_range(&tensor, relu, bits, Rounding::Nearest);
            let (found, plain) = (error(&values, found, bits), error(&values, plain, bits));
            prop_assert!(found <= plain * 1.02 + 1e-9, "{found} {plain}");
        }
    }

    #[test]
    fn parts_add_up_and_nothing_but_zeros_has_a_range() {
        let values = Tensor::from_slice(&[-1.0f32, 0.0, 0.5, 2.0, 1.9, 0.3]);
        let mut parts = Histogram::new(extremes(&values));
        parts.add(&values.narrow(0, 0, 2));
        parts.add(&values.narrow(0, 2, 4));
        assert_eq!(parts.counts, histogram(&values).counts);
        assert_eq!(parts.counts.iter().sum::<f64>(), 5.0, "all but the zero");
        let zeros = histogram(&Tensor::from_slice(&[0.0f32; 4]));
        assert_eq!(zeros.best_range(Bits::B8, Rounding::Nearest), (0.0, 0.0));
    }
}
