//! Random values for a network as if it had been trained.

use fastrand::Rng;
use mixq_build::engine::config::{Rounding, Scheme};
use mixq_build::engine::convert::{Grid, TrainedLayer, TrainedNetwork};
use mixq_build::engine::graph::op::{Constants, Elementwise, Function};
use mixq_build::engine::graph::{Graph, Input, Inputs, Op, Shape, Source};
use mixq_build::engine::memory::Allocation;
use mixq_format::{Bits, Operation};

/// Values of every kind that a training can come to: zero points at the ends of their range, multipliers of
/// either sign and exactly 0; in the folded scheme all multipliers are 1, and some channels have no weights
/// but 0. Output scales are such that codes spread over their range.
pub fn random_trained(
    rng: &mut Rng,
    graph: &Graph,
    allocation: &Allocation,
    scheme: Scheme,
    rounding: Rounding,
) -> TrainedNetwork {
    let inputs = graph.inputs.iter().map(|input| {
        let last = input.bits.max_code();
        let scale = (0.003 + 0.03 * rng.f64()) * 255.0 / f64::from(last);
        Grid { scale, zero_point: rng.i32(0..=last) }
    });
    let inputs: Vec<Grid> = inputs.collect();
    let mut network = TrainedNetwork { inputs, layers: Vec::new(), activations: Vec::new(), rounding };
    let mut grids: Vec<Grid> = Vec::new();
    let (one_grid, zero_based) = (graph.grids(), graph.zero_based());
    for (index, node) in graph.nodes.iter().enumerate() {
        let read = |which: usize| match node.inputs[which] {
            Source::Input(index) => (network.inputs[index], graph.inputs[index].bits),
            Source::Node(earlier) => (grids[earlier], allocation.activations[earlier]),
        };
        let (x, x_bits) = read(0);
        let size = |grid: Grid, bits: Bits| grid.scale * f64::from(bits.max_code()) * 0.5;
        let (layer, spread) = match node.op {
            Op::Conv(_) | Op::Depthwise(_) | Op::GroupedConv(_) | Op::Linear(_) => {
                let (layer, window) = random_layer(rng, graph, allocation, scheme, index);
                let gain = layer.multiplier.iter().fold(0.0f64, |most, m| most.max(m.abs())).max(0.1);
                let weight = layer.grids[0].scale * f64::from(allocation.weights[index].unwrap().max_code());
                (Some(layer), gain * (window as f64).sqrt() * size(x, x_bits) * weight * 0.3)
            }
            Op::Add { .. } => (None, size(x, x_bits) + read(1).0.scale * f64::from(read(1).1.max_code())),
            Op::Multiply(_) => {
                let (y, y_bits) = read(1);
                (None, 2.0 * size(x, x_bits) * size(y, y_bits))
            }
            Op::Constants(Constants { operation, .. }) => {
                let layer = constants(rng, graph, allocation, index);
                let own = size(layer.grids[0], allocation.weights[index].unwrap());
                let spread = match operation {
                    Operation::Sum => size(x, x_bits) + 2.0 * own,
                    Operation::Product => 2.0 * size(x, x_bits) * own,
                };
                (Some(layer), spread)
            }
            Op::Prelu(_) => {
                let slopes = (0..node.output.channels).map(|_| 1.6 * rng.f64() - 0.4).collect();
                (Some(prelu(slopes)), size(x, x_bits))
            }
            Op::Elementwise(Elementwise { function }) => (None, largest(function, (x, x_bits))),
            Op::AveragePool { .. }
            | Op::MaxPool { .. }
            | Op::Flatten { .. }
            | Op::Rearrange(_)
            | Op::Resize(_) => {
                grids.push(x);
                network.layers.push(None);
                network.activations.push(None);
                continue;
            }
        };
        let own = (!graph.is_logits(index)).then(|| {
            let codes = allocation.activations[index].max_code();
            let scale = 2.0 * spread / f64::from(codes) * (0.3 + rng.f64());
            let most = node.activation.bound().map_or(f64::INFINITY, |bound| bound / f64::from(codes));
            let zero_point = if zero_based[index] { 0 } else { rng.i32(0..=codes) };
            let grid = Grid { scale: scale.min(most), zero_point };
            // Outputs that are joined have one grid: that of the first of them.
            if one_grid[index] == index { grid } else { grids[one_grid[index]] }
        });
        let layer = layer.map(|mut layer| {
            // A PReLU has none.
            layer.offset.iter_mut().for_each(|offset| *offset = spread * (rng.f64() - 0.5));
            layer
        });
        grids.push(own.unwrap_or(x));
        network.layers.push(layer);
        network.activations.push(own);
    }
    network
}

/// Constants on a random grid, some of them all the same.
pub fn constants(rng: &mut Rng, graph: &Graph, allocation: &Allocation, index: usize) -> TrainedLayer {
    let (low, high) = signed_range(allocation.weights[index].expect("a weighted node has bits"));
    let grid = Grid { scale: 0.001 + 0.05 * rng.f64(), zero_point: rng.i32(low..=high) };
    let low = if rng.u8(0..5) == 0 { high } else { low };
    let codes = (0..graph.weight_count(index)).map(|_| rng.i32(low..=high) as i8).collect();
    TrainedLayer { codes, grids: vec![grid], multiplier: Vec::new(), offset: Vec::new() }
}

/// A PReLU with these slopes.
pub fn prelu(slopes: Vec<f64>) -> TrainedLayer {
    TrainedLayer { codes: Vec::new(), grids: Vec::new(), multiplier: slopes, offset: Vec::new() }
}

/// The largest magnitude that a function comes to for the codes of a tensor, but at least a little.
pub fn largest(function: Function, (grid, bits): (Grid, Bits)) -> f64 {
    let value = |code: i32| function.value(grid.scale * f64::from(code - grid.zero_point)).abs();
    (0..=bits.max_code()).map(value).fold(1e-3, f64::max)
}

/// A layer without offsets, and the weights of one output channel.
fn random_layer(
    rng: &mut Rng,
    graph: &Graph,
    allocation: &Allocation,
    scheme: Scheme,
    index: usize,
) -> (TrainedLayer, usize) {
    let node = &graph.nodes[index];
    let bits = allocation.weights[index].expect("a weighted node has bits");
    let channels = node.output.channels;
    let (low, high) = signed_range(bits);
    let shape = graph.weight_shape(index);
    let count: usize = shape.iter().product();
    let window = if matches!(node.op, Op::Depthwise { .. }) { shape[0] * shape[1] } else { count / channels };
    let grids = if scheme.per_layer() { 1 } else { channels };
    let scale = 0.001 + 0.02 * rng.f64();
    let grids: Vec<Grid> = (0..grids)
        .map(|_| Grid { scale: scale * (0.2 + rng.f64()), zero_point: rng.i32(low..=high) })
        .collect();
    let multiplier = (0..channels)
        .map(|_| match (node.norm && scheme != Scheme::PerLayerFolded, rng.u8(0..10)) {
            (false, _) => 1.0,
            (true, 0) => 0.0,
            (true, 1 | 2) => -0.2 - rng.f64(),
            (true, _) => 0.2 + rng.f64(),
        })
        .collect();
    let mut codes: Vec<i8> = (0..count).map(|_| rng.i32(low..=high) as i8).collect();
    if scheme == Scheme::PerLayerFolded && rng.u8(0..4) == 0 {
        // A channel without gamma: folded, its weights are 0.
        let dead = rng.usize(0..channels);
        let depthwise = matches!(node.op, Op::Depthwise { .. });
        let of_channel = |i: usize| if depthwise { i % channels } else { i / window };
        (0..count).filter(|i| of_channel(*i) == dead).for_each(|i| codes[i] = grids[0].zero_point as i8);
    }
    (TrainedLayer { codes, grids, multiplier, offset: vec![0.0; channels] }, window)
}

/// Least and greatest signed code of a weight.
pub fn signed_range(bits: Bits) -> (i32, i32) {
    let half = 1 << (bits.count() - 1);
    (-half, half - 1)
}

/// Random codes of all inputs, one after the other; some inputs are all 0 or all the last code.
pub fn random_row(rng: &mut Rng, inputs: &Inputs) -> Vec<u8> {
    let codes = |input: &Input| {
        let mask = input.bits.max_code() as u8;
        random_image(rng, input.shape).into_iter().map(move |code| code & mask)
    };
    inputs.iter().flat_map(codes).collect()
}

/// An image of random pixels; some are all black or all white.
pub fn random_image(rng: &mut Rng, shape: Shape) -> Vec<u8> {
    match rng.u8(0..6) {
        0 => vec![0; shape.elements()],
        1 => vec![255; shape.elements()],
        _ => (0..shape.elements()).map(|_| rng.u8(..)).collect(),
    }
}
