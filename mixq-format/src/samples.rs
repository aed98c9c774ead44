//! How the 16-bit samples of a sensor become the codes that a network reads: of 8 bits, or of fewer.
//!
//! The build makes the codes that a network is trained with by the same functions as the device.

use crate::{Bits, nearest};

/// The codes of a channel: `round(sample * multiplier / 2^shift) + zero_point`, within 0 and the largest
/// code.
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

    /// The code of 8 bits of a sample.
    pub const fn code(self, sample: i16) -> u8 {
        self.code_of(sample, Bits::B8)
    }

    /// The code of a sample.
    ///
    /// # Panics
    /// For [`Bits::B32`].
    pub const fn code_of(self, sample: i16, bits: Bits) -> u8 {
        let most = bits.max_code();
        let product = sample as i32 * self.multiplier as i32;
        let code = ((product + (1 << (self.shift - 1))) >> self.shift) + self.zero_point;
        if code < 0 {
            0
        } else if code > most {
            most as u8
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

/// As [`encode`], for codes of 4 or 2 bits: each pixel of `per_pixel` samples begins at a byte.
///
/// # Panics
/// For [`Bits::B32`], or if a pixel has no samples.
pub fn encode_narrow(
    channels: &[SampleCodes],
    per_pixel: usize,
    bits: Bits,
    samples: &[i16],
    bytes: &mut [u8],
) {
    let pixels = samples.chunks(per_pixel).zip(bytes.chunks_mut(bits.row_bytes(per_pixel)));
    for (samples, bytes) in pixels {
        bytes.fill(0);
        let codes = samples.iter().zip(channels.iter().cycle());
        for (index, (sample, channel)) in codes.enumerate() {
            put(bytes, index, bits, channel.code_of(*sample, bits));
        }
    }
}

/// Packs codes of `bits` bits, a byte each, into pixels of `per_pixel` codes, each of which begins at a byte.
///
/// # Panics
/// For [`Bits::B32`], or if a pixel has no codes.
pub fn pack_codes(codes: &[u8], per_pixel: usize, bits: Bits, bytes: &mut [u8]) {
    for (codes, bytes) in codes.chunks(per_pixel).zip(bytes.chunks_mut(bits.row_bytes(per_pixel))) {
        bytes.fill(0);
        codes.iter().enumerate().for_each(|(index, code)| put(bytes, index, bits, *code));
    }
}

/// Writes a code to bits that are 0.
fn put(bytes: &mut [u8], index: usize, bits: Bits, code: u8) {
    let bit = index * bits.count();
    if let Some(byte) = bytes.get_mut(bit / 8) {
        *byte |= code << (bit % 8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In 128 bits, by the definition: the floor of twice the product and a half, by division.
    fn wide(codes: SampleCodes, sample: i16, most: i128) -> u8 {
        let (numerator, denominator) = (
            2 * i128::from(sample) * i128::from(codes.multiplier) + (1i128 << codes.shift),
            2i128 << codes.shift,
        );
        (numerator.div_euclid(denominator) + i128::from(codes.zero_point)).clamp(0, most) as u8
    }

    #[test]
    fn all_samples_have_the_codes_of_wide_integers() {
        for multiplier in [1, 2, 999, 16384, 32767] {
            for shift in [1, 7, 14, 22, 23, 30] {
                for zero_point in [-(1 << 24), -2318, 0, 128, 255, 1 << 24] {
                    let codes = SampleCodes { multiplier, shift, zero_point };
                    assert!(codes.is_valid());
                    for sample in i16::MIN..=i16::MAX {
                        assert_eq!(codes.code(sample), wide(codes, sample, 255), "{codes:?} {sample}");
                        assert_eq!(codes.code_of(sample, Bits::B4), wide(codes, sample, 15));
                        assert_eq!(codes.code_of(sample, Bits::B2), wide(codes, sample, 3));
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
    fn narrow_codes_are_packed_pixel_by_pixel() {
        let channel = |zero_point| SampleCodes { multiplier: 1 << 14, shift: 14, zero_point };
        let mut bytes = [0xff; 4];
        let channels = [channel(0), channel(1), channel(2)];
        encode_narrow(&channels, 3, Bits::B4, &[1, 2, 3, -9, 99, 13], &mut bytes);
        assert_eq!(bytes, [0x31, 0x05, 0xf0, 0x0f]);
        let mut packed = [0xff; 4];
        pack_codes(&[1, 3, 5, 0, 15, 15], 3, Bits::B4, &mut packed);
        assert_eq!(packed, bytes);
        let mut bytes = [0xff; 2];
        encode_narrow(&[channel(1)], 5, Bits::B2, &[-1, 0, 1, 2, 3], &mut bytes);
        assert_eq!(bytes, [0b11_10_01_00, 0b11]);
        pack_codes(&[0, 1, 2, 3, 3], 5, Bits::B2, &mut packed[..2]);
        assert_eq!(packed[..2], bytes);
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
