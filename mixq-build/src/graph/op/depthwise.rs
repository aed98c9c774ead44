//! Depthwise convolution: one filter for each channel.

use super::{
    Arity, Follows, Form, GroupedConvSpec, Grouping, Input, Layer, Op, OpSpec, Operator, Output, Weights,
    Written,
};
use crate::graph::{Padding, Shape, Window};

pub(super) static DEPTHWISE: Form = Form {
    name: "depthwise",
    required: &["kernel"],
    optional: &["stride", "padding", "multiplier", "dilation"],
    parameters: &[],
    read: |values| {
        let kernel = values.kernel?;
        let stride = values.stride.unwrap_or([1, 1]);
        let padding = values.padding.unwrap_or(Padding::Same);
        Some(match (values.multiplier.unwrap_or(1), values.dilation.unwrap_or([1, 1])) {
            (1, [1, 1]) => OpSpec::Depthwise(DepthwiseSpec { kernel, stride, padding }),
            (multiplier, dilation) => {
                let grouping = Grouping::Each { multiplier };
                OpSpec::GroupedConv(GroupedConvSpec { grouping, kernel, stride, padding, dilation })
            }
        })
    },
    arity: Arity::One,
    reads_image: Ok(()),
    reads_any_shape: false,
    follows: Follows { norm: true, activation: true, by_default: true },
    folds: None,
};

/// Depthwise convolution as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DepthwiseSpec {
    /// Height and width of the window, in pixels.
    pub kernel: [usize; 2],
    /// Step of the window down and to the right.
    pub stride: [usize; 2],
    /// What surrounds the input.
    pub padding: Padding,
}

/// Depthwise convolution; without batch norm it has a bias.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Depthwise {
    /// The window.
    pub window: Window,
}

impl Written for DepthwiseSpec {
    fn form(&self) -> &'static Form {
        &DEPTHWISE
    }

    fn resolve(&self, layer: &mut Layer, inputs: &[Input]) -> Option<(Op, Shape)> {
        let (window, [height, width]) = layer.window(inputs[0], self.kernel, self.stride, self.padding)?;
        Some((Op::Depthwise(Depthwise { window }), Shape { height, width, ..inputs[0].shape }))
    }
}

impl Operator for Depthwise {
    fn word(&self) -> &'static str {
        "depthwise"
    }

    fn window(&self) -> Option<&Window> {
        Some(&self.window)
    }

    fn weights(&self) -> Option<Weights> {
        Some(Weights::Channels { kernel: self.window.kernel })
    }

    fn output(&self) -> Output {
        Output::Own
    }

    fn table_bytes(&self) -> usize {
        size_of::<mixq_format::Depthwise>()
    }
}
