//! Operators of a TFLite file as nodes of ONNX.

use super::dilated::Dilated;
use super::flatbuffer::{Damaged, Table};
use super::functions::{activation_of, bounds, plain};
use super::schema::Tensor;
use super::windows;
use crate::import::model::{Array, Attribute, Attributes, Model, Node};

/// An operator of a file.
pub(super) struct Operator<'a> {
    /// Its name.
    pub(super) name: String,
    /// What messages call it.
    pub(super) label: String,
    /// The names of the tensors that it reads; an empty one is left out.
    pub(super) inputs: Vec<String>,
    /// Of those, the tensors.
    pub(super) reads: Vec<Option<&'a Tensor>>,
    /// The names of the tensors that it writes.
    pub(super) outputs: Vec<String>,
    /// Of those, the tensors.
    pub(super) writes: Vec<&'a Tensor>,
    /// What it is of a convolution that is dilated.
    pub(super) dilated: Option<Dilated>,
    /// Its options, if it has any.
    pub(super) options: Option<Table<'a>>,
}

impl<'a> Operator<'a> {
    pub(super) fn read(
        index: usize,
        name: &str,
        table: &Table<'a>,
        tensors: &'a [Tensor],
    ) -> Result<Operator<'a>, Damaged> {
        let tensor = |index: i32| usize::try_from(index).ok().and_then(|index| tensors.get(index));
        let reads: Vec<Option<&Tensor>> = table.ints(1)?.into_iter().map(tensor).collect();
        let writes: Vec<&Tensor> = table.ints(2)?.into_iter().filter_map(tensor).collect();
        let called = |tensor: &Option<&Tensor>| tensor.map_or(String::new(), |tensor| tensor.name.clone());
        let place =
            writes.first().map_or(String::new(), |tensor| format!(" of `{}`", tensor.name.escape_debug()));
        Ok(Operator {
            name: name.to_string(),
            label: format!("operator {index} ({}{place})", name.escape_debug()),
            inputs: reads.iter().map(called).collect(),
            outputs: writes.iter().map(|tensor| tensor.name.clone()).collect(),
            reads,
            writes,
            dilated: None,
            options: table.table(4)?,
        })
    }

    /// A number of its options.
    pub(super) fn int(&self, field: usize, default: i32) -> Result<i64, Damaged> {
        self.options.map_or(Ok(i64::from(default)), |options| Ok(i64::from(options.int(field, default)?)))
    }

    /// A small number of its options.
    pub(super) fn byte(&self, field: usize) -> Result<u8, Damaged> {
        self.options.map_or(Ok(0), |options| options.byte(field, 0))
    }

    /// The integers of a constant that it reads.
    pub(super) fn ints(&self, place: usize) -> Option<Vec<i64>> {
        let values = self.reads.get(place).copied().flatten()?.values.as_ref()?.as_ref().ok()?;
        values.ints().map(<[i64]>::to_vec)
    }
}

/// Writes nodes.
pub(super) struct Writer {
    pub(super) model: Model,
    /// For names of values that the file does not have.
    made: usize,
}

pub(super) fn int(value: i64) -> Attribute {
    Attribute::Int(value)
}

impl Writer {
    pub(super) fn new(model: Model) -> Writer {
        Writer { model, made: 0 }
    }

    /// A name of a value that the file does not have.
    pub(super) fn fresh(&mut self) -> String {
        self.made += 1;
        format!("\u{1}{}", self.made)
    }

    /// A constant.
    pub(super) fn constant(&mut self, array: Array) -> String {
        let name = self.fresh();
        self.model.constants.insert(name.clone(), array);
        name
    }

    /// A node that writes one value.
    pub(super) fn node(
        &mut self,
        of: &Operator,
        operator: &str,
        inputs: &[&str],
        output: &str,
        attributes: Attributes,
    ) {
        let inputs = inputs.iter().map(|name| (*name).to_string()).collect();
        self.nodes(of, operator, inputs, vec![output.to_string()], attributes);
    }

    fn nodes(
        &mut self,
        of: &Operator,
        operator: &str,
        inputs: Vec<String>,
        outputs: Vec<String>,
        attributes: Attributes,
    ) {
        let written = of.outputs.first().map_or("", |name| name.split(';').next().unwrap_or(name));
        self.model.nodes.push(Node {
            operator: operator.to_string(),
            name: written.to_string(),
            label: of.label.clone(),
            inputs,
            outputs,
            attributes,
        });
    }

    /// The nodes of an operator.
    pub(super) fn write(&mut self, of: &Operator) -> Result<(), Damaged> {
        // What is quantised is written as numbers first; its range follows.
        let mut computed = Vec::new();
        for tensor in &of.writes {
            computed.push(if tensor.grid.is_some() { self.fresh() } else { tensor.name.clone() });
        }
        let output = computed.first().cloned().unwrap_or_default();
        let activation = self.operator(of, &output, &computed)?;
        if let Some((operator, attributes)) = activation_of(activation) {
            // The operator's own output gets another name, and the function writes what it had.
            let inner = self.fresh();
            for node in self.model.nodes.iter_mut().rev().take_while(|node| node.label == of.label) {
                for name in node.outputs.iter_mut().filter(|name| **name == output) {
                    name.clone_from(&inner);
                }
            }
            self.node(of, operator, &[&inner], &output, attributes);
        }
        for (tensor, computed) in of.writes.iter().zip(computed) {
            let Some(grid) = &tensor.grid else { continue };
            let scale = self.constant(Array::floats(Vec::new(), vec![grid.scales[0]]));
            let zero =
                Array { dims: Vec::new(), element: grid.element, ..Array::list(vec![grid.zero_points[0]]) };
            let zero = self.constant(zero);
            self.node(of, "mixq.Range", &[&computed, &scale, &zero], &tensor.name, Attributes::default());
        }
        Ok(())
    }

    /// The nodes of an operator without its activation, whose number is answered.
    fn operator(&mut self, of: &Operator, output: &str, all: &[String]) -> Result<u8, Damaged> {
        let none = Attributes::default;
        let first = of.inputs.first().map_or("", String::as_str);
        let read = |place: usize| of.inputs.get(place).map_or("", String::as_str);
        let same = |writer: &mut Self, operator: &str, attributes: Attributes| {
            writer.nodes(of, operator, of.inputs.clone(), all.to_vec(), attributes);
        };
        match of.name.as_str() {
            "CONV_2D"
            | "DEPTHWISE_CONV_2D"
            | "TRANSPOSE_CONV"
            | "AVERAGE_POOL_2D"
            | "MAX_POOL_2D"
            | "RESIZE_BILINEAR"
            | "RESIZE_NEAREST_NEIGHBOR"
            | "DEPTH_TO_SPACE"
            | "SPACE_TO_DEPTH" => {
                return windows::write(self, of, output);
            }
            "FULLY_CONNECTED" => self.fully_connected(of, output)?,
            "ADD" | "SUB" | "MUL" | "DIV" => {
                let operator = match of.name.as_str() {
                    "ADD" => "Add",
                    "SUB" => "Sub",
                    "MUL" => "Mul",
                    _ => "Div",
                };
                same(self, operator, none());
                return of.byte(0);
            }
            "CONCATENATION" => {
                same(self, "Concat", Attributes::of([("axis", int(of.int(0, 0)?))]));
                return of.byte(1);
            }
            "SOFTMAX" | "LOG_SOFTMAX" => {
                let operator = if of.name == "SOFTMAX" { "Softmax" } else { "LogSoftmax" };
                same(self, operator, Attributes::of([("axis", int(-1)), ("opset", int(13))]));
            }
            "PAD" | "PADV2" => {
                let amounts = of.ints(1).unwrap_or_default();
                let pads =
                    amounts.iter().step_by(2).chain(amounts.iter().skip(1).step_by(2)).copied().collect();
                let pads = self.constant(Array::list(pads));
                let inputs: Vec<&str> =
                    [first, &pads].into_iter().chain(of.inputs.get(2).map(String::as_str)).collect();
                self.node(of, "Pad", &inputs, output, none());
            }
            "RESHAPE" => {
                let written = of.options.map_or(Ok(Vec::new()), |options| options.ints(0))?;
                if of.inputs.len() > 1 {
                    same(self, "Reshape", none());
                } else {
                    let shape = self.constant(Array::list(written.into_iter().map(i64::from).collect()));
                    self.node(of, "Reshape", &[first, &shape], output, none());
                }
            }
            "SQUEEZE" => {
                let axes = of.options.map_or(Ok(Vec::new()), |options| options.ints(0))?;
                let axes: Vec<i64> = axes.into_iter().map(i64::from).collect();
                let given =
                    if axes.is_empty() { none() } else { Attributes::of([("axes", Attribute::Ints(axes))]) };
                same(self, "Squeeze", given);
            }
            "EXPAND_DIMS" => {
                let axes = of.ints(1).unwrap_or_default();
                self.node(
                    of,
                    "Unsqueeze",
                    &[first],
                    output,
                    Attributes::of([("axes", Attribute::Ints(axes))]),
                );
            }
            "TRANSPOSE" => {
                let order = Attribute::Ints(of.ints(1).unwrap_or_default());
                self.node(of, "Transpose", &[first], output, Attributes::of([("perm", order)]));
            }
            "MEAN" | "SUM" | "REDUCE_MAX" | "REDUCE_MIN" => {
                let operator = match of.name.as_str() {
                    "MEAN" => "ReduceMean",
                    "SUM" => "ReduceSum",
                    "REDUCE_MIN" => "ReduceMin",
                    _ => "ReduceMax",
                };
                let axes = Attribute::Ints(of.ints(1).unwrap_or_default());
                let keeps = int(i64::from(of.byte(0)?));
                self.node(
                    of,
                    operator,
                    &[first],
                    output,
                    Attributes::of([("axes", axes), ("keepdims", keeps)]),
                );
            }
            "REDUCE_PROD" => self.node(of, "ReduceProd", &[first], output, none()),
            "GATHER" => self.gather(of, output)?,
            "SQUARE" => self.node(of, "Mul", &[first, first], output, none()),
            "SQUARED_DIFFERENCE" => {
                let difference = self.fresh();
                self.node(of, "Sub", &[first, read(1)], &difference, none());
                self.node(of, "Mul", &[&difference, &difference], output, none());
            }
            "BATCH_MATMUL" => self.batch_matmul(of, output)?,
            "SPLIT" => {
                let axis = of.ints(0).and_then(|axes| axes.first().copied()).unwrap_or(0);
                let inputs = vec![read(1).to_string()];
                self.nodes(of, "Split", inputs, all.to_vec(), Attributes::of([("axis", int(axis))]));
            }
            "SPLIT_V" => {
                let axis = of.ints(2).and_then(|axes| axes.first().copied()).unwrap_or(0);
                let inputs = vec![first.to_string(), read(1).to_string()];
                self.nodes(of, "Split", inputs, all.to_vec(), Attributes::of([("axis", int(axis))]));
            }
            "UNPACK" => {
                let axis = of.int(1, 0)?;
                for (index, output) in all.iter().enumerate() {
                    let array = Array { dims: Vec::new(), ..Array::list(vec![index as i64]) };
                    let index = self.constant(array);
                    self.node(of, "Gather", &[first, &index], output, Attributes::of([("axis", int(axis))]));
                }
            }
            "PACK" => {
                let axis = int(of.int(1, 0)?);
                let mut parts = Vec::new();
                for name in &of.inputs {
                    let part = self.fresh();
                    let axes = Attributes::of([("axes", Attribute::Ints(vec![of.int(1, 0)?]))]);
                    self.node(of, "Unsqueeze", &[name], &part, axes);
                    parts.push(part);
                }
                self.nodes(of, "Concat", parts, all.to_vec(), Attributes::of([("axis", axis)]));
            }
            "SLICE" => {
                let (starts, sizes) = (of.ints(1).unwrap_or_default(), of.ints(2).unwrap_or_default());
                let end = |(start, size): (&i64, &i64)| {
                    if *size < 0 { i64::MAX } else { start.saturating_add(*size) }
                };
                let ends = starts.iter().zip(&sizes).map(end).collect();
                let (starts, ends) = (self.constant(Array::list(starts)), self.constant(Array::list(ends)));
                self.node(of, "Slice", &[first, &starts, &ends], output, none());
            }
            "STRIDED_SLICE" => self.strided_slice(of, output)?,
            "PRELU" => same(self, "PRelu", none()),
            "LEAKY_RELU" => {
                let alpha = of.options.map_or(Ok(0.0), |options| options.float(0, 0.0))?;
                same(self, "LeakyRelu", Attributes::of([("alpha", Attribute::Float(alpha))]));
            }
            "ARG_MAX" => {
                let axis = of.ints(1).and_then(|axes| axes.first().copied()).unwrap_or(-1);
                let attributes = Attributes::of([("axis", int(axis)), ("keepdims", int(0))]);
                self.node(of, "ArgMax", &[first], output, attributes);
            }
            "RELU6" => same(self, "Clip", bounds(0.0, 6.0)),
            "RELU_0_TO_1" => same(self, "Clip", bounds(0.0, 1.0)),
            "RELU_N1_TO_1" => same(self, "Clip", bounds(-1.0, 1.0)),
            name => same(self, plain(name).unwrap_or(name), none()),
        }
        Ok(0)
    }
}
