//! What the samples are that a network reads, as an artifact says it.

use serde::{Deserialize, Serialize};

use crate::{Bits, SampleCodes};

/// A channel of samples.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SampleChannel {
    /// What a step of a 16-bit sample is worth, in the unit of the dataset; over 0.
    pub unit: f64,
    /// How samples become codes.
    pub codes: SampleCodes,
}

impl SampleChannel {
    /// What a step of a code is worth, in the unit of the dataset.
    pub fn scale(&self) -> f64 {
        self.unit * self.codes.step()
    }

    /// The code of 8 bits of a value.
    pub fn code(&self, value: f32) -> u8 {
        self.code_of(value, Bits::B8)
    }

    /// The code of a value.
    ///
    /// # Panics
    /// For [`Bits::B32`].
    pub fn code_of(&self, value: f32, bits: Bits) -> u8 {
        self.codes.code_of(crate::sample(value, self.unit), bits)
    }
}

/// What is wrong with the channels of samples that an artifact has for an image of `channels` channels: one
/// for each, or one for all.
pub(crate) fn check(samples: &[SampleChannel], channels: usize) -> Result<(), String> {
    let found = samples.len();
    if found != 1 && found != channels {
        return Err(format!("it has {found} channels of samples, its input has {channels} channels"));
    }
    let is_wrong = |channel: &SampleChannel| {
        !(channel.unit.is_finite() && channel.unit > 0.0 && channel.codes.is_valid())
    };
    match samples.iter().position(is_wrong) {
        Some(channel) => Err(format!("the samples of channel {channel} have numbers that are out of range")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_channel_is_for_all_or_there_is_one_for_each() {
        let codes = SampleCodes { multiplier: 1 << 14, shift: 15, zero_point: 100 };
        let right = SampleChannel { unit: 0.25, codes };
        assert_eq!((right.scale(), right.code(10.0)), (0.5, 120));
        for (count, is_right) in [(1, true), (2, false), (3, true)] {
            assert_eq!(check(&vec![right; count], 3).is_ok(), is_right);
        }
        for unit in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(check(&[SampleChannel { unit, ..right }], 3).is_err());
        }
        let wrong = SampleChannel { codes: SampleCodes { shift: 0, ..codes }, ..right };
        let expected = "the samples of channel 2 have numbers that are out of range";
        assert_eq!(check(&[right, right, wrong], 3).unwrap_err(), expected);
    }
}
