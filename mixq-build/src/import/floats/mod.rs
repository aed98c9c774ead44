//! A network with its weights in 32-bit floats, executed on the host without libtorch: what an imported
//! network answers before anything is quantised.

mod rearrange;
mod sums;

use crate::graph::op::{Addition, Constants, Elementwise};
use crate::graph::{Activation, Graph, Node, Op, Shape, Source};
use crate::import::{After, Initial};
use mixq_format::{Between, Operation};

/// What batch norm adds to variances.
const EPSILON: f32 = 1e-5;

/// The outputs of all nodes for one example, each in the order row, column, channel; `input` is in that
/// order, too, one input after the other.
pub fn execute(graph: &Graph, initial: &Initial, input: &[f32]) -> Vec<Vec<f32>> {
    let mut values: Vec<Vec<f32>> = Vec::with_capacity(graph.nodes.len());
    for index in 0..graph.nodes.len() {
        let value = node(graph, initial, index, input, &values);
        values.push(value);
    }
    values
}

fn node(graph: &Graph, initial: &Initial, index: usize, image: &[f32], values: &[Vec<f32>]) -> Vec<f32> {
    let node = &graph.nodes[index];
    let input = |which: usize| -> (&[f32], Shape) {
        let source = node.inputs[which];
        let values = match source {
            Source::Input(input) => &image[graph.inputs.ranges()[input].clone()],
            Source::Node(before) => &values[before],
        };
        (values, graph.shape(source))
    };
    let (x, shape) = input(0);
    let pairs = |compute: fn(f32, f32) -> f32| -> Vec<f32> {
        let (other, _) = input(1);
        // A second operand of one pixel is that of every pixel.
        x.iter().zip(other.iter().cycle()).map(|(a, b)| compute(*a, *b)).collect()
    };
    let mut output = match node.op {
        Op::Conv(_) | Op::Depthwise(_) | Op::GroupedConv(_) | Op::Linear(_) => {
            weighted(node, x, shape, initial, index)
        }
        Op::AveragePool(pool) => sums::pooled(x, shape, &pool.window, node.output, sums::average),
        Op::MaxPool(pool) => sums::pooled(x, shape, &pool.window, node.output, sums::maximum),
        Op::Add(Addition { subtracts: false }) => pairs(|a, b| a + b),
        Op::Add(Addition { subtracts: true }) => pairs(|a, b| a - b),
        Op::Multiply(_) => pairs(|a, b| a * b),
        Op::Prelu(_) => {
            let slopes = initial.layers[index].as_ref().map_or(&[][..], |layer| &layer.weight);
            let value = |(x, slope): (&f32, &f32)| if *x < 0.0 { x * slope } else { *x };
            x.iter().zip(slopes.iter().cycle()).map(value).collect()
        }
        Op::Constants(Constants { operation, .. }) => {
            let constants = initial.layers[index].as_ref().map_or(&[][..], |layer| &layer.weight);
            let Shape { height, width, channels } = shape;
            let value = |(place, x): (usize, &f32)| {
                // Constants lie channel after channel.
                let constant = constants[place % channels * height * width + place / channels];
                match operation {
                    Operation::Sum => x + constant,
                    Operation::Product => x * constant,
                }
            };
            x.iter().enumerate().map(value).collect()
        }
        Op::Flatten(_) => x.to_vec(),
        Op::Elementwise(Elementwise { function }) => {
            x.iter().map(|x| function.value(f64::from(*x)) as f32).collect()
        }
        Op::Rearrange(op) => {
            let before = if node.inputs.len() > 1 { input(1).0 } else { &[] };
            rearrange::rearranged(op, x, shape, before, node.output)
        }
        Op::Resize(resize) => {
            let [rows, columns] = resize.axes([shape.height, shape.width]);
            let places = |axis: mixq_format::Axis, count: usize, size: usize| -> Vec<(usize, f32)> {
                let place = |at: usize| {
                    let units = at as f32 * axis.step as f32 + axis.first as f32;
                    let at = (units / axis.unit as f32).clamp(0.0, (size - 1) as f32);
                    let between = matches!(resize.between(), Between::Interpolated);
                    (at.floor() as usize, if between { at.fract() } else { 0.0 })
                };
                (0..count).map(place).collect()
            };
            let rows = places(rows, node.output.height, shape.height);
            let columns = places(columns, node.output.width, shape.width);
            rearrange::interpolated(x, shape, &rows, &columns)
        }
    };
    activate(&mut output, node.activation);
    output
}

fn activate(values: &mut [f32], activation: Activation) {
    let (least, most) = match activation {
        // Functions are nodes of their own.
        Activation::None | Activation::Function(_) => return,
        Activation::Relu => (0.0, f32::INFINITY),
        Activation::ReluUpTo(bound) => (0.0, bound.get() as f32),
    };
    for value in values {
        *value = value.max(least).min(most);
    }
}

/// A layer with weights, with what follows its sums.
fn weighted(node: &Node, x: &[f32], shape: Shape, initial: &Initial, index: usize) -> Vec<f32> {
    let Some(layer) = &initial.layers[index] else { return vec![0.0; node.output.elements()] };
    let mut sums = match node.op {
        Op::Linear(_) => sums::products(x, &layer.weight, node.output.channels),
        Op::Conv(conv) => sums::convolved(x, shape, &layer.weight, &conv.window, [1, 1], 1, node.output),
        Op::Depthwise(conv) => {
            sums::convolved(x, shape, &layer.weight, &conv.window, [1, 1], shape.channels, node.output)
        }
        Op::GroupedConv(conv) => {
            sums::convolved(x, shape, &layer.weight, &conv.window, conv.dilation, conv.groups, node.output)
        }
        _ => unreachable!("an operator with weights"),
    };
    let channels = node.output.channels;
    for (place, sum) in sums.iter_mut().enumerate() {
        let channel = place % channels;
        *sum = match &layer.after {
            After::Nothing => *sum,
            After::Bias(bias) => *sum + bias[channel],
            After::Norm { gamma, beta, mean, variance } => {
                let factor = gamma[channel] / (variance[channel] + EPSILON).sqrt();
                (*sum - mean[channel]) * factor + beta[channel]
            }
        };
    }
    sums
}
