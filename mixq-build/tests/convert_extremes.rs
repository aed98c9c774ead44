//! Channels at the ends of what 32 bits can compute, by hand.

use std::path::Path;

use mixq_build::engine::config::{Rounding, Scheme};
use mixq_build::engine::convert::{Grid, TrainedLayer, TrainedNetwork, convert};
use mixq_build::engine::error::Error;
use mixq_build::engine::graph::Graph;
use mixq_build::engine::import::layers;
use mixq_build::engine::memory::{allocate, allocate_uniformly};
use mixq_format::{Bits, Layer, Network};

/// Two channels over a 2x2 image (batch norm, ReLU), and two logits over them.
const NETWORK: &str = r#"
    input = [2, 2, 1]
    layer = [
        { op = "conv", name = "inner", filters = 2, kernel = 2, padding = "valid" },
        { op = "linear", name = "logits", features = 2, batch_norm = true },
    ]
"#;

fn graph(text: &str) -> Graph {
    Graph::resolve(&layers::parse(Path::new("network.toml"), text).unwrap()).unwrap()
}

fn layer(codes: Vec<i8>, scale: f64) -> TrainedLayer {
    let grid = Grid { scale, zero_point: 0 };
    TrainedLayer { codes, grids: vec![grid; 2], multiplier: vec![1.0; 2], offset: vec![0.0; 2] }
}

/// Real pixels are 0 to 255, real weights 1/4 and 3/4 of an output step: channel 0 is the pixels' mean.
fn trained(rounding: Rounding) -> TrainedNetwork {
    let pixels = Grid { scale: 1.0, zero_point: 0 };
    TrainedNetwork {
        inputs: vec![pixels],
        layers: vec![Some(layer(vec![1, 1, 1, 1, 3, 0, 0, 0], 0.25)), Some(layer(vec![1, 0, 0, 1], 1.0))],
        activations: vec![Some(pixels), None],
        rounding,
    }
}

/// Codes of layer `inner`, and what the logits are worth, for an image.
fn run(trained: &TrainedNetwork, image: [u8; 4]) -> Result<([i32; 2], [i32; 2]), Error> {
    let graph = graph(NETWORK);
    let allocation = allocate(&graph, u64::MAX, u64::MAX, Scheme::PerChannel).unwrap();
    let converted = convert(&graph, &allocation, Scheme::PerChannel, trained)?;
    let layers: Vec<Layer> = converted.layers.iter().map(|named| named.layer).collect();
    let (input, output, arena_bytes) = (converted.inputs[0].tensor, converted.output, converted.arena_bytes);
    let network = Network {
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
    arena[input.range()].copy_from_slice(&image);
    mixq_rt::run_layer(&layers[0], &converted.parameters, &mut arena);
    let inner = arena[layers[0].output().range()].iter().map(|code| i32::from(*code)).collect::<Vec<_>>();
    mixq_rt::run_layer(&layers[1], &converted.parameters, &mut arena);
    let logits = arena[output.range()].as_chunks().0.iter().map(|logit| {
        let real = f64::from(i32::from_ne_bytes(*logit)) * converted.logit_scale;
        assert_eq!(real.fract(), 0.0, "this network counts whole numbers");
        real as i32
    });
    Ok((inner.try_into().unwrap(), logits.collect::<Vec<_>>().try_into().unwrap()))
}

/// Codes of layer `inner` for black, grey and white images, after a change of its first channel.
fn inner(rounding: Rounding, change: impl Fn(&mut TrainedLayer)) -> [i32; 3] {
    let mut trained = trained(rounding);
    change(trained.layers[0].as_mut().unwrap());
    [[0; 4], [100, 101, 100, 101], [255; 4]].map(|image| {
        let (codes, logits) = run(&trained, image).unwrap();
        assert_eq!(logits, codes, "the logits are the codes");
        codes[0]
    })
}

fn error(change: impl Fn(&mut TrainedNetwork)) -> Vec<String> {
    let mut trained = trained(Rounding::Nearest);
    change(&mut trained);
    let error = run(&trained, [0; 4]).expect_err("an error");
    assert!(error.problems.iter().all(|problem| problem.help.is_some()));
    error.problems.into_iter().map(|problem| problem.message).collect()
}

#[test]
fn the_mean_of_pixels_by_hand() {
    assert_eq!(inner(Rounding::Nearest, |_| ()), [0, 101, 255]);
    assert_eq!(inner(Rounding::Floor, |_| ()), [0, 100, 255]);
}

#[test]
fn a_channel_without_gamma_is_constant() {
    let constant = |rounding, offset| {
        inner(rounding, |layer| {
            layer.multiplier[0] = 0.0;
            layer.offset[0] = offset;
        })
    };
    assert_eq!(constant(Rounding::Nearest, 7.5), [8; 3]);
    assert_eq!(constant(Rounding::Nearest, 7.49), [7; 3]);
    assert_eq!(constant(Rounding::Floor, 7.99), [7; 3]);
    assert_eq!(constant(Rounding::Nearest, -3.0), [0; 3]);
    assert_eq!(constant(Rounding::Nearest, 1e300), [255; 3]);
}

#[test]
fn a_dead_channel_keeps_its_beta() {
    let dead = |layer: &mut TrainedLayer| {
        layer.codes[..4].fill(0);
        layer.offset[0] = 42.0;
    };
    assert_eq!(inner(Rounding::Nearest, dead), [42; 3]);
    // The same with a zero point at the end of its range.
    let shifted = |layer: &mut TrainedLayer| {
        layer.grids[0].zero_point = -128;
        layer.codes[..4].fill(-128);
        layer.offset[0] = 42.0;
    };
    assert_eq!(inner(Rounding::Nearest, shifted), [42; 3]);
}

#[test]
fn a_negative_gamma_turns_the_channel_round() {
    let negative = |layer: &mut TrainedLayer| {
        layer.multiplier[0] = -1.0;
        layer.offset[0] = 200.0;
    };
    // 200 - 100.5, halves up.
    assert_eq!(inner(Rounding::Nearest, negative), [200, 100, 0]);
    assert_eq!(inner(Rounding::Floor, negative), [200, 99, 0]);
}

#[test]
fn a_bias_beyond_32_bits_is_constant_where_the_pixels_do_not_matter() {
    let far = |offset: f64| move |layer: &mut TrainedLayer| layer.offset[0] = offset;
    assert_eq!(inner(Rounding::Nearest, far(1e12)), [255; 3]);
    assert_eq!(inner(Rounding::Nearest, far(-1e12)), [0; 3]);
    // A multiplier that no pixel can see: 100.4 whatever the image, though 100.4 / unit exceeds 32 bits.
    let faint = |offset: f64| {
        move |layer: &mut TrainedLayer| {
            layer.multiplier[0] = 1e-8;
            layer.offset[0] = offset;
        }
    };
    assert_eq!(inner(Rounding::Nearest, faint(100.4)), [100; 3]);
    assert_eq!(inner(Rounding::Nearest, faint(-100.4)), [0; 3]);
    // The image decides between two neighbours, but neither is off by more than that.
    let [black, _, white] = inner(Rounding::Nearest, faint(100.499_999_999));
    assert!(black == white && (100..=101).contains(&black), "{black}");
}

#[test]
fn what_32_bits_cannot_compute_is_an_error() {
    let logits = error(|t| t.layers[1].as_mut().unwrap().offset[1] = -1e12);
    assert_eq!(
        logits,
        ["layer `logits`, output channel 1: its bias -1000000000000 with sums from 0 to 255 exceeds 32 bits"]
    );
    let coarse = error(|t| t.activations[0].as_mut().unwrap().scale = 2f64.powi(-50));
    assert_eq!(coarse.len(), 2, "both channels are reported");
    assert_eq!(coarse[0], "layer `inner`, output channel 0: its multiplier 281474976710656 exceeds 2^31");
    let nan = error(|t| {
        t.layers[0].as_mut().unwrap().multiplier[1] = f64::NAN;
        t.layers[1].as_mut().unwrap().offset[0] = f64::INFINITY;
    });
    assert_eq!(nan[0], "layer `inner`, output channel 1: its multiplier NaN or its offset 0 is not finite");
    assert_eq!(nan[1], "layer `logits`, output channel 0: its multiplier 1 or its offset inf is not finite");
    let brink = error(|t| t.layers[1].as_mut().unwrap().offset[1] = 2_147_483_392.0);
    assert_eq!(
        brink,
        ["layer `logits`, output channel 1: its bias 2147483392 with sums from 0 to 255 exceeds 32 bits"]
    );
}

/// One logit for a white image of this number of pixels. The first weight and all others have these codes.
fn long_sum([height, width]: [usize; 2], first: i8, others: i8, zero_point: i32) -> Result<i32, Error> {
    let text = format!(
        "input = [{height}, {width}, 1]\nlayer = [{{ op = \"linear\", name = \"sum\", features = 1 }}]"
    );
    let graph = graph(&text);
    let allocation = allocate_uniformly(&graph, Bits::B8, u64::MAX, u64::MAX, Scheme::PerLayer).unwrap();
    let unit = Grid { scale: 1.0, zero_point: 0 };
    let mut codes = vec![others; height * width];
    codes[0] = first;
    let grids = vec![Grid { scale: 1.0, zero_point }];
    let layer = TrainedLayer { codes, grids, multiplier: vec![1.0], offset: vec![0.0] };
    let (layers, activations) = (vec![Some(layer)], vec![None]);
    let trained = TrainedNetwork { inputs: vec![unit], layers, activations, rounding: Rounding::Nearest };
    let converted = convert(&graph, &allocation, Scheme::PerLayer, &trained)?;
    let mut arena = vec![0; converted.arena_bytes as usize];
    arena[converted.inputs[0].tensor.range()].fill(255);
    mixq_rt::run_layer(&converted.layers[0].layer, &converted.parameters, &mut arena);
    Ok(i32::from_ne_bytes(arena[converted.output.range()].try_into().unwrap()))
}

#[test]
fn the_longest_sums() {
    assert_eq!(long_sum([255, 257], -128, -128, 0).unwrap(), -255 * 257 * 255 * 128);
    assert_eq!(long_sum([255, 257], 127, 127, 0).unwrap(), 255 * 257 * 255 * 127);
    let message = |result: Result<i32, Error>| result.unwrap_err().problems[0].message.clone();
    assert_eq!(
        message(long_sum([264, 265], -128, -128, 0)),
        "layer `sum`, output channel 0: its bias 0 with sums from -2283494400 to 0 exceeds 32 bits"
    );
    // The sum itself is small, but the kernel's sum of products is not.
    assert_eq!(
        message(long_sum([264, 265], 126, 127, 127)),
        "layer `sum`, output channel 0: its accumulator may reach 4531308945, beyond 32 bits"
    );
    // Where nothing but zeros is added up, nothing is computed.
    assert_eq!(long_sum([264, 265], 127, 127, 127).unwrap(), 0);
}
