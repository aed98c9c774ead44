//! Fully connected layer.

use mixq_rt::format::{Bits, Layer, Linear};
use proptest::prelude::*;

use crate::case::{self, Numbers, Parameters};
use crate::conv;
use crate::reference::{self, Image, Window};

/// A random linear layer over an image: its output, and its table but for the places of the tensors.
pub fn random(
    numbers: &mut Numbers,
    parameters: &mut Parameters,
    input: &Image,
    classes: usize,
    [x_bits, weight_bits, y_bits]: [Bits; 3],
) -> (Image, Linear) {
    // By definition the convolution whose window is the image.
    let window = Window { kernel: [input.height, input.width], stride: [1, 1], padding: [0; 4] };
    let weights = conv::weights(numbers, classes, input.height * input.width, input.channels, weight_bits);
    let sums = reference::conv(input, &window, &weights.filters.concat(), &weights.zero_points);
    let scales = numbers.scales(&sums, &weights.constants(input.zero_point), y_bits);
    // Logits have none.
    let zero_point = if y_bits == Bits::B32 { 0 } else { numbers.zero_point(y_bits) };
    let mut output = case::output_of(input, &window, classes, zero_point);
    output.codes = scales.requantise(&sums, zero_point, y_bits);
    let table = Linear {
        input: case::tensor(input, x_bits, 0),
        output: case::tensor(&output, y_bits, 0),
        weights: parameters.put(weights.packed.iter().copied(), numbers),
        weight_bits,
        requant: parameters.requant(&scales, &weights, input.zero_point, numbers),
    };
    (output, table)
}

proptest! {
    #[test]
    fn every_width(
        height in 1usize..=4,
        width in 1usize..=4,
        channels in 1usize..=35,
        classes in 1usize..=11,
        seed: u64,
    ) {
        let numbers = &mut Numbers(seed);
        for bits in case::combinations() {
            let input = numbers.image(height, width, channels, bits[0]);
            let mut parameters = Parameters::default();
            let (output, table) = random(numbers, &mut parameters, &input, classes, bits);
            case::check((&input, bits[0]), (&output, bits[2]), &parameters.0, numbers, |input, output| {
                Layer::Linear(Linear { input, output, ..table })
            });
        }
    }
}
