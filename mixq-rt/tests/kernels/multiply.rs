//! Product of two tensors.

use mixq_rt::format::{Bits, Layer, Multiply};
use mixq_rt::run_layer;
use proptest::prelude::*;

use crate::case::{self, Numbers};
use crate::reference::{self, Image};

/// `clamp(Z_y + floor((m (q_a - Z_a) (q_b - Z_b) + 2^(s-1)) / 2^s), 0, N_b)`.
pub fn multiply(a: &Image, b: &Image, scale: (i32, u32), zero_point: i64, bits: Bits) -> Image {
    let (multiplier, shift) = scale;
    let each = a.codes.iter().enumerate().map(|(index, q_a)| {
        // One pixel multiplies each.
        let product = (q_a - a.zero_point) * (b.codes[index % b.codes.len()] - b.zero_point);
        let product = i128::from(multiplier) * i128::from(product);
        let value = reference::floor_shift(product + (1 << (shift - 1)), shift) as i64 + zero_point;
        value.clamp(0, bits.max_code().into())
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

/// `size` is that of `a`.
fn check(
    numbers: &mut Numbers,
    [height, width, channels]: [usize; 3],
    bits: [Bits; 3],
    scale: (i32, u32),
    place: Place,
    one_pixel: bool,
) {
    let a = numbers.image(height, width, channels, bits[0]);
    let [rows, columns] = if one_pixel { [1, 1] } else { [height, width] };
    let b = numbers.image(rows, columns, channels, bits[1]);
    let y_bits = match place {
        Place::Apart => bits[2],
        Place::OnA => bits[0],
        Place::OnB => bits[1],
    };
    let y = multiply(&a, &b, scale, numbers.zero_point(y_bits), y_bits);
    let packed = [(&a, bits[0]), (&b, bits[1]), (&y, y_bits)].map(|(t, bits)| case::tensor_bytes(t, bits));
    let end = |at: usize, index: usize| (at + packed[index].len()).next_multiple_of(4);
    let second = end(0, 0);
    let at = match place {
        Place::Apart => [0, second, end(second, 1)],
        Place::OnA => [0, second, 0],
        Place::OnB => [0, second, second],
    };
    let bytes = end(at[1], 1).max(end(at[2], 2)) + 4;
    let mut arena = vec![0xa5; bytes];
    arena[at[0]..][..packed[0].len()].copy_from_slice(&packed[0]);
    arena[at[1]..][..packed[1].len()].copy_from_slice(&packed[1]);
    let mut expected = arena.clone();
    expected[at[2]..][..packed[2].len()].copy_from_slice(&packed[2]);
    let layer = Multiply {
        a: case::tensor(&a, bits[0], at[0]),
        b: case::tensor(&b, bits[1], at[1]),
        output: case::tensor(&y, y_bits, at[2]),
        multiplier: scale.0,
        shift: scale.1,
    };
    run_layer(&Layer::Multiply(layer), &[], &mut arena);
    assert!(arena == expected, "{place:?} {layer:?}\nfound    {arena:?}\nexpected {expected:?}");
}

fn every_width(numbers: &mut Numbers, size: [usize; 3], scale: (i32, u32)) {
    for bits in case::combinations().filter(|bits| bits[2] != Bits::B32) {
        for place in [Place::Apart, Place::OnA, Place::OnB] {
            check(numbers, size, bits, scale, place, false);
            // Several pixels do not fit the place of one.
            if place != Place::OnB {
                check(numbers, size, bits, scale, place, true);
            }
        }
    }
}

/// As large as the rules let them be: no product leaves 32 bits.
#[test]
fn extremes() {
    let numbers = &mut Numbers(1);
    let largest = (1 << 15) - 1;
    for multiplier in [largest, -largest, 1, 0] {
        for shift in Multiply::SHIFTS {
            every_width(numbers, [1, 3, 9], (multiplier, shift));
        }
    }
}

proptest! {
    #[test]
    fn anything(
        size in prop::array::uniform3(1usize..=9),
        multiplier in -(1i32 << 15) + 1..1 << 15,
        shift in 6u32..=23,
        seed: u64,
    ) {
        every_width(&mut Numbers(seed), size, (multiplier, shift));
    }
}
