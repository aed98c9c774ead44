//! ReLU with a slope for each channel.

use mixq_rt::format::{Bits, Layer, Prelu};
use mixq_rt::run_layer;
use proptest::prelude::*;

use crate::case::{self, Numbers, Parameters};
use crate::reference::{self, Image};

/// A layer beside its input, and in its place if both have the same width.
fn check(
    numbers: &mut Numbers,
    [height, width, channels]: [usize; 3],
    [x, y]: [Bits; 2],
    (multiplier, limit, shift): (i32, i64, u32),
) {
    let input = numbers.image(height, width, channels, x);
    let slopes: Vec<i64> = (0..channels).map(|_| numbers.within(-limit, limit)).collect();
    let zero_point = numbers.zero_point(y);
    let codes = input.codes.iter().enumerate().map(|(index, code)| {
        let value = code - input.zero_point;
        let factor = if value < 0 { slopes[index % channels] } else { multiplier.into() };
        let product = i128::from(factor) * i128::from(value) + (1 << (shift - 1));
        let code = reference::floor_shift(product, shift) as i64 + zero_point;
        code.clamp(0, y.max_code().into())
    });
    let output = Image { codes: codes.collect(), zero_point, ..input };
    let mut parameters = Parameters::default();
    let slopes = parameters.put(slopes.iter().flat_map(|slope| (*slope as i32).to_le_bytes()), numbers);
    case::check((&input, x), (&output, y), &parameters.0, numbers, |input, output| {
        Layer::Prelu(Prelu { input, output, slopes, multiplier, shift })
    });
    if x != y {
        return;
    }
    let [given, expected] = [&input, &output].map(|image| case::tensor_bytes(image, x));
    let (before, after) = (vec![0xa5; 8], vec![0x5a; 5]);
    let mut arena = [&before[..], &given, &after].concat();
    let (input, output) = (case::tensor(&input, x, 8), case::tensor(&output, y, 8));
    let table = Prelu { input, output, slopes, multiplier, shift };
    run_layer(&Layer::Prelu(table), &parameters.0, &mut arena);
    assert_eq!(arena, [&before[..], &expected, &after].concat(), "in place: {table:?}");
}

proptest! {
    #[test]
    fn anything(
        size in prop::array::uniform3(1usize..=9),
        multiplier in 1 - Prelu::LIMIT..Prelu::LIMIT,
        shift in 1u32..=31,
        seed: u64,
    ) {
        let numbers = &mut Numbers(seed);
        for bits in Bits::QUANTISED.into_iter().flat_map(|x| Bits::QUANTISED.map(|y| [x, y])) {
            check(numbers, size, bits, (multiplier, i64::from(Prelu::LIMIT) - 1, shift));
            // Results that spread over all codes.
            check(numbers, size, bits, (1 << 20, 1 << 20, 20));
        }
    }
}
