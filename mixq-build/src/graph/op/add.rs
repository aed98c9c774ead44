//! Addition and subtraction of two tensors.

use super::{Arity, Follows, Form, Input, Layer, Op, OpSpec, Operator, Output, Weights, Written};
use crate::graph::{Shape, Window};

pub(super) static ADD: Form = form("add", |_| Some(OpSpec::Add(Add)));

pub(super) static SUBTRACT: Form = form("subtract", |_| Some(OpSpec::Subtract(Subtract)));

/// The form of an operator on two tensors.
pub(super) const fn form(name: &'static str, read: fn(&super::Values) -> Option<OpSpec>) -> Form {
    Form {
        name,
        required: &[],
        optional: &[],
        parameters: &[],
        read,
        arity: Arity::Two,
        reads_image: Err("put a conv or depthwise layer before it"),
        reads_any_shape: false,
        follows: Follows { norm: false, activation: true, by_default: false },
        folds: None,
    }
}

/// Residual addition of two tensors of one shape, as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Add;

/// The first tensor less the second one, of the same shape, as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subtract;

/// The sum of two tensors of one shape, or their difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addition {
    /// Whether the second one is subtracted.
    pub subtracts: bool,
}

impl Written for Add {
    fn form(&self) -> &'static Form {
        &ADD
    }

    fn resolve(&self, layer: &mut Layer, inputs: &[Input]) -> Option<(Op, Shape)> {
        Addition { subtracts: false }.resolve("adds", layer, [inputs[0], inputs[1]])
    }
}

impl Written for Subtract {
    fn form(&self) -> &'static Form {
        &SUBTRACT
    }

    fn resolve(&self, layer: &mut Layer, inputs: &[Input]) -> Option<(Op, Shape)> {
        Addition { subtracts: true }.resolve("subtracts", layer, [inputs[0], inputs[1]])
    }
}

impl Addition {
    /// `verb` is what the layer does, in words.
    fn resolve(self, verb: &str, layer: &mut Layer, [a, b]: [Input; 2]) -> Option<(Op, Shape)> {
        if layer.reads_one_twice() {
            let to = if self.subtracts { "from" } else { "to" };
            let message = format!("layer {} {verb} {} {to} itself", layer.me(), layer.name(a));
            layer.report(message, "name two different layers in `inputs`");
        }
        if a.shape != b.shape {
            let (me, first, second) = (layer.me(), layer.describe(a), layer.describe(b));
            let help = "both need one shape: match strides and filters, for instance by a pointwise layer";
            layer.report(format!("layer {me} {verb} {first} and {second}, whose shapes differ"), help);
        }
        Some((Op::Add(self), a.shape))
    }
}

impl Operator for Addition {
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
