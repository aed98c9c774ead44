//! Codes of engines against their own arithmetic, for every sum that a channel can come to.

use mixq_format::{Bits, Requant};
use proptest::prelude::*;

use crate::convert::channel::Channel;
use crate::convert::{Arithmetic, Grid};
use crate::settings::Rounding;

#[derive(Clone, Debug)]
struct Case {
    codes: Vec<i8>,
    bits: Bits,
    /// Zero points of input, weights and output.
    zero_points: [i32; 3],
    /// Of input, weights and output.
    scales: [f32; 3],
    /// In units of sums.
    bias: i32,
}

impl Case {
    fn channel(&self, fraction: u8) -> Channel<'_> {
        let grid = |at: usize| Grid { scale: self.scales[at].into(), zero_point: self.zero_points[at] };
        Channel {
            codes: &self.codes,
            weights: grid(1),
            weight_bits: Bits::B8,
            input: grid(0),
            input_max: 255,
            output: grid(2),
            output_max: Some(self.bits.max_code().into()),
            multiplier: 1.0,
            offset: f64::from(self.bias) * f64::from(self.scales[0]) * f64::from(self.scales[1]),
            rounding: Rounding::Nearest,
            arithmetic: Arithmetic::LiteRt,
            fraction,
            shares_multiplier: false,
        }
    }

    /// All values of `sum(q_x (s_w - Z_w))`.
    fn sums(&self) -> std::ops::RangeInclusive<i64> {
        let ends = self.codes.iter().map(|code| (i64::from(*code) - i64::from(self.zero_points[1])) * 255);
        let (low, high) = ends.fold((0, 0), |(low, high), end| (low + end.min(0), high + end.max(0)));
        low..=high
    }

    /// As XNNPACK has it: `rint(float(accumulator) * (S_x S_w / S_y)) + Z_y`, in floats of 32 bits.
    fn code(&self, sum: i64) -> i64 {
        let weights: i32 = self.codes.iter().map(|code| i32::from(*code) - self.zero_points[1]).sum();
        let accumulator = sum as i32 - self.zero_points[0] * weights + self.bias;
        let [input, weights, output] = self.scales;
        let product = accumulator as f32 * (input * weights / output);
        let code = product.round_ties_even() as i64 + i64::from(self.zero_points[2]);
        code.clamp(0, self.bits.max_code().into())
    }
}

/// Scales with which halves are common: steps of the output are whole numbers of the sums' unit; and others.
fn cases() -> impl Strategy<Value = Case> {
    let codes = prop::collection::vec(any::<i8>(), 1..4);
    let scale = || 1e-3f32..1.0;
    let ratio = prop_oneof![(1u32..600).prop_map(|whole| whole as f32), 1.0f32..3000.0];
    let bits = prop::sample::select(vec![Bits::B2, Bits::B4, Bits::B8]);
    let zero_points = (0..=255, prop_oneof![Just(0), -128..128], 0..=255);
    (codes, bits, zero_points, scale(), scale(), ratio, -40_000..40_000).prop_map(
        |(codes, bits, zero_points, input, weights, ratio, bias)| {
            let output = input * weights * ratio;
            let zero_points = [zero_points.0, zero_points.1, zero_points.2 & bits.max_code()];
            Case { codes, bits, zero_points, scales: [input, weights, output], bias }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_sum_has_the_code_of_the_engine(case in cases()) {
        let found = case.channel(0).thresholds().unwrap();
        prop_assert!(!found.complemented);
        for sum in case.sums() {
            let reached = found.bounds.partition_point(|bound| sum >= i64::from(*bound)) as i64;
            prop_assert_eq!(reached, case.code(sum), "sum {}", sum);
        }
    }

    /// A multiplier and a bias have few other codes, and none that is another's neighbour's neighbour.
    #[test]
    fn a_multiplier_has_nearly_all_of_them(case in cases()) {
        let channel = case.channel(Requant::FRACTION);
        let Ok(entry) = channel.entry() else { return Ok(()) };
        let mut other = 0;
        for sum in case.sums() {
            let sums = if entry.constant { 0 } else { sum << Requant::FRACTION };
            let code = entry.multiplier.apply(i64::from(entry.bias) + sums) + i64::from(case.zero_points[2]);
            let code = code.clamp(0, case.bits.max_code().into());
            prop_assert!((code - case.code(sum)).abs() <= 1, "sum {}", sum);
            other += i64::from(code != case.code(sum));
        }
        // Halves are half of them rounded up, where every sum of a unit is one.
        let all = case.sums().end() - case.sums().start() + 1;
        prop_assert!(entry.constant || 3 * other <= all, "{} of {}", other, all);
    }
}

/// Most channels of real networks have all their codes.
#[test]
fn channels_as_networks_have_them_are_exact() {
    let (mut exact, mut all) = (0, 0);
    for seed in 0..100u64 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let codes: Vec<i8> = (0..27).map(|_| rng.i8(-127..=127)).collect();
        let scales = [0.0235, 0.002 + 0.004 * rng.f32(), 0.02 + 0.05 * rng.f32()];
        let zero_points = [rng.i32(0..255), 0, rng.i32(0..255)];
        let case = Case { codes, bits: Bits::B8, zero_points, scales, bias: rng.i32(-9000..9000) };
        let entry = case.channel(Requant::FRACTION).entry().unwrap();
        let same = |sum: i64| {
            let accumulator = i64::from(entry.bias) + (sum << Requant::FRACTION);
            let code = entry.multiplier.apply(accumulator) + i64::from(case.zero_points[2]);
            code.clamp(0, 255) == case.code(sum)
        };
        all += 1;
        exact += usize::from(case.sums().all(same));
    }
    println!("{exact} of {all} channels are exact");
    assert!(exact * 10 >= all * 8, "{exact} of {all}");
}
