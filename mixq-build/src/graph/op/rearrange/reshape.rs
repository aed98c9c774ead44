//! The same elements in another shape.

use super::{Form, Input, Layer, Op, OpSpec, Rearrange, Shape, Written, form};
use crate::graph::LARGEST;

pub(in super::super) static RESHAPE: Form = form("reshape", &["shape"], &[], |values| {
    let [height, width, channels] = values.shape?;
    Some(OpSpec::Reshape(Reshape { shape: Shape { height, width, channels } }))
});

/// The same elements, in the order row, column, channel, as an image of another shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reshape {
    /// What it writes; as many elements as it reads.
    pub shape: Shape,
}

impl Reshape {
    /// The shape on the way from `input`; `None` if there is none. The loops of the kernel make pixels of
    /// parts of pixels, or of several whole ones: if neither number of channels divides the other one, pixels
    /// of their greatest common divisor come between.
    pub fn between(&self, input: Shape) -> Option<Shape> {
        let (a, b) = (input.channels, self.shape.channels);
        let channels = divisor(a, b);
        let shape = Shape { width: input.width * (a / channels), channels, ..input };
        (channels != a && channels != b).then_some(shape)
    }
}

/// The greatest common divisor of numbers above 0.
fn divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { divisor(b, a % b) }
}

impl Written for Reshape {
    fn form(&self) -> &'static Form {
        &RESHAPE
    }

    fn resolve(&self, layer: &mut Layer, inputs: &[Input]) -> Option<(Op, Shape)> {
        let (input, shape) = (inputs[0].shape, self.shape);
        if shape.elements() != input.elements() {
            let (me, described) = (layer.me(), layer.describe(inputs[0]));
            let message = format!(
                "layer {me} makes {shape} of {described}: {} elements of {}",
                shape.elements(),
                input.elements()
            );
            layer.report(message, "both need one number of elements");
            return None;
        }
        if let Some(between) = self.between(input).filter(|between| between.width > LARGEST) {
            let (me, described) = (layer.me(), layer.describe(inputs[0]));
            let message = format!("layer {me} makes {shape} of {described}, and {between} on the way");
            layer.report(message, "one number of channels must be a multiple of the other one");
            return None;
        }
        Some((Op::Rearrange(Rearrange::Reshape), shape))
    }
}
