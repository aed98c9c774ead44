//! Requantisation at its extremes.

use mixq_rt::format::Bits;
use mixq_rt::requant::{Range, requantise};
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

proptest! {
    #[test]
    fn anything(accumulator: i32, multiplier: i32, shift in 0u32..64, zero_point: u8) {
        check(accumulator, multiplier, shift, zero_point);
    }
}
