//! Convolution in groups of channels, with gaps between the taps of its window: what `conv` and `depthwise`
//! are with the keys `groups`, `multiplier` and `dilation`.

use super::{Conv, Depthwise, Form, Input, Layer, Op, Operator, Output, Weights, Written, conv, depthwise};
use crate::graph::{Padding, Shape, Window};

/// Grouped or dilated convolution as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupedConvSpec {
    /// Which input channels a filter sees.
    pub grouping: Grouping,
    /// Rows and columns of taps.
    pub kernel: [usize; 2],
    /// Step of the window down and to the right.
    pub stride: [usize; 2],
    /// What surrounds the input.
    pub padding: Padding,
    /// Step from a tap to the next one, down and to the right, in pixels.
    pub dilation: [usize; 2],
}

/// Which input channels a filter sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grouping {
    /// Those of its group: a convolution.
    Groups {
        /// Output channels.
        filters: usize,
        /// Groups of neighbouring channels.
        groups: usize,
    },
    /// One: a depthwise convolution.
    Each {
        /// Filters for each input channel.
        multiplier: usize,
    },
}

/// Convolution in groups of channels; without batch norm it has a bias.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupedConv {
    /// The window. Its kernel counts taps.
    pub window: Window,
    /// Groups of channels.
    pub groups: usize,
    /// Step from a tap to the next one, down and to the right, in pixels.
    pub dilation: [usize; 2],
}

impl Written for GroupedConvSpec {
    fn form(&self) -> &'static Form {
        match self.grouping {
            Grouping::Groups { .. } => &conv::CONV,
            Grouping::Each { .. } => &depthwise::DEPTHWISE,
        }
    }

    fn resolve(&self, layer: &mut Layer, inputs: &[Input]) -> Option<(Op, Shape)> {
        let GroupedConvSpec { grouping, kernel, stride, padding, dilation } = *self;
        // Between the taps of a single row there are no gaps.
        let axis = |axis: usize| if kernel[axis] == 1 { 1 } else { dilation[axis] };
        let dilation = [axis(0), axis(1)];
        let input = inputs[0].shape.channels;
        let sized = layer.dilated_window(inputs[0], kernel, dilation, stride, padding);
        let (channels, groups) = match grouping {
            Grouping::Groups { filters, groups } => {
                let filters = layer.channels("filters", filters)?;
                layer.check_groups(inputs[0], filters, groups)?;
                (filters, groups)
            }
            Grouping::Each { multiplier } => {
                let multiplier = layer.channels("multiplier", multiplier)?;
                // What is too large is reported with the shape.
                (input.saturating_mul(multiplier), input)
            }
        };
        let (window, [height, width]) = sized?;
        let gaps = dilation != [1, 1];
        let op = match grouping {
            Grouping::Groups { .. } if groups == 1 && !gaps => Op::Conv(Conv { window }),
            Grouping::Groups { .. } | Grouping::Each { .. }
                if groups == input && channels == input && !gaps =>
            {
                Op::Depthwise(Depthwise { window })
            }
            Grouping::Groups { .. } | Grouping::Each { .. } => {
                Op::GroupedConv(GroupedConv { window, groups, dilation })
            }
        };
        Some((op, Shape { height, width, channels }))
    }
}

impl GroupedConv {
    /// Its table in flash, of a layer whose weights have this place and width.
    pub fn table(
        &self,
        [input, output]: [mixq_format::Tensor; 2],
        weights: u32,
        weight_bits: mixq_format::Bits,
        requant: mixq_format::Requant,
    ) -> mixq_format::GroupedConv {
        let size = |size: usize| u16::try_from(size).expect("the graph bounds every axis");
        mixq_format::GroupedConv {
            input,
            output,
            window: self.window.table(),
            groups: size(self.groups),
            dilation_height: size(self.dilation[0]),
            dilation_width: size(self.dilation[1]),
            weights,
            weight_bits,
            requant,
        }
    }
}

impl Operator for GroupedConv {
    fn word(&self) -> &'static str {
        "grouped conv"
    }

    fn window(&self) -> Option<&Window> {
        Some(&self.window)
    }

    fn weights(&self) -> Option<Weights> {
        Some(Weights::Filters { kernel: self.window.kernel, groups: self.groups })
    }

    fn output(&self) -> Output {
        Output::Own
    }

    fn table_bytes(&self) -> usize {
        size_of::<mixq_format::GroupedConv>()
    }
}
