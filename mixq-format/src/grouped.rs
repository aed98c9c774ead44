//! Convolutions whose filters see some of the channels, or pixels with gaps between them.

use crate::{Bits, Requant, Tensor, Window};

/// A convolution in groups of channels, with gaps between the taps of its window.
///
/// Input and output channels are divided into the same number of groups, each of neighbouring channels. An
/// output channel sees the input channels of its group alone. With as many groups as input channels, this is
/// a depthwise convolution, which may have several filters for each channel.
///
/// Tap `(r, c)` of output pixel `(y, x)` sees input row `y * stride_height - pad_top + r * dilation_height`
/// and column `x * stride_width - pad_left + c * dilation_width`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "file", derive(serde::Serialize, serde::Deserialize))]
#[repr(C)]
pub struct GroupedConv {
    /// What it reads.
    pub input: Tensor,
    /// What it writes; its channels are the filters.
    pub output: Tensor,
    /// The window; padding counts as the input's zero point. Its sizes count taps.
    pub window: Window,
    /// Groups of channels.
    pub groups: u16,
    /// Rows from a tap to the tap below it.
    pub dilation_height: u16,
    /// Columns from a tap to the next one in its row.
    pub dilation_width: u16,
    /// Width of a weight.
    pub weight_bits: Bits,
    /// Offset of the weights: rows of [`group_channels`](Self::group_channels) elements, in the order
    /// `[output channel][kernel row][kernel column]`.
    pub weights: u32,
    /// From accumulators to codes.
    pub requant: Requant,
}

impl GroupedConv {
    /// Input channels of a group.
    pub const fn group_channels(&self) -> usize {
        self.input.channels as usize / if self.groups == 0 { 1 } else { self.groups as usize }
    }

    /// Filters of a group.
    pub const fn group_filters(&self) -> usize {
        self.output.channels as usize / if self.groups == 0 { 1 } else { self.groups as usize }
    }

    /// The window that covers all rows and columns from the first tap to the last one, gaps included; `None`
    /// if it has no tap, or if 16 bits do not hold its sides.
    pub const fn span(&self) -> Option<Window> {
        let Window { kernel_height, kernel_width, .. } = self.window;
        let (Some(kernel_height), Some(kernel_width)) =
            (span(kernel_height, self.dilation_height), span(kernel_width, self.dilation_width))
        else {
            return None;
        };
        Some(Window { kernel_height, kernel_width, ..self.window })
    }
}

/// Rows or columns from the first tap to the last one.
const fn span(kernel: u16, dilation: u16) -> Option<u16> {
    let Some(gaps) = kernel.checked_sub(1) else { return None };
    let Some(before) = gaps.checked_mul(dilation) else { return None };
    before.checked_add(1)
}
