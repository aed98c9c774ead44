//! A real multiplier as a Q31 mantissa and a shift.

/// `mantissa * 2^-shift`, the `M0(c)` and the shift of [`mixq_format::Requant`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FixedPoint {
    /// Q31 mantissa with the multiplier's sign, `2^30 <= |mantissa| < 2^31`, or less if the shift is limited.
    pub mantissa: i32,
    /// Bits to shift right, 0 to 63.
    pub shift: u8,
}

impl FixedPoint {
    /// Exactly 1.
    pub const ONE: FixedPoint = FixedPoint { mantissa: 1 << 30, shift: 30 };

    /// The nearest representable value: `M = m 2^n` with `|m|` in `[0.5, 1)`, mantissa `round(m 2^31)`, shift
    /// `31 - n`.
    ///
    /// `None` if `multiplier` is not finite or `|multiplier| >= 2^31`; anything below `2^-33` (0 included)
    /// also is `None`: times a 32-bit accumulator it stays below a quarter, so the caller treats it as 0.
    pub fn new(multiplier: f64) -> Option<FixedPoint> {
        let magnitude = multiplier.abs();
        if !multiplier.is_finite() || magnitude < 2f64.powi(-33) {
            return None;
        }
        let mut exponent = magnitude.log2().floor() as i32 + 1;
        // log2 may round across a power of two.
        if magnitude * 2f64.powi(-exponent) >= 1.0 {
            exponent += 1;
        } else if magnitude * 2f64.powi(-exponent) < 0.5 {
            exponent -= 1;
        }
        let mut mantissa = (magnitude * 2f64.powi(31 - exponent)).round() as i64;
        if mantissa == 1 << 31 {
            mantissa >>= 1;
            exponent += 1;
        }
        let shift = u8::try_from(31 - exponent).ok().filter(|shift| *shift <= 63)?;
        let mantissa = mantissa as i32;
        Some(FixedPoint { mantissa: if multiplier < 0.0 { -mantissa } else { mantissa }, shift })
    }

    /// With another mantissa, if that is one.
    pub fn moved(self, by: i32) -> Option<FixedPoint> {
        let mantissa = self.mantissa.checked_add(by)?;
        let same_sign = mantissa.signum() == self.mantissa.signum();
        (same_sign && mantissa.unsigned_abs() >= 1 << 30).then_some(FixedPoint { mantissa, ..self })
    }

    /// The same with a shift of at most `most`, and so fewer bits of its mantissa.
    pub fn with_shift_to(self, most: u8) -> FixedPoint {
        let excess = self.shift.saturating_sub(most);
        if excess == 0 {
            return self;
        }
        let mantissa = (f64::from(self.mantissa) * 2f64.powi(-i32::from(excess))).round() as i32;
        FixedPoint { mantissa, shift: most }
    }

    /// The value.
    pub fn value(&self) -> f64 {
        f64::from(self.mantissa) * 2f64.powi(-i32::from(self.shift))
    }

    /// `floor(self * accumulator)`, as the device computes it.
    pub fn apply(&self, accumulator: i64) -> i64 {
        ((i128::from(accumulator) * i128::from(self.mantissa)) >> self.shift) as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn is_within_half_a_unit_of_q31(mantissa in 0.5f64..1.0, exponent in -32i32..31, negative: bool) {
            let multiplier = mantissa * 2f64.powi(exponent) * if negative { -1.0 } else { 1.0 };
            let fixed = FixedPoint::new(multiplier).unwrap();
            prop_assert!((fixed.value() - multiplier).abs() <= 2f64.powi(exponent - 32));
            prop_assert!((1i64 << 30..1i64 << 31).contains(&i64::from(fixed.mantissa).abs()));
        }
    }

    #[test]
    fn powers_of_two_and_their_neighbours() {
        assert_eq!(FixedPoint::new(1.0), Some(FixedPoint::ONE));
        assert_eq!(FixedPoint::new(0.5), Some(FixedPoint { mantissa: 1 << 30, shift: 31 }));
        // Just below 1: rounds up to 2^31 and is renormalised.
        assert_eq!(FixedPoint::new(1.0 - f64::EPSILON), Some(FixedPoint::ONE));
        assert_eq!(FixedPoint::new(-1.0), Some(FixedPoint { mantissa: -(1 << 30), shift: 30 }));
        assert_eq!(FixedPoint::new(0.0), None);
        assert_eq!(FixedPoint::new(f64::NAN), None);
        assert_eq!(FixedPoint::new(2f64.powi(31)), None);
    }
}
