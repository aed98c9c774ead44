//! Requantisation tables of random layers.

use mixq_build::engine::config::Scheme;
use mixq_format::{Bits, Requant, Rule, Tensor};

use super::{Builder, Quantised};

impl Builder {
    /// Appends tables that spread the outputs over their range.
    pub(super) fn requant(&mut self, output: Tensor, filters: &[Vec<i32>], quantised: Quantised) -> Requant {
        let (taps, half) = (filters[0].len() as f64, f64::from(self.current.bits.max_code()) / 2.0);
        let mean_code = self.mean_code();
        let weight_limit = 1 << (quantised.weights.count() - 1);
        // About the standard deviation of an accumulator.
        let spread = taps.sqrt() * half * f64::from(weight_limit) / 3.0;
        let output_range = match quantised.output {
            Bits::B32 => f64::from(1 << 20),
            bits => f64::from(bits.max_code()),
        };
        let narrow = matches!(quantised.output, Bits::B2 | Bits::B4);
        let thresholds = quantised.scheme == Scheme::PerChannelThresholds && narrow;
        let zero_points = if quantised.scheme.per_layer() { 1 } else { filters.len() };
        let multipliers = if quantised.scheme == Scheme::PerLayerFolded { 1 } else { filters.len() };
        // Around the mean of the weights, -1/2: far from it, a common offset would drown the image.
        let reach = (weight_limit / 8).max(1) as i8;
        let zero_points: Vec<i8> = (0..zero_points).map(|_| self.rng.i8(-reach..reach)).collect();
        let (mut mantissas, mut shifts) = (Vec::new(), Vec::new());
        for _ in 0..multipliers {
            let (mantissa, shift) = fixed_point(output_range / (1.0 + self.rng.f64()) / spread);
            let negative = multipliers > 1 && !thresholds && self.rng.u8(..4) == 0;
            mantissas.push(if negative { -mantissa } else { mantissa });
            shifts.push(shift);
        }
        let mut biases = Vec::new();
        for (channel, filter) in filters.iter().enumerate() {
            let zero_point = f64::from(zero_points[channel % zero_points.len()]);
            let mean = mean_code * (f64::from(filter.iter().sum::<i32>()) - taps * zero_point);
            biases.push((spread * (self.rng.f64() - 0.5) - mean) as i32);
        }
        let usual = self.usual_tables && !thresholds;
        let bytes = |z: &i8| z.to_le_bytes();
        let before = if usual { None } else { Some(self.append(zero_points.iter().map(bytes))) };
        let zero_point_step = u8::from(zero_points.len() > 1);
        if !thresholds {
            // That of the converter, or another.
            let fraction = [Requant::FRACTION, Requant::COARSE_FRACTION, 0, 8][self.rng.usize(..4)];
            let fraction = if usual { Requant::FRACTION } else { fraction };
            let largest = biases.iter().map(|bias: &i32| bias.unsigned_abs()).max().unwrap_or(0);
            let fraction = if largest < 1 << 20 { fraction } else { 0 };
            let below = |rng: &mut fastrand::Rng| rng.i32(0..1 << fraction);
            let fine: Vec<i32> =
                biases.iter().map(|bias| (bias << fraction) + below(&mut self.rng)).collect();
            return Requant {
                bias: self.append(fine.iter().map(|b| b.to_le_bytes())),
                multiplier: self.append(mantissas.iter().map(|m| m.to_le_bytes())),
                shift: self.append(shifts.iter().map(|s| [*s + fraction])),
                weight_zero_point: before.unwrap_or_else(|| self.append(zero_points.iter().map(bytes))),
                fraction,
                rule: Rule::Multiplier,
                multiplier_step: u8::from(multipliers > 1),
                zero_point_step,
            };
        }
        // The least sums with which the multiplier gives each code.
        let least = |channel: usize, code: i32| {
            let steps = i64::from(code - i32::from(output.zero_point)) << shifts[channel];
            let mantissa = i64::from(mantissas[channel]);
            let quotient = steps.div_euclid(mantissa) + i64::from(steps.rem_euclid(mantissa) != 0);
            i32::try_from(quotient - i64::from(biases[channel])).expect("spread is far below 32 bits")
        };
        let all = (0..filters.len()).flat_map(|c| (1..=output.bits.max_code()).map(move |code| (c, code)));
        let all: Vec<i32> = all.map(|(channel, code)| least(channel, code)).collect();
        let narrow: Option<Vec<i16>> = all.iter().map(|t| i16::try_from(*t).ok()).collect();
        let (rule, multiplier) = match narrow {
            Some(narrow) => (Rule::Thresholds16, self.append(narrow.iter().map(|t| t.to_le_bytes()))),
            None => (Rule::Thresholds32, self.append(all.iter().map(|t| t.to_le_bytes()))),
        };
        Requant {
            weight_zero_point: before.expect("they come before thresholds"),
            bias: 0,
            multiplier,
            shift: 0,
            rule,
            multiplier_step: 0,
            zero_point_step,
            fraction: 0,
        }
    }
}

/// `M0` in 2^30..2^31 and a shift with `M0 / 2^shift` near a positive real.
fn fixed_point(real: f64) -> (i32, u8) {
    let mut shift = 31;
    let mut mantissa = real;
    while mantissa < 0.5 {
        (mantissa, shift) = (mantissa * 2.0, shift + 1);
    }
    while mantissa >= 1.0 {
        (mantissa, shift) = (mantissa / 2.0, shift - 1);
    }
    ((mantissa * f64::from(1u32 << 31)) as i32, shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_point_is_near_and_normalised() {
        for real in [0.000_3, 0.5, 0.999_9, 1.0, 12.7] {
            let (multiplier, shift) = fixed_point(real);
            let back = f64::from(multiplier) / 2f64.powi(shift.into());
            assert!((back / real - 1.0).abs() < 1e-8, "{real} became {back}");
            assert!(multiplier >= 1 << 30);
        }
    }
}
