//! All elements as one pixel.

use super::{Arity, Follows, Form, Input, Layer, Op, OpSpec, Operator, Output, Weights, Written};
use crate::graph::{Shape, Window};

pub(super) static FLATTEN: Form = Form {
    name: "flatten",
    required: &[],
    optional: &[],
    parameters: &[],
    read: |_| Some(OpSpec::Flatten(Flatten)),
    arity: Arity::One,
    reads_image: Err("leave it out: a linear layer reads an image of any shape"),
    reads_any_shape: false,
    follows: Follows::NOTHING,
    folds: None,
};

/// The same elements as one pixel, in the order row, column, channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flatten;

impl Written for Flatten {
    fn form(&self) -> &'static Form {
        &FLATTEN
    }

    fn resolve(&self, _: &mut Layer, inputs: &[Input]) -> Option<(Op, Shape)> {
        let channels = inputs[0].shape.elements();
        Some((Op::Flatten(Flatten), Shape { height: 1, width: 1, channels }))
    }
}

impl Operator for Flatten {
    fn word(&self) -> &'static str {
        "flatten"
    }

    fn window(&self) -> Option<&Window> {
        None
    }

    fn weights(&self) -> Option<Weights> {
        None
    }

    fn output(&self) -> Output {
        Output::InputTensor
    }

    fn table_bytes(&self) -> usize {
        0
    }
}
