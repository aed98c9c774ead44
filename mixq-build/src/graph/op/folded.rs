//! Batch norm and ReLU as layers of a list: they become a part of the layer before them. A batch norm that
//! cannot is a layer of its own.

use super::{Arity, Fold, Follows, Form, Input, Layer, Op, OpSpec, Written, affine};
use crate::graph::{Activation, Shape};

pub(super) static BATCH_NORM: Form = Form {
    name: "batch_norm",
    required: &[],
    optional: &[],
    parameters: &[],
    read: |_| Some(OpSpec::BatchNorm(BatchNorm)),
    arity: Arity::One,
    reads_image: Ok(()),
    reads_any_shape: false,
    follows: Follows::NOTHING,
    folds: Some(Fold::Norm),
};

pub(super) static RELU: Form = Form {
    name: "relu",
    required: &[],
    optional: &[],
    parameters: &[],
    read: |_| Some(OpSpec::Relu(Relu)),
    arity: Arity::One,
    reads_image: Ok(()),
    reads_any_shape: false,
    follows: Follows::NOTHING,
    folds: Some(Fold::Activation(Activation::Relu)),
};

/// Batch norm as a layer of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchNorm;

/// ReLU as a layer of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relu;

impl Written for BatchNorm {
    fn form(&self) -> &'static Form {
        &BATCH_NORM
    }

    /// Of one that is not folded.
    fn resolve(&self, _: &mut Layer, inputs: &[Input]) -> Option<(Op, Shape)> {
        Some((affine::by_channel(), inputs[0].shape))
    }
}

impl Written for Relu {
    fn form(&self) -> &'static Form {
        &RELU
    }

    /// It is folded before.
    fn resolve(&self, _: &mut Layer, _: &[Input]) -> Option<(Op, Shape)> {
        None
    }
}
