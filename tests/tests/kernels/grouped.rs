//! Random convolutions in groups. The device has no kernels of its own for them.

use mixq_rt::format::{Conv, GroupedConv, Layer};

use crate::numbers::Numbers;

/// A convolution with its channels in groups, if the layer is a convolution. Its filters are shorter, so that
/// the same parameters hold them.
pub fn grouped(numbers: &mut Numbers, layer: Layer) -> Layer {
    let Layer::Conv(Conv { input, output, window, weights, weight_bits, requant }) = layer else {
        return layer;
    };
    let divides =
        |groups: &u16| input.channels.is_multiple_of(*groups) && output.channels.is_multiple_of(*groups);
    let most = numbers.within(1, input.channels.into()) as u16;
    let groups = (1..=most).rev().find(divides).unwrap_or(1);
    Layer::GroupedConv(GroupedConv {
        input,
        output,
        window,
        groups,
        dilation_height: 1,
        dilation_width: 1,
        weights,
        weight_bits,
        requant,
    })
}
