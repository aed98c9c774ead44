//! Sum or product of a tensor and constants, one for each of its elements: a positional table, a mask, a
//! window function. Where all pixels have the same constants, an affine layer takes less flash.

use mixq_format::{Constants as Table, Operation};

use super::{Arity, Follows, Form, Input, Layer, Op, OpSpec, Operator, Output, Values, Weights, Written};
use crate::graph::{Shape, Window};

pub(super) static ADD_CONSTANT: Form = form("add_constant", |values| Constants::read(Operation::Sum, values));

pub(super) static MULTIPLY_CONSTANT: Form =
    form("multiply_constant", |values| Constants::read(Operation::Product, values));

const fn form(name: &'static str, read: fn(&Values) -> Option<OpSpec>) -> Form {
    Form {
        name,
        required: &[],
        optional: &["trained"],
        parameters: &[],
        read,
        arity: Arity::One,
        reads_image: Err("put a conv or depthwise layer before it"),
        reads_any_shape: false,
        follows: Follows { norm: false, activation: true, by_default: false },
        folds: None,
    }
}

/// A tensor and a constant for each of its elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Constants {
    /// What is computed of both.
    pub operation: Operation,
    /// Whether the constants are trained; else they stay what the network brings.
    pub trained: bool,
}

impl Constants {
    fn read(operation: Operation, values: &Values) -> Option<OpSpec> {
        Some(OpSpec::Constants(Constants { operation, trained: values.trained.unwrap_or(true) }))
    }
}

impl Written for Constants {
    fn form(&self) -> &'static Form {
        match self.operation {
            Operation::Sum => &ADD_CONSTANT,
            Operation::Product => &MULTIPLY_CONSTANT,
        }
    }

    fn resolve(&self, _: &mut Layer, inputs: &[Input]) -> Option<(Op, Shape)> {
        Some((Op::Constants(*self), inputs[0].shape))
    }
}

impl Operator for Constants {
    fn word(&self) -> &'static str {
        match self.operation {
            Operation::Sum => "add constant",
            Operation::Product => "multiply constant",
        }
    }

    fn window(&self) -> Option<&Window> {
        None
    }

    fn weights(&self) -> Option<Weights> {
        Some(Weights::Elements)
    }

    fn accumulates(&self) -> bool {
        false
    }

    fn output(&self) -> Output {
        Output::InPlace
    }

    fn table_bytes(&self) -> usize {
        size_of::<Table>()
    }
}
