//! What libtorch computes with fake quantisation and what the integer network computes are the same.

mod functions;
mod grouped;
mod pairs;
mod post;
mod processes;
mod rearranged;
mod steps;

use std::path::Path;

use mixq_format::{Bits, Layer, Network};
use tch::{Device, Kind, Tensor};

use super::batches::batch;
use super::calibrate::calibrate;
use super::folded;
use super::forward::Mode;
use super::group::Group;
use super::images::Images;
use super::model::Model;
use super::normalisation::Normalisation;
use super::observe::Calibration;
use super::part::Part;
use super::phase::Phase;
use super::take_turn;
use crate::convert::{Converted, convert};
use crate::dataset::Split;
use crate::graph::{Graph, Op};
use crate::import::layers;
use crate::memory::{allocate, allocate_uniformly};
use crate::settings::{Bounds, Rounding, Scheme, Training};
use crate::task::{Fit, Task, rules};

/// Every operator, padding of every kind, a residual branch.
const NETWORK: &str = r#"
    input = [9, 8, 3]
    layer = [
        { op = "conv", name = "stem", filters = 12, kernel = 3, stride = 2 },
        { op = "depthwise", kernel = [3, 2], padding = [1, 1, 0, 1] },
        { op = "pointwise", name = "a", filters = 10, activation = "none" },
        { op = "conv", name = "b", filters = 10, kernel = 3, padding = "symmetric", batch_norm = false },
        { op = "add", inputs = ["a", "b"] },
        { op = "average_pool", kernel = 3, stride = 1, padding = "same" },
        { op = "max_pool", kernel = 2, stride = 2, padding = [1, 0, 0, 1] },
        { op = "flatten" },
        { op = "linear", features = 9, batch_norm = true, activation = "relu" },
        { op = "linear", features = 5 },
    ]
"#;

const IMAGES: usize = 100;

pub fn images(graph: &Graph, seed: u64) -> Split {
    let mut random = fastrand::Rng::with_seed(seed);
    let pixels = (0..IMAGES * graph.inputs.elements()).map(|_| random.u8(..)).collect::<Vec<u8>>().into();
    Split { pixels, targets: vec![0; IMAGES].into() }
}

/// Batch norms as training leaves them: no two channels alike, some turned round, some without any gamma.
pub fn unsettle(model: &mut Model<'_>, seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    for node in 0..model.graph.nodes.len() {
        let channels = model.graph.nodes[node].output.channels;
        let mut draw = |low: f32, high: f32| -> Tensor {
            let values: Vec<f32> = (0..channels).map(|_| low + (high - low) * random.f32()).collect();
            Tensor::from_slice(&values)
        };
        if model.get(node, Part::Gamma).is_some() {
            let gamma = draw(-0.5, 2.0);
            // One in five is 0.
            let dead = gamma.lt(0.0).to_kind(Kind::Float);
            let gamma = &gamma * (1.0 - &dead) - &dead * draw(0.0, 1.0).round();
            model.set(node, Part::Gamma, gamma);
            model.set(node, Part::Beta, draw(-0.5, 0.5));
            model.set(node, Part::Mean, draw(-0.3, 0.3));
            model.set(node, Part::Variance, draw(0.3, 2.0));
        }
        if model.get(node, Part::Bias).is_some() {
            model.set(node, Part::Bias, draw(-0.3, 0.3));
        }
        if let Op::Constants(_) = model.graph.nodes[node].op {
            let size = model.get(node, Part::Weight).unwrap().size();
            model.set(node, Part::Weight, Tensor::randn(&size[..], (Kind::Float, Device::Cpu)) * 0.7);
        }
        if model.get(node, Part::Slope).is_some() {
            model.set(node, Part::Slope, draw(-0.5, 1.5));
        }
    }
}

/// Logits of all images by the kernels, in real units.
fn integer_logits(converted: &Converted, images: &Split) -> Vec<f64> {
    let layers: Vec<Layer> = converted.layers.iter().map(|named| named.layer).collect();
    let Converted { parameters, inputs, output, arena_bytes, .. } = converted;
    let tensors: Vec<mixq_format::Tensor> = inputs.iter().map(|input| input.tensor).collect();
    let network = Network {
        layers: &layers,
        stages: &[],
        parameters,
        input: tensors[0],
        others: &tensors[1..],
        output: *output,
        arena_bytes: *arena_bytes,
    };
    network.validate().unwrap();
    let mut arena = vec![0; *arena_bytes as usize];
    let logits = (0..images.len()).flat_map(|image| {
        let mut rest = images.image(image);
        for input in &tensors {
            let (codes, others) = rest.split_at(input.elements());
            arena[input.range()].copy_from_slice(codes);
            rest = others;
        }
        mixq_rt::run(&network, &mut arena);
        let logits = arena[output.range()].as_chunks().0.iter().map(|logit| i32::from_ne_bytes(*logit));
        logits.map(|logit| f64::from(logit) * converted.logit_scale).collect::<Vec<_>>()
    });
    logits.collect()
}

/// A phase of a classification that learns from these images, and is measured on them.
fn phase<'a>(
    (settings, scheme, quantised): (&'a Training, Scheme, bool),
    fit: &'a Fit,
    images: &'a Images<'a>,
) -> Phase<'a> {
    Phase {
        rules: rules(Task::Classification),
        task: Task::Classification,
        fit,
        settings,
        scheme,
        quantised,
        aside: Vec::new(),
        varied: Vec::new(),
        train: images,
        validation: images,
        teacher: None,
    }
}

/// The answers of a random network on random images, fake-quantised and by the kernels.
fn both_answers(network: &str, bits: Bits, rounding: Rounding, seed: u64) -> [Vec<usize>; 2] {
    let graph = Graph::resolve(&layers::parse(Path::new("network.toml"), network).unwrap()).unwrap();
    let scheme = Scheme::PerChannel;
    let allocation = allocate_uniformly(&graph, bits, u64::MAX, u64::MAX, scheme).unwrap();
    let _turn = take_turn(1, seed);
    let split = images(&graph, seed);
    let all = Images::all(&split);
    let normalisation = Normalisation::of_inputs(&all, &graph.inputs);
    let mut model = Model::new(&graph, &allocation, scheme, rounding, &normalisation, Device::Cpu);
    unsettle(&mut model, seed);
    calibrate(&mut model, &Calibration::whole(&all), Bounds::Data, &mut Group::Alone).unwrap();
    let (pixels, _) = batch(&all, &(0..IMAGES).collect::<Vec<_>>(), &model.form());
    let mode = Mode { quantised: true, batch_statistics: false };
    let logits = tch::no_grad(|| model.forward(&pixels, mode));
    let expected = Vec::<f64>::try_from(logits.to_kind(Kind::Double).flatten(0, -1)).unwrap();
    let found = integer_logits(&convert(&graph, &allocation, scheme, &model.export()).unwrap(), &split);
    [expected, found].map(|logits| logits.chunks(graph.outputs()).map(argmax).collect())
}

#[test]
fn every_rounding_gives_the_answers_of_the_device_with_and_without_relu() {
    let network = |activation: &str| {
        format!(
            r#"
            input = [6, 5, 2]
            layer = [
                {{ op = "conv", filters = 6, kernel = 3, activation = "{activation}" }},
                {{ op = "depthwise", kernel = 3, stride = 2, activation = "{activation}" }},
                {{ op = "pointwise", filters = 8, activation = "{activation}" }},
                {{ op = "linear", features = 3 }},
            ]
            "#
        )
    };
    for bits in Bits::QUANTISED {
        for rounding in [Rounding::Nearest, Rounding::Floor] {
            for activation in ["none", "relu"] {
                let mut differing = 0;
                for seed in 0..6 {
                    let [expected, found] = both_answers(&network(activation), bits, rounding, seed);
                    differing += expected.iter().zip(&found).filter(|(a, b)| a != b).count();
                }
                assert_eq!(differing, 0, "{bits:?} {rounding:?} {activation}");
            }
        }
    }
}

#[test]
fn a_global_max_pool_gives_the_answers_of_the_device() {
    let network = r#"
        input = [6, 5, 2]
        layer = [
            { op = "conv", filters = 6, kernel = 3, padding = "valid" },
            { op = "global_max_pool" },
            { op = "linear", features = 3 },
        ]
    "#;
    for bits in Bits::QUANTISED {
        for seed in 0..6 {
            let [expected, found] = both_answers(network, bits, Rounding::Nearest, seed);
            assert_eq!(expected, found, "{bits:?} {seed}");
        }
    }
}

fn argmax(logits: &[f64]) -> usize {
    (0..logits.len()).max_by(|&a, &b| logits[a].total_cmp(&logits[b])).unwrap()
}

#[test]
fn integers_compute_what_the_fake_quantised_network_computes() {
    let graph = Graph::resolve(&layers::parse(Path::new("network.toml"), NETWORK).unwrap()).unwrap();
    let (mut images_compared, mut same) = (0, 0);
    for seed in 0..2 {
        let _turn = take_turn(1, seed);
        for (_, scheme) in Scheme::CHOICES {
            for rounding in [Rounding::Nearest, Rounding::Floor] {
                for (flash, ram) in [(u64::MAX, u64::MAX), (u64::MAX, 450), (2400, 600)] {
                    let allocation = allocate(&graph, flash, ram, scheme).unwrap();
                    tch::manual_seed(seed as i64);
                    let split = images(&graph, seed);
                    let all = Images::all(&split);
                    let normalisation = Normalisation::of_inputs(&all, &graph.inputs);
                    let mut model =
                        Model::new(&graph, &allocation, scheme, rounding, &normalisation, Device::Cpu);
                    unsettle(&mut model, seed);
                    calibrate(&mut model, &Calibration::whole(&all), Bounds::Data, &mut Group::Alone)
                        .unwrap();
                    let order: Vec<usize> = (0..IMAGES).collect();
                    let (pixels, _) = batch(&all, &order, &model.form());
                    let mode = Mode { quantised: true, batch_statistics: false };
                    let logits = tch::no_grad(|| model.forward(&pixels, mode));
                    let expected = Vec::<f64>::try_from(logits.to_kind(Kind::Double).flatten(0, -1)).unwrap();
                    let converted = convert(&graph, &allocation, scheme, &model.export()).unwrap();
                    let found = integer_logits(&converted, &split);

                    let size = expected.iter().map(|logit| logit * logit).sum::<f64>();
                    let error = expected.iter().zip(&found).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
                    let pairs = expected.chunks(5).zip(found.chunks(5));
                    let equal = pairs.filter(|(a, b)| argmax(a) == argmax(b)).count();
                    let error = (error / size).sqrt();
                    assert!(
                        error < 0.15,
                        "{seed} {scheme:?} {rounding:?} {flash} {ram}: the logits are {error} off"
                    );
                    images_compared += IMAGES;
                    same += equal;
                }
            }
        }
    }
    // What is left are codes that the rounding of libtorch's sums moves to the neighbour.
    println!("{same} of {images_compared} images get the same answer");
    assert!(same * 1000 >= images_compared * 999, "{same} of {images_compared}");
}

#[test]
fn a_channel_that_never_varies_is_warned_of_where_batch_norm_is_folded() {
    let _turn = take_turn(1, 1);
    let graph = Graph::resolve(&layers::parse(Path::new("network.toml"), NETWORK).unwrap()).unwrap();
    let split = images(&graph, 1);
    let normalisation = Normalisation::of_inputs(&Images::all(&split), &graph.inputs);
    let said = |scheme, variance: f32| {
        let allocation = allocate(&graph, u64::MAX, u64::MAX, scheme).unwrap();
        let mut model =
            Model::new(&graph, &allocation, scheme, Rounding::Nearest, &normalisation, Device::Cpu);
        for node in 0..graph.nodes.len() {
            if model.get(node, Part::Gamma).is_some() {
                let channels = graph.nodes[node].output.channels;
                let mut variances = vec![1.0; channels];
                variances[channels / 2] = if graph.nodes[node].name == "stem" { variance } else { 1.0 };
                let weight = model.get(node, Part::Weight).unwrap().ones_like();
                model.set(node, Part::Weight, weight);
                model.set(node, Part::Variance, Tensor::from_slice(&variances));
            }
        }
        folded::warnings(&model)
    };
    assert_eq!(said(Scheme::PerLayerFolded, 1.0), [""; 0]);
    let [warning] = &said(Scheme::PerLayerFolded, 0.0)[..] else { panic!("one layer has such a channel") };
    // 1 / sqrt(1e-5) of 8 bits.
    assert!(
        warning.starts_with("layer `stem`: folded batch norm makes the weights of channel 6 316.2 times")
    );
    assert!(warning.contains("0.8 of 256 codes left at 8 bits"), "{warning}");
    assert_eq!(said(Scheme::PerLayer, 0.0), [""; 0]);
    assert_eq!(said(Scheme::PerChannel, 0.0), [""; 0]);
}
