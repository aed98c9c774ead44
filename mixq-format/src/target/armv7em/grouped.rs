//! Convolutions in groups of channels, or with gaps between taps, in terms of standard convolutions: the
//! kernels for ARMv7E-M multiply both by the same loops.

use super::Windows;
use super::kernel::takes_window;
use crate::{Bits, Conv, GroupedConv, Layer, Rule, Tensor};

/// The standard convolution that has the filters of a layer: as many of them, each of as many elements. Its
/// input has the channels that a filter sees. `None` for layers other than convolutions.
pub const fn filters_of(layer: &Layer) -> Option<Conv> {
    match layer {
        Layer::Conv(conv) => Some(*conv),
        Layer::GroupedConv(grouped) => Some(of_group(grouped)),
        Layer::Depthwise(_)
        | Layer::Linear(_)
        | Layer::AveragePool(_)
        | Layer::MaxPool(_)
        | Layer::Add(_)
        | Layer::Multiply(_)
        | Layer::Elementwise(_)
        | Layer::Rearrange(_)
        | Layer::Resize(_)
        | Layer::Constants(_)
        | Layer::Prelu(_) => None,
    }
}

/// The same of a convolution in groups.
pub const fn of_group(grouped: &GroupedConv) -> Conv {
    let GroupedConv { input, output, window, weight_bits, weights, requant, .. } = *grouped;
    let input = Tensor { channels: grouped.group_channels() as u16, ..input };
    Conv { input, output, window, weights, weight_bits, requant }
}

/// The standard convolution that sees all that a convolution in groups sees: its windows have no gaps, and
/// its filters see all channels.
pub const fn without_gaps(grouped: &GroupedConv) -> Conv {
    let GroupedConv { input, output, weight_bits, weights, requant, .. } = *grouped;
    let window = match grouped.span() {
        Some(window) => window,
        None => grouped.window,
    };
    Conv { input, output, window, weights, weight_bits, requant }
}

/// How the windows of a convolution in groups lie in its input: [`Windows::PixelWords`] or
/// [`Windows::PixelBytes`], by the channels of a group.
pub const fn windows_of(grouped: &GroupedConv) -> Windows {
    if Windows::whole_words(&of_group(grouped)) { Windows::PixelWords } else { Windows::PixelBytes }
}

/// Whether the kernel for ARMv7E-M takes the groups of a convolution. It does if the codes of each group
/// begin and end with a byte, in the input and in the output; if groups are whole blocks of filters; unless
/// windows are 3x3 on three channels, which have weights in an order of their own; unless a side of them has
/// more taps than 8 bits hold; and unless it [`is_depthwise`].
pub(super) const fn takes_groups(grouped: &GroupedConv) -> bool {
    let (channels, filters) = (grouped.group_channels(), grouped.group_filters());
    let is_dense = (channels * grouped.input.bits.count()).is_multiple_of(8);
    let whole = if grouped.groups == 1 { filters.is_multiple_of(2) } else { filters.is_multiple_of(4) };
    let is_small = grouped.window.kernel_height < 256 && grouped.window.kernel_width < 256;
    let is_other = is_depthwise(grouped) || super::Blocks::of_conv(&of_group(grouped)).rgb3x3;
    is_dense && whole && is_small && !is_other
}

/// Whether the kernel for depthwise convolutions executes a convolution in groups, if the shifts of its
/// channels allow it: filters see one channel each, through a window of at most 3x3 with a horizontal stride
/// of 1 or 2, and become codes by [`Rule::Multiplier`].
pub const fn is_depthwise(grouped: &GroupedConv) -> bool {
    let GroupedConv { input, output, window, groups, requant, .. } = grouped;
    let makes_codes = !matches!(output.bits, Bits::B32) && matches!(requant.rule, Rule::Multiplier);
    *groups == input.channels && takes_window(window) && makes_codes
}
