//! Residual addition.

use super::{Arity, Follows, Form, Input, Layer, Op, OpSpec, Operator, Output, Weights, Written};
use crate::graph::{Shape, Window};

pub(super) static ADD: Form = Form {
    name: "add",
    required: &[],
    optional: &[],
    parameters: &[],
    read: |_| Some(OpSpec::Add(Add)),
    arity: Arity::Two,
    reads_image: Err("put a conv or depthwise layer before it"),
    reads_any_shape: false,
    follows: Follows { norm: false, activation: true, by_default: false },
    folds: None,
};

/// Residual addition of two tensors of one shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Add;

impl Written for Add {
    fn form(&self) -> &'static Form {
        &ADD
    }

    fn resolve(&self, layer: &mut Layer, inputs: &[Input]) -> Option<(Op, Shape)> {
        let (a, b) = (inputs[0], inputs[1]);
        if a.shape != b.shape {
            let (me, first, second) = (layer.me(), layer.describe(a), layer.describe(b));
            let help = "both need one shape: match strides and filters, for instance by a pointwise layer";
            layer.report(format!("layer {me} adds {first} and {second}, whose shapes differ"), help);
        }
        Some((Op::Add(Add), a.shape))
    }
}

impl Operator for Add {
    fn word(&self) -> &'static str {
        "add"
    }

    fn window(&self) -> Option<&Window> {
        None
    }

    fn weights(&self) -> Option<Weights> {
        None
    }

    fn output(&self) -> Output {
        Output::InPlace
    }

    fn table_bytes(&self) -> usize {
        size_of::<mixq_format::Add>()
    }
}
