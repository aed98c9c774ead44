//! How often each sample occurs, and which range of them is worth the codes.

use std::collections::BTreeMap;

use mixq_format::{Bits, SampleCodes};

/// How often each sample occurs.
#[derive(Default)]
pub(super) struct Histogram(BTreeMap<i16, u64>);

impl Histogram {
    /// Counts a sample.
    pub fn add(&mut self, sample: i16) {
        *self.0.entry(sample).or_default() += 1;
    }

    /// The least and the largest sample; zeros if there are none.
    pub fn extremes(&self) -> (f64, f64) {
        let end = |entry: Option<(&i16, &u64)>| entry.map_or(0.0, |(sample, _)| f64::from(*sample));
        (end(self.0.first_key_value()), end(self.0.last_key_value()))
    }

    /// Codes of this width that tell all samples apart, if there are as many from the least to the largest:
    /// what is a code already stays what it is, a signed one is moved by half of the range.
    ///
    /// Samples of few steps, as those of a switch, are spread by a whole factor: else they would look like
    /// the noise of a channel that hardly varies, and weights would have to make up for their size. As many
    /// codes again are left for samples that are larger than those to train with.
    pub fn lossless(&self, bits: Bits) -> Option<SampleCodes> {
        let (least, most) = self.extremes();
        let (last, half) = (f64::from(bits.max_code()), (bits.max_code() + 1) / 2);
        // The code of the sample 0, how many steps further it is moved, and how much larger samples could be.
        let (zero_point, moved, room) = if least >= 0.0 && most <= last {
            (0, 0.0, last / most)
        } else if least >= f64::from(-half) && most < f64::from(half) {
            (half, 0.0, f64::from(half) / most.max(-least))
        } else if most - least <= last {
            (0, -least, last / (most - least))
        } else {
            return None;
        };
        let factor = if room.is_finite() { (room / 2.0).floor().max(1.0) } else { 1.0 };
        let shift = 14 - factor.log2().floor() as u8;
        let zero_point = zero_point + (factor * moved) as i32;
        Some(SampleCodes { multiplier: (factor as u16) << shift, shift, zero_point })
    }

    /// The range whose codes of this width lose least, as the sum of the squares of what each sample is off:
    /// outside the range samples become its end, inside they are off by the variance of rounding. Each end is
    /// one of 64 from the mean to the extreme; first the upper one is chosen, then the lower one, then both
    /// again.
    pub fn best(&self, bits: Bits) -> (f64, f64) {
        const STEPS: u32 = 64;
        let (least, most) = self.extremes();
        let count: u64 = self.0.values().sum();
        let sum: f64 = self.0.iter().map(|(sample, count)| f64::from(*sample) * *count as f64).sum();
        let mean = sum / count.max(1) as f64;
        let loss = |(low, high): (f64, f64)| -> f64 {
            let rounding = ((high - low) / f64::from(bits.max_code())).powi(2) / 12.0;
            let lost = self.0.iter().map(|(sample, count)| {
                let sample = f64::from(*sample);
                let off = sample - sample.clamp(low, high);
                *count as f64 * (off * off + if off == 0.0 { rounding } else { 0.0 })
            });
            lost.sum()
        };
        // Of equal ends the extreme.
        let ends = |extreme: f64| {
            (1..=STEPS).rev().map(move |part| mean + f64::from(part) / f64::from(STEPS) * (extreme - mean))
        };
        let mut best = ((least, most), loss((least, most)));
        for _ in 0..2 {
            for range in ends(most).map(|high| (best.0.0, high)).collect::<Vec<_>>() {
                best = better(best, (range, loss(range)));
            }
            for range in ends(least).map(|low| (low, best.0.1)).collect::<Vec<_>>() {
                best = better(best, (range, loss(range)));
            }
        }
        best.0
    }
}

/// A range and what it loses.
type Candidate = ((f64, f64), f64);

fn better(one: Candidate, other: Candidate) -> Candidate {
    if other.1 < one.1 { other } else { one }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(samples: impl IntoIterator<Item = i16>) -> Histogram {
        let mut histogram = Histogram::default();
        samples.into_iter().for_each(|sample| histogram.add(sample));
        histogram
    }

    #[test]
    fn what_fits_256_codes_is_not_changed() {
        let zero_point = |samples: [i16; 2]| of(samples).lossless(Bits::B8).map(|codes| codes.zero_point);
        assert_eq!(zero_point([0, 255]), Some(0));
        assert_eq!(zero_point([3, 90]), Some(0));
        assert_eq!(zero_point([-128, 127]), Some(128));
        assert_eq!(zero_point([-5, 250]), Some(5));
        assert_eq!(zero_point([1000, 1255]), Some(-1000));
        assert_eq!(zero_point([0, 256]), None);
        assert_eq!(zero_point([i16::MIN, i16::MAX]), None);
        for sample in 1000..=1255 {
            assert_eq!(i16::from(of([1000, 1255]).lossless(Bits::B8).unwrap().code(sample)), sample - 1000);
        }
    }

    /// By hand: 255 / 1 / 2 = 127; 255 / 16 / 2 = 7; 128 / 1 / 2 = 64 on each side of 128; of 4 bits
    /// 15 / 2 / 2 = 3; 255 / 3 / 2 = 42, from 1000 on. From 64 steps on they stay what they are.
    #[test]
    fn few_steps_are_spread_by_a_whole_factor() {
        for (samples, bits, codes) in [
            ([0, 1], Bits::B8, [0, 127]),
            ([0, 16], Bits::B8, [0, 112]),
            ([-1, 1], Bits::B8, [64, 192]),
            ([0, 2], Bits::B4, [0, 6]),
            ([0, 1], Bits::B2, [0, 1]),
            ([1000, 1003], Bits::B8, [0, 126]),
            ([-30_000, -29_999], Bits::B8, [0, 127]),
            ([0, 64], Bits::B8, [0, 64]),
            ([5, 5], Bits::B8, [125, 125]),
            ([0, 0], Bits::B8, [0, 0]),
        ] {
            let found = of(samples).lossless(bits).unwrap();
            assert!(found.is_valid(), "{found:?}");
            assert_eq!(samples.map(|sample| found.code_of(sample, bits)), codes, "{samples:?}");
        }
        let three = of([7, 9]).lossless(Bits::B8).unwrap();
        assert_eq!([7, 8, 9].map(|sample| three.code(sample)), [98, 112, 126]);
    }

    #[test]
    fn even_samples_get_the_whole_range_and_a_rare_one_far_off_does_not() {
        assert_eq!(of([-8, 7]).lossless(Bits::B4).map(|codes| codes.zero_point), Some(8));
        assert_eq!(of([-8, 8]).lossless(Bits::B4), None);
        assert_eq!(of(-1000..=1000).best(Bits::B8), (-1000.0, 1000.0));
        // A million samples within 1,000 and one at 30,000: squared, it is not worth steps of 120.
        let mut many = of((0..1_000_000).map(|index| (index % 2001 - 1000) as i16));
        many.add(30_000);
        let (low, high) = many.best(Bits::B8);
        // By hand: 10^6 R^2 / (12 * 255^2) + (31,000 - R)^2 is least where R is 13,590.
        assert!((12_000.0..13_200.0).contains(&high) && (-1000.0..-950.0).contains(&low), "{low} {high}");
    }
}
