//! What a model answers: numbers of layers, and what the model computes of them at its end, which is left to
//! the firmware.

use std::collections::{BTreeMap, HashMap};

use super::view::Code;
use super::{Call, Lowering, Placed, Reader, Reading, Refusal, Taken, Unsupported, Value, refuse};
use crate::import::model::{Array, Grid, Model, Node};

pub(super) const OPERATORS: &[(&str, Reader)] = &[
    ("Softmax", |_, call| last(call)),
    ("LogSoftmax", |_, call| last(call)),
    ("ArgMax", |_, call| last(call)),
];

fn last(call: &Call) -> Result<Vec<Value>, Refusal> {
    call.tensor(0)?;
    refuse("stands before other layers", "mixq leaves it to the firmware at the end of a network only")
}

/// What a layer writes that the model, or its end, answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// Its name in the model.
    pub name: String,
    /// The layer.
    pub layer: String,
    /// Where each element lies in what the layer writes.
    pub placed: Placed,
}

/// The nodes at the end of a model that are left to the firmware.
#[derive(Clone, Debug, PartialEq)]
pub struct Tail {
    nodes: Vec<Node>,
    constants: BTreeMap<String, Array>,
    /// How the model has numbers of layers as integers, by the names of [`Output`].
    codes: BTreeMap<String, Code>,
    /// The outputs of the model, and how the file quantises them.
    pub outputs: Vec<(String, Option<Grid>)>,
}

impl Lowering<'_> {
    /// All tensors that the model or its end reads, as outputs of layers.
    pub(super) fn outputs(&mut self, left: Vec<Node>) -> (Vec<Output>, Tail) {
        let mut wanted: Vec<String> = Vec::new();
        let mut constants = BTreeMap::new();
        let read = left.iter().flat_map(|node| &node.inputs).chain(&self.model.outputs);
        for name in read.filter(|name| !name.is_empty()) {
            match self.values.get(name.as_str()) {
                Some(Value::Constant(array)) => drop(constants.insert(name.clone(), array.clone())),
                Some(Value::Tensor(_)) if !wanted.contains(name) => wanted.push(name.clone()),
                Some(Value::Tensor(_) | Value::Left(_) | Value::Unknown) => {}
                None => {
                    let what = format!("no node writes output `{}`", name.escape_debug());
                    self.without_layer(what);
                }
            }
        }
        let mut outputs = Vec::new();
        let mut codes = BTreeMap::new();
        for name in wanted {
            let Some(Value::Tensor(view)) = self.values.get(name.as_str()).cloned() else { continue };
            let view = match self.padded(&view) {
                Ok(view) if self.layers.layer(&view).is_some() => view,
                _ => {
                    self.without_layer(format!("no layer computes output `{}`", name.escape_debug()));
                    continue;
                }
            };
            self.layers.offer(&view, &name);
            if let Some(code) = view.code {
                codes.insert(name.clone(), code);
            }
            let layer = self.layers.name(view.source).to_string();
            outputs.push(Output {
                name,
                layer,
                placed: Placed { dims: view.sizes(), places: view.places() },
            });
        }
        if outputs.is_empty() && self.unsupported.is_empty() {
            self.without_layer("no output depends on the input".to_string());
        }
        let quantised = |name: &String| {
            let node = left.iter().find(|node| node.outputs.first() == Some(name))?;
            let constants: Vec<_> = node.inputs.iter().map(|input| constants.get(input)).collect();
            (node.operator == "QuantizeLinear").then(|| super::quantised::code(node, &constants)).flatten()
        };
        let grid = |name: &String| {
            let code = codes.get(name).copied().or_else(|| quantised(name));
            (name.clone(), self.model.grids.get(name).cloned().or_else(|| code.map(Code::grid)))
        };
        let answers = self.model.outputs.iter().map(grid).collect();
        let left = if self.taken == Taken::AsTheyAre { rounding(left) } else { left };
        let tail = Tail { nodes: left, constants, codes, outputs: answers };
        if self.unsupported.is_empty() {
            self.unsupported.extend(tail.problem(&outputs));
        }
        (outputs, tail)
    }

    fn without_layer(&mut self, what: String) {
        let help = "check the model: it is an input, a constant, or nothing".to_string();
        self.unsupported.push(Unsupported { operator: "output".to_string(), what, help });
    }
}

/// Nodes that say how a tensor is quantised, as nodes that round it.
fn rounding(nodes: Vec<Node>) -> Vec<Node> {
    let rounded = |node: Node| {
        if node.operator != "mixq.Range" {
            return vec![node];
        }
        let integers: Vec<String> = node.outputs.iter().map(|name| format!("{name}\u{1}integers")).collect();
        let rest = node.inputs.iter().skip(1).cloned();
        let inputs = integers.iter().cloned().chain(rest).collect();
        let numbers = Node { operator: "DequantizeLinear".to_string(), inputs, ..node.clone() };
        vec![Node { operator: "QuantizeLinear".to_string(), outputs: integers, ..node }, numbers]
    };
    nodes.into_iter().flat_map(rounded).collect()
}

impl Tail {
    /// What the model answers where its layers write these numbers, by the names of [`Output`]; `None` if the
    /// end of the model computes something that is not known here.
    pub fn answers(&self, numbers: HashMap<String, Array>) -> Option<Vec<Array>> {
        let values = self.values(&numbers).ok()?;
        let quantised = |name: &str| {
            let written = |node: &&Node| node.outputs.first().is_some_and(|output| output == name);
            self.nodes.iter().find(written).is_some_and(|node| node.operator == "QuantizeLinear")
        };
        let answer = |(name, grid): &(String, Option<Grid>)| match (numbers.get(name), grid) {
            (Some(numbers), _) => Some(numbers.clone()),
            (None, Some(grid)) if quantised(name) => Some(Code::of(grid)?.numbers(values.get(name)?)),
            (None, _) => values.get(name).cloned(),
        };
        self.outputs.iter().map(answer).collect()
    }

    /// The values of all nodes.
    fn values(&self, numbers: &HashMap<String, Array>) -> Result<BTreeMap<String, Array>, Unsupported> {
        // What the model computes with are its integers.
        let read = numbers.iter().map(|(name, array)| {
            let code = self.codes.get(name);
            (name.clone(), code.map_or_else(|| array.clone(), |code| code.integers(array)))
        });
        let model = Model {
            format: crate::import::model::Format::Onnx,
            inputs: Vec::new(),
            outputs: Vec::new(),
            nodes: self.nodes.clone(),
            constants: self.constants.clone().into_iter().chain(read).collect(),
            grids: BTreeMap::new(),
            files: Default::default(),
        };
        let mut lowering = Lowering::new(&model, &[], Reading::NUMBERS);
        for node in &model.nodes {
            let values = lowering.node(node).and_then(|values| {
                let known = values.iter().all(|value| matches!(value, Value::Constant(_)));
                let help = "end the model with layers, or with a softmax, sigmoid, or what moves numbers";
                if known { Ok(values) } else { refuse("stands behind the last layer", help) }
            });
            let values = values.map_err(|Refusal { what, help }| Unsupported {
                operator: node.operator.clone(),
                what: format!("{} {what}", node.label),
                help: help.to_string(),
            })?;
            lowering.set(node, values);
        }
        let constant = |(name, value): (&str, Value)| match value {
            Value::Constant(array) => Some((name.to_string(), array)),
            Value::Tensor(_) | Value::Left(_) | Value::Unknown => None,
        };
        Ok(lowering.values.into_iter().filter_map(constant).collect())
    }

    /// What keeps the end of the model from being computed.
    fn problem(&self, outputs: &[Output]) -> Option<Unsupported> {
        let zeros = |output: &Output| {
            let Placed { dims, places } = &output.placed;
            (output.name.clone(), Array::floats(dims.clone(), vec![0.0; places.len()]))
        };
        self.values(&outputs.iter().map(zeros).collect()).err()
    }

    /// The operators that the firmware has to compute, in their order; those that move numbers only are left
    /// out.
    pub fn operators(&self) -> Vec<String> {
        let moves = ["Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Cast", "Identity", "Shape"];
        let computes = |node: &&Node| {
            let name = node.operator.as_str();
            !moves.contains(&name) && !name.starts_with("mixq.")
        };
        self.nodes.iter().filter(computes).map(|node| node.operator.clone()).collect()
    }

    /// Whether the firmware has nothing to compute.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }
}
