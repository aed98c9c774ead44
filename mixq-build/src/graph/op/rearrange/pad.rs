//! Zeros around the image.

use super::{Form, Input, Layer, Op, OpSpec, Padding, Rearrange, Shape, Written, form};

pub(in super::super) static PAD: Form = Form {
    reads_image: Err(
        "where a conv or a depthwise layer alone reads it, and is larger, it pads the image itself",
    ),
    ..form("pad", &["padding"], &[], |values| Some(OpSpec::Pad(Pad { padding: values.padding? })))
};

/// Zeros around the image, as a layer of its own. Convolutions and pools pad without any cost, and
/// convolutions that alone read such a layer do so in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pad {
    /// Must be [`Padding::Explicit`].
    pub padding: Padding,
}

impl Written for Pad {
    fn form(&self) -> &'static Form {
        &PAD
    }

    fn resolve(&self, layer: &mut Layer, inputs: &[Input]) -> Option<(Op, Shape)> {
        let Padding::Explicit(padding) = self.padding else {
            let message = format!("layer {} has a `padding` that depends on a window", layer.me());
            layer.report(message, "write a number of pixels, or [top, bottom, left, right]");
            return None;
        };
        let [top, bottom, left, right] = padding;
        let Shape { height, width, channels } = inputs[0].shape;
        let shape = Shape { height: height + top + bottom, width: width + left + right, channels };
        Some((Op::Rearrange(Rearrange::Pad { padding }), shape))
    }
}
