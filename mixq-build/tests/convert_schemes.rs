//! What is special to folded batch norm and to thresholds, by hand.

use std::path::Path;

use mixq_build::engine::config::{Rounding, Scheme};
use mixq_build::engine::convert::{Converted, Grid, TrainedLayer, TrainedNetwork, convert};
use mixq_build::engine::error::Error;
use mixq_build::engine::graph::Graph;
use mixq_build::engine::import::layers;
use mixq_build::engine::memory::{Allocation, allocate, allocate_uniformly};
use mixq_format::{Bits, Layer, Requant, Rule};

/// A pointwise layer of two channels over an image of one pixel, and two logits over them.
fn graph(channels: usize) -> Graph {
    let text = format!(
        "input = [1, 1, {channels}]\nlayer = [{{ op = \"pointwise\", filters = 2 }}, {{ op = \"linear\", \
         features = 2 }}]"
    );
    Graph::resolve(&layers::parse(Path::new("network.toml"), &text).unwrap()).unwrap()
}

const UNIT: Grid = Grid { scale: 1.0, zero_point: 0 };

fn trained(inner: TrainedLayer, output: Grid) -> TrainedNetwork {
    let grids = inner.grids.iter().map(|_| UNIT).collect();
    let logits =
        TrainedLayer { codes: vec![1, 0, 0, 1], grids, multiplier: vec![1.0; 2], offset: vec![0.0; 2] };
    TrainedNetwork {
        inputs: vec![UNIT],
        layers: vec![Some(inner), Some(logits)],
        activations: vec![Some(output), None],
        rounding: Rounding::Nearest,
    }
}

fn requant(converted: &Converted) -> Requant {
    *converted.layers[0].layer.requant().unwrap()
}

/// What the logits are worth: the codes of the pointwise layer.
fn run(converted: &Converted, image: &[u8]) -> [i32; 2] {
    let layers: Vec<Layer> = converted.layers.iter().map(|named| named.layer).collect();
    let (input, output, arena_bytes) = (converted.inputs[0].tensor, converted.output, converted.arena_bytes);
    let network = mixq_format::Network {
        layers: &layers,
        stages: &[],
        parameters: &converted.parameters,
        input,
        others: &[],
        output,
        arena_bytes,
    };
    network.validate().unwrap();
    let mut arena = vec![0xFF; arena_bytes as usize];
    arena[input.range()].copy_from_slice(image);
    mixq_rt::run(&network, &mut arena);
    let logits = arena[output.range()].as_chunks().0.iter().map(|logit| {
        let real = f64::from(i32::from_ne_bytes(*logit)) * converted.logit_scale;
        assert_eq!(real.fract(), 0.0, "these networks count whole numbers");
        real as i32
    });
    logits.collect::<Vec<_>>().try_into().unwrap()
}

fn flash(converted: &Converted) -> u64 {
    let layers: Vec<Layer> = converted.layers.iter().map(|named| named.layer).collect();
    let Converted { parameters, inputs, output, arena_bytes, .. } = converted;
    let input = inputs[0].tensor;
    let network = mixq_format::Network {
        layers: &layers,
        stages: &[],
        parameters,
        input,
        others: &[],
        output: *output,
        arena_bytes: *arena_bytes,
    };
    network.flash_bytes() as u64
}

/// Folded batch norm over two pixels: channel 0 is their mean, channel 1 has these offset and weights.
fn folded(scale: f64, codes: [i8; 2], offset: f64) -> Result<Converted, Error> {
    let graph = graph(2);
    let allocation = allocate(&graph, u64::MAX, u64::MAX, Scheme::PerLayerFolded).unwrap();
    let layer = TrainedLayer {
        codes: vec![1, 1, codes[0], codes[1]],
        grids: vec![Grid { scale, zero_point: 0 }],
        multiplier: vec![1.0; 2],
        offset: vec![0.0, offset],
    };
    let converted = convert(&graph, &allocation, Scheme::PerLayerFolded, &trained(layer, UNIT))?;
    assert_eq!(flash(&converted), allocation.flash);
    Ok(converted)
}

#[test]
fn a_folded_layer_has_one_multiplier_and_a_bias_for_each_channel() {
    let converted = folded(0.5, [2, 0], 7.0).unwrap();
    let Requant {
        bias,
        multiplier,
        shift,
        weight_zero_point,
        multiplier_step,
        zero_point_step,
        rule,
        fraction,
    } = requant(&converted);
    assert_eq!((rule, multiplier_step, zero_point_step, fraction), (Rule::Multiplier, 0, 0, 7));
    // Two biases, one multiplier, one shift, one zero point.
    assert_eq!([multiplier - bias, shift - multiplier, weight_zero_point - shift], [8, 4, 1]);
    assert_eq!(run(&converted, &[100, 20]), [60, 107]);
    assert_eq!(run(&converted, &[255, 255]), [255, 255]);
}

#[test]
fn dead_channels_of_a_folded_layer_keep_their_offset() {
    // Folded, a channel without gamma has no weights but 0.
    assert_eq!(run(&folded(0.5, [0, 0], 42.0).unwrap(), &[100, 20]), [60, 42]);
    // Too much for a bias of 32 bits, but beyond the last code whatever the image.
    assert_eq!(run(&folded(0.5, [1, 1], 1e12).unwrap(), &[100, 20]), [60, 255]);
    assert_eq!(run(&folded(0.5, [1, 1], -1e12).unwrap(), &[100, 20]), [60, 0]);
    // All channels are constant: none needs the multiplier.
    assert_eq!(run(&folded(1e-15, [1, 1], 42.0).unwrap(), &[100, 20]), [0, 42]);
}

#[test]
fn a_constant_out_of_reach_of_the_shared_multiplier_is_an_error() {
    // The multiplier is 4e-8, so no bias of 32 bits comes to 100; channel 0 does with one.
    let error = folded(4e-8, [1, 1], 100.0).unwrap_err();
    let found = &error.problems[0].message;
    assert!(found.contains("output channel 1: its constant 100 cannot be had in 32 bits"), "{found}");
    assert_eq!(error.problems.len(), 1);
}

#[test]
fn multipliers_that_differ_are_no_folded_layer() {
    let graph = graph(1);
    let allocation = allocate(&graph, u64::MAX, u64::MAX, Scheme::PerLayerFolded).unwrap();
    let layer = TrainedLayer {
        codes: vec![1, 1],
        grids: vec![UNIT],
        multiplier: vec![1.0, 0.5],
        offset: vec![0.0; 2],
    };
    let error = convert(&graph, &allocation, Scheme::PerLayerFolded, &trained(layer, UNIT)).unwrap_err();
    let found = &error.problems[0].message;
    assert!(found.contains("output channel 1: its multiplier is 0.5 times the one"), "{found}");
}

/// Weights of 2 bits at the ends of their range over this number of 8-bit pixels: the longest sums there are.
/// Channel 1 falls.
fn longest(channels: usize) -> (Converted, Allocation) {
    let graph = graph(channels);
    let scheme = Scheme::PerChannelThresholds;
    let allocation = allocate_uniformly(&graph, Bits::B2, u64::MAX, u64::MAX, scheme).unwrap();
    let layer = TrainedLayer {
        codes: vec![1; 2 * channels],
        grids: vec![Grid { scale: 1.0, zero_point: -2 }; 2],
        multiplier: vec![1.0, -1.0],
        offset: vec![0.0, (channels * 3 * 255) as f64],
    };
    let output = Grid { scale: (channels * 255) as f64, zero_point: 0 };
    let converted = convert(&graph, &allocation, scheme, &trained(layer, output)).unwrap();
    assert_eq!(flash(&converted), allocation.flash);
    (converted, allocation)
}

#[test]
fn thresholds_have_16_bits_as_long_as_every_sum_has() {
    // 42 * 3 * 255 = 32,130.
    for (channels, rule, bytes) in [(42, Rule::Thresholds16, 2), (43, Rule::Thresholds32, 4)] {
        let (converted, allocation) = longest(channels);
        let tables = requant(&converted);
        assert_eq!(tables.rule, rule);
        // Three thresholds and a zero point for either channel; no bias and no shifts.
        let weights = (2 * channels.div_ceil(4)) as u32;
        assert_eq!((tables.multiplier, tables.weight_zero_point), (weights, weights + 2 * 3 * bytes));
        let logits = 2 + 2 * (4 + 4 + 1 + 1);
        let parameters = (weights + 2 * 3 * bytes + 2 + logits).next_multiple_of(4);
        assert_eq!(allocation.flash, u64::from(parameters) + 64 + 52);
        let codes = |pixel: u8| {
            run(&converted, &vec![pixel; channels]).map(|logit| {
                let step = channels as i32 * 255;
                assert_eq!(logit % step, 0, "a code is a whole number of the output's steps");
                logit / step
            })
        };
        assert_eq!(codes(255), [3, 0]);
        assert_eq!(codes(0), [0, 3]);
        // 1/3 + 1/510 of all: one code, and what 2 of 3 less 1/170 round to.
        assert_eq!(codes(86), [1, 2]);
        assert_eq!(codes(127), [1, 2]);
        assert_eq!(codes(128), [2, 1]);
    }
}

/// Codes of 8 bits and logits have multipliers in every scheme.
#[test]
fn only_narrow_codes_have_thresholds() {
    let graph = graph(5);
    for (bits, expected) in [(Bits::B8, Rule::Multiplier), (Bits::B4, Rule::Thresholds16)] {
        let scheme = Scheme::PerChannelThresholds;
        let allocation = allocate_uniformly(&graph, bits, u64::MAX, u64::MAX, scheme).unwrap();
        let layer = TrainedLayer {
            codes: vec![1; 10],
            grids: vec![UNIT; 2],
            multiplier: vec![1.0; 2],
            offset: vec![0.0; 2],
        };
        let converted = convert(&graph, &allocation, scheme, &trained(layer, UNIT)).unwrap();
        assert_eq!(requant(&converted).rule, expected);
        assert_eq!(converted.layers[1].layer.requant().unwrap().rule, Rule::Multiplier);
    }
}
