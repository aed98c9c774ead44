//! Thresholds against the rule itself, in 128-bit integers, for every sum that a channel can come to.

use mixq_format::Bits;
use proptest::prelude::*;

use super::channel::Channel;
use super::{Arithmetic, Grid};
use crate::settings::Rounding;

const FRACTION: u8 = mixq_format::Requant::FRACTION;

/// A channel whose numbers are small multiples of powers of two, so that 128 bits hold its rule.
#[derive(Clone, Debug)]
struct Case {
    codes: Vec<i8>,
    bits: [Bits; 3],
    /// Zero points of input, weights and output.
    zero_points: [i32; 3],
    /// In units of 2^-28, 2^-28, 2^-28 and 2^-28: multiplier, and scales of input, weights and output.
    factors: [i64; 4],
    /// In units of 2^-40.
    offset: i64,
    rounding: Rounding,
}

const HALF_BITS: i32 = 28;

impl Case {
    fn channel(&self) -> Channel<'_> {
        let [x, w, y] = self.bits;
        let [multiplier, input, weights, output] =
            self.factors.map(|factor| factor as f64 * 2f64.powi(-HALF_BITS));
        let grid = |scale, zero_point| Grid { scale, zero_point };
        Channel {
            codes: &self.codes,
            weights: grid(weights, self.zero_points[1]),
            weight_bits: w,
            input: grid(input, self.zero_points[0]),
            input_max: x.max_code().into(),
            output: grid(output, self.zero_points[2]),
            output_max: Some(y.max_code().into()),
            multiplier,
            offset: self.offset as f64 * 2f64.powi(-40),
            rounding: self.rounding,
            arithmetic: Arithmetic::Exact,
            fraction: FRACTION,
            shares_multiplier: false,
        }
    }

    /// `Z_y + round((multiplier S_x S_w (sum - Z_x sum(s_w - Z_w)) + offset) / S_y)`, twice numerator and
    /// denominator, in units of 2^-84.
    fn code(&self, sum: i64) -> i64 {
        let weights: i64 =
            self.codes.iter().map(|code| i64::from(*code) - i64::from(self.zero_points[1])).sum();
        let accumulator = i128::from(sum - i64::from(self.zero_points[0]) * weights);
        let [multiplier, input, weight, output] = self.factors.map(i128::from);
        let value = multiplier * input * weight * accumulator + (i128::from(self.offset) << 44);
        let step = output << 56;
        let half = if self.rounding == Rounding::Nearest { step } else { 0 };
        let code = (2 * value + half).div_euclid(2 * step) + i128::from(self.zero_points[2]);
        code.clamp(0, self.bits[2].max_code().into()) as i64
    }

    /// All values of `sum(q_x (s_w - Z_w))`, at most.
    fn sums(&self) -> std::ops::RangeInclusive<i64> {
        let ends = self.codes.iter().map(|code| {
            (i64::from(*code) - i64::from(self.zero_points[1])) * i64::from(self.bits[0].max_code())
        });
        let (low, high) = ends.fold((0, 0), |(low, high), end| (low + end.min(0), high + end.max(0)));
        low..=high
    }
}

/// Output scales such that the sums spread over less than one to more than all codes.
fn cases() -> impl Strategy<Value = Case> {
    let bits = || prop::sample::select(Bits::QUANTISED.to_vec());
    let widths = (bits(), bits(), bits());
    widths.prop_flat_map(|(x, w, y)| {
        let half = 1 << (w.count() - 1);
        let zero_points = (0..=x.max_code(), -half..half, 0..=y.max_code());
        let factor = || 1i64..1 << 24;
        let multiplier = prop_oneof![4 => 1i64..1 << 28, 4 => -(1i64 << 28)..0, 1 => Just(0)];
        let codes = prop::collection::vec((-half..half).prop_map(|code| code as i8), 1..7);
        (codes, zero_points, multiplier, factor(), factor(), 0.1f64..3.0, -1.0f64..1.0, any::<bool>())
            .prop_map(move |(codes, z, multiplier, input, weights, spread, place, nearest)| {
                let mut case = Case {
                    codes,
                    bits: [x, w, y],
                    zero_points: [z.0, z.1, z.2],
                    factors: [multiplier, input, weights, 1],
                    offset: 0,
                    rounding: if nearest { Rounding::Nearest } else { Rounding::Floor },
                };
                let sums = case.sums();
                let unit = (multiplier.abs().max(1 << 20) as f64) * input as f64 * weights as f64;
                let range = (sums.end() - sums.start() + 1) as f64 * unit * 2f64.powi(-2 * HALF_BITS);
                case.factors[3] = ((range / f64::from(y.max_code()) * spread) as i64).max(1);
                case.offset = (range * place * 2f64.powi(40 - HALF_BITS)) as i64;
                case
            })
    })
}

fn reached(bounds: &[i32], sum: i64) -> i64 {
    bounds.iter().filter(|bound| sum >= i64::from(**bound)).count() as i64
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_sum_has_the_code_of_the_exact_rule(case in cases()) {
        let found = case.channel().thresholds().unwrap();
        prop_assert_eq!(found.bounds.len(), case.bits[2].max_code() as usize);
        prop_assert!(found.bounds.is_sorted());
        prop_assert_eq!(found.complemented, case.factors[0] < 0);
        for sum in case.sums() {
            let stored = if found.complemented { -sum } else { sum };
            prop_assert_eq!(reached(&found.bounds, stored), case.code(sum), "sum {}", sum);
        }
    }

    /// Where no entry is exact, ICN rounds the bias to a 256th of an accumulator's unit, `M / 256` codes, and
    /// the multiplier to `2^-31` of itself.
    #[test]
    fn icn_differs_by_its_rounding_alone(case in cases()) {
        let channel = case.channel();
        let bounds = channel.thresholds().unwrap();
        let Ok(entry) = channel.entry() else { return Ok(()) };
        let [multiplier, input, weights, output] = case.factors.map(|f| f as f64 * 2f64.powi(-HALF_BITS));
        let scale = multiplier * input * weights / output;
        // With the bias come the constants of the zero points: an entry is for `sum(q_x s_w) - Z_w sum(q_x)`.
        for sum in case.sums() {
            let accumulator = i64::from(entry.bias) + if entry.constant { 0 } else { sum << FRACTION };
            let product = entry.multiplier.apply(accumulator) + i64::from(case.zero_points[2]);
            let icn = product.clamp(0, case.bits[2].max_code().into());
            let exact = reached(&bounds.bounds, if bounds.complemented { -sum } else { sum });
            let unit = scale.abs() * 2f64.powi(-i32::from(FRACTION));
            let rounding = unit / 2.0 + 2f64.powi(-31) * unit * (accumulator as f64).abs();
            let most = rounding.ceil() as i64;
            prop_assert!((icn - exact).abs() <= most.max(1), "sum {}: {} but {}", sum, icn, exact);
            // A constant stands for a range of at most one code; a varying channel is as near as its bias.
            let near = [-1, 1].map(|side| {
                let reach = (rounding / scale.abs()).ceil() as i64 + 1;
                case.code(sum + side * reach)
            });
            let (low, high) = (near[0].min(near[1]), near[0].max(near[1]));
            prop_assert!(entry.constant || (low..=high).contains(&icn), "sum {}: {} not {} to \
                {}", sum, icn, low, high);
        }
    }
}

/// One weight of 1 on codes of 4 bits, so that sums are codes; outputs have 2 bits and step 1.
fn by_hand(change: impl FnOnce(&mut Channel)) -> Result<(Vec<i32>, bool), String> {
    let unit = Grid { scale: 1.0, zero_point: 0 };
    let mut channel = Channel {
        codes: &[1],
        weights: unit,
        weight_bits: Bits::B4,
        input: unit,
        input_max: 15,
        output: unit,
        output_max: Some(3),
        multiplier: 1.0,
        offset: 0.0,
        rounding: Rounding::Nearest,
        arithmetic: Arithmetic::Exact,
        fraction: FRACTION,
        shares_multiplier: false,
    };
    change(&mut channel);
    channel.thresholds().map(|found| (found.bounds, found.complemented))
}

#[test]
fn small_channels() {
    assert_eq!(by_hand(|_| ()), Ok((vec![1, 2, 3], false)));
    // A quarter of a step each: halves round up, at 2, 6 and 10.
    assert_eq!(by_hand(|c| c.multiplier = 0.25), Ok((vec![2, 6, 10], false)));
    let floor = |c: &mut Channel| (c.multiplier, c.rounding) = (0.25, Rounding::Floor);
    assert_eq!(by_hand(floor), Ok((vec![4, 8, 12], false)));
    // 3 - x/4 falls: complemented, sums are -15 to 0, and 3 - x/4 >= 2.5 up to x = 2.
    let falling = |c: &mut Channel| (c.multiplier, c.offset) = (-0.25, 3.0);
    assert_eq!(by_hand(falling), Ok((vec![-10, -6, -2], true)));
    // All thresholds at one sum.
    let steep = |c: &mut Channel| (c.multiplier, c.offset) = (100.0, -700.0 + 10.0);
    assert_eq!(by_hand(steep), Ok((vec![7, 7, 7], false)));
    let zero_points = |c: &mut Channel| {
        c.input.zero_point = 4;
        c.output.zero_point = 1;
    };
    // q - 4 + 1 >= k - 1/2.
    assert_eq!(by_hand(zero_points), Ok((vec![4, 5, 6], false)));
}

#[test]
fn constants_and_what_is_out_of_reach() {
    let constant = |offset: f64| by_hand(|c| (c.multiplier, c.offset) = (0.0, offset));
    assert_eq!(constant(1.49), Ok((vec![0, 16, 16], false)));
    assert_eq!(constant(1.5), Ok((vec![0, 0, 16], false)));
    assert_eq!(constant(f64::MAX), Ok((vec![0; 3], false)));
    assert_eq!(constant(f64::MIN), Ok((vec![16; 3], false)));
    // No multiplier is too small: 2^-1074 tips what stands exactly on the edge.
    let edge = |multiplier: f64, offset: f64| by_hand(|c| (c.multiplier, c.offset) = (multiplier, offset));
    assert_eq!(edge(f64::from_bits(1), 0.5), Ok((vec![0, 16, 16], false)));
    assert_eq!(edge(-f64::from_bits(1), 0.5), Ok((vec![0, 1, 1], true)));
    assert_eq!(edge(f64::MAX, 0.0), Ok((vec![1; 3], false)));
    assert_eq!(edge(f64::MAX, 0.5), Ok((vec![0, 1, 1], false)));
}

#[test]
fn numbers_that_are_none_are_errors() {
    assert!(by_hand(|c| c.offset = f64::NAN).unwrap_err().contains("not finite"));
    assert!(by_hand(|c| c.multiplier = f64::INFINITY).unwrap_err().contains("not finite"));
    assert!(by_hand(|c| c.output.scale = 0.0).unwrap_err().contains("not finite"));
    let message = by_hand(|c| c.codes = &[8]).unwrap_err();
    assert_eq!(message, "its weight code or zero point 8 has more than 4 bits");
}
