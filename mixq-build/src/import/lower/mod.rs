//! From a model of another tool to layers and their weights.
//!
//! Nodes are taken one after the other. What they answer is a constant, or a view (module `view`) of what a
//! layer writes. Each operator of ONNX is read in one of the files here; what mixq cannot compute is
//! collected, not only the first of it.

mod binary;
mod blocks;
mod call;
mod constants;
mod conv;
mod elementwise;
mod ends;
mod formulas;
mod given;
mod grids;
mod input;
pub mod integers;
mod kept;
mod layers;
mod linear;
mod norm;
mod operators;
mod outputs;
mod pad;
mod places;
mod pool;
mod quantised;
mod resize;
mod rounding;
mod select;
mod shapes;
mod taken;
mod transposed;
mod unknown;
mod view;

use std::collections::{HashMap, HashSet};

use super::model::{Array, Model, Node};
use super::weights::Tensors;
use crate::graph::Spec;
use crate::task::Task;
use call::Call;
use integers::{ConstantIntegers, NetworkIntegers};
use layers::Layers;
use operators::Reader;
pub use operators::operators;
pub use outputs::{Output, Tail};
use unknown::unknown;
pub use view::Scaling;
use view::View;

/// A model as layers.
#[derive(Clone, Debug, PartialEq)]
pub struct Lowered {
    /// The layers.
    pub spec: Spec,
    /// Their weights, by the names that a layer list's file would have.
    pub tensors: Tensors,
    /// By input: what the first layers read of each of its channels, `factor * value + summand`; empty: the
    /// input.
    pub scalings: Vec<Vec<Scaling>>,
    /// The dimensions of each of the model's inputs, with a batch of 1, and where each element lies in the
    /// tensor that layers read.
    pub inputs: Vec<Placed>,
    /// What layers write that the model answers, or computes its answers of.
    pub outputs: Vec<Output>,
    /// What it computes of that.
    pub tail: Tail,
    /// How the file has its numbers as integers; empty unless it is taken over as it is.
    pub integers: NetworkIntegers,
    /// What was left out or joined, in words.
    pub notes: Vec<String>,
}

/// What becomes of the integers of a quantised model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// They become numbers; the layers are those of a network in floats.
    AsNumbers,
    /// They are kept: the layers round where the model does.
    AsTheyAre,
}

/// How a model becomes layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// What becomes of its integers.
    pub taken: Taken,
    /// What it is for; `None`: that is not known. Values are what the whole model computes: then functions at
    /// its end are layers. Classes do not depend on them, and they are left to the firmware.
    pub task: Option<Task>,
}

impl Reading {
    /// For a network in floats, whatever it is for.
    pub const NUMBERS: Reading = Reading { taken: Taken::AsNumbers, task: None };
    /// For a network that is taken over as it is, whatever it is for.
    pub const AS_IT_IS: Reading = Reading { taken: Taken::AsTheyAre, task: None };

    fn keeps_functions(self) -> bool {
        match self.task {
            Some(Task::Regression | Task::Reconstruction) => true,
            Some(Task::Classification | Task::MultiLabel | Task::Dense) | None => false,
        }
    }
}

/// A tensor of the model as the device holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// The size of each dimension in the model.
    pub dims: Vec<usize>,
    /// By element of the model: its index in the order row, column, channel.
    pub places: Vec<usize>,
}

/// Something of a model that mixq has no layers for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsupported {
    /// The operator, by its name in the file.
    pub operator: String,
    /// What it is in words, with the name of the node.
    pub what: String,
    /// What could be done.
    pub help: String,
}

/// Why a node cannot become layers.
#[derive(Clone, Debug)]
struct Refusal {
    what: String,
    help: &'static str,
}

/// A node's refusal; `what` is the end of a sentence that begins with the node.
fn refuse<T>(what: impl Into<String>, help: &'static str) -> Result<T, Refusal> {
    Err(Refusal { what: what.into(), help })
}

/// What a name of a model stands for.
#[derive(Clone, Debug)]
enum Value {
    /// Numbers that are known.
    Constant(Array),
    /// What a layer writes.
    Tensor(View),
    /// What is left to the firmware, unless layers read it: why mixq has no layer for it.
    Left(Unsupported),
    /// What a node writes that was refused: who reads it is not refused for that.
    Unknown,
}

/// Makes layers of a model.
///
/// # Errors
/// All nodes that mixq has no layers for.
pub fn lower(model: &Model, reading: Reading) -> Result<Lowered, Vec<Unsupported>> {
    let model = &reachable(&formulas::recognised(&reachable(model)));
    // Taken in the wrong order, axes are problems of their own: the order with the fewest is the right one.
    let mut fewest: Option<Vec<Unsupported>> = None;
    for inputs in input::inputs(model, reading.taken)? {
        match Lowering::new(model, &inputs, reading).run() {
            Ok(lowered) => return Ok(lowered),
            Err(found) if fewest.as_ref().is_some_and(|fewest| fewest.len() <= found.len()) => {}
            Err(found) => fewest = Some(found),
        }
    }
    Err(fewest.unwrap_or_default())
}

/// The model without nodes that no output needs.
fn reachable(model: &Model) -> Model {
    let mut wanted: std::collections::HashSet<&str> = model.outputs.iter().map(String::as_str).collect();
    let mut kept: Vec<&Node> = Vec::new();
    for node in model.nodes.iter().rev() {
        if node.outputs.iter().any(|output| !output.is_empty() && wanted.contains(output.as_str())) {
            wanted.extend(node.inputs.iter().map(String::as_str));
            kept.push(node);
        }
    }
    Model { nodes: kept.into_iter().rev().cloned().collect(), ..model.clone() }
}

/// A model on its way to layers.
struct Lowering<'a> {
    model: &'a Model,
    values: HashMap<&'a str, Value>,
    /// Values behind which layers follow.
    followed: HashSet<&'a str>,
    /// How often each value is read.
    uses: HashMap<&'a str, usize>,
    layers: Layers,
    /// What becomes of integers.
    taken: Taken,
    /// Whether functions at the end are layers.
    keeps_functions: bool,
    /// The integers of constants, where they are kept.
    constant_integers: HashMap<&'a str, ConstantIntegers>,
    inputs: Vec<Placed>,
    notes: Vec<String>,
    unsupported: Vec<Unsupported>,
}

impl<'a> Lowering<'a> {
    /// `inputs` are those that nodes read; without one all values are constants.
    fn new(model: &'a Model, inputs: &[View], reading: Reading) -> Lowering<'a> {
        let (taken, keeps_functions) = (reading.taken, reading.keeps_functions());
        let mut uses: HashMap<&str, usize> = HashMap::new();
        for name in model.nodes.iter().flat_map(|node| &node.inputs).chain(&model.outputs) {
            *uses.entry(name).or_default() += 1;
        }
        let mut values: HashMap<&str, Value> = HashMap::new();
        for (name, array) in &model.constants {
            values.insert(name, Value::Constant(array.clone()));
        }
        let read = || model.read_inputs().into_iter().zip(inputs);
        let mut layers = Layers::new(read().map(|(given, view)| (given.name.as_str(), view.shape)));
        let mut constant_integers = HashMap::new();
        if taken == Taken::AsTheyAre {
            layers.input_integers = taken::input_integers(model);
            for (name, array) in &model.constants {
                let integers = model.grids.get(name).and_then(|grid| ConstantIntegers::of(grid, array));
                integers.into_iter().for_each(|it| drop(constant_integers.insert(name.as_str(), it)));
            }
        }
        for (given, view) in read() {
            values.insert(&given.name, Value::Tensor(view.clone()));
        }
        let placed = |input: &View| Placed { dims: input.sizes(), places: input.places() };
        Lowering {
            model,
            values,
            followed: ends::followed(model, keeps_functions),
            uses,
            layers,
            taken,
            keeps_functions,
            constant_integers,
            inputs: inputs.iter().map(placed).collect(),
            notes: Vec::new(),
            unsupported: Vec::new(),
        }
    }

    fn run(mut self) -> Result<Lowered, Vec<Unsupported>> {
        let mut left: Vec<Node> = Vec::new();
        for node in &self.model.nodes {
            let values = self.node(node).unwrap_or_else(|Refusal { what, help }| {
                let found = Unsupported {
                    operator: node.operator.clone(),
                    what: format!("{} {what}", node.label),
                    help: help.to_string(),
                };
                let value = if ends::is_left(&node.operator) {
                    self.notes.push(format!("{} is left to the firmware", node.label));
                    Value::Left(found)
                } else {
                    self.unsupported.push(found);
                    Value::Unknown
                };
                vec![value; node.outputs.len()]
            });
            if values.iter().any(|value| matches!(value, Value::Left(_))) {
                left.push(node.clone());
            }
            self.set(node, values);
        }
        let (outputs, tail) = self.outputs(left);
        if !self.unsupported.is_empty() {
            return Err(self.unsupported);
        }
        let Lowering { layers, inputs, notes, .. } = self;
        let (spec, tensors, scalings, integers) = layers.finish();
        Ok(Lowered { spec, tensors, scalings, inputs, outputs, tail, integers, notes })
    }

    fn is_known(&self, name: &str) -> bool {
        name.is_empty() || self.values.contains_key(name)
    }

    /// Remembers what a node writes.
    fn set(&mut self, node: &'a Node, values: Vec<Value>) {
        for (name, mut value) in node.outputs.iter().zip(values) {
            if let Value::Tensor(view) = &mut value {
                view.shared |= self.uses.get(name.as_str()).is_some_and(|uses| *uses > 1);
            }
            self.values.insert(name, value);
        }
    }

    /// What a node writes.
    fn node(&mut self, node: &'a Node) -> Result<Vec<Value>, Refusal> {
        let known = operators().contains(&node.operator.as_str());
        let inputs: Vec<Option<Value>> =
            node.inputs.iter().map(|name| self.values.get(name.as_str()).cloned()).collect();
        let constants = constants(&inputs);
        let tensors = inputs.iter().any(|value| !matches!(value, None | Some(Value::Constant(_))));
        if (!tensors || node.operator == "Constant")
            && let Some(folded) = constants::fold(node, &constants)
        {
            let arrays = folded.or_else(|what| refuse(what, "check the model"))?;
            self.keep_integers(node, &constants, &arrays);
            return Ok(arrays.into_iter().map(Value::Constant).collect());
        }
        if !known {
            return unknown(node);
        }
        if let Some(missing) = node.inputs.iter().find(|name| !self.is_known(name)) {
            let what = format!("reads `{}`, which no node before it writes", missing.escape_debug());
            return refuse(what, "the file has a cycle, or lacks a node or a tensor");
        }
        let mut problems = Vec::new();
        for value in inputs.iter().flatten() {
            match value {
                Value::Unknown => return Ok(vec![Value::Unknown; node.outputs.len()]),
                Value::Left(why) => problems.push(why.clone()),
                Value::Constant(_) | Value::Tensor(_) => {}
            }
        }
        match problems.first() {
            None => self.operator(node, inputs),
            Some(why) if ends::is_left(&node.operator) => {
                Ok(vec![Value::Left(why.clone()); node.outputs.len()])
            }
            Some(_) => {
                // Layers follow: what was left is missing.
                problems.retain(|why| !self.unsupported.contains(why));
                self.unsupported.extend(problems);
                Ok(vec![Value::Unknown; node.outputs.len()])
            }
        }
    }
}

/// Those of the values that are constants.
fn constants(values: &[Option<Value>]) -> Vec<Option<&Array>> {
    fn constant(value: &Option<Value>) -> Option<&Array> {
        match value {
            Some(Value::Constant(array)) => Some(array),
            Some(Value::Tensor(_) | Value::Left(_) | Value::Unknown) | None => None,
        }
    }
    values.iter().map(constant).collect()
}
