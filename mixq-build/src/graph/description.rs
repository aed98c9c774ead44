//! A node as it is digested: the fingerprints of artifacts rest on this text.
//!
//! It is that of an enum of operators whose variants have the fields `window`, `batch_norm` and `relu`, each
//! where the operator may have it. `relu` is a number where the ReLU has an upper bound. An elementwise
//! operator holds its function.

use mixq_format::Operation;
use serde::ser::{Serialize, SerializeStruct, SerializeStructVariant, Serializer};

use super::op::{
    Addition, AveragePool, Constants, Conv, Depthwise, Elementwise, Flatten, GroupedConv, Linear, MaxPool,
    Multiply, Prelu,
};
use super::{Activation, Node, Op};

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Node { name, op: _, norm: _, activation: _, inputs, output } = self;
        let mut node = serializer.serialize_struct("Node", 4)?;
        node.serialize_field("name", name)?;
        node.serialize_field("op", &Description(self))?;
        node.serialize_field("inputs", inputs)?;
        node.serialize_field("output", output)?;
        node.end()
    }
}

/// The operator of a node, with what follows it.
struct Description<'a>(&'a Node);

impl Serialize for Description<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Node { op, norm, activation, .. } = self.0;
        // An operator with fields beside its window must name them in its description.
        let (name, window) = match op {
            Op::Conv(Conv { window }) => ("Conv", Some(window)),
            Op::Depthwise(Depthwise { window }) => ("Depthwise", Some(window)),
            Op::Linear(Linear) => ("Linear", None),
            Op::AveragePool(AveragePool { window }) => ("AveragePool", Some(window)),
            Op::MaxPool(MaxPool { window }) => ("MaxPool", Some(window)),
            Op::Add(Addition { subtracts: false }) => ("Add", None),
            Op::Add(Addition { subtracts: true }) => ("Subtract", None),
            Op::Constants(Constants { operation, trained }) => match (operation, trained) {
                (Operation::Sum, true) => ("AddConstant", None),
                (Operation::Sum, false) => ("AddFixedConstant", None),
                (Operation::Product, true) => ("MultiplyConstant", None),
                (Operation::Product, false) => ("MultiplyFixedConstant", None),
            },
            Op::Multiply(Multiply) => ("Multiply", None),
            Op::Prelu(Prelu) => ("Prelu", None),
            Op::Flatten(Flatten) => ("Flatten", None),
            Op::GroupedConv(GroupedConv { window, .. }) => ("GroupedConv", Some(window)),
            Op::Rearrange(rearrange) => {
                return serializer.serialize_newtype_variant("Op", 0, "Rearrange", rearrange);
            }
            Op::Resize(resize) => {
                return serializer.serialize_newtype_variant("Op", 0, "Resize", resize);
            }
            Op::Elementwise(Elementwise { function }) => {
                return serializer.serialize_newtype_variant("Op", 0, "Elementwise", function);
            }
        };
        let norm = op.accumulates().then_some(norm);
        let activation = op.output().has_own_grid().then_some(activation);
        let grouped = match op {
            Op::GroupedConv(GroupedConv { window: _, groups, dilation }) => Some((groups, dilation)),
            Op::Conv(_)
            | Op::Depthwise(_)
            | Op::Linear(_)
            | Op::AveragePool(_)
            | Op::MaxPool(_)
            | Op::Add(_)
            | Op::Constants(_)
            | Op::Flatten(_)
            | Op::Multiply(_)
            | Op::Prelu(_)
            | Op::Elementwise(_)
            | Op::Rearrange(_)
            | Op::Resize(_) => None,
        };
        let both = grouped.is_some();
        let fields = [window.is_some(), norm.is_some(), activation.is_some(), both, both];
        let fields = fields.into_iter().filter(|there| *there).count();
        if fields == 0 {
            return serializer.serialize_unit_variant("Op", 0, name);
        }
        let mut op = serializer.serialize_struct_variant("Op", 0, name, fields)?;
        if let Some(window) = window {
            op.serialize_field("window", window)?;
        }
        if let Some((groups, dilation)) = grouped {
            op.serialize_field("groups", groups)?;
            op.serialize_field("dilation", dilation)?;
        }
        if let Some(norm) = norm {
            op.serialize_field("batch_norm", norm)?;
        }
        if let Some(activation) = activation {
            match activation {
                Activation::None => op.serialize_field("relu", &false)?,
                Activation::Relu => op.serialize_field("relu", &true)?,
                Activation::ReluUpTo(bound) => op.serialize_field("relu", bound)?,
                Activation::Function(_) => unreachable!("a function is a node of its own"),
            }
        }
        op.end()
    }
}

#[cfg(test)]
mod tests {
    use crate::graph::op::{Conv, Flatten};
    use crate::graph::{Activation, Node, Op, Shape, Source, Window};

    #[test]
    fn the_text_stays_what_artifacts_were_made_from() {
        let output = Shape { height: 2, width: 2, channels: 3 };
        let window = Window { kernel: [3, 3], stride: [2, 2], padding: [0, 1, 0, 1] };
        let conv = Node {
            name: "a".to_string(),
            op: Op::Conv(Conv { window }),
            norm: true,
            activation: Activation::Relu,
            inputs: vec![Source::Input(0)],
            output,
        };
        let flatten = Node {
            name: "b".to_string(),
            op: Op::Flatten(Flatten),
            norm: false,
            activation: Activation::None,
            inputs: vec![Source::Node(0)],
            output,
        };
        let shape = r#""output":{"height":2,"width":2,"channels":3}}"#;
        let window = r#""window":{"kernel":[3,3],"stride":[2,2],"padding":[0,1,0,1]}"#;
        let op = format!(r#"{{"Conv":{{{window},"batch_norm":true,"relu":true}}}}"#);
        let conv_text = format!(r#"{{"name":"a","op":{op},"inputs":["Image"],{shape}"#);
        assert_eq!(serde_json::to_string(&conv).unwrap(), conv_text);
        let flatten_text = format!(r#"{{"name":"b","op":"Flatten","inputs":[{{"Node":0}}],{shape}"#);
        assert_eq!(serde_json::to_string(&flatten).unwrap(), flatten_text);
    }
}
