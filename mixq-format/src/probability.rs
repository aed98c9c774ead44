//! Probabilities from integer outputs, by integers alone: the same on every device and on the host.
//!
//! `e^-x` is a power of 2, whose exponent is counted in parts of 1024: its whole part is a shift, the parts
//! of 32 and of 1024 are looked up and multiplied.

/// 1 in the tables.
const ONE: u32 = 1 << 30;

/// `2^(-i/32)`.
const COARSE: [u32; 32] = [
    1_073_741_824,
    1_050_733_751,
    1_028_218_693,
    1_006_186_087,
    984_625_594,
    963_527_098,
    942_880_699,
    922_676_710,
    902_905_651,
    883_558_244,
    864_625_413,
    846_098_274,
    827_968_132,
    810_226_483,
    792_865_000,
    775_875_538,
    759_250_125,
    742_980_960,
    727_060_411,
    711_481_005,
    696_235_434,
    681_316_545,
    666_717_336,
    652_430_958,
    638_450_708,
    624_770_026,
    611_382_493,
    598_281_827,
    585_461_881,
    572_916_640,
    560_640_218,
    548_626_854,
];

/// `2^(-i/1024)`.
const FINE: [u32; 32] = [
    1_073_741_824,
    1_073_015_252,
    1_072_289_173,
    1_071_563_584,
    1_070_838_486,
    1_070_113_879,
    1_069_389_763,
    1_068_666_136,
    1_067_942_999,
    1_067_220_351,
    1_066_498_193,
    1_065_776_523,
    1_065_055_341,
    1_064_334_647,
    1_063_614_442,
    1_062_894_723,
    1_062_175_491,
    1_061_456_746,
    1_060_738_488,
    1_060_020_715,
    1_059_303_428,
    1_058_586_627,
    1_057_870_310,
    1_057_154_479,
    1_056_439_131,
    1_055_724_268,
    1_055_009_888,
    1_054_295_992,
    1_053_582_579,
    1_052_869_649,
    1_052_157_201,
    1_051_445_235,
];

/// How outputs become exponents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exponents {
    /// Parts of 1024 of an octave that one unit of an output is, times `2^shift`.
    multiplier: u32,
    shift: u32,
}

impl Exponents {
    /// For outputs of which one unit is worth `scale`, over 0. For constants: it takes no instruction of the
    /// device.
    pub const fn new(scale: f64) -> Exponents {
        let mut factor = scale * core::f64::consts::LOG2_E * 1024.0;
        let mut shift = 0;
        while shift < 62 && factor < (1u32 << 30) as f64 {
            factor *= 2.0;
            shift += 1;
        }
        // A larger one stays at the largest integer: all outputs but the first are 0 then.
        Exponents { multiplier: factor as u32, shift }
    }

    /// `e^-x` in parts of `ONE`, where `x` is this many units of an output.
    fn power(self, units: u32) -> u64 {
        let parts = (u64::from(units) * u64::from(self.multiplier)) >> self.shift;
        let (whole, parts) = (parts >> 10, (parts & 1023) as usize);
        if whole > 30 {
            return 0;
        }
        ((u64::from(COARSE[parts >> 5]) * u64::from(FINE[parts & 31])) >> 30) >> whole
    }

    /// The softmax of `N` outputs: the probability of each class, 255 for 1, each rounded to the nearest.
    /// What is rounded may keep the sum from being 255. Outputs may be codes: their zero point does not
    /// matter.
    pub fn softmax<T: Copy + Ord + Into<i32>, const N: usize>(self, outputs: &[T; N]) -> [u8; N] {
        let Some(most) = outputs.iter().max() else { return [0; N] };
        let most: i32 = (*most).into();
        let power = |output: &T| self.power(most.abs_diff((*output).into()));
        let sum: u64 = outputs.iter().map(power).sum();
        outputs.each_ref().map(|output| ((power(output) * 255 + sum / 2) / sum) as u8)
    }

    /// The logistic function of an output: the probability of a label, 255 for 1, rounded to the nearest.
    pub fn sigmoid(self, output: i32) -> u8 {
        let power = self.power(output.unsigned_abs());
        let (one, sum) = (u64::from(ONE), u64::from(ONE) + power);
        let probability = if output < 0 { power } else { one };
        ((probability * 255 + sum / 2) / sum) as u8
    }
}

/// The indices of the `K` largest outputs, the largest first, of equal ones the first. 0 where there are
/// fewer outputs.
pub fn top<const K: usize>(outputs: &[impl Copy + PartialOrd]) -> [usize; K] {
    let mut top = [0; K];
    for (index, output) in outputs.iter().enumerate() {
        let kept = index.min(K);
        let place = top[..kept].iter().position(|other| outputs[*other] < *output).unwrap_or(kept);
        if place < K {
            top.copy_within(place..K - 1, place + 1);
            top[place] = index;
        }
    }
    top
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::vec::Vec;

    use super::*;

    /// A generator of integers, so that the tests need no other crate.
    fn integers(seed: u64) -> impl FnMut() -> i32 {
        let mut state = seed;
        move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as u32 as i32
        }
    }

    /// Probabilities are those of floats, rounded, to a tenth of a step.
    #[test]
    fn probabilities_are_those_of_floats() {
        let mut next = integers(1);
        let mut largest = 0.0f64;
        for scale in [1e-9, 3e-7, 2e-5, 1e-3, 0.04, 0.7, 5.0, 1e6] {
            let exponents = Exponents::new(scale);
            // Outputs that are up to 8 apart in real values, and outputs over all 32 bits.
            for reach in [(8.0 / scale).min(1e9) as i32 + 1, i32::MAX] {
                for _ in 0..500 {
                    let outputs = [(); 5].map(|()| next() % reach);
                    let most = f64::from(*outputs.iter().max().unwrap());
                    let powers = outputs.map(|output| ((f64::from(output) - most) * scale).exp());
                    let sum: f64 = powers.iter().sum();
                    for (found, power) in exponents.softmax(&outputs).iter().zip(powers) {
                        largest = largest.max((f64::from(*found) - 255.0 * power / sum).abs());
                    }
                    let expected = 255.0 / (1.0 + (-scale * f64::from(outputs[0])).exp());
                    let found = f64::from(exponents.sigmoid(outputs[0]));
                    largest = largest.max((found - expected).abs());
                }
            }
        }
        assert!(largest < 0.6, "{largest}");
    }

    #[test]
    fn the_ends_of_the_range() {
        for scale in [1e-12, 1.0, 1e12, f64::MAX] {
            let exponents = Exponents::new(scale);
            assert_eq!(exponents.softmax(&[7, 7, 7]), [85; 3]);
            assert_eq!(exponents.softmax(&[i32::MIN]), [255]);
            assert_eq!(exponents.sigmoid(0), 128);
        }
        assert_eq!(Exponents::new(1.0).softmax(&[i32::MIN, i32::MAX, 0]), [0, 255, 0]);
        assert_eq!([i32::MIN, i32::MAX].map(|output| Exponents::new(1.0).sigmoid(output)), [0, 255]);
        assert!(Exponents::new(1.0).softmax::<i32, 0>(&[]).is_empty());
    }

    /// As sorting does it.
    #[test]
    fn the_largest_come_first() {
        let mut next = integers(2);
        for _ in 0..200 {
            let outputs = [(); 9].map(|()| next() % 5);
            let mut sorted: Vec<usize> = (0..9).collect();
            sorted.sort_by_key(|index| (core::cmp::Reverse(outputs[*index]), *index));
            assert_eq!(top::<4>(&outputs)[..], sorted[..4]);
            assert_eq!(top::<9>(&outputs)[..], sorted[..]);
            assert_eq!(top::<1>(&outputs), [crate::argmax(&outputs)]);
        }
        assert!(top::<0>(&[1, 2]).is_empty());
        assert_eq!(top::<3>(&[5, 6]), [1, 0, 0]);
    }
}
