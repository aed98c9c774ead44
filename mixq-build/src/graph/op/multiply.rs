//! Product of two tensors.

use super::{Form, Input, Layer, Op, OpSpec, Operator, Output, Weights, Written, add};
use crate::graph::{Shape, Window};

pub(super) static MULTIPLY: Form = add::form("multiply", |_| Some(OpSpec::Multiply(Multiply)));

/// Product of two tensors of one shape, or of a tensor and one pixel, which multiplies each of its pixels. In
/// a resolved graph, that pixel is the second input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Multiply;

impl Written for Multiply {
    fn form(&self) -> &'static Form {
        &MULTIPLY
    }

    fn resolve(&self, layer: &mut Layer, inputs: &[Input]) -> Option<(Op, Shape)> {
        let (a, b) = (inputs[0], inputs[1]);
        let pixel_of = |of: Shape| Shape { height: 1, width: 1, ..of };
        if b.shape == a.shape || b.shape == pixel_of(a.shape) {
            return Some((Op::Multiply(*self), a.shape));
        }
        if a.shape == pixel_of(b.shape) {
            return Some((Op::Multiply(*self), b.shape));
        }
        let (me, first, second) = (layer.me(), layer.describe(a), layer.describe(b));
        let help = "both need one shape, or one of them is a pixel with as many channels as the other has, \
                    as a global pool writes it";
        layer.report(format!("layer {me} multiplies {first} and {second}, whose shapes do not fit"), help);
        None
    }
}

impl Operator for Multiply {
    fn word(&self) -> &'static str {
        "multiply"
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
        size_of::<mixq_format::Multiply>()
    }
}
