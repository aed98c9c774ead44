//! How the 16-bit samples of a sensor become the 8-bit codes that a network reads.
//!
//! The build makes the codes that a network is trained with by the same functions as the device.

use crate::nearest;

/// The codes of a channel: `round(sample * multiplier / 2^shift) + zero_point`, within 0 and 255.
///
/// Half a code rounds up. The product of a sample and a multiplier has at most 31 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "file", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct SampleCodes {
    /// 1 to [`SampleCodes::MULTIPLIER`].
    pub multiplier: u16,
    /// 1 to [`SampleCodes::SHIFT`].
    pub shift: u8,
    /// The code of the sample 0, if it were not bounded: at most [`SampleCodes::ZERO_POINT`] from 0.
    pub zero_point: i32,
}

impl SampleCodes {
    /// The largest multiplier.
    pub const MULTIPLIER: u16 = i16::MAX as u16;
    /// The largest shift.
    pub const SHIFT: u8 = 30;
    /// The largest size of a zero point.
    pub const ZERO_POINT: i32 = 1 << 24;

    /// The code of a sample.
    pub const fn code(self, sample: i16) -> u8 {
        let product = sample as i32 * self.multiplier as i32;
        let code = ((product + (1 << (self.shift - 1))) >> self.shift) + self.zero_point;
        if code < 0 {
            0
        } else if code > 255 {
            255
        } else {
            code as u8
        }
    }

    /// How many steps of a sample a step of a code is.
    pub const fn step(self) -> f64 {
        (1u64 << self.shift) as f64 / self.multiplier as f64
    }

    /// Whether all numbers are in their ranges.
    pub const fn is_valid(self) -> bool {
        let SampleCodes { multiplier, shift, zero_point } = self;
        multiplier >= 1
            && multiplier <= SampleCodes::MULTIPLIER
            && shift >= 1
            && shift <= SampleCodes::SHIFT
            && zero_point.unsigned_abs() <= SampleCodes::ZERO_POINT.unsigned_abs()
    }
}

/// The sample nearest to a value, in steps of `unit`, within 16 bits. The sample of NaN is 0.
pub const fn sample(value: f32, unit: f64) -> i16 {
    let sample = nearest(value as f64 / unit);
    if sample < i16::MIN as i32 {
        i16::MIN
    } else if sample > i16::MAX as i32 {
        i16::MAX
    } else {
        sample as i16
    }
}

/// Makes a code of each sample. Samples are in the order row, column, channel; `channels` has an entry for
/// each channel, or one for all.
pub fn encode(channels: &[SampleCodes], samples: &[i16], codes: &mut [u8]) {
    for ((code, sample), channel) in codes.iter_mut().zip(samples).zip(channels.iter().cycle()) {
        *code = channel.code(*sample);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In 128 bits, by the definition: the floor of twice the product and a half, by division.
    fn wide(codes: SampleCodes, sample: i16) -> u8 {
        let (numerator, denominator) = (
            2 * i128::from(sample) * i128::from(codes.multiplier) + (1i128 << codes.shift),
            2i128 << codes.shift,
        );
        (numerator.div_euclid(denominator) + i128::from(codes.zero_point)).clamp(0, 255) as u8
    }

    #[test]
    fn all_samples_have_the_codes_of_wide_integers() {
        for multiplier in [1, 2, 999, 16384, 32767] {
            for shift in [1, 7, 14, 22, 23, 30] {
                for zero_point in [-(1 << 24), -2318, 0, 128, 255, 1 << 24] {
                    let codes = SampleCodes { multiplier, shift, zero_point };
                    assert!(codes.is_valid());
                    for sample in i16::MIN..=i16::MAX {
                        assert_eq!(codes.code(sample), wide(codes, sample), "{codes:?} {sample}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_step_of_one_loses_nothing() {
        let codes = SampleCodes { multiplier: 1 << 14, shift: 14, zero_point: 128 };
        assert_eq!(codes.step(), 1.0);
        for sample in -128..128 {
            assert_eq!(i16::from(codes.code(sample)), sample + 128);
        }
    }

    #[test]
    fn values_become_samples_and_channels_take_turns() {
        assert_eq!(
            [0.4, 0.5, -0.5, 1e30, -1e30, f32::NAN].map(|value| sample(value, 1.0)),
            [0, 1, -1, i16::MAX, i16::MIN, 0]
        );
        assert_eq!(sample(0.75, 0.25), 3);
        let channel = |zero_point| SampleCodes { multiplier: 1 << 14, shift: 14, zero_point };
        let mut codes = [0; 4];
        encode(&[channel(0), channel(100)], &[1, 2, 3, 4], &mut codes);
        assert_eq!(codes, [1, 102, 3, 104]);
        encode(&[channel(7)], &[1, 2, 3, -9], &mut codes);
        assert_eq!(codes, [8, 9, 10, 0]);
    }

    #[test]
    fn numbers_out_of_range_are_not_valid() {
        let right = SampleCodes { multiplier: 5, shift: 5, zero_point: 5 };
        for wrong in [
            SampleCodes { multiplier: 0, ..right },
            SampleCodes { multiplier: 32768, ..right },
            SampleCodes { shift: 0, ..right },
            SampleCodes { shift: 31, ..right },
            SampleCodes { zero_point: (1 << 24) + 1, ..right },
            SampleCodes { zero_point: i32::MIN, ..right },
        ] {
            assert!(right.is_valid() && !wrong.is_valid(), "{wrong:?}");
        }
    }
}
