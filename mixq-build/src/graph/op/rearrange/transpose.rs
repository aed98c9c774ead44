//! Axes in another order.

use super::super::Values;
use super::{Form, Input, Layer, Op, OpSpec, Rearrange, Shape, Written, form};

pub(in super::super) static TRANSPOSE: Form =
    Form { reads_image: Ok(()), ..form("transpose", &["order"], &[], read) };

fn read(values: &Values) -> Option<OpSpec> {
    Some(OpSpec::Transpose(Transpose { order: values.order? }))
}

/// The axes of an image.
pub const AXES: [&str; 3] = ["height", "width", "channels"];

/// The same elements, with axes in another order: of a tensor, or of an input whose data have another layout,
/// such as NCHW. Layers that read a moved input are those that may read an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transpose {
    /// Which axis of the input becomes height, width, channels: each of 0 (height), 1 (width), 2 (channels)
    /// once.
    pub order: [usize; 3],
}

impl Written for Transpose {
    fn form(&self) -> &'static Form {
        &TRANSPOSE
    }

    fn resolve(&self, layer: &mut Layer, inputs: &[Input]) -> Option<(Op, Shape)> {
        let mut sorted = self.order;
        sorted.sort_unstable();
        if sorted != [0, 1, 2] {
            let names = self.order.map(|axis| AXES.get(axis).copied().unwrap_or("another axis")).join(", ");
            let message = format!("layer {} has the `order` {names}", layer.me());
            layer.report(message, "name height, width and channels once each");
            return None;
        }
        let Shape { height, width, channels } = inputs[0].shape;
        let [height, width, channels] = self.order.map(|axis| [height, width, channels][axis]);
        let shape = Shape { height, width, channels };
        Some((Op::Rearrange(Rearrange::Transpose { order: self.order }), shape))
    }
}
