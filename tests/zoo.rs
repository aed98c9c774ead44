//! Networks that are known from publications, and some that users have, with random weights: as large and as
//! asymmetric as trained ones have, so that kernels may go as far with them.

use fastrand::Rng;
use mixq_build::engine::config::{Rounding, Scheme};
use mixq_build::engine::convert::{About, Grid, TrainedLayer, TrainedNetwork, convert};
use mixq_build::engine::graph::op::{ConvSpec, GlobalAveragePool, LinearSpec};
use mixq_build::engine::graph::{Activation, Graph, LayerSpec, Op, Padding, Shape, Source, Spec};
use mixq_build::engine::import::builtin;
use mixq_build::engine::memory::{Allocation, allocate_uniformly};
use mixq_format::{Accuracy, Artifact, Bits, Budget, Task};

/// The names of all.
pub const NAMES: [&str; 8] = [
    "resnet8",
    "ds_cnn",
    "vww",
    "ad",
    "person_96x96x1",
    "mobilenet_v1_0.25_128",
    "mobilenet_v2_0.35_128",
    "imu_1d",
];

/// The network of a name.
///
/// # Panics
/// If there is none.
pub fn graph(name: &str) -> Graph {
    let mobilenet = |network: &str, width, resolution, channels, classes| {
        let published = builtin::published(network).expect("it is built in");
        let options = builtin::Options { width, resolution, channels, classes, ..published };
        builtin::spec(network, &options).expect("it has these options")
    };
    let published = |network: &str| {
        builtin::spec(network, &builtin::published(network).expect("it is built in")).expect("as published")
    };
    let spec = match name {
        "resnet8" | "ds_cnn" => published(name),
        "vww" => mobilenet("mobilenet_v1", 0.25, 96, 3, 2),
        "ad" => autoencoder(),
        "person_96x96x1" => mobilenet("mobilenet_v1", 0.25, 96, 1, 2),
        "mobilenet_v1_0.25_128" => mobilenet("mobilenet_v1", 0.25, 128, 3, 1000),
        "mobilenet_v2_0.35_128" => mobilenet("mobilenet_v2", 0.35, 128, 3, 1000),
        "imu_1d" => one_dimensional(),
        _ => panic!("there is no network {name}"),
    };
    Graph::resolve(&spec).expect("a network that is known resolves")
}

/// Of anomaly detection in MLPerf Tiny: fully connected, 640 to 128 four times, to 8, and back.
fn autoencoder() -> Spec {
    let features = [128, 128, 128, 128, 8, 128, 128, 128, 128, 640];
    let layer = |(index, features): (usize, &usize)| {
        let layer = LayerSpec::new(format!("linear{index}"), LinearSpec { features: *features });
        let last = index == 9;
        layer.followed_by(!last, if last { Activation::None } else { Activation::Relu })
    };
    Spec {
        input: Shape { height: 1, width: 1, channels: 640 },
        layers: features.iter().enumerate().map(layer).collect(),
    }
}

/// For a sensor of six axes: convolutions along time, as trials had them.
fn one_dimensional() -> Spec {
    let conv = |(index, filters): (usize, &usize)| {
        let op = ConvSpec { filters: *filters, kernel: [1, 5], stride: [1, 2], padding: Padding::Same };
        LayerSpec::new(format!("conv{index}"), op).followed_by(true, Activation::Relu)
    };
    let mut layers: Vec<LayerSpec> = [16, 24, 32, 32].iter().enumerate().map(conv).collect();
    layers.push(LayerSpec::new("pool", GlobalAveragePool).followed_by(false, Activation::None));
    layers.push(LayerSpec::new("linear", LinearSpec { features: 6 }).followed_by(false, Activation::None));
    Spec { input: Shape { height: 1, width: 128, channels: 6 }, layers }
}

/// A network with this number of bits for all weights and activations but image and logits, in its least
/// arena.
///
/// # Panics
/// If there is no such network.
pub fn artifact(name: &str, bits: Bits) -> Artifact {
    let (graph, scheme) = (graph(name), Scheme::PerChannel);
    let (flash, ram) = (1 << 30, 1 << 30);
    let allocation = allocate_uniformly(&graph, bits, flash, ram, scheme).expect("there is room");
    let trained = trained(&mut Rng::with_seed(name.len() as u64), &graph, &allocation);
    let converted = convert(&graph, &allocation, scheme, &trained).unwrap_or_else(|e| panic!("{name}: {e}"));
    converted.into_artifact(About {
        name: name.to_string(),
        task: Task::default(),
        labels: (0..graph.outputs()).map(|class| class.to_string()).collect(),
        readout: mixq_format::Readout::default(),
        fingerprint: Default::default(),
        budget: Budget { flash, ram },
        accuracy: Accuracy::default(),
    })
}

/// Weights around their zero points, scales that spread codes over their range.
fn trained(rng: &mut Rng, graph: &Graph, allocation: &Allocation) -> TrainedNetwork {
    let input = Grid { scale: 1.0 / 255.0, zero_point: 128 };
    let (mut grids, mut layers, mut activations) = (Vec::new(), Vec::new(), Vec::new());
    for (index, node) in graph.nodes.iter().enumerate() {
        let read = |which: usize| match node.inputs[which] {
            Source::Image => (input, Bits::B8),
            Source::Node(earlier) => (grids[earlier], allocation.activations[earlier]),
        };
        let reach = |(grid, bits): (Grid, Bits)| grid.scale * f64::from(bits.max_code()) * 0.5;
        let (layer, spread) = match node.op {
            Op::Conv { .. } | Op::Depthwise { .. } | Op::Linear { .. } => {
                let (layer, window) = weights(rng, graph, allocation, index);
                let bits = allocation.weights[index].expect("a weighted node has bits");
                let weight = layer.grids[0].scale * f64::from(bits.max_code()) / 5.0;
                (Some(layer), (window as f64).sqrt() * reach(read(0)) * weight)
            }
            Op::Add { .. } => (None, reach(read(0)) + reach(read(1))),
            Op::AveragePool { .. } | Op::MaxPool { .. } | Op::Flatten { .. } => {
                grids.push(read(0).0);
                layers.push(None);
                activations.push(None);
                continue;
            }
        };
        let last = index + 1 == graph.nodes.len();
        let own = (!last).then(|| {
            let codes = allocation.activations[index].max_code();
            let relu = node.activation == Activation::Relu;
            let scale = 2.0 * spread / f64::from(codes);
            Grid { scale, zero_point: if relu { 0 } else { (codes + 1) / 2 } }
        });
        grids.push(own.unwrap_or(read(0).0));
        layers.push(layer);
        activations.push(own);
    }
    TrainedNetwork { input, layers, activations, rounding: Rounding::Nearest }
}

/// A layer without offsets, and the weights of one output channel.
fn weights(rng: &mut Rng, graph: &Graph, allocation: &Allocation, index: usize) -> (TrainedLayer, usize) {
    let node = &graph.nodes[index];
    let bits = allocation.weights[index].expect("a weighted node has bits");
    let (channels, half) = (node.output.channels, 1 << (bits.count() - 1));
    let shape = graph.weight_shape(index);
    let count: usize = shape.iter().product();
    let depthwise = matches!(node.op, Op::Depthwise { .. });
    let window = if depthwise { shape[0] * shape[1] } else { count / channels };
    let grid = |rng: &mut Rng| Grid {
        scale: (0.8 + 0.4 * rng.f64()) / f64::from(half),
        zero_point: rng.i32(-half / 8..=half / 8),
    };
    let grids: Vec<Grid> = (0..channels).map(|_| grid(rng)).collect();
    // Of a triangle: about as far apart as trained ones.
    let mut code = |_| {
        let code = (rng.f64() - rng.f64()) * f64::from(half);
        (code.round() as i32).clamp(-half, half - 1) as i8
    };
    let codes = (0..count).map(&mut code).collect();
    let multiplier = (0..channels).map(|_| if node.norm { 0.7 + 0.6 * rng.f64() } else { 1.0 }).collect();
    (TrainedLayer { codes, grids, multiplier, offset: vec![0.0; channels] }, window)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_valid_at_8_and_4_bits() {
        for name in NAMES {
            for bits in [Bits::B8, Bits::B4] {
                let artifact = artifact(name, bits);
                assert_eq!(artifact.network(&artifact.layers()).validate(), Ok(()), "{name}");
            }
        }
    }
}
