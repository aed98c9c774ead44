//! A network with PyTorch's tensors computes here what it computes there.

mod inputs;

use std::path::Path;

use tch::{Device, Kind};

use crate::convert::Grid;
use crate::dataset::Split;
use crate::graph::Graph;
use crate::import::layers::parse_with_weights;
use crate::import::weights::{Tensor, Tensors};
use crate::import::{Initial, InputNormalisation, initial};
use crate::memory::allocate;
use crate::settings::{Rounding, Scheme};
use crate::train::batches::batch;
use crate::train::forward::Mode;
use crate::train::images::Images;
use crate::train::model::Model;
use crate::train::normalisation::Normalisation;
use crate::train::part::Part;
use crate::train::take_turn;

const NETWORK: &str = r#"
    input = [6, 5, 3]
    weights = "net.safetensors"
    normalisation = { mean = [120, 110, 101], std = [60, 50, 55] }
    layer = [
        { op = "conv", name = "stem", filters = 4, kernel = [3, 2], padding = "valid", activation = "none" },
        { op = "batch_norm", name = "bn" },
        { op = "relu" },
        { op = "depthwise", name = "dw", kernel = 3, stride = 2, padding = "symmetric" },
        { op = "flatten" },
        { op = "linear", name = "head", features = 3 },
    ]
"#;

/// An image or feature map as PyTorch has it: `[channel][row][column]`.
type Map = Vec<Vec<Vec<f64>>>;

/// Convolution by definition; weights are `[out, in, height, width]`, and with `each` one input channel for
/// each output channel.
fn convolve(map: &Map, weight: &Tensor, bias: &[f32], stride: usize, pad: usize, each: bool) -> Map {
    let [outputs, inputs, height, width] = weight.shape[..] else { panic!("four axes") };
    let at = |channel: usize, row: usize, column: usize| -> f64 {
        let inside = row.checked_sub(pad).zip(column.checked_sub(pad));
        let pixel = inside.and_then(|(row, column)| map[channel].get(row)?.get(column));
        pixel.copied().unwrap_or(0.0)
    };
    let (rows, columns) = (map[0].len() + 2 * pad, map[0][0].len() + 2 * pad);
    let output = |out: usize, row: usize, column: usize| {
        let mut sum = f64::from(bias[out]);
        for input in 0..inputs {
            for y in 0..height {
                for x in 0..width {
                    let weight = weight.values[((out * inputs + input) * height + y) * width + x];
                    let channel = if each { out } else { input };
                    sum += f64::from(weight) * at(channel, row * stride + y, column * stride + x);
                }
            }
        }
        sum
    };
    let (high, wide) = ((rows - height) / stride + 1, (columns - width) / stride + 1);
    let row = |out: usize, row: usize| (0..wide).map(|column| output(out, row, column)).collect();
    (0..outputs).map(|out| (0..high).map(|y| row(out, y)).collect()).collect()
}

/// Batch norm and ReLU by definition.
fn norm_relu(mut map: Map, tensors: &Tensors, name: &str) -> Map {
    let of = |what: &str, channel: usize| f64::from(tensors[&format!("{name}.{what}")].values[channel]);
    for (channel, plane) in map.iter_mut().enumerate() {
        for value in plane.iter_mut().flatten() {
            let normal = (*value - of("running_mean", channel)) / (of("running_var", channel) + 1e-5).sqrt();
            *value = (normal * of("weight", channel) + of("bias", channel)).max(0.0);
        }
    }
    map
}

fn logits(image: &[u8], tensors: &Tensors, normalisation: &InputNormalisation) -> Vec<f64> {
    let value = |row: usize, column: usize, channel: usize| {
        let pixel = f64::from(image[(row * 5 + column) * 3 + channel]);
        (pixel - normalisation.mean[channel]) / normalisation.std[channel]
    };
    let plane = |channel: usize| -> Vec<Vec<f64>> {
        (0..6).map(|row| (0..5).map(|column| value(row, column, channel)).collect()).collect()
    };
    let map: Map = (0..3).map(plane).collect();
    let map = convolve(&map, &tensors["stem.weight"], &tensors["stem.bias"].values, 1, 0, false);
    let map = norm_relu(map, tensors, "bn");
    let map = norm_relu(convolve(&map, &tensors["dw.weight"], &[0.0; 4], 2, 1, true), tensors, "dw.norm");
    let flat: Vec<f64> = map.into_iter().flatten().flatten().collect();
    let (weight, bias) = (&tensors["head.weight"].values, &tensors["head.bias"].values);
    let logit = |(filter, bias): (&[f32], &f32)| {
        f64::from(*bias) + filter.iter().zip(&flat).map(|(a, b)| f64::from(*a) * b).sum::<f64>()
    };
    weight.chunks(flat.len()).zip(bias).map(logit).collect()
}

fn random_tensors(random: &mut fastrand::Rng) -> Tensors {
    let shapes: [(&str, &[usize]); 13] = [
        ("stem.weight", &[4, 3, 3, 2]),
        ("stem.bias", &[4]),
        ("bn.weight", &[4]),
        ("bn.bias", &[4]),
        ("bn.running_mean", &[4]),
        ("bn.running_var", &[4]),
        ("dw.weight", &[4, 1, 3, 3]),
        ("dw.norm.weight", &[4]),
        ("dw.norm.bias", &[4]),
        ("dw.norm.running_mean", &[4]),
        ("dw.norm.running_var", &[4]),
        ("head.weight", &[3, 16]),
        ("head.bias", &[3]),
    ];
    let tensors = shapes.map(|(name, shape)| {
        let least = if name.ends_with("_var") { 0.1 } else { -1.0 };
        let values = (0..shape.iter().product()).map(|_| least + 2.0 * random.f32()).collect();
        (name.to_string(), Tensor { shape: shape.to_vec(), values })
    });
    tensors.into()
}

#[test]
fn float_networks_compute_what_they_did_where_they_were_trained() {
    let _turn = take_turn(1, 1);
    let imported = parse_with_weights(Path::new("net.toml"), NETWORK).unwrap();
    let graph = Graph::resolve(&imported.spec).unwrap();
    let normalisation = imported.normalisations[0].clone().unwrap();
    let mut random = fastrand::Rng::with_seed(5);
    for _ in 0..5 {
        let tensors = random_tensors(&mut random);
        let pixels: Vec<u8> = (0..8 * 90).map(|_| random.u8(..)).collect();
        let split = Split { pixels: pixels.clone().into(), targets: vec![0; 8].into() };
        let images = Images::all(&split);
        let start = initial(&imported, &graph, imported.weights.as_ref().unwrap(), &tensors).unwrap();
        let of_images = Normalisation::of_inputs(&images, &graph.inputs)
            .remove(0)
            .replaced(&normalisation)
            .with_equal_channels();
        let (scale, zero_point) = normalisation.shared(mixq_format::Bits::B8);
        assert_eq!(of_images.image, Grid { scale, zero_point });
        let scheme = Scheme::PerChannel;
        let allocation = allocate(&graph, u64::MAX, u64::MAX, scheme).unwrap();
        let mut model = Model::new(
            &graph,
            &allocation,
            scheme,
            Rounding::Nearest,
            std::slice::from_ref(&of_images),
            Device::Cpu,
        );
        model.begin_with(&start);
        let (batch, _) = batch(&images, &[0, 1, 2, 3, 4, 5, 6, 7], &model.form());
        let mode = Mode { quantised: false, batch_statistics: false };
        let found = tch::no_grad(|| model.forward(&batch, mode));
        let found = Vec::<f64>::try_from(found.to_kind(Kind::Double).flatten(0, -1)).unwrap();
        let expected: Vec<f64> =
            pixels.chunks(90).flat_map(|image| logits(image, &tensors, &normalisation)).collect();
        let range = expected.iter().fold(0.0, |range: f64, logit| range.max(logit.abs()));
        for (found, expected) in found.iter().zip(&expected) {
            assert!((found - expected).abs() < 1e-5 * range, "{found} {expected} of {range}");
        }
    }
}

/// Whatever the last layer has: the same outputs, changed.
#[test]
fn outputs_change_by_factors_and_summands() {
    let _turn = take_turn(1, 1);
    for norm in ["false", "true"] {
        let network = NETWORK.replace("features = 3", &format!("features = 3, batch_norm = {norm}"));
        let imported = parse_with_weights(Path::new("net.toml"), &network).unwrap();
        let graph = Graph::resolve(&imported.spec).unwrap();
        let mut random = fastrand::Rng::with_seed(9);
        let pixels: Vec<u8> = (0..4 * 90).map(|_| random.u8(..)).collect();
        let split = Split { pixels: pixels.into(), targets: vec![0; 4].into() };
        let images = Images::all(&split);
        let normalisation = Normalisation::of_inputs(&images, &graph.inputs);
        let scheme = Scheme::PerChannel;
        let allocation = allocate(&graph, u64::MAX, u64::MAX, scheme).unwrap();
        let mut model =
            Model::new(&graph, &allocation, scheme, Rounding::Nearest, &normalisation, Device::Cpu);
        let answers = |model: &Model<'_>| {
            let (batch, _) = batch(&images, &[0, 1, 2, 3], &model.form());
            let mode = Mode { quantised: false, batch_statistics: false };
            let outputs = tch::no_grad(|| model.forward(&batch, mode));
            Vec::<f64>::try_from(outputs.to_kind(Kind::Double).flatten(0, -1)).unwrap()
        };
        let before = answers(&model);
        let (factors, summands) = ([2.0, -0.5, 0.25], [1.0, 0.0, -3.0]);
        model.change_outputs(&factors, &summands);
        for (index, (before, after)) in before.iter().zip(answers(&model)).enumerate() {
            let expected = factors[index % 3] * before + summands[index % 3];
            assert!((after - expected).abs() < 1e-4 * (1.0 + expected.abs()), "{norm}: {after} {expected}");
        }
    }
}

/// Ranges that come with the weights are bounds of activations.
#[test]
fn ranges_become_bounds() {
    let _turn = take_turn(1, 1);
    let imported = parse_with_weights(Path::new("net.toml"), NETWORK).unwrap();
    let graph = Graph::resolve(&imported.spec).unwrap();
    let mut tensors = random_tensors(&mut fastrand::Rng::with_seed(3));
    tensors.insert("dw.range".to_string(), Tensor { shape: vec![2], values: vec![0.0, 3.5] });
    let start = initial(&imported, &graph, imported.weights.as_ref().unwrap(), &tensors).unwrap();
    let scheme = Scheme::PerChannel;
    let allocation = allocate(&graph, u64::MAX, u64::MAX, scheme).unwrap();
    let split = Split { pixels: vec![7; 90].into(), targets: vec![0; 1].into() };
    let normalisation = Normalisation::of_inputs(&Images::all(&split), &graph.inputs);
    let mut model = Model::new(&graph, &allocation, scheme, Rounding::Nearest, &normalisation, Device::Cpu);
    model.take_ranges(&start);
    let high = |node: usize| model.get(node, Part::High).unwrap().double_value(&[]);
    // The stem keeps the start that all have.
    assert_eq!([high(0), high(1)], [6.0, 3.5]);
}

/// Two layers that are joined have one grid: it holds the ranges of both.
#[test]
fn joined_layers_have_a_range_for_both() {
    let _turn = take_turn(1, 1);
    let network = r#"
        input = [4, 4, 1]
        layer = [
            { op = "pointwise", name = "a", filters = 2 },
            { op = "pointwise", name = "b", filters = 2, inputs = ["image"] },
            { op = "concat", inputs = ["a", "b"] },
            { op = "linear", features = 2 },
        ]
    "#;
    let imported = parse_with_weights(Path::new("net.toml"), network).unwrap();
    let graph = Graph::resolve(&imported.spec).unwrap();
    let scheme = Scheme::PerChannel;
    let allocation = allocate(&graph, u64::MAX, u64::MAX, scheme).unwrap();
    let split = Split { pixels: vec![7; 16].into(), targets: vec![0; 1].into() };
    let normalisation = Normalisation::of_inputs(&Images::all(&split), &graph.inputs);
    let mut model = Model::new(&graph, &allocation, scheme, Rounding::Nearest, &normalisation, Device::Cpu);
    let mut ranges = vec![None; graph.nodes.len()];
    (ranges[0], ranges[1]) = (Some([0.0, 8.0]), Some([0.0, 3.0]));
    model.take_ranges(&Initial { ranges, ..Initial::default() });
    let high = |node: usize| model.get(node, Part::High).unwrap().double_value(&[]);
    assert_eq!([high(0), high(1)], [8.0, 8.0]);
}

/// libtorch has the operator itself; here it is an ordinary convolution over zeros between pixels.
/// Tensors of these names and shapes, of numbers from -0.5 to 0.5.
fn drawn(shapes: &[(&str, &[usize])], random: &mut fastrand::Rng) -> Tensors {
    let tensors = shapes.iter().map(|(name, shape)| {
        let values = (0..shape.iter().product()).map(|_| random.f32() - 0.5).collect();
        (name.to_string(), Tensor { shape: shape.to_vec(), values })
    });
    tensors.collect()
}

fn in_libtorch(tensor: &Tensor) -> tch::Tensor {
    let shape: Vec<i64> = tensor.shape.iter().map(|side| *side as i64).collect();
    tch::Tensor::from_slice(&tensor.values).view(&shape[..])
}

#[test]
fn transposed_convolutions_are_those_of_libtorch() {
    let _turn = take_turn(1, 1);
    let network = r#"
        input = [4, 5, 2]
        weights = "net.safetensors"
        normalisation = { mean = 0, std = 255 }
        layer = [
            { op = "pointwise", name = "stem", filters = 3, batch_norm = false, activation = "none" },
            { op = "transposed_conv", name = "up", filters = 2, kernel = [3, 2], stride = [2, 3],
              padding = [1, 0, 1, 0], batch_norm = false, activation = "none" },
            { op = "linear", name = "head", features = 3, batch_norm = false },
        ]
    "#;
    let imported = parse_with_weights(Path::new("net.toml"), network).unwrap();
    let graph = Graph::resolve(&imported.spec).unwrap();
    let mut random = fastrand::Rng::with_seed(6);
    let shapes: [(&str, &[usize]); 6] = [
        ("stem.weight", &[3, 2, 1, 1]),
        ("stem.bias", &[3]),
        ("up.weight", &[3, 2, 3, 2]),
        ("up.bias", &[2]),
        ("head.weight", &[3, 2 * 8 * 13]),
        ("head.bias", &[3]),
    ];
    let tensors = drawn(&shapes, &mut random);
    let of = |name: &str| in_libtorch(&tensors[name]);
    let pixels: Vec<u8> = (0..3 * 40).map(|_| random.u8(..)).collect();
    let split = Split { pixels: pixels.clone().into(), targets: vec![0; 3].into() };
    let images = Images::all(&split);
    let start = initial(&imported, &graph, imported.weights.as_ref().unwrap(), &tensors).unwrap();
    let normalisation = imported.normalisations[0].clone().unwrap();
    let of_images = Normalisation::of_inputs(&images, &graph.inputs)
        .remove(0)
        .replaced(&normalisation)
        .with_equal_channels();
    let allocation = allocate(&graph, u64::MAX, u64::MAX, Scheme::PerChannel).unwrap();
    let mut model = Model::new(
        &graph,
        &allocation,
        Scheme::PerChannel,
        Rounding::Nearest,
        std::slice::from_ref(&of_images),
        Device::Cpu,
    );
    model.begin_with(&start);
    let (x, _) = batch(&images, &[0, 1, 2], &model.form());
    let mode = Mode { quantised: false, batch_statistics: false };
    let found = tch::no_grad(|| model.forward(&x, mode));
    let x =
        tch::Tensor::from_slice(&pixels).view([3, 4, 5, 2]).permute([0, 3, 1, 2]).to_kind(Kind::Float) / 255;
    let x = x.conv2d(&of("stem.weight"), Some(of("stem.bias")), 1, 0, 1, 1);
    let x = x.conv_transpose2d(&of("up.weight"), Some(of("up.bias")), [2, 3], [1, 1], [1, 1], 1, [1, 1]);
    let expected = x.flatten(1, -1).linear(&of("head.weight"), Some(of("head.bias")));
    let off = (found - &expected).abs().max().double_value(&[]);
    assert!(off < 1e-5 * expected.abs().max().double_value(&[]), "{off}");
}
