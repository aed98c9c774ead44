//! Quantisation after training, measured on other images by the kernels.

use super::super::post;
use super::super::views::Views;
use super::*;

/// Smooth images: neighbouring pixels, and so what meets neighbouring weights, are alike.
fn smooth(graph: &Graph, seed: u64) -> Split {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut value = 128.0;
    let mut pixel = || {
        value = (value + 60.0 * (random.f64() - 0.5)).clamp(0.0, 255.0);
        value as u8
    };
    let pixels: Vec<u8> = (0..IMAGES * graph.inputs.elements()).map(|_| pixel()).collect();
    Split { pixels: pixels.into(), targets: vec![0; IMAGES].into() }
}

/// The squared errors of the integers' logits by those of the float network: of a network that is calibrated
/// alone, and of one that is quantised layer after layer.
fn errors(bits: Bits, scheme: Scheme, seed: u64) -> [f64; 2] {
    errors_within(bits, scheme, seed, usize::MAX, 0)
}

/// The same where so many images fit into memory with all tensors, and layers make up for each other by so
/// many views of each.
fn errors_within(bits: Bits, scheme: Scheme, seed: u64, images: usize, reconstruct: u32) -> [f64; 2] {
    let graph = Graph::resolve(&layers::parse(Path::new("network.toml"), NETWORK).unwrap()).unwrap();
    let allocation = allocate_uniformly(&graph, bits, u64::MAX, u64::MAX, scheme).unwrap();
    let _turn = take_turn(1, seed);
    let [split, others] = [smooth(&graph, seed), smooth(&graph, seed + 1000)];
    let all = Images::all(&split);
    let normalisation = Normalisation::of_inputs(&all, &graph.inputs);
    let mut model = Model::new(&graph, &allocation, scheme, Rounding::Nearest, &normalisation, Device::Cpu);
    unsettle(&mut model, seed);
    let order: Vec<usize> = (0..IMAGES).collect();
    let (pixels, _) = batch(&Images::all(&others), &order, &model.form());
    let mode = Mode { quantised: false, batch_statistics: false };
    let exact = tch::no_grad(|| model.forward(&pixels, mode));
    let exact = Vec::<f64>::try_from(exact.to_kind(Kind::Double).flatten(0, -1)).unwrap();
    let error = |model: &Model<'_>| {
        let found = integer_logits(&convert(&graph, &allocation, scheme, &model.export()).unwrap(), &others);
        let error: f64 = exact.iter().zip(&found).map(|(a, b)| (a - b).powi(2)).sum();
        error / exact.iter().map(|logit| logit * logit).sum::<f64>()
    };
    calibrate(&mut model, &Calibration::whole(&all), Bounds::Data, &mut Group::Alone).unwrap();
    let calibrated = error(&model);
    let elements: usize = graph.nodes.iter().map(|node| node.output.elements()).sum();
    let settings = Training { reconstruct, ..Training::default() };
    post::quantise_within(&mut model, &Views::of(&all, &settings, &[0]), elements.saturating_mul(images));
    [calibrated, error(&model)]
}

#[test]
fn the_integers_come_nearer_to_the_float_network_at_all_widths_and_schemes() {
    for bits in Bits::QUANTISED {
        for (name, scheme) in Scheme::CHOICES {
            let (mut calibrated, mut quantised) = (0.0, 0.0);
            for seed in 0..4 {
                let [before, after] = errors(bits, scheme, seed);
                (calibrated, quantised) = (calibrated + before.ln(), quantised + after.ln());
            }
            let ratio = ((quantised - calibrated) / 4.0).exp();
            println!("{bits:?} {name}: {ratio:.3} of {:.6}", (calibrated / 4.0).exp());
            assert!(ratio < 0.9, "{bits:?} {name}: {ratio}");
        }
    }
}

/// Layers that also make up for what those before them have lost come nearer still.
#[test]
fn layers_make_up_for_each_other() {
    for bits in [Bits::B2, Bits::B4] {
        for (name, scheme) in Scheme::CHOICES {
            for views in [1, 2] {
                let (mut alone, mut together) = (0.0, 0.0);
                for seed in 0..6 {
                    alone += errors(bits, scheme, seed)[1].ln() / 6.0;
                    together += errors_within(bits, scheme, seed, usize::MAX, views)[1].ln() / 6.0;
                }
                let ratio = (together - alone).exp();
                println!("{bits:?} {name}, {views} views: {ratio:.3} of {:.6}", alone.exp());
                assert!(ratio < 1.0, "{bits:?} {name}, {views} views: {ratio}");
            }
        }
    }
}

/// With fewer images at first, which the layers before have to compute for those that follow.
#[test]
fn little_memory_loses_little() {
    let (mut all, mut few) = (0.0, 0.0);
    for seed in 0..4 {
        all += errors(Bits::B4, Scheme::PerChannel, seed)[1].ln() / 4.0;
        few += errors_within(Bits::B4, Scheme::PerChannel, seed, IMAGES / 4, 0)[1].ln() / 4.0;
    }
    println!("{:.6}, {:.6} with little memory", all.exp(), few.exp());
    assert!(few - all < 1.3f64.ln(), "{} {}", few.exp(), all.exp());
}

#[test]
fn the_codes_of_weights_are_those_that_are_exported() {
    // Weights that are on their grid stay there, whatever the scheme multiplies them by.
    let graph = Graph::resolve(&layers::parse(Path::new("network.toml"), NETWORK).unwrap()).unwrap();
    for (_, scheme) in Scheme::CHOICES {
        let allocation = allocate_uniformly(&graph, Bits::B4, u64::MAX, u64::MAX, scheme).unwrap();
        let _turn = take_turn(1, 5);
        let split = smooth(&graph, 5);
        let all = Images::all(&split);
        let normalisation = Normalisation::of_inputs(&all, &graph.inputs);
        let mut model =
            Model::new(&graph, &allocation, scheme, Rounding::Nearest, &normalisation, Device::Cpu);
        unsettle(&mut model, 5);
        calibrate(&mut model, &Calibration::whole(&all), Bounds::Data, &mut Group::Alone).unwrap();
        post::quantise(
            &mut model,
            &Views::of(&all, &Training { reconstruct: 1, ..Training::default() }, &[0]),
        );
        for (node, layer) in model.export().layers.into_iter().enumerate() {
            let Some(layer) = layer.filter(|layer| !layer.codes.is_empty()) else { continue };
            let real = model.real_weight(node);
            let layout = graph.nodes[node].op.weights().unwrap();
            let real = super::super::model::from_libtorch(&real, layout).contiguous().flatten(0, -1);
            let real = Vec::<f64>::try_from(real.to_kind(Kind::Double)).unwrap();
            let channels = graph.nodes[node].output.channels;
            for (at, (code, real)) in layer.codes.iter().zip(&real).enumerate() {
                let channel = match layout {
                    crate::graph::op::Weights::Channels { .. } => at % channels,
                    _ => at * channels / layer.codes.len(),
                };
                let grid = layer.grids[if layer.grids.len() == 1 { 0 } else { channel }];
                let value = grid.scale * f64::from(i32::from(*code) - grid.zero_point);
                assert!((value - real).abs() < 1e-3 * grid.scale, "{scheme:?} {node}: {value} {real}");
            }
        }
    }
}
