//! Convolution in groups of channels, with gaps between taps.

use mixq_rt::format::{GroupedConv, Layer};
use proptest::prelude::*;

use crate::case::{self, Numbers, Parameters, Shape};
use crate::conv::weights;
use crate::reference::{self, Window};

/// Groups of some channels and some filters each, and a dilation. Images are as large as the window needs.
fn shapes() -> impl Strategy<Value = (Shape, usize, [usize; 2])> {
    let axis = || {
        (1usize..=4, 1usize..=3, 1usize..=5, 1usize..=9).prop_flat_map(|(kernel, stride, dilation, size)| {
            let span = (kernel - 1) * dilation + 1;
            let axis = move |(before, after): (usize, usize)| {
                (kernel, stride, dilation, size.max(span.saturating_sub(before + after)), before, after)
            };
            (0..span, 0..span).prop_map(axis)
        })
    };
    let channels = prop_oneof![4 => 1usize..=9, 1 => 60usize..=80];
    (axis(), axis(), channels, 1usize..=10, 1usize..=5).prop_map(|(y, x, channels, filters, groups)| {
        let window = Window { kernel: [y.0, x.0], stride: [y.1, x.1], padding: [y.4, y.5, x.4, x.5] };
        let (channels, filters) = (groups * channels, groups * filters);
        (Shape { height: y.3, width: x.3, channels, filters, window }, groups, [y.2, x.2])
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn every_width((shape, groups, dilation) in shapes(), seed: u64) {
        let numbers = &mut Numbers(seed);
        let Shape { height, width, channels, filters, window } = shape;
        let taps = window.kernel[0] * window.kernel[1];
        // The output is as large as that of the window with its gaps.
        let span = [0, 1].map(|axis| (window.kernel[axis] - 1) * dilation[axis] + 1);
        let size = Window { kernel: span, ..window }.outputs(height, width);
        for [x, w, y] in case::combinations() {
            let input = numbers.image(height, width, channels, x);
            let mut parameters = Parameters::default();
            let weights = weights(numbers, filters, taps, channels / groups, w);
            let all = weights.filters.concat();
            let how = (&window, dilation, groups);
            let sums = reference::grouped(&input, how, size, &all, &weights.zero_points);
            let scales = numbers.scales(&sums, &weights.constants(input.zero_point), y);
            let zero_point = numbers.zero_point(y);
            let mut output = reference::Image {
                height: size[0], width: size[1], channels: filters, zero_point, codes: Vec::new(),
            };
            output.codes = scales.requantise(&sums, zero_point, y);
            let offset = parameters.put(weights.packed.iter().copied(), numbers);
            let requant = parameters.requant(&scales, &weights, input.zero_point, numbers);
            case::check((&input, x), (&output, y), &parameters.0, numbers, |input, output| {
                Layer::GroupedConv(GroupedConv {
                    input,
                    output,
                    window: case::table_window(&window),
                    groups: groups as u16,
                    dilation_height: dilation[0] as u16,
                    dilation_width: dilation[1] as u16,
                    weights: offset,
                    weight_bits: w,
                    requant,
                })
            });
        }
    }
}
