//! Sum and product of a tensor and constants.

use mixq_rt::format::{Bits, Constants, Layer, Multiply, Operation};
use mixq_rt::run_layer;
use proptest::prelude::*;

use crate::case::{self, Numbers, Parameters};
use crate::reference::{self, Image};

/// The multipliers and the shift.
type Scale = ([i32; 2], u32);

/// A layer beside its input, and in its place if both have the same width.
fn check(
    numbers: &mut Numbers,
    [height, width, channels]: [usize; 3],
    [x, w, y]: [Bits; 3],
    operation: Operation,
    ([multiplier, multiplier_constant], shift): Scale,
) {
    let input = numbers.image(height, width, channels, x);
    let zero_point = numbers.zero_point(y);
    let constants = numbers.codes(input.codes.len(), w, true);
    let weight_zero_point = numbers.codes(1, w, true)[0];
    let [first, second] = [multiplier, multiplier_constant].map(i128::from);
    let codes = input.codes.iter().zip(&constants).map(|(code, constant)| {
        let (code, constant) =
            (i128::from(code - input.zero_point), i128::from(constant - weight_zero_point));
        let value: i128 = match operation {
            Operation::Sum => first * code + second * constant,
            Operation::Product => first * code * constant,
        };
        let code = reference::floor_shift(value + (1 << (shift - 1)), shift) as i64 + zero_point;
        code.clamp(0, y.max_code().into())
    });
    let output = Image { codes: codes.collect(), zero_point, ..input };
    // Rows of bytes; bits after the last constant of a pixel may be any.
    let packed = constants.chunks(channels).flat_map(|row| {
        let mut bytes = vec![0u8; w.row_bytes(channels)];
        for (index, code) in row.iter().enumerate() {
            let bit = index * w.count();
            bytes[bit / 8] |= ((*code as u8) & w.max_code() as u8) << (bit % 8);
        }
        bytes
    });
    let packed: Vec<u8> = packed.collect();
    let mut parameters = Parameters::default();
    let weights = parameters.put(packed, numbers);
    let table = |input, output| {
        Layer::Constants(Constants {
            input,
            output,
            weights,
            weight_bits: w,
            weight_zero_point: weight_zero_point as i8,
            operation,
            multiplier,
            multiplier_constant,
            shift,
        })
    };
    case::check((&input, x), (&output, y), &parameters.0, numbers, table);
    if x != y {
        return;
    }
    let [given, expected] = [&input, &output].map(|image| case::tensor_bytes(image, x));
    let (before, after) = (vec![0xa5; 8], vec![0x5a; 5]);
    let mut arena = [&before[..], &given, &after].concat();
    let layer = table(case::tensor(&input, x, 8), case::tensor(&output, y, 8));
    run_layer(&layer, &parameters.0, &mut arena);
    assert_eq!(arena, [&before[..], &expected, &after].concat(), "in place: {layer:?}");
}

fn every_width(numbers: &mut Numbers, size: [usize; 3], operation: Operation, scale: Scale) {
    for bits in case::combinations().filter(|bits| bits[2] != Bits::B32) {
        check(numbers, size, bits, operation, scale);
    }
}

/// As large as the rules let them be: nothing leaves 32 bits.
#[test]
fn extremes() {
    let numbers = &mut Numbers(1);
    let most = (1 << 22) - 1;
    for scale in [[most, most], [-most, most], [most, -most], [0, most], [1, 0]] {
        for shift in [1, 2, 15, 30, 31] {
            every_width(numbers, [1, 3, 9], Operation::Sum, (scale, shift));
        }
    }
    let most = (1 << 15) - 1;
    for multiplier in [most, -most, 1, 0] {
        for shift in Multiply::SHIFTS {
            every_width(numbers, [1, 3, 9], Operation::Product, ([multiplier, 0], shift));
        }
    }
}

proptest! {
    #[test]
    fn anything(
        size in prop::array::uniform3(1usize..=9),
        summands in prop::array::uniform2(-(1i32 << 22) + 1..1 << 22),
        factor in -(1i32 << 15) + 1..1 << 15,
        shifts in (1u32..=31, Multiply::SHIFTS),
        seed: u64,
    ) {
        let numbers = &mut Numbers(seed);
        every_width(numbers, size, Operation::Sum, (summands, shifts.0));
        every_width(numbers, size, Operation::Product, ([factor, 0], shifts.1));
        // Results that spread over all codes.
        every_width(numbers, size, Operation::Sum, ([1 << 20, 1 << 19], 20));
        every_width(numbers, size, Operation::Product, ([1 << 14, 0], 19));
    }
}
