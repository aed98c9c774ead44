//! Tables of functions as the kernels of LiteRT have their codes: in fixed point.
//!
//! All others are tables there, too, with the nearest code.

use super::Grid;
use crate::graph::op::Function;

/// The codes of what a function makes of all codes of 8 bits, where LiteRT does not choose the nearest one.
pub(super) fn codes(function: Function, input: Grid, output: Grid) -> Option<Vec<u8>> {
    let code = |value: i64| (value + i64::from(output.zero_point)).clamp(0, 255) as u8;
    let steps = (0..=255).map(|code| i64::from(code - input.zero_point));
    match function {
        Function::LeakyRelu { slope } => {
            let [above, below] = [1.0, slope.get()].map(|slope| multiplier(input, output, slope as f32));
            let factor = |x: i64| if x < 0 { below } else { above };
            Some(steps.map(|x| code((x * factor(x) + 128) >> 8)).collect())
        }
        Function::HardSwish => {
            let hard = HardSwish::new(input, output)?;
            Some(steps.map(|x| code(hard.value(x))).collect())
        }
        _ => None,
    }
}

/// A factor in parts of 256, by which XNNPACK changes the scale of codes.
pub(super) fn multiplier(input: Grid, output: Grid, factor: f32) -> i64 {
    let ratio = input.scale as f32 / output.scale as f32;
    (256.0 * (ratio * factor)).round_ties_even() as i64
}

/// A hard swish in integers of 16 bits, by `hard_swish.h` of TensorFlow Lite (Apache-2.0).
struct HardSwish {
    /// From inputs of 7 more bits to outputs, before a shift.
    output: Fixed,
    /// From inputs of 7 more bits to parts of 3.
    reluish: Fixed,
}

/// `mantissa / 2^15 * 2^exponent`.
struct Fixed {
    mantissa: i64,
    exponent: i32,
}

impl Fixed {
    /// Of a number over 0.
    fn new(value: f64) -> Option<Fixed> {
        if !(value.is_normal() && value > 0.0) {
            return None;
        }
        let mut exponent = value.log2().floor() as i32 + 1;
        let mut wide = (value * 2f64.powi(31 - exponent) + 0.5).floor() as i64;
        if wide >= 1 << 31 {
            (wide, exponent) = (wide / 2, exponent + 1);
        }
        Some(Fixed { mantissa: ((wide + (1 << 15)) >> 16).min(32_767), exponent })
    }

    /// A product of 16 bits, rounded to the nearest.
    fn times(&self, value: i64) -> i64 {
        let product = value * self.mantissa;
        let nudge = if product >= 0 { 1 << 14 } else { 1 - (1 << 14) };
        narrow((product + nudge) / (1 << 15))
    }
}

/// The nearest integer of 16 bits.
fn narrow(value: i64) -> i64 {
    value.clamp(-32_768, 32_767)
}

/// Divided by a power of two, halves away from 0.
fn halved(value: i64, times: i32) -> i64 {
    let mask = (1i64 << times.clamp(0, 62)) - 1;
    (value >> times.clamp(0, 62)) + i64::from(value & mask > (mask >> 1) + i64::from(value < 0))
}

impl HardSwish {
    fn new(input: Grid, output: Grid) -> Option<HardSwish> {
        let fine = 1.0 / 128.0 * input.scale as f32;
        let of = |scale: f32| Fixed::new(f64::from(fine / scale));
        let (output, reluish) = (of(output.scale as f32)?, of(3.0 / 32_768.0)?);
        (output.exponent <= 0).then_some(HardSwish { output, reluish })
    }

    fn value(&self, x: i64) -> i64 {
        let fine = x << 7;
        let scaled = self.output.times(fine);
        let up = self.reluish.exponent;
        let mut reluish = if up > 0 { narrow(fine << (up - 1).min(16)) } else { fine };
        reluish = self.reluish.times(reluish);
        if up > 0 {
            reluish = narrow(reluish << 1);
        }
        if up < 0 {
            reluish = halved(reluish, -up);
        }
        let product = ((reluish + (1 << 15)) >> 1) * scaled;
        halved(narrow(product / (1 << 15)), -self.output.exponent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::op::Number;

    fn grid(scale: f32, zero_point: i32) -> Grid {
        Grid { scale: scale.into(), zero_point }
    }

    /// What LiteRT 2.3 answers for every 17th of all 256 codes of int8, with 128 added.
    #[test]
    fn tables_are_those_of_litert() {
        let (input, output) = (grid(0.05, 131), grid(0.047, 28));
        let every = |function: Function| -> Vec<u8> {
            codes(function, input, output).unwrap().into_iter().step_by(17).collect()
        };
        assert_eq!(every(Function::LeakyRelu { slope: Number::new(0.1f32.into()).unwrap() }), LEAKY_RELU);
        assert_eq!(every(Function::HardSwish), HARD_SWISH);
    }

    /// They are at most one code from the nearest.
    #[test]
    fn they_are_near_the_functions() {
        for (at, zero_point) in [(1, 0), (5, 77), (20, 128), (60, 255)] {
            let (input, output) = (grid(0.002 * at as f32, zero_point), grid(0.0025 * at as f32, 100));
            for function in [Function::HardSwish, Function::LeakyRelu { slope: Number::HALF }] {
                let found = codes(function, input, output).unwrap();
                for (code, found) in (0..).zip(found) {
                    let value = function.value(input.scale * f64::from(code - input.zero_point));
                    let nearest = super::super::elementwise::nearest(value, output, 255);
                    assert!((i32::from(found) - i32::from(nearest)).abs() <= 1, "{function:?} of {code}");
                }
            }
        }
    }

    const LEAKY_RELU: [u8; 16] = [14, 16, 18, 20, 21, 23, 25, 27, 33, 51, 69, 88, 106, 124, 142, 160];
    const HARD_SWISH: [u8; 16] = [28, 28, 28, 28, 28, 22, 20, 23, 31, 44, 62, 86, 106, 124, 142, 160];
}
