//! Networks that are known from publications, and some that users have, with random weights: as large and as
//! asymmetric as trained ones have, so that kernels may go as far with them.

use fastrand::Rng;
use mixq_build::engine::config::{Rounding, Scheme};
use mixq_build::engine::convert::{About, Grid, TrainedLayer, TrainedNetwork, convert};
use mixq_build::engine::graph::op::{ConvSpec, Elementwise, GlobalAveragePool, LinearSpec};
use mixq_build::engine::graph::{Activation, Graph, LayerSpec, Op, Padding, Shape, Source, Spec};
use mixq_build::engine::import::builtin;
use mixq_build::engine::memory::{Allocation, allocate, allocate_uniformly};
use mixq_format::{Accuracy, Artifact, Bits, Budget, Task};

use crate::trained::{constants, largest, prelu};

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
    Spec::new(Shape::from(640), features.iter().enumerate().map(layer).collect())
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
    Spec::new(Shape { height: 1, width: 128, channels: 6 }, layers)
}

/// A network with this number of bits for all weights and activations but image and logits, in its least
/// arena.
///
/// # Panics
/// If there is no such network.
pub fn artifact(name: &str, bits: Bits) -> Artifact {
    let graph = graph(name);
    let allocation = uniform(&graph, bits);
    with_weights(name, &graph, &allocation, Budget { flash: ROOM, ram: ROOM })
}

/// More bytes than any of the networks takes.
const ROOM: u64 = 1 << 30;

fn uniform(graph: &Graph, bits: Bits) -> Allocation {
    allocate_uniformly(graph, bits, ROOM, ROOM, Scheme::PerChannel).expect("there is room")
}

/// A network with the bits that the rules give it in 60 % of the flash and of the RAM that it takes with 8
/// bits; in 70, 80, 90 or 100 % of that RAM, if image and logits leave too little of less.
///
/// # Panics
/// If there is no such network.
pub fn allocated(name: &str) -> Artifact {
    let graph = graph(name);
    let Allocation { flash, ram, .. } = uniform(&graph, Bits::B8);
    let budget = |tenths: u64| Budget { flash: flash * 6 / 10, ram: ram * tenths / 10 };
    let found = (6..=10).find_map(|tenths| {
        let Budget { flash, ram } = budget(tenths);
        let allocation = allocate(&graph, flash, ram, Scheme::PerChannel).ok()?;
        Some((allocation, budget(tenths)))
    });
    let (allocation, budget) = found.unwrap_or_else(|| panic!("{name} does not fit its budget"));
    with_weights(name, &graph, &allocation, budget)
}

/// A network with random weights.
fn with_weights(name: &str, graph: &Graph, allocation: &Allocation, budget: Budget) -> Artifact {
    let scheme = Scheme::PerChannel;
    let trained = trained(&mut Rng::with_seed(name.len() as u64), graph, allocation);
    let converted = convert(graph, allocation, scheme, &trained).unwrap_or_else(|e| panic!("{name}: {e}"));
    converted.into_artifact(About {
        name: name.to_string(),
        task: Task::default(),
        labels: (0..graph.outputs()).map(|class| class.to_string()).collect(),
        samples: Vec::new(),
        readout: mixq_format::Readout::default(),
        fingerprint: Default::default(),
        budget,
        accuracy: Accuracy::default(),
    })
}

/// Weights around their zero points, scales that spread codes over their range.
fn trained(rng: &mut Rng, graph: &Graph, allocation: &Allocation) -> TrainedNetwork {
    let input = Grid { scale: 1.0 / 255.0, zero_point: 128 };
    let (mut grids, mut layers, mut activations) = (Vec::new(), Vec::new(), Vec::new());
    let (one_grid, zero_based) = (graph.grids(), graph.zero_based());
    for (index, node) in graph.nodes.iter().enumerate() {
        let read = |which: usize| match node.inputs[which] {
            Source::Input(_) => (input, Bits::B8),
            Source::Node(earlier) => (grids[earlier], allocation.activations[earlier]),
        };
        let reach = |(grid, bits): (Grid, Bits)| grid.scale * f64::from(bits.max_code()) * 0.5;
        let (layer, spread) = match node.op {
            Op::Conv(_) | Op::Depthwise(_) | Op::GroupedConv(_) | Op::Linear(_) => {
                let (layer, window) = weights(rng, graph, allocation, index);
                let bits = allocation.weights[index].expect("a weighted node has bits");
                let weight = layer.grids[0].scale * f64::from(bits.max_code()) / 5.0;
                (Some(layer), (window as f64).sqrt() * reach(read(0)) * weight)
            }
            Op::Add { .. } => (None, reach(read(0)) + reach(read(1))),
            Op::Multiply(_) => (None, 2.0 * reach(read(0)) * reach(read(1))),
            Op::Constants(_) => (Some(constants(rng, graph, allocation, index)), 2.0 * reach(read(0))),
            Op::Prelu(_) => (Some(prelu(vec![0.25; node.output.channels])), reach(read(0))),
            Op::Elementwise(Elementwise { function }) => (None, largest(function, read(0))),
            Op::AveragePool { .. }
            | Op::MaxPool { .. }
            | Op::Flatten { .. }
            | Op::Rearrange(_)
            | Op::Resize(_) => {
                grids.push(read(0).0);
                layers.push(None);
                activations.push(None);
                continue;
            }
        };
        let last = index + 1 == graph.nodes.len();
        let own = (!last).then(|| {
            let codes = allocation.activations[index].max_code();
            let relu = zero_based[index];
            let scale = 2.0 * spread / f64::from(codes);
            let grid = Grid { scale, zero_point: if relu { 0 } else { (codes + 1) / 2 } };
            if one_grid[index] == index { grid } else { grids[one_grid[index]] }
        });
        grids.push(own.unwrap_or(read(0).0));
        layers.push(layer);
        activations.push(own);
    }
    TrainedNetwork { inputs: vec![input], layers, activations, rounding: Rounding::Nearest }
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
    use mixq_format::Layer;

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

    #[test]
    fn the_rules_decide_something_and_keep_the_budget() {
        for name in NAMES {
            let artifact = allocated(name);
            assert_eq!(artifact.network(&artifact.layers()).validate(), Ok(()), "{name}");
            let Budget { flash, ram } = artifact.header.budget;
            let (takes, arena) = (artifact.flash_bytes() as u64, u64::from(artifact.header.arena_bytes));
            assert!(takes <= flash && arena <= ram, "{name}: {takes} of {flash} B, {arena} of {ram} B");
            let bits = |layer: &Layer| layer.weights().map(|(.., bits)| bits);
            assert!(artifact.layers().iter().filter_map(bits).any(|bits| bits != Bits::B8), "{name}");
        }
    }
}
