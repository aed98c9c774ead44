//! Functions that a model has in pieces: `x * sigmoid(x)`, `0.5 x (1 + erf(x / sqrt(2)))`.
//!
//! Exporters write a function as many nodes. All nodes that compute one number of one number are followed for
//! some numbers, from each tensor on; where what comes out is a function that mixq has, one node replaces
//! them. So it does not matter how a function is written.

use std::collections::HashMap;

use super::constants;
use super::elementwise;
use crate::graph::op::{Function, Number};
use crate::import::model::{Array, Attribute, Attributes, Model, Node};

/// How many tensors before a node are tried as what its function is of.
const DEPTH: usize = 12;

/// How far from a function pieces may be: constants of 32 bits.
const CLOSE: f64 = 2e-5;

/// What a node computes of the numbers of one tensor.
#[derive(Clone)]
struct Followed {
    of: String,
    values: Vec<f64>,
}

/// Numbers of both signs; none is where a function has a corner.
fn samples() -> Vec<f64> {
    (-60..=60).map(|at| f64::from(at) / 5.0 + 0.013).collect()
}

/// A function that is looked for: its operator in ONNX.
struct Known {
    operator: &'static str,
    attribute: Option<(&'static str, Attribute)>,
    /// Of the samples.
    values: Vec<f64>,
}

fn known(samples: &[f64]) -> Vec<Known> {
    let tanh = Attribute::Text("tanh".to_string());
    let mut known = vec![
        (Function::Sigmoid, "Sigmoid", None),
        (Function::Tanh, "Tanh", None),
        (Function::Silu, "Swish", None),
        (Function::HardSwish, "HardSwish", None),
        (Function::Gelu, "Gelu", None),
        (Function::GeluTanh, "Gelu", Some(("approximate", tanh))),
        (Function::Softplus, "Softplus", None),
        (Function::Mish, "Mish", None),
        (Function::Abs, "Abs", None),
    ];
    for slope in [0.2, 1.0 / 6.0] {
        if let (Some(number), Some(offset)) = (Number::new(slope), Number::new(0.5)) {
            let alpha = Some(("alpha", Attribute::Float(slope as f32)));
            known.push((Function::HardSigmoid { slope: number, offset }, "HardSigmoid", alpha));
        }
    }
    let with_values = |(function, operator, attribute): (Function, _, _)| {
        let values = samples.iter().map(|x| function.value(*x)).collect();
        Known { operator, attribute, values }
    };
    known.into_iter().map(with_values).collect()
}

/// The model with one node for each function that it has in pieces.
pub(super) fn recognised(model: &Model) -> Model {
    let mut constants: HashMap<String, Array> = HashMap::new();
    let mut followed: HashMap<String, Vec<Followed>> = HashMap::new();
    let samples = samples();
    let known = known(&samples);
    let mut nodes = model.nodes.clone();
    for node in &mut nodes {
        let array = |name: &String| model.constants.get(name).or_else(|| constants.get(name));
        let inputs: Vec<Option<&Array>> = node.inputs.iter().map(array).collect();
        let output = node.outputs.first().cloned().unwrap_or_default();
        let is_constant = |(name, array): (&String, &Option<&Array>)| name.is_empty() || array.is_some();
        if node.inputs.iter().zip(&inputs).all(is_constant) {
            let small = inputs.iter().flatten().all(|array| array.len() <= 1);
            let folded = if small { constants::fold(node, &inputs) } else { None };
            if let Some(Ok(arrays)) = folded
                && let [array] = &arrays[..]
                && array.len() == 1
            {
                constants.insert(output, array.clone());
            }
            continue;
        }
        let found = follow(node, &inputs, &followed, &samples);
        let is = |known: &&Known, found: &Followed| {
            let close = |(a, b): (&f64, &f64)| (a - b).abs() <= CLOSE * (1.0 + a.abs());
            known.values.iter().zip(&found.values).all(close)
        };
        let function =
            found.iter().find_map(|found| Some((&found.of, known.iter().find(|it| is(it, found))?)));
        if let Some((of, Known { operator, attribute, .. })) = function
            && (node.operator != *operator || node.inputs.first() != Some(of))
        {
            node.operator = (*operator).to_string();
            node.inputs = vec![of.clone()];
            let opset = node.attributes.get("opset").map(|opset| ("opset".to_string(), opset.clone()));
            let own = attribute.iter().map(|(name, value)| ((*name).to_string(), value.clone()));
            node.attributes = Attributes(own.chain(opset).collect());
        }
        if !found.is_empty() {
            followed.insert(output, found);
        }
    }
    Model { nodes, ..model.clone() }
}

/// What a node computes of each tensor that all its numbers come from, the nearest first.
fn follow(
    node: &Node,
    constants: &[Option<&Array>],
    followed: &HashMap<String, Vec<Followed>>,
    samples: &[f64],
) -> Vec<Followed> {
    // What it reads as functions of tensors; of a constant its number.
    let mut operands: Vec<Result<Vec<Followed>, f64>> = Vec::new();
    let is_function = elementwise::is_function(&node.operator);
    let count = if is_function { 1 } else { node.inputs.len() };
    for (name, constant) in node.inputs.iter().zip(constants).take(count) {
        operands.push(match constant.map(|array| array.scalar()) {
            Some(Some(number)) => Err(f64::from(number)),
            Some(None) => return Vec::new(),
            None => {
                let own = Followed { of: name.clone(), values: samples.to_vec() };
                let before = followed.get(name).into_iter().flatten().cloned();
                Ok(std::iter::once(own).chain(before).take(DEPTH).collect())
            }
        });
    }
    let Some(first) = operands.iter().find_map(|operand| operand.as_ref().ok()) else { return Vec::new() };
    let mut found = Vec::new();
    for Followed { of, .. } in first {
        let column = |operand: &Result<Vec<Followed>, f64>| match operand {
            Err(number) => Some(vec![*number; samples.len()]),
            Ok(all) => all.iter().find(|one| one.of == *of).map(|one| one.values.clone()),
        };
        let Some(columns) = operands.iter().map(column).collect::<Option<Vec<_>>>() else { continue };
        let compute = |at: usize| {
            let x: Vec<f64> = columns.iter().map(|column| column[at]).collect();
            value(node, constants, &x)
        };
        if let Some(values) = (0..samples.len()).map(compute).collect() {
            found.push(Followed { of: of.clone(), values });
        }
    }
    found
}

/// What a node makes of numbers; `None` if it is no such node.
fn value(node: &Node, constants: &[Option<&Array>], x: &[f64]) -> Option<f64> {
    Some(match (node.operator.as_str(), x) {
        ("Add" | "Sum", [a, b]) => a + b,
        ("Sub", [a, b]) => a - b,
        ("Mul", [a, b]) => a * b,
        ("Div", [a, b]) => a / b,
        ("Pow", [a, b]) => a.powf(*b),
        ("Max", [a, b]) => a.max(*b),
        ("Min", [a, b]) => a.min(*b),
        ("Erf", [x]) => {
            2.0 * Function::Gelu.value(x * std::f64::consts::SQRT_2) / (x * std::f64::consts::SQRT_2) - 1.0
        }
        ("Reciprocal", [x]) => 1.0 / x,
        ("Identity" | "Cast" | "Dropout", [x]) => *x,
        // Without the bounds of their layers.
        ("Exp", [x]) => x.exp(),
        ("Log", [x]) => x.ln(),
        ("Sqrt", [x]) => x.sqrt(),
        (operator, [x]) if elementwise::is_function(operator) => match elementwise::function(node, constants)
        {
            Ok(Some(function)) => function.value(*x),
            Ok(None) => *x,
            Err(_) => return None,
        },
        _ => return None,
    })
}
