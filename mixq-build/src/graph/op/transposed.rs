//! Transposed convolution: an ordinary one, whose input has zeros between its pixels.
//!
//! The zeros are written by a [`Rearrange`](super::Rearrange) of its own before it. So the device needs no
//! kernel for it, and every pixel of the output is the sum that `ConvTranspose2d` of PyTorch has.

use super::{Arity, Conv, Follows, Form, Input, Layer, Op, OpSpec, Written};
use crate::graph::rules::too_large;
use crate::graph::{Padding, Shape};

pub(super) static TRANSPOSED_CONV: Form = Form {
    name: "transposed_conv",
    required: &["filters", "kernel"],
    optional: &["stride", "padding"],
    parameters: &[],
    read: |values| {
        Some(OpSpec::TransposedConv(TransposedConvSpec {
            filters: values.filters?,
            kernel: values.kernel?,
            stride: values.stride.unwrap_or([1, 1]),
            padding: values.padding.unwrap_or(Padding::Same),
        }))
    },
    arity: Arity::One,
    reads_image: Err("put a conv or depthwise layer before it"),
    reads_any_shape: false,
    follows: Follows { norm: true, activation: true, by_default: true },
    folds: None,
};

/// Transposed convolution as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransposedConvSpec {
    /// Output channels.
    pub filters: usize,
    /// Height and width of the window, in pixels.
    pub kernel: [usize; 2],
    /// Pixels of the output for each pixel of the input, down and to the right.
    pub stride: [usize; 2],
    /// What is cut from the sides of the output, whose size is `(input - 1) stride + kernel` before that.
    /// `Same` leaves `input * stride`; `padding = 1, output_padding = 1` of PyTorch is `[1, 0, 1, 0]`.
    pub padding: Padding,
}

impl TransposedConvSpec {
    /// An input with zeros between its pixels.
    pub fn spread(&self, input: Shape) -> Shape {
        let [height, width] = [(input.height, self.stride[0]), (input.width, self.stride[1])]
            .map(|(side, stride)| (side - 1).saturating_mul(stride).saturating_add(1));
        Shape { height, width, ..input }
    }

    /// Padding of the ordinary convolution at top, bottom, left, right.
    ///
    /// # Errors
    /// More is cut than the window adds: what is cut there.
    fn pads(&self) -> Result<[usize; 4], [usize; 4]> {
        let [height, width] = self.kernel;
        // At both ends of an axis.
        let same = |kernel: usize, stride: usize| {
            // A window smaller than the stride leaves pixels that it does not reach, at the end.
            let (cut, missing) = (kernel.saturating_sub(stride), stride.saturating_sub(kernel));
            [kernel - 1 - cut / 2, kernel - 1 + missing - (cut - cut / 2)]
        };
        let cut = match self.padding {
            Padding::Same => {
                let ([top, bottom], [left, right]) =
                    (same(height, self.stride[0]), same(width, self.stride[1]));
                return Ok([top, bottom, left, right]);
            }
            Padding::Valid => [0; 4],
            Padding::Symmetric => [height / 2, height / 2, width / 2, width / 2],
            Padding::Explicit(cut) => cut,
        };
        let most = [height - 1, height - 1, width - 1, width - 1];
        if most.iter().zip(cut).any(|(most, cut)| cut > *most) {
            return Err(cut);
        }
        Ok(std::array::from_fn(|side| most[side] - cut[side]))
    }
}

impl Written for TransposedConvSpec {
    fn form(&self) -> &'static Form {
        &TRANSPOSED_CONV
    }

    fn resolve(&self, layer: &mut Layer, inputs: &[Input]) -> Option<(Op, Shape)> {
        let [height, width] = self.kernel;
        if self.kernel.contains(&0) || self.stride.contains(&0) {
            let message = format!("layer {} has a kernel or a stride of 0", layer.me());
            layer.report(message, "each side is 1 to 65,535");
            return None;
        }
        let pads = match self.pads() {
            Ok(pads) => pads,
            Err(cut) => {
                let message = format!(
                    "layer {} has a {height}x{width} kernel and padding {cut:?} (top, bottom, left, right)",
                    layer.me()
                );
                layer.report(message, "padding, which is cut from the output, is smaller than the kernel");
                return None;
            }
        };
        let mut input = inputs[0];
        input.shape = self.spread(input.shape);
        if too_large(input.shape) {
            let (me, shape) = (layer.me(), input.shape);
            let message = format!("layer {me} spreads its input over {shape}");
            layer.report(message, "no dimension may exceed 65,535, no tensor 4,294,967,295 elements");
            return None;
        }
        let (window, [height, width]) = layer.window(input, self.kernel, [1, 1], Padding::Explicit(pads))?;
        let channels = layer.channels("filters", self.filters)?;
        Some((Op::Conv(Conv { window }), Shape { height, width, channels }))
    }
}
