//! Concatenation of channels.

use super::{Arity, Form, Input, Layer, Op, OpSpec, Rearrange, Shape, Written, form};

pub(in super::super) static CONCAT: Form =
    Form { arity: Arity::TwoOrMore, ..form("concat", &[], &[], |_| Some(OpSpec::Concat(Concat))) };

/// The channels of all inputs, one input after the other. All have one grid, which training finds for them
/// together, so nothing is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Concat;

impl Written for Concat {
    fn form(&self) -> &'static Form {
        &CONCAT
    }

    fn resolve(&self, layer: &mut Layer, inputs: &[Input]) -> Option<(Op, Shape)> {
        let size = |input: &Input| (input.shape.height, input.shape.width);
        if let Some(other) = inputs.iter().find(|input| size(input) != size(&inputs[0])) {
            let (me, first, other) = (layer.me(), layer.describe(inputs[0]), layer.describe(*other));
            let help = "all need one height and width: match strides and padding";
            layer.report(format!("layer {me} joins {first} and {other}, whose sizes differ"), help);
            return None;
        }
        let channels = inputs.iter().map(|input| input.shape.channels).sum();
        Some((Op::Rearrange(Rearrange::Join { first: 0 }), Shape { channels, ..inputs[0].shape }))
    }
}
