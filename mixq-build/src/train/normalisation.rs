//! Normalisation of images, per channel; firmware feeds raw pixels, so it has to be in the network.

use super::images::Images;
use crate::convert::Grid;

/// What normalises the images: `gains[c] * scale * (pixel - zero_point)`.
///
/// The scale and the zero point are those of the image's tensor: they are the same for all channels, and the zero point is what
/// the device pads with. What the means of the channels differ by is a constant before the first batch norm or bias, which
/// takes it; what their deviations differ by are factors on the first weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Normalisation {
    /// Mean and deviation of all pixels.
    pub image: Grid,
    /// Deviation of all pixels over that of a channel's.
    pub gains: Vec<f64>,
}

impl Normalisation {
    /// From the images to train with, of so many channels.
    pub fn of(train: &Images<'_>, channels: usize) -> Normalisation {
        let (mean, deviation) = moments(train.pixels());
        let gain = |channel: usize| deviation / moments(train.pixels().skip(channel).step_by(channels)).1;
        Normalisation {
            image: Grid { scale: 1.0 / deviation, zero_point: (mean.round() as i32).clamp(0, 255) },
            gains: (0..channels).map(gain).collect(),
        }
    }
}

/// Mean and deviation; the latter over 0, so that nothing divides by 0.
fn moments<'a>(pixels: impl Iterator<Item = &'a u8>) -> (f64, f64) {
    let (mean, deviation) = crate::dataset::moments(pixels);
    (mean, deviation.max(1e-3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Split;

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
        let split = Split { pixels: pixels.clone().into(), labels: vec![0; 100] };
        let Normalisation { image, gains } = Normalisation::of(&Images::all(&split), 3);
        for (channel, gain) in gains.iter().take(2).enumerate() {
            let values: Vec<f64> = (pixels.iter().skip(channel).step_by(3))
                .map(|pixel| gain * image.scale * f64::from(i32::from(*pixel) - image.zero_point))
                .collect();
            let mean = values.iter().sum::<f64>() / 10_000.0;
            let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / 10_000.0;
            assert!((variance - 1.0).abs() < 1e-9, "channel {channel}: {variance}");
        }
        assert!(gains[2].is_finite(), "a channel that is all the same");
        let all = pixels.iter().map(|pixel| f64::from(*pixel)).sum::<f64>() / 30_000.0;
        assert_eq!(image.zero_point, all.round() as i32);
    }
}
