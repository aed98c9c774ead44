//! Fully connected layer.

use super::{Arity, Follows, Form, Input, Layer, Op, OpSpec, Operator, Output, Weights, Written};
use crate::graph::{Shape, Window};

pub(super) static LINEAR: Form = Form {
    name: "linear",
    required: &["features"],
    optional: &[],
    parameters: &[],
    read: |values| Some(OpSpec::Linear(LinearSpec { features: values.features? })),
    arity: Arity::One,
    reads_image: Ok(()),
    reads_any_shape: true,
    follows: Follows { norm: true, activation: true, by_default: false },
    folds: None,
};

/// Fully connected layer as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinearSpec {
    /// Output channels.
    pub features: usize,
}

/// Fully connected, over elements in the order row, column, channel; without batch norm it has a bias.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Linear;

impl Written for LinearSpec {
    fn form(&self) -> &'static Form {
        &LINEAR
    }

    fn resolve(&self, layer: &mut Layer, _: &[Input]) -> Option<(Op, Shape)> {
        let channels = layer.channels("features", self.features)?;
        Some((Op::Linear(Linear), Shape { height: 1, width: 1, channels }))
    }
}

impl Operator for Linear {
    fn word(&self) -> &'static str {
        "linear"
    }

    fn window(&self) -> Option<&Window> {
        None
    }

    fn weights(&self) -> Option<Weights> {
        Some(Weights::Dense)
    }

    fn output(&self) -> Output {
        Output::Own
    }

    fn table_bytes(&self) -> usize {
        size_of::<mixq_format::Linear>()
    }
}
