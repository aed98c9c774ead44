//! Residual addition.

use mixq_rt::format::{Add, Bits, Layer};
use mixq_rt::run_layer;
use proptest::prelude::*;

use crate::case::{self, Numbers};
use crate::reference::{self, Image};

/// Multipliers and shift of an addition.
#[derive(Clone, Copy, Debug)]
pub struct Scales {
    pub a: i32,
    pub b: i32,
    pub shift: u32,
}

/// `clamp(Z_y + floor((m_a (q_a - Z_a) + m_b (q_b - Z_b) + 2^(s-1)) / 2^s), 0, N_b)`.
pub fn add(a: &Image, b: &Image, scales: Scales, zero_point: i64, bits: Bits) -> Image {
    let each = a.codes.iter().zip(&b.codes).map(|(q_a, q_b)| {
        let sum = i64::from(scales.a) * (q_a - a.zero_point) + i64::from(scales.b) * (q_b - b.zero_point);
        let scaled = reference::floor_shift(i128::from(sum) + (1 << (scales.shift - 1)), scales.shift);
        let value = scaled as i64 + zero_point;
        if bits == Bits::B32 { value } else { value.max(0).min(bits.max_code().into()) }
    });
    Image { codes: each.collect(), zero_point, ..*a }
}

/// Where the output lies.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Apart,
    OnA,
    OnB,
}

fn check(
    numbers: &mut Numbers,
    size: [usize; 3],
    bits: [Bits; 3],
    scales: Scales,
    place: Place,
    twice: bool,
) {
    let [height, width, channels] = size;
    let a = numbers.image(height, width, channels, bits[0]);
    let (b, b_bits) =
        if twice { (a.clone(), bits[0]) } else { (numbers.image(height, width, channels, bits[1]), bits[1]) };
    let y_bits = match place {
        Place::Apart => bits[2],
        Place::OnA => bits[0],
        Place::OnB => b_bits,
    };
    let zero_point = numbers.zero_point(y_bits);
    let y = add(&a, &b, scales, zero_point, y_bits);

    let packed =
        [case::tensor_bytes(&a, bits[0]), case::tensor_bytes(&b, b_bits), case::tensor_bytes(&y, y_bits)];
    let mut at = [0; 3];
    for index in 1..3 {
        at[index] = (at[index - 1] + packed[index - 1].len()).next_multiple_of(4);
    }
    if twice {
        at[1] = at[0];
    }
    match place {
        Place::Apart => (),
        Place::OnA => at[2] = at[0],
        Place::OnB => at[2] = at[1],
    }
    let mut arena: Vec<u8> =
        (0..at[2].max(at[1]) + packed[1].len().max(packed[2].len()) + 4).map(|_| 0xa5).collect();
    arena[at[0]..][..packed[0].len()].copy_from_slice(&packed[0]);
    arena[at[1]..][..packed[1].len()].copy_from_slice(&packed[1]);
    let mut expected = arena.clone();
    expected[at[2]..][..packed[2].len()].copy_from_slice(&packed[2]);

    let layer = Add {
        a: case::tensor(&a, bits[0], at[0]),
        b: case::tensor(&b, b_bits, at[1]),
        output: case::tensor(&y, y_bits, at[2]),
        multiplier_a: scales.a,
        multiplier_b: scales.b,
        shift: scales.shift,
    };
    run_layer(&Layer::Add(layer), &[], &mut arena);
    assert!(arena == expected, "{place:?} {layer:?}\nfound    {arena:?}\nexpected {expected:?}");
}

fn every_width(numbers: &mut Numbers, size: [usize; 3], scales: Scales) {
    for bits in case::combinations() {
        for place in [Place::Apart, Place::OnA, Place::OnB] {
            for twice in [false, true] {
                check(numbers, size, bits, scales, place, twice);
            }
        }
    }
}

/// As large as `Network::validate` lets them be: no sum leaves 32 bits.
#[test]
fn extremes() {
    let numbers = &mut Numbers(1);
    let largest = (1 << 22) - 1;
    for (a, b) in [(largest, largest), (-largest, -largest), (largest, -largest), (1, 0)] {
        for shift in [1, 2, 22, 23, 24, 29, 30, 31] {
            every_width(numbers, [1, 3, 9], Scales { a, b, shift });
        }
    }
}

proptest! {
    #[test]
    fn anything(
        size in prop::array::uniform3(1usize..=9),
        a in -(1i32 << 22) + 1..1 << 22,
        b in -(1i32 << 22) + 1..1 << 22,
        // Results from a fraction of a step to all codes.
        shift in 14u32..=31,
        seed: u64,
    ) {
        every_width(&mut Numbers(seed), size, Scales { a, b, shift });
    }
}
