//! PReLU (arXiv 1502.01852): a ReLU with a trained slope for each channel.

use super::{Arity, Follows, Form, Input, Layer, Op, OpSpec, Operator, Output, Weights, Written};
use crate::graph::{Shape, Window};

pub(super) static PRELU: Form = Form {
    name: "prelu",
    required: &[],
    optional: &[],
    parameters: &[],
    read: |_| Some(OpSpec::Prelu(Prelu)),
    arity: Arity::One,
    reads_image: Err("put a conv or depthwise layer before it"),
    reads_any_shape: false,
    follows: Follows::NOTHING,
    folds: None,
};

/// `x`; below 0, `slope x`. Each channel has its slope, which is trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prelu;

impl Written for Prelu {
    fn form(&self) -> &'static Form {
        &PRELU
    }

    fn resolve(&self, _: &mut Layer, inputs: &[Input]) -> Option<(Op, Shape)> {
        Some((Op::Prelu(*self), inputs[0].shape))
    }
}

impl Operator for Prelu {
    fn word(&self) -> &'static str {
        "prelu"
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
        size_of::<mixq_format::Prelu>()
    }
}
