//! How far an image is from what an autoencoder makes of it, by integers alone.

/// From outputs to parts of the image's codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "file", derive(serde::Serialize, serde::Deserialize))]
pub struct ErrorScore {
    /// Sixteenths of a code that one unit of an output is, times `2^shift`.
    pub multiplier: u32,
    /// At most 62.
    pub shift: u32,
    /// The code of the image for which an output is 0, in whole codes.
    pub zero_point: u8,
    /// Sixteenths of a code beside [`ErrorScore::zero_point`].
    #[cfg_attr(feature = "file", serde(default))]
    pub beside: i32,
}

/// The largest error of an element, in sixteenths of a code: its square fits 32 bits.
const LARGEST: i64 = 65_535;

impl ErrorScore {
    /// For outputs of which one unit is `ratio` codes of the image, over 0, and 0 is the code `zero_point +
    /// beside`.
    pub const fn new(ratio: f64, zero_point: u8, beside: f64) -> ErrorScore {
        let mut factor = 16.0 * ratio;
        let mut shift = 0;
        while shift < 62 && factor < (1u32 << 29) as f64 {
            factor *= 2.0;
            shift += 1;
        }
        let half = if beside < 0.0 { -0.5 } else { 0.5 };
        ErrorScore {
            multiplier: (factor + 0.5) as u32,
            shift,
            zero_point,
            beside: (16.0 * beside + half) as i32,
        }
    }

    /// The sum of the squared differences of all elements, in squared sixteenths of a code: 256 are one
    /// squared code. An element differs by 4,096 codes at the most.
    pub fn of(&self, outputs: &[i32], image: &[u8]) -> u64 {
        self.of_values(outputs.iter().copied(), image)
    }

    /// The same, for outputs that are codes with this zero point.
    pub fn of_codes(&self, outputs: &[u8], zero_point: u8, image: &[u8]) -> u64 {
        self.of_values(outputs.iter().map(|code| i32::from(*code) - i32::from(zero_point)), image)
    }

    fn of_values(&self, outputs: impl Iterator<Item = i32>, image: &[u8]) -> u64 {
        let half = (1i64 << self.shift) >> 1;
        let error = |(output, code): (i32, &u8)| {
            let made = (i64::from(output) * i64::from(self.multiplier)).saturating_add(half) >> self.shift;
            let made = made.saturating_add(i64::from(self.beside));
            let error = made - 16 * (i64::from(*code) - i64::from(self.zero_point));
            let error = error.clamp(-LARGEST, LARGEST) as u64;
            error.wrapping_mul(error)
        };
        outputs.zip(image).map(error).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sum of squares in floats, to what rounding an element to a sixteenth of a code can change.
    #[test]
    fn the_score_is_the_squared_distance() {
        for ratio in [1e-6, 3.7e-3, 0.25, 1.0, 40.0] {
            for (zero_point, beside) in [(0u8, 0.0), (37, 0.5), (255, -127.5), (0, 300.25)] {
                let score = ErrorScore::new(ratio, zero_point, beside);
                let image: [u8; 64] = core::array::from_fn(|i| (i * 37 % 256) as u8);
                let outputs: [i32; 64] = core::array::from_fn(|i| {
                    let code = (i * 53 % 200) as f64 - f64::from(zero_point);
                    (code / ratio) as i32
                });
                let mut expected = 0.0;
                let mut slack = 0.0;
                for (output, code) in outputs.iter().zip(&image) {
                    let made = f64::from(*output) * ratio + beside;
                    let error = made - (f64::from(*code) - f64::from(zero_point));
                    expected += 256.0 * error * error;
                    slack += 16.0 * error.abs() + 1.0;
                }
                let found = score.of(&outputs, &image) as f64;
                assert!((found - expected).abs() <= slack, "{ratio} {zero_point}: {found} {expected}");
            }
        }
    }

    #[test]
    fn errors_are_bounded() {
        let score = ErrorScore::new(1.0, 128, 0.0);
        assert_eq!(score.of(&[0, 0], &[128, 129]), 256);
        let most = (LARGEST * LARGEST) as u64;
        assert_eq!(score.of(&[i32::MIN, i32::MAX], &[255, 0]), 2 * most);
        assert_eq!(ErrorScore::new(1e12, 0, 0.0).of(&[i32::MIN], &[0]), most);
    }
}
