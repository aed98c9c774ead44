//! A network of another tool, before it becomes layers: nodes with ONNX's operators, and constants.
//!
//! Readers of files ([`onnx`](super::onnx), [`tflite`](super::tflite)) make a [`Model`]; where a format
//! differs from ONNX (the order of axes, fused activations), its reader writes nodes that say so in ONNX's
//! terms. `lower` makes layers of a model.

mod array;
mod attributes;

pub use array::{Array, Element, MOST_ELEMENTS, Values, broadcast, strides};
pub use attributes::{Attribute, Attributes};

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Where a model comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// ONNX.
    Onnx,
    /// TensorFlow Lite.
    Tflite,
}

impl Format {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Format::Onnx => "onnx",
            Format::Tflite => "tflite",
        }
    }
}

/// A network as a list of nodes, each of which reads inputs, constants, or what nodes before it write.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// The format of its file.
    pub format: Format,
    /// What it reads when it is executed.
    pub inputs: Vec<Input>,
    /// The names of the values that it answers.
    pub outputs: Vec<String>,
    /// Its nodes.
    pub nodes: Vec<Node>,
    /// Constants by name.
    pub constants: BTreeMap<String, Array>,
    /// How values are quantised, by name, where the file says so beside the nodes.
    pub grids: BTreeMap<String, Grid>,
    /// Files beside its own that constants were read from.
    pub files: BTreeSet<PathBuf>,
}

/// A value that is given to a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// The size of each dimension; `None` where the file leaves it open.
    pub dims: Vec<Option<usize>>,
    /// What an element is.
    pub element: Element,
}

/// A node.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Its operator, by ONNX's name; with its domain before it if that is not ONNX's.
    pub operator: String,
    /// Its name; without one that of what it writes.
    pub name: String,
    /// What messages call it: its name and its operator in the file.
    pub label: String,
    /// The values that it reads; an empty name stands for one that is left out.
    pub inputs: Vec<String>,
    /// The values that it writes; an empty name stands for one that is left out.
    pub outputs: Vec<String>,
    /// Its attributes.
    pub attributes: Attributes,
}

/// How the integers of a tensor are numbers: `(integer - zero point) * scale`.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    /// One for all, or one for each index of `axis`.
    pub scales: Vec<f32>,
    /// As many as scales.
    pub zero_points: Vec<i64>,
    /// The dimension along which scales differ.
    pub axis: usize,
    /// What an element is.
    pub element: Element,
}

impl Model {
    /// The inputs that nodes read, in their order.
    pub fn read_inputs(&self) -> Vec<&Input> {
        let read = |name: &String| self.nodes.iter().any(|node| node.inputs.contains(name));
        self.inputs.iter().filter(|input| read(&input.name)).collect()
    }

    /// Whether it says how numbers become integers.
    pub fn is_quantised(&self) -> bool {
        const OPERATORS: [&str; 9] = [
            "Quant",
            "BipolarQuant",
            "Trunc",
            "QuantizeLinear",
            "ConvInteger",
            "MatMulInteger",
            "RequantShift",
            "MultiThreshold",
            // Integer graphs are floats that are rounded down.
            "Floor",
        ];
        let quantises = |node: &Node| {
            let name = node.operator.rsplit('.').next().unwrap_or("");
            OPERATORS.contains(&name) || node.operator == "mixq.Range" || name.starts_with("QLinear")
        };
        !self.grids.is_empty() || self.nodes.iter().any(quantises)
    }
}
