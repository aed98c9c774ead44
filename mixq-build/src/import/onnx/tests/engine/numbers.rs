//! What computes each number from those at its place.

use super::graph::{Graph, Tensor};
use super::*;

type Grow = fn(&mut Graph, &Tensor) -> Option<Tensor>;

/// The most channels that a matrix joins with each other.
const MOST_CHANNELS: usize = 64;

pub const ALL: &[Grow] = &[
    function, function, function, function, function, function, function, function, function, constant,
    constant, constant, joined, joined, gate, softmax, power,
];

fn function(graph: &mut Graph, x: &Tensor) -> Option<Tensor> {
    let alpha = |value: f32| vec![("alpha", Value::Float(value))];
    let (operator, attributes) = match graph.whole(0, 18) {
        0 => ("Relu", vec![]),
        1 => ("LeakyRelu", alpha(0.1)),
        2 => ("Elu", alpha(0.7)),
        3 => ("HardSigmoid", vec![]),
        4 if graph.opset > 13 => ("HardSwish", vec![]),
        5 => ("Sigmoid", vec![]),
        6 => ("Tanh", vec![]),
        7 => ("Softplus", vec![]),
        8 if graph.opset > 19 => ("Gelu", vec![]),
        9 if graph.opset > 19 => ("Gelu", vec![("approximate", Value::Text("tanh"))]),
        10 => ("Abs", vec![]),
        11 => ("Neg", vec![]),
        12 => return root(graph, x),
        13 => return slopes(graph, x),
        14 => return clip(graph, x),
        15 => return swish(graph, x),
        16 => ("Identity", vec![]),
        17 if graph.opset > 8 => ("Cast", vec![("to", Value::Int(1))]),
        18 => return bounded_exponential(graph, x),
        _ => ("Relu", vec![]),
    };
    Some(graph.unary(operator, x, &attributes))
}

/// Of numbers that are not negative.
fn root(graph: &mut Graph, x: &Tensor) -> Option<Tensor> {
    let positive = graph.unary("Abs", x, &[]);
    Some(graph.unary("Sqrt", &positive, &[]))
}

fn bounded_exponential(graph: &mut Graph, x: &Tensor) -> Option<Tensor> {
    let bounded = graph.unary("Tanh", x, &[]);
    Some(graph.unary("Exp", &bounded, &[]))
}

/// In pieces, as exporters have it.
fn swish(graph: &mut Graph, x: &Tensor) -> Option<Tensor> {
    let gate = graph.unary("Sigmoid", x, &[]);
    let inputs = if graph.chance(2) { [x, &gate] } else { [&gate, x] };
    Some(graph.node("Mul", &inputs.map(|it| it.name.as_str()), &[], x.dims.clone()))
}

fn slopes(graph: &mut Graph, x: &Tensor) -> Option<Tensor> {
    let slopes = number_by_channel(graph, x);
    Some(graph.node("PRelu", &[&x.name, &slopes], &[], x.dims.clone()))
}

fn clip(graph: &mut Graph, x: &Tensor) -> Option<Tensor> {
    let bounds = [(-0.5, 0.75), (0.0, 6.0), (0.0, 0.5), (0.25, 1.0)];
    let (low, high) = *graph.random.choice(&bounds).unwrap();
    let (has_low, has_high) = *graph.random.choice(&[(true, true), (true, false), (false, true)]).unwrap();
    if graph.opset < 11 {
        let mut attributes = Vec::new();
        attributes.extend(has_low.then_some(("min", Value::Float(low))));
        attributes.extend(has_high.then_some(("max", Value::Float(high))));
        return Some(graph.unary("Clip", x, &attributes));
    }
    let low = if has_low { graph.floats(&[], &[low]) } else { String::new() };
    let mut inputs = vec![x.name.clone(), low];
    if has_high {
        inputs.push(graph.floats(&[], &[high]));
    }
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    Some(graph.node("Clip", &inputs, &[], x.dims.clone()))
}

/// Numbers that are one, or one for each channel, in a shape that broadcasts.
fn number_by_channel(graph: &mut Graph, x: &Tensor) -> String {
    let Some(channels) = x.dims.get(1).copied() else { return graph.weights(&[]) };
    let ones = x.dims.len().saturating_sub(2);
    match graph.whole(0, 4) {
        0 => graph.weights(&[]),
        1 => graph.weights(&[1]),
        2 => graph.weights(&[&[1, channels][..], &vec![1; ones]].concat()),
        3 if x.dims.len() == 2 => graph.weights(&[channels]),
        _ => graph.weights(&[&[channels][..], &vec![1; ones]].concat()),
    }
}

/// A sum, a difference, a product, a quotient, a bound: with numbers that are constant.
fn constant(graph: &mut Graph, x: &Tensor) -> Option<Tensor> {
    let operator = *graph.random.choice(&["Add", "Sub", "Mul", "Div", "Max", "Min"]).unwrap();
    let numbers = match operator {
        // Of numbers that are not near 0.
        "Div" => {
            let channels = x.dims.get(1).copied().unwrap_or(1);
            let ones = vec![1; x.dims.len().saturating_sub(2)];
            let values: Vec<f32> = (0..channels).map(|_| 0.5 + graph.random.f32()).collect();
            graph.floats(&[&[1, channels][..], &ones].concat(), &values)
        }
        _ => number_by_channel(graph, x),
    };
    let first = graph.chance(3) && operator != "Div";
    let inputs = if first { [numbers.as_str(), &x.name] } else { [&x.name, numbers.as_str()] };
    Some(graph.node(operator, &inputs, &[], x.dims.clone()))
}

/// Two tensors, or three, of one shape.
fn joined(graph: &mut Graph, x: &Tensor) -> Option<Tensor> {
    let operator = *graph.random.choice(&["Add", "Sub", "Mul", "Max", "Min", "Sum", "Mean"]).unwrap();
    let other = graph.other(x)?;
    let mut inputs = vec![x.name.clone(), other.name];
    if matches!(operator, "Max" | "Min" | "Sum" | "Mean") && graph.chance(2) {
        inputs.push(graph.other(x)?.name);
    }
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    Some(graph.node(operator, &inputs, &[], x.dims.clone()))
}

/// A number for each channel, computed of the tensor, as squeeze and excite has it.
fn gate(graph: &mut Graph, x: &Tensor) -> Option<Tensor> {
    let [1, channels, _, _] = x.dims[..] else { return None };
    if channels > MOST_CHANNELS {
        return None;
    }
    let pooled = graph.node("GlobalAveragePool", &[&x.name], &[], vec![1, channels, 1, 1]);
    let weight = graph.weights(&[channels, channels, 1, 1]);
    let kernel = [("kernel_shape", Value::Ints(&[1, 1]))];
    let gate = graph.node("Conv", &[&pooled.name, &weight], &kernel, pooled.dims.clone());
    let gate = graph.unary("Sigmoid", &gate, &[]);
    let operator = if graph.chance(4) { "Add" } else { "Mul" };
    Some(graph.node(operator, &[&gate.name, &x.name], &[], x.dims.clone()))
}

/// In versions before 13 it goes along all dimensions from the axis on, which rten does not know: there the
/// axis is the last one.
fn softmax(graph: &mut Graph, x: &Tensor) -> Option<Tensor> {
    let operator = if graph.chance(2) { "Softmax" } else { "LogSoftmax" };
    let last = x.dims.len() as i64 - 1;
    let axis = if graph.opset < 13 || graph.chance(2) { last } else { last.min(1) };
    Some(graph.unary(operator, x, &[("axis", Value::Int(axis))]))
}

fn power(graph: &mut Graph, x: &Tensor) -> Option<Tensor> {
    let exponent = *graph.random.choice(&[1.0, 2.0, 3.0]).unwrap();
    let exponent = graph.floats(&[], &[exponent]);
    Some(graph.node("Pow", &[&x.name, &exponent], &[], x.dims.clone()))
}
