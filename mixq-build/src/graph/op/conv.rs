//! Standard convolution, and the pointwise one whose window is one pixel.

use super::{
    Arity, Follows, Form, GroupedConvSpec, Grouping, Input, Layer, Op, OpSpec, Operator, Output, Weights,
    Written,
};
use crate::graph::{Padding, Shape, Window};

pub(super) static CONV: Form = Form {
    name: "conv",
    required: &["filters", "kernel"],
    optional: &["stride", "padding", "groups", "dilation"],
    parameters: &[],
    read: |values| {
        let (filters, kernel) = (values.filters?, values.kernel?);
        let stride = values.stride.unwrap_or([1, 1]);
        let padding = values.padding.unwrap_or(Padding::Same);
        Some(match (values.groups.unwrap_or(1), values.dilation.unwrap_or([1, 1])) {
            (1, [1, 1]) => OpSpec::Conv(ConvSpec { filters, kernel, stride, padding }),
            (groups, dilation) => {
                let grouping = Grouping::Groups { filters, groups };
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

pub(super) static POINTWISE: Form = Form {
    name: "pointwise",
    required: &["filters"],
    optional: &["stride"],
    parameters: &[],
    read: |values| {
        let stride = values.stride.unwrap_or([1, 1]);
        Some(OpSpec::Pointwise(PointwiseSpec { filters: values.filters?, stride }))
    },
    arity: Arity::One,
    reads_image: Ok(()),
    reads_any_shape: false,
    follows: Follows { norm: true, activation: true, by_default: true },
    folds: None,
};

/// Standard convolution as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvSpec {
    /// Output channels.
    pub filters: usize,
    /// Height and width of the window, in pixels.
    pub kernel: [usize; 2],
    /// Step of the window down and to the right.
    pub stride: [usize; 2],
    /// What surrounds the input.
    pub padding: Padding,
}

/// Convolution with a window of one pixel as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PointwiseSpec {
    /// Output channels.
    pub filters: usize,
    /// Step of the window down and to the right.
    pub stride: [usize; 2],
}

/// Standard convolution; without batch norm it has a bias.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv {
    /// The window.
    pub window: Window,
}

impl Written for ConvSpec {
    fn form(&self) -> &'static Form {
        &CONV
    }

    fn resolve(&self, layer: &mut Layer, inputs: &[Input]) -> Option<(Op, Shape)> {
        let (window, [height, width]) = layer.window(inputs[0], self.kernel, self.stride, self.padding)?;
        let channels = layer.channels("filters", self.filters)?;
        Some((Op::Conv(Conv { window }), Shape { height, width, channels }))
    }
}

impl Written for PointwiseSpec {
    fn form(&self) -> &'static Form {
        &POINTWISE
    }

    fn resolve(&self, layer: &mut Layer, inputs: &[Input]) -> Option<(Op, Shape)> {
        let PointwiseSpec { filters, stride } = *self;
        ConvSpec { filters, kernel: [1, 1], stride, padding: Padding::Valid }.resolve(layer, inputs)
    }
}

impl Operator for Conv {
    fn word(&self) -> &'static str {
        "conv"
    }

    fn window(&self) -> Option<&Window> {
        Some(&self.window)
    }

    fn weights(&self) -> Option<Weights> {
        Some(Weights::Filters { kernel: self.window.kernel, groups: 1 })
    }

    fn output(&self) -> Output {
        Output::Own
    }

    fn table_bytes(&self) -> usize {
        size_of::<mixq_format::Conv>()
    }
}
