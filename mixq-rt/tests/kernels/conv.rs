//! Standard convolution.

use mixq_rt::format::{Bits, Conv, Layer};
use proptest::prelude::*;

use crate::case::{self, Numbers, Parameters, Shape, Weights};
use crate::reference::{self, Image};

/// Random weights, packed, by filter.
pub fn weights(numbers: &mut Numbers, filters: usize, taps: usize, channels: usize, bits: Bits) -> Weights {
    let all = numbers.codes(filters * taps * channels, bits, true);
    let (zero_points, zero_point_per_channel) = numbers.weight_zero_points(filters, bits);
    Weights {
        packed: reference::pack(&all, channels, bits.count()),
        filters: all.chunks(taps * channels).map(<[i64]>::to_vec).collect(),
        zero_points,
        zero_point_per_channel,
    }
}

/// A random convolution of an image: its output, and its table but for the places of the tensors.
pub fn random(
    numbers: &mut Numbers,
    parameters: &mut Parameters,
    input: &Image,
    shape: &Shape,
    [x_bits, weight_bits, y_bits]: [Bits; 3],
) -> (Image, Conv) {
    let window = &shape.window;
    let taps = window.kernel[0] * window.kernel[1];
    let weights = weights(numbers, shape.filters, taps, shape.channels, weight_bits);
    let sums = reference::conv(input, window, &weights.filters.concat(), &weights.zero_points);
    let scales = numbers.scales(&sums, &weights.constants(input.zero_point), y_bits);
    let zero_point = numbers.zero_point(y_bits);
    let mut output = case::output_of(input, window, shape.filters, zero_point);
    output.codes = scales.requantise(&sums, zero_point, y_bits);
    let table = Conv {
        input: case::tensor(input, x_bits, 0),
        output: case::tensor(&output, y_bits, 0),
        window: case::table_window(window),
        weights: parameters.put(weights.packed.iter().copied(), numbers),
        weight_bits,
        requant: parameters.requant(&scales, &weights, input.zero_point, numbers),
    };
    (output, table)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]
    #[test]
    fn every_width(shape in case::shapes(), seed: u64) {
        let numbers = &mut Numbers(seed);
        for bits in case::combinations() {
            let input = numbers.image(shape.height, shape.width, shape.channels, bits[0]);
            let mut parameters = Parameters::default();
            let (output, table) = random(numbers, &mut parameters, &input, &shape, bits);
            case::check((&input, bits[0]), (&output, bits[2]), &parameters.0, numbers, |input, output| {
                Layer::Conv(Conv { input, output, ..table })
            });
        }
    }
}
