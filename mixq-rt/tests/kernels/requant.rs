//! Requantisation at its extremes, and thresholds by counting.

use mixq_rt::export::requant::{Range, Requantiser, requantise, rule};
use mixq_rt::export::tensor::PixelWriter;
use mixq_rt::format::{Bits, Requant, Rule, Tensor};
use proptest::prelude::*;

use crate::reference;

const EXTREMES: [i32; 13] = [
    i32::MIN,
    i32::MIN + 1,
    -(1 << 30) - 1,
    -(1 << 30),
    -65_537,
    -1,
    0,
    1,
    255,
    1 << 16,
    1 << 30,
    i32::MAX - 1,
    i32::MAX,
];

fn check(accumulator: i32, multiplier: i32, shift: u32, zero_point: u8) {
    let zero_point = i32::from(zero_point);
    for bits in Bits::QUANTISED {
        let expected = reference::requantise(
            accumulator.into(),
            multiplier,
            shift,
            zero_point.into(),
            bits.count() as u32,
        );
        let found = requantise(accumulator, multiplier, shift, zero_point, Range::of(bits));
        assert_eq!(i64::from(found), expected, "{accumulator} * {multiplier} >> {shift}, {bits:?}");
    }
    let expected = reference::requantise(accumulator.into(), multiplier, shift, zero_point.into(), 32);
    // The build never makes logits that leave 32 bits.
    if let Ok(expected) = i32::try_from(expected) {
        let found = requantise(accumulator, multiplier, shift, zero_point, Range::of(Bits::B32));
        assert_eq!(found, expected, "{accumulator} * {multiplier} >> {shift}, logits");
    }
}

#[test]
fn extremes() {
    for accumulator in EXTREMES {
        for multiplier in EXTREMES {
            for shift in 0..64 {
                for zero_point in [0, 1, 3, 15, 128, 255] {
                    check(accumulator, multiplier, shift, zero_point);
                }
            }
        }
    }
}

#[test]
fn half_is_floored() {
    let halves = [(-3, -2), (-2, -1), (-1, -1), (0, 0), (1, 0), (2, 1), (3, 1)];
    for (accumulator, expected) in halves {
        for shift in [1, 31, 32, 33] {
            let multiplier = if shift < 32 { 1i32.checked_shl(shift - 1).unwrap() } else { 1 << 30 };
            let accumulator = accumulator << (shift.saturating_sub(31));
            let found = requantise(accumulator, multiplier, shift, 0, Range::of(Bits::B32));
            assert_eq!(found, expected, "{accumulator} * {multiplier} >> {shift}");
        }
    }
}

/// The code of one channel, whose thresholds are these.
fn reached(accumulator: i32, thresholds: &[i32], wide: bool) -> u8 {
    let bits = if thresholds.len() == 3 { Bits::B2 } else { Bits::B4 };
    let output = Tensor { height: 1, width: 1, channels: 1, bits, zero_point: 1, offset: 0 };
    let (rule_of_width, mut parameters): (_, Vec<u8>) = if wide {
        (Rule::Thresholds32, thresholds.iter().flat_map(|t| t.to_le_bytes()).collect())
    } else {
        (Rule::Thresholds16, thresholds.iter().flat_map(|t| (*t as i16).to_le_bytes()).collect())
    };
    parameters.push(0);
    let tables = Requant {
        bias: 0,
        multiplier: 0,
        shift: 0,
        weight_zero_point: parameters.len() as u32 - 1,
        rule: rule_of_width,
        multiplier_step: 0,
        zero_point_step: 0,
        fraction: 0,
    };
    let mut pixel = [0xff];
    let mut writer = PixelWriter::new(&mut pixel, bits);
    Requantiser::new(&tables, rule(&tables), &output, &parameters).write(&mut writer, 0, accumulator, 7);
    writer.finish();
    pixel[0]
}

#[test]
fn thresholds_at_the_ends_of_their_widths() {
    for (wide, min, max) in [(false, i16::MIN.into(), i16::MAX.into()), (true, i32::MIN, i32::MAX)] {
        for count in [3, 15] {
            for below in 0..=count {
                let mut thresholds = vec![min; below];
                thresholds.resize(count, max);
                assert_eq!(usize::from(reached(0, &thresholds, wide)), below);
                assert_eq!(usize::from(reached(max, &thresholds, wide)), count);
                assert_eq!(usize::from(reached(min, &thresholds, wide)), below);
            }
        }
    }
}

proptest! {
    #[test]
    fn as_many_as_are_reached(
        four_bits: bool,
        mut thresholds in prop::array::uniform15(-40i32..40),
        accumulator in -45i32..45,
        scale in prop::sample::select(vec![1, 100, 800]),
    ) {
        let thresholds = &mut thresholds[..if four_bits { 15 } else { 3 }];
        thresholds.iter_mut().for_each(|t| *t *= scale);
        thresholds.sort();
        for accumulator in [accumulator * scale - 1, accumulator * scale, accumulator * scale + 1] {
            let expected = thresholds.iter().filter(|t| accumulator >= **t).count();
            for wide in [false, true] {
                prop_assert_eq!(usize::from(reached(accumulator, thresholds, wide)), expected);
            }
        }
    }

    #[test]
    fn anything(accumulator: i32, multiplier: i32, shift in 0u32..64, zero_point: u8) {
        check(accumulator, multiplier, shift, zero_point);
    }
}
