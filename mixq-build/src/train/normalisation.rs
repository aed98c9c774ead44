//! Normalisation of images, per channel. It becomes part of the network: firmware feeds raw pixels.

use std::ops::Range;

use mixq_format::Bits;

use super::images::Images;
use crate::convert::Grid;
use crate::dataset;
use crate::graph::{Input, Inputs};
use crate::import::InputNormalisation;

/// Images are normalised as `gains[c] * scale * (pixel - zero_point)`.
///
/// The scale and the zero point are those of the image's tensor. They are the same for all channels, and the
/// device pads with the zero point. The means of the channels differ from it by constants, which the first
/// batch norm or bias takes up; their deviations differ by factors, which go into the first weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Normalisation {
    /// Mean and deviation of all pixels, without channels that hardly vary.
    pub image: Grid,
    /// Deviation of all pixels over that of a channel's, within bounds.
    pub gains: Vec<f64>,
    /// Mean and deviation of each channel, in pixel steps.
    channels: Vec<(f64, f64)>,
    /// Bits of a pixel.
    bits: Bits,
}

/// A channel whose standard deviation is below this, in steps of 255 in all, is not scaled up: it only has
/// noise.
const STEADY: f64 = 1.0;

/// The most that a channel's mean may differ from that of all pixels, in normalised units. The difference is
/// constant inside the image, but at the padding it is an edge: a large one would hide what the channel
/// shows.
const FARTHEST: f64 = 4.0;

impl Normalisation {
    /// Of each input, from the images to train with.
    pub fn of_inputs(train: &Images<'_>, inputs: &Inputs) -> Vec<Normalisation> {
        let all = inputs.iter().zip(inputs.ranges());
        all.map(|(input, range)| Normalisation::of(train, range, input)).collect()
    }

    /// From the images to train with; of an input that lies in this range of each. Channels are those that
    /// layers see.
    fn of(train: &Images<'_>, range: Range<usize>, input: &Input) -> Normalisation {
        let (bits, channels) = (input.bits, input.image().channels);
        let last = bits.max_code();
        let elements = || train.elements(range.clone());
        let mut places = vec![Vec::new(); channels];
        (0..input.shape.elements()).for_each(|element| places[input.channel_of(element)].push(element));
        let pixels = |channel: usize| train.elements_at(range.clone(), &places[channel]);
        let moments: Vec<(f64, f64)> =
            (0..channels).map(|channel| dataset::moments(pixels(channel))).collect();
        let varying = |channel: &usize| !is_steady(moments[*channel].1, last);
        let varying: Vec<usize> = (0..channels).filter(varying).collect();
        // Without the channels that hardly vary, as if they were not there.
        let (mean, deviation) = if varying.is_empty() || varying.len() == channels {
            dataset::moments(elements())
        } else {
            dataset::moments(varying.into_iter().flat_map(pixels))
        };
        // Over 0, so that nothing divides by 0.
        let deviation = deviation.max(1e-3);
        Normalisation {
            image: Grid { scale: 1.0 / deviation, zero_point: (mean.round() as i32).clamp(0, last) },
            gains: moments.iter().map(|channel| gain((mean, deviation), *channel, last)).collect(),
            channels: moments,
            bits,
        }
    }

    /// The same images, normalised as Cargo.toml's network says.
    pub fn replaced(self, given: &InputNormalisation) -> Normalisation {
        let (scale, zero_point) = given.shared(self.bits);
        Normalisation { image: Grid { scale, zero_point }, gains: given.gains(), ..self }
    }

    /// Without factors by channel.
    pub fn with_equal_channels(mut self) -> Normalisation {
        self.gains.fill(1.0);
        self
    }

    /// Warns of each channel that hardly varies, if there is more than one channel; those of images have the
    /// names of colours.
    pub fn warnings(&self, is_image: bool) -> Vec<String> {
        let steady = |channel: &usize| {
            self.channels.len() > 1 && is_steady(self.channels[*channel].1, self.bits.max_code())
        };
        (0..self.channels.len()).filter(steady).map(|channel| self.warning(channel, is_image)).collect()
    }

    fn warning(&self, channel: usize, is_image: bool) -> String {
        let name = match (channel, self.channels.len()) {
            _ if !is_image => format!("channel {channel} (counted from 0)"),
            (0, 3 | 4) => "red (channel 0)".to_string(),
            (1, 3 | 4) => "green (channel 1)".to_string(),
            (2, 3 | 4) => "blue (channel 2)".to_string(),
            (3, 4) => "alpha (channel 3)".to_string(),
            _ => format!("channel {channel} (counted from 0)"),
        };
        let found = match self.channels[channel] {
            (mean, 0.0) => format!("is {mean} in all training images"),
            (mean, deviation) => format!(
                "hardly varies over the training images: its mean is {mean:.2}, its standard deviation \
                 {deviation:.2} of {} steps",
                self.bits.max_code()
            ),
        };
        format!(
            "{name} {found}; the network can learn little from it: check that the dataset holds what it \
             should, or leave the channel out of the dataset and of the network's `input`"
        )
    }
}

/// Whether a channel only has noise, by its deviation in steps, the last of which is `last`.
fn is_steady(deviation: f64, last: i32) -> bool {
    deviation < STEADY * f64::from(last) / 255.0
}

/// The factor of a channel beside the scale that all channels share. Arguments are `(mean, deviation)` of all
/// pixels and of the channel's pixels.
fn gain((mean, deviation): (f64, f64), (channel_mean, channel_deviation): (f64, f64), last: i32) -> f64 {
    let gain = if is_steady(channel_deviation, last) { 1.0 } else { deviation / channel_deviation };
    // Dividing by 0 gives infinity: then there is nothing to bound.
    gain.min(FARTHEST * deviation / (channel_mean - mean).abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Split;
    use crate::graph::Shape;

    #[test]
    fn every_channel_gets_deviation_one() {
        let mut random = fastrand::Rng::with_seed(1);
        let pixels: Vec<u8> = (0..30_000)
            .map(|index| match index % 3 {
                0 => random.u8(..),
                1 => random.u8(100..120),
                _ => 7,
            })
            .collect();
        let split = Split { pixels: pixels.clone().into(), targets: vec![0; 100].into() };
        let input = &Inputs::from(Shape { height: 1, width: 100, channels: 3 })[0];
        let Normalisation { image, gains, .. } = Normalisation::of(&Images::all(&split), 0..300, input);
        for (channel, gain) in gains.iter().take(2).enumerate() {
            let values: Vec<f64> = (pixels.iter().skip(channel).step_by(3))
                .map(|pixel| gain * image.scale * f64::from(i32::from(*pixel) - image.zero_point))
                .collect();
            let mean = values.iter().sum::<f64>() / 10_000.0;
            let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / 10_000.0;
            assert!((variance - 1.0).abs() < 1e-9, "channel {channel}: {variance}");
        }
        assert_eq!(gains[2], 1.0, "a channel that is all the same");
        let others = (0..30_000).filter(|index| index % 3 < 2).map(|index| f64::from(pixels[index]));
        assert_eq!(image.zero_point, (others.sum::<f64>() / 20_000.0).round() as i32);
    }
    fn normalised(pixels: Vec<u8>, channels: usize) -> Normalisation {
        let each = pixels.len() / 10;
        let split = Split { pixels: pixels.into(), targets: vec![0; 10].into() };
        let input = &Inputs::from(Shape { height: 1, width: each / channels, channels })[0];
        Normalisation::of(&Images::all(&split), 0..each, input)
    }

    #[test]
    fn a_channel_that_hardly_varies_is_not_scaled_up_and_is_named() {
        let image = |third: fn(&mut fastrand::Rng) -> u8, channels: usize| -> Vec<u8> {
            let pixel = |random: &mut fastrand::Rng| [random.u8(..), random.u8(..), third(random), 255];
            {
                let mut random = fastrand::Rng::with_seed(2);
                (0..1000).flat_map(|_| pixel(&mut random)[..channels].to_vec()).collect()
            }
        };
        let blue = normalised(image(|random| random.u8(5..=6), 3), 3);
        assert_eq!(blue.gains[2], 1.0);
        let [warning] = &blue.warnings(true)[..] else { panic!("one channel") };
        assert!(
            warning.starts_with("blue (channel 2) hardly varies over the training images: its mean is 5.5")
        );
        assert!(warning.contains("its standard deviation 0.50 of 255 steps"), "{warning}");
        let alpha = normalised(image(|random| random.u8(..), 4), 4);
        assert_eq!(alpha.gains[3], 1.0);
        let [warning] = &alpha.warnings(true)[..] else { panic!("one channel") };
        assert!(warning.starts_with("alpha (channel 3) is 255 in all training images; "), "{warning}");
        let pair =
            normalised((0..2000).map(|index| if index % 2 == 0 { index as u8 } else { 9 }).collect(), 2);
        assert!(
            pair.warnings(true)[0].starts_with("channel 1 (counted from 0) is 9 in all"),
            "{:?}",
            pair.warnings(true)
        );
        // The only channel cannot be left out.
        let grey = normalised((0..1000).map(|index| 5 + (index % 2) as u8).collect(), 1);
        assert_eq!((&grey.gains[..], grey.warnings(true).len()), (&[1.0][..], 0));
    }

    #[test]
    fn a_narrow_channel_far_from_the_others_does_not_become_an_edge() {
        // Standard deviations by hand: 1.5 steps around 6.5, and 100 around 128.
        let pixels = (0..4000).flat_map(|index| [[28, 228][index % 2], [5, 8][index / 2 % 2]]).collect();
        let Normalisation { image, gains, .. } = normalised(pixels, 2);
        let mean = |channel: usize, value: f64| gains[channel] * image.scale * (value - 67.25);
        assert!((mean(1, 6.5) + 4.0).abs() < 1e-9, "{}", mean(1, 6.5));
        assert!(mean(0, 128.0).abs() < 1.0);
    }
}
