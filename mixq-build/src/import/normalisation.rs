//! How pixels were normalised when a network was trained elsewhere.

use serde::Serialize;

/// The first layer reads `(pixel - mean[c]) / std[c]`: pixels are what firmware passes on, 0 to 255.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InputNormalisation {
    /// By channel, in pixel steps.
    pub mean: Vec<f64>,
    /// By channel, in pixel steps; over 0.
    pub std: Vec<f64>,
}

impl InputNormalisation {
    /// That of a first layer that reads pixels as they are.
    pub fn none(channels: usize) -> InputNormalisation {
        InputNormalisation { mean: vec![0.0; channels], std: vec![1.0; channels] }
    }

    /// The scale that all channels share on the device, and the code of 0: `(scale, zero_point)`. Channels
    /// differ from it by [`InputNormalisation::gains`] and [`InputNormalisation::offsets`].
    pub fn shared(&self) -> (f64, i32) {
        let average = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        (1.0 / average(&self.std), average(&self.mean).round().clamp(0.0, 255.0) as i32)
    }

    /// By channel: the factor on `scale * (pixel - zero_point)`.
    pub fn gains(&self) -> Vec<f64> {
        let (scale, _) = self.shared();
        self.std.iter().map(|std| 1.0 / (std * scale)).collect()
    }

    /// By channel: what `gain * scale * (pixel - zero_point)` lacks of what the network was trained on.
    pub fn offsets(&self) -> Vec<f64> {
        let (_, zero_point) = self.shared();
        let channels = self.mean.iter().zip(&self.std);
        channels.map(|(mean, std)| (f64::from(zero_point) - mean) / std).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_grid_gains_and_offsets_give_back_every_channel() {
        let given =
            InputNormalisation { mean: vec![123.675, 116.28, 103.53], std: vec![58.395, 57.12, 57.375] };
        let (scale, zero_point) = given.shared();
        for channel in 0..3 {
            for pixel in [0.0, 7.0, 255.0] {
                let wanted = (pixel - given.mean[channel]) / given.std[channel];
                let found = given.gains()[channel] * scale * (pixel - f64::from(zero_point));
                assert!((found + given.offsets()[channel] - wanted).abs() < 1e-12);
            }
        }
        assert_eq!(zero_point, 114);
        let plain = InputNormalisation { mean: vec![0.0], std: vec![255.0] };
        assert_eq!((plain.shared(), plain.offsets()), ((1.0 / 255.0, 0), vec![0.0]));
    }

    #[test]
    fn numbers_for_pixels_of_0_to_1_are_warned_of() {
        let of = |mean: f64, std: f64| InputNormalisation { mean: vec![mean], std: vec![std] }.warning();
        assert!(of(0.485, 0.229).is_some_and(|warning| warning.contains("multiply both by 255")));
        for (mean, std) in [(0.0, 255.0), (127.5, 127.5), (0.0, 1.0), (228.0, 0.9), (0.0, 0.5)] {
            assert_eq!(of(mean, std), None, "{mean} {std}");
        }
    }
}
