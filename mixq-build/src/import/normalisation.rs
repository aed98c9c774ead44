//! How pixels were normalised when a network was trained elsewhere.

use mixq_format::{Bits, SampleChannel};
use serde::Serialize;

/// Layers that read an input read `(value - mean[c]) / std[c]`. Channels are those that they see: a
/// `transpose` may have moved them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InputNormalisation {
    /// By channel.
    pub mean: Vec<f64>,
    /// By channel; over 0.
    pub std: Vec<f64>,
    /// What the values are in these formulas.
    #[serde(skip_serializing_if = "Reads::is_values")]
    pub reads: Reads,
}

/// What is normalised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub enum Reads {
    /// The codes of the input: pixels of 0 to 255, or codes that stand for samples.
    #[default]
    Codes,
    /// Values of the data: pixels, or samples of a sensor.
    Values,
    /// The integers of a quantised network's input. A pixel of 0 is this one.
    Integers {
        /// -128 where they are signed.
        first: i32,
    },
}

impl Reads {
    fn is_values(&self) -> bool {
        *self == Reads::Values
    }
}

impl InputNormalisation {
    /// That of a first layer that reads pixels as they are.
    pub fn none(channels: usize) -> InputNormalisation {
        InputNormalisation { mean: vec![0.0; channels], std: vec![1.0; channels], reads: Reads::Codes }
    }

    /// The same network where what it reads has been normalised before.
    pub fn after(&self, given: &InputNormalisation) -> InputNormalisation {
        // What a quantised file says of its integers holds for its own quantisation alone.
        if let Reads::Integers { .. } = self.reads {
            return given.clone();
        }
        let mean =
            given.mean.iter().zip(&given.std).zip(&self.mean).map(|((mean, std), own)| mean + own * std);
        let std = given.std.iter().zip(&self.std).map(|(std, own)| std * own);
        InputNormalisation { mean: mean.collect(), std: std.collect(), reads: given.reads }
    }

    /// The same for codes: of pixels, or of samples, which each channel has its own for.
    pub fn of_codes(&self, samples: &[SampleChannel]) -> InputNormalisation {
        // A value is `step * code + first`.
        let (first, step): (Vec<f64>, Vec<f64>) = match (self.reads, samples.is_empty()) {
            (Reads::Codes, _) => return self.clone(),
            (Reads::Values, true) => (vec![0.0], vec![1.0]),
            (Reads::Integers { first }, true) => (vec![f64::from(first)], vec![1.0]),
            (Reads::Values | Reads::Integers { .. }, false) => {
                let codes = |channel: &SampleChannel| {
                    let step = channel.scale();
                    (-step * f64::from(channel.codes.zero_point), step)
                };
                samples.iter().map(codes).unzip()
            }
        };
        let by_channel = |values: &[f64], of: &dyn Fn(f64, f64, f64) -> f64| -> Vec<f64> {
            let codes = first.iter().zip(&step).cycle();
            values.iter().zip(codes).map(|(value, (first, step))| of(*value, *first, *step)).collect()
        };
        InputNormalisation {
            mean: by_channel(&self.mean, &|mean, first, step| (mean - first) / step),
            std: by_channel(&self.std, &|std, _, step| std / step),
            reads: Reads::Codes,
        }
    }

    /// The scale that all channels share on the device, and the code of 0: `(scale, zero_point)`, for codes
    /// of `bits`. Channels differ from it by [`InputNormalisation::gains`] and
    /// [`InputNormalisation::offsets`].
    pub fn shared(&self, bits: Bits) -> (f64, i32) {
        let last = f64::from(bits.max_code());
        (1.0 / average(&self.std), average(&self.mean).round().clamp(0.0, last) as i32)
    }

    /// By channel: the factor on `scale * (code - zero_point)`.
    pub fn gains(&self) -> Vec<f64> {
        let std = average(&self.std);
        self.std.iter().map(|own| std / own).collect()
    }

    /// By channel: what `gain * scale * (code - zero_point)` lacks of what the network was trained on.
    pub fn offsets(&self, bits: Bits) -> Vec<f64> {
        let (_, zero_point) = self.shared(bits);
        let channels = self.mean.iter().zip(&self.std);
        channels.map(|(mean, std)| (f64::from(zero_point) - mean) / std).collect()
    }

    /// Whether channels differ.
    pub fn differs(&self) -> bool {
        let differ = |values: &[f64]| values.iter().any(|value| *value != values[0]);
        differ(&self.mean) || differ(&self.std)
    }

    /// A warning if these seem to be numbers for pixels of 0 to 1, as torchvision's documentation has them.
    pub fn warning(&self) -> Option<String> {
        let small = |values: &[f64], least: f64| values.iter().all(|value| (least..1.0).contains(value));
        (small(&self.mean, 1e-9) && small(&self.std, 0.0)).then(|| {
            format!(
                "`normalisation` has mean {:?} and std {:?}, which seem to be of pixels from 0 to 1; pixels \
                 are 0 to 255 here: multiply both by 255",
                self.mean, self.std
            )
        })
    }
}

fn average(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Codes of all channels have one number of bits.
    const BITS: Bits = Bits::B8;

    #[test]
    fn shared_grid_gains_and_offsets_give_back_every_channel() {
        let given = InputNormalisation {
            mean: vec![123.675, 116.28, 103.53],
            std: vec![58.395, 57.12, 57.375],
            reads: Reads::Codes,
        };
        let (scale, zero_point) = given.shared(BITS);
        for channel in 0..3 {
            for pixel in [0.0, 7.0, 255.0] {
                let wanted = (pixel - given.mean[channel]) / given.std[channel];
                let found = given.gains()[channel] * scale * (pixel - f64::from(zero_point));
                assert!((found + given.offsets(BITS)[channel] - wanted).abs() < 1e-12);
            }
        }
        assert_eq!(zero_point, 114);
        let plain = InputNormalisation { mean: vec![0.0], std: vec![255.0], reads: Reads::Codes };
        assert_eq!((plain.shared(BITS), plain.offsets(BITS)), ((1.0 / 255.0, 0), vec![0.0]));
    }

    #[test]
    fn numbers_for_pixels_of_0_to_1_are_warned_of() {
        let of = |mean: f64, std: f64| {
            InputNormalisation { mean: vec![mean], std: vec![std], reads: Reads::Codes }.warning()
        };
        assert!(of(0.485, 0.229).is_some_and(|warning| warning.contains("multiply both by 255")));
        for (mean, std) in [(0.0, 255.0), (127.5, 127.5), (0.0, 1.0), (228.0, 0.9), (0.0, 0.5)] {
            assert_eq!(of(mean, std), None, "{mean} {std}");
        }
    }
}
