//! Depthwise convolution.

use mixq_rt::format::{Bits, Depthwise, Layer};
use proptest::prelude::*;

use crate::case::{self, Numbers, Parameters, Shape, Weights};
use crate::reference::{self, Image};

/// A random depthwise convolution of an image: its output, and its table but for the places of the tensors.
pub fn random(
    numbers: &mut Numbers,
    parameters: &mut Parameters,
    input: &Image,
    shape: &Shape,
    [x_bits, weight_bits, y_bits]: [Bits; 3],
) -> (Image, Depthwise) {
    let (window, channels) = (&shape.window, shape.channels);
    let all = numbers.codes(window.kernel[0] * window.kernel[1] * channels, weight_bits, true);
    let (zero_points, zero_point_per_channel) = numbers.weight_zero_points(channels, weight_bits);
    let of_channel = |channel: usize| all.iter().skip(channel).step_by(channels).copied().collect();
    let weights = Weights {
        packed: reference::pack(&all, channels, weight_bits.count()),
        filters: (0..channels).map(of_channel).collect(),
        zero_points,
        zero_point_per_channel,
    };
    let sums = reference::depthwise(input, window, &all, &weights.zero_points);
    let scales = numbers.scales(&sums, &weights.constants(input.zero_point), y_bits);
    let zero_point = numbers.zero_point(y_bits);
    let mut output = case::output_of(input, window, channels, zero_point);
    output.codes = scales.requantise(&sums, zero_point, y_bits);
    let table = Depthwise {
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
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn every_width(shape in case::shapes(), seed: u64) {
        let numbers = &mut Numbers(seed);
        for bits in case::combinations() {
            let input = numbers.image(shape.height, shape.width, shape.channels, bits[0]);
            let mut parameters = Parameters::default();
            let (output, table) = random(numbers, &mut parameters, &input, &shape, bits);
            case::check((&input, bits[0]), (&output, bits[2]), &parameters.0, numbers, |input, output| {
                Layer::Depthwise(Depthwise { input, output, ..table })
            });
        }
    }
}
