//! Thresholds: for each code of an output channel, the least accumulator that gives it, exactly.

use num_bigint::BigInt;
use num_integer::Integer;

use super::Grid;
use super::channel::Channel;
use crate::settings::Rounding;

/// The thresholds of one output channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// `T(1)` to `T(N_b)`, ascending.
    pub bounds: Vec<i32>,
    /// Weights and zero point must be stored as their complements `-1 - s`, which turns the sum round and
    /// keeps the range of codes: then a channel with a negative multiplier ascends like all others.
    pub complemented: bool,
}

impl Channel<'_> {
    /// The least sums `sum(q_x (s_w - Z_w))` with codes 1 to `N_b`, in exact arithmetic: none differs from
    /// the real `Z_y + round((multiplier S_x S_w (sum - Z_x sum(s_w - Z_w)) + offset) / S_y)`. Sums out of
    /// reach are cut to the first beyond.
    ///
    /// # Errors
    /// A sentence with the numbers, if a sum exceeds 32 bits.
    ///
    /// # Panics
    /// For logits, which have no codes.
    pub fn thresholds(&self) -> Result<Thresholds, String> {
        self.check()?;
        if self.multiplier < 0.0 {
            let codes: Vec<i8> = self.codes.iter().map(|code| !code).collect();
            let weights = Grid { zero_point: !self.weights.zero_point, ..self.weights };
            let multiplier = -self.multiplier;
            let ascending = Channel { codes: &codes, weights, multiplier, ..*self };
            return Ok(Thresholds { complemented: true, ..ascending.thresholds()? });
        }
        self.prove(0)?;
        let (low, high) = self.reach();
        let count = self.codes.len() as i64;
        let constant =
            i64::from(self.input.zero_point) * (self.code_sum() - count * i64::from(self.weights.zero_point));
        let [unit, step, offset] = common_unit([
            Dyadic::product(&[self.multiplier, self.input.scale, self.weights.scale]),
            Dyadic::product(&[self.output.scale]),
            Dyadic::product(&[self.offset]),
        ]);
        let max = self.output_max.expect("codes have a largest");
        let engine = self.engine();
        let bound = |code: i64| {
            // unit * accumulator + offset >= (code - Z_y - 1/2) step, all twice.
            let steps = 2 * (code - i64::from(self.output.zero_point))
                - i64::from(self.rounding == Rounding::Nearest);
            let mut needed: BigInt = &step * steps - &offset * 2;
            if self.halves_to_even() && (code - i64::from(self.output.zero_point)) % 2 != 0 {
                // Half a step below an odd number is still the even one.
                needed += 1;
            }
            if unit == BigInt::ZERO {
                return if needed <= BigInt::ZERO { low } else { high + 1 };
            }
            let accumulator: BigInt = Integer::div_ceil(&needed, &(&unit * 2)) + constant;
            let accumulator = accumulator.clamp(low.into(), (high + 1).into());
            let exact = i64::try_from(accumulator).expect("between two of 64 bits");
            match &engine {
                Some(engine) => engine.least(code, exact, [low, high], constant),
                None => exact,
            }
        };
        let bounds = (1..=max).map(|code| i32::try_from(bound(code)));
        let bounds =
            bounds.collect::<Result<_, _>>().map_err(|_| format!("its sum reaches {high}, beyond 32 bits"));
        Ok(Thresholds { bounds: bounds?, complemented: false })
    }

    /// Least and greatest `sum(q_x (s_w - Z_w))` over all inputs.
    fn reach(&self) -> (i64, i64) {
        self.codes.iter().fold((0, 0), |(low, high), code| {
            let most = (i64::from(*code) - i64::from(self.weights.zero_point)) * self.input_max;
            (low + most.min(0), high + most.max(0))
        })
    }
}

/// `mantissa * 2^exponent`: what a floating-point number is, and products of such are.
struct Dyadic {
    mantissa: BigInt,
    exponent: i64,
}

impl Dyadic {
    /// The product of finite numbers.
    fn product(factors: &[f64]) -> Dyadic {
        let one = Dyadic { mantissa: BigInt::from(1), exponent: 0 };
        factors.iter().fold(one, |product, factor| {
            let bits = factor.abs().to_bits();
            let (field, fraction) = ((bits >> 52) as i64, (bits & ((1 << 52) - 1)) as i64);
            // A field of 0 stands for the exponent of 1, without the hidden bit.
            let mantissa = if field == 0 { fraction } else { fraction | 1 << 52 };
            Dyadic {
                mantissa: product.mantissa * if *factor < 0.0 { -mantissa } else { mantissa },
                exponent: product.exponent + field.max(1) - 1075,
            }
        })
    }
}

/// All of them as multiples of one power of two.
fn common_unit<const N: usize>(numbers: [Dyadic; N]) -> [BigInt; N] {
    let least = numbers.iter().map(|number| number.exponent).min().unwrap_or(0);
    numbers.map(|number| number.mantissa << (number.exponent - least))
}
