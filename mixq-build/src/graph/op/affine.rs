//! A factor and a summand for each channel: a depthwise convolution with a window of one pixel. A batch norm
//! that cannot be folded into the layer before it is one, too.

use super::{Arity, Depthwise, Follows, Form, Input, Layer, Op, OpSpec, Written};
use crate::graph::{Shape, Window};

pub(super) static AFFINE: Form = Form {
    name: "affine",
    required: &[],
    optional: &[],
    parameters: &[],
    read: |_| Some(OpSpec::Affine(Affine)),
    arity: Arity::One,
    reads_image: Ok(()),
    reads_any_shape: false,
    follows: Follows { norm: false, activation: true, by_default: false },
    folds: None,
};

/// A trained factor and a trained summand for each channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Affine;

impl Written for Affine {
    fn form(&self) -> &'static Form {
        &AFFINE
    }

    fn resolve(&self, _: &mut Layer, inputs: &[Input]) -> Option<(Op, Shape)> {
        Some((by_channel(), inputs[0].shape))
    }
}

/// A depthwise convolution that sees one pixel at a time.
pub(super) fn by_channel() -> Op {
    let window = Window { kernel: [1, 1], stride: [1, 1], padding: [0; 4] };
    Op::Depthwise(Depthwise { window })
}
