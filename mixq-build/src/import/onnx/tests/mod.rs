//! Small networks written as ONNX files here, read, executed in floats, and compared with plain formulas.

mod bad;
mod ends;
mod engine;
mod formulas;
mod integers;
mod moved;
mod quantised;
mod several;
mod stored;

use std::path::Path;

use prost::Message;

use super::proto::{
    AttributeProto, Dimension, GraphProto, ModelProto, NodeProto, OperatorSetId, TensorProto, TensorShape,
    TensorType, TypeProto, ValueInfo,
};
use crate::error::Error;
use crate::import::foreign::{self, Foreign};
use crate::import::model::{Array, Grid};
use crate::import::testing::{assert_near, damage, numbers};

const FLOAT: i32 = 1;
const UINT8: i32 = 2;
const INT8: i32 = 3;
const INT32: i32 = 6;
const INT64: i32 = 7;

/// An attribute of a node.
enum Value<'a> {
    Int(i64),
    Ints(&'a [i64]),
    Float(f32),
    Text(&'a str),
    Floats(&'a [f32]),
}

/// A network on its way to a file.
struct Network {
    graph: GraphProto,
    opset: i64,
}

impl Network {
    /// With an input `x` of floats.
    fn new(dims: &[i64]) -> Network {
        Network::of(FLOAT, dims)
    }

    /// With an input `x` of these elements.
    fn of(element: i32, dims: &[i64]) -> Network {
        let dim = dims.iter().map(|size| Dimension { dim_value: Some(*size) }).collect();
        let tensor = TensorType { elem_type: element, shape: Some(TensorShape { dim }) };
        let input =
            ValueInfo { name: "x".to_string(), r#type: Some(TypeProto { tensor_type: Some(tensor) }) };
        Network { graph: GraphProto { input: vec![input], ..GraphProto::default() }, opset: 13 }
    }

    /// Another input of floats.
    fn input(mut self, name: &str, dims: &[i64]) -> Network {
        let other = Network::new(dims).graph.input.remove(0);
        self.graph.input.push(ValueInfo { name: name.to_string(), ..other });
        self
    }

    fn opset(mut self, version: i64) -> Network {
        self.opset = version;
        self
    }

    /// A constant of floats.
    fn floats(mut self, name: &str, dims: &[i64], values: &[f32]) -> Network {
        let (name, dims) = (name.to_string(), dims.to_vec());
        let float_data = values.to_vec();
        let tensor = TensorProto { name, dims, data_type: FLOAT, float_data, ..TensorProto::default() };
        self.graph.initializer.push(tensor);
        self
    }

    /// A constant of integers of a type.
    fn integers(mut self, name: &str, element: i32, dims: &[i64], values: &[i64]) -> Network {
        let mut tensor = TensorProto {
            name: name.to_string(),
            dims: dims.to_vec(),
            data_type: element,
            ..TensorProto::default()
        };
        match element {
            INT64 => tensor.int64_data = values.to_vec(),
            _ => tensor.int32_data = values.iter().map(|value| *value as i32).collect(),
        }
        self.graph.initializer.push(tensor);
        self
    }

    fn node(self, operator: &str, inputs: &[&str], output: &str, attributes: &[(&str, Value)]) -> Network {
        self.nodes(operator, inputs, &[output], attributes)
    }

    /// A node of a domain, written `domain::Operator`, or of ONNX's.
    fn nodes(
        mut self,
        operator: &str,
        inputs: &[&str],
        outputs: &[&str],
        attributes: &[(&str, Value)],
    ) -> Network {
        let (domain, op_type) = operator.split_once("::").unwrap_or(("", operator));
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_string()).collect();
        let attribute = |(name, value): &(&str, Value)| {
            let mut entry = AttributeProto { name: (*name).to_string(), ..AttributeProto::default() };
            match value {
                Value::Int(value) => (entry.kind, entry.i) = (super::INT, Some(*value)),
                Value::Ints(values) => (entry.kind, entry.ints) = (super::INTS, values.to_vec()),
                Value::Float(value) => (entry.kind, entry.f) = (super::FLOAT, Some(*value)),
                Value::Floats(values) => (entry.kind, entry.floats) = (super::FLOATS, values.to_vec()),
                Value::Text(text) => (entry.kind, entry.s) = (super::STRING, Some(text.as_bytes().to_vec())),
            }
            entry
        };
        self.graph.node.push(NodeProto {
            input: list(inputs),
            output: list(outputs),
            name: String::new(),
            op_type: op_type.to_string(),
            domain: domain.to_string(),
            attribute: attributes.iter().map(attribute).collect(),
        });
        self
    }

    fn bytes(mut self, outputs: &[&str]) -> Vec<u8> {
        let output = |name: &&str| ValueInfo { name: (*name).to_string(), r#type: None };
        self.graph.output = outputs.iter().map(output).collect();
        let file = ModelProto {
            ir_version: 8,
            opset_import: vec![OperatorSetId { domain: String::new(), version: self.opset }],
            graph: Some(self.graph),
            functions: Vec::new(),
        };
        file.encode_to_vec()
    }

    fn read(self, outputs: &[&str]) -> Result<Foreign, Error> {
        Ok(foreign::parse(Path::new("model.onnx"), &self.bytes(outputs))?)
    }

    /// What it answers.
    fn answers(self, outputs: &[&str], input: &[f32]) -> Vec<(Array, Option<Grid>)> {
        let foreign = self.read(outputs).unwrap_or_else(|error| panic!("{error:?}"));
        foreign.execute(input).expect("the end of the network is known")
    }

    /// The numbers of its only output, `y`.
    fn run(self, input: &[f32]) -> Vec<f32> {
        self.answers(&["y"], input).remove(0).0.to_floats()
    }

    /// What keeps it from being read.
    fn refusals(self, outputs: &[&str]) -> Vec<String> {
        match self.read(outputs) {
            Ok(_) => panic!("it was read"),
            Err(error) => error.problems.into_iter().map(|problem| problem.message).collect(),
        }
    }
}

/// Whole numbers from `least` to `most`.
fn whole(count: usize, least: i64, most: i64, seed: u64) -> Vec<i64> {
    let span = (most - least + 1) as f32;
    let number = |x: f32| least + (((x + 1.0) / 2.0 * span) as i64).clamp(0, most - least);
    numbers(count, seed).into_iter().map(number).collect()
}

fn real(integers: &[i64]) -> Vec<f32> {
    integers.iter().map(|value| *value as f32).collect()
}

/// A convolution with padding of one pixel and a window of three, channel after channel.
fn convolved(x: &[f32], [inputs, height, width]: [usize; 3], weights: &[f32], filters: usize) -> Vec<f32> {
    let mut sums = Vec::new();
    for filter in 0..filters {
        for (row, column) in (0..height).flat_map(|row| (0..width).map(move |column| (row, column))) {
            let mut sum = 0.0f64;
            for tap in 0..inputs * 9 {
                let (channel, down, right) = (tap / 9, tap % 9 / 3, tap % 3);
                let (y, x_at) = (row + down, column + right);
                if (1..=height).contains(&y) && (1..=width).contains(&x_at) {
                    let value = x[(channel * height + y - 1) * width + x_at - 1];
                    sum += f64::from(value) * f64::from(weights[filter * inputs * 9 + tap]);
                }
            }
            sums.push(sum as f32);
        }
    }
    sums
}
