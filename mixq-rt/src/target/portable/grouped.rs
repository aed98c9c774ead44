//! Convolution in groups of channels, with gaps between the taps of its window.

use mixq_format::{GroupedConv, Operands};

use super::{BLOCK, SEGMENT};
use crate::target::requant::{Requantiser, RuleFn};
use crate::target::tensor::{PixelWriter, code, split, weight};

/// Executes a grouped convolution with `X`-bit input and `W`-bit weights, and any width of output. `rule` is
/// the rule that its table names.
///
/// # Panics
/// If the table has other widths.
#[inline(always)]
pub fn grouped_conv<const X: usize, const W: usize>(operands: Operands<GroupedConv>, rule: RuleFn) {
    let (layer, parameters, arena) = operands.parts();
    execute(layer, rule, parameters, arena, unpack::<X>, dots::<W>);
}

/// Unpacks codes of a pixel, from the given channel on.
type Unpack = fn(pixel: &[u8], channel: usize, codes: &mut [u8]);

/// Adds the dot products of codes and weights, which begin with an element of their rows, to the sums of
/// consecutive filters, which begin `filter_bytes` apart.
type Dots = fn(codes: &[u8], weights: &[u8], element: usize, filter_bytes: usize, sums: &mut [i32]);

#[inline(never)]
fn execute(
    layer: &GroupedConv,
    rule: RuleFn,
    parameters: &[u8],
    arena: &mut [u8],
    unpack: Unpack,
    dots: Dots,
) {
    let (input, output) = split(arena, &layer.input, &layer.output);
    let requant = Requantiser::new(&layer.requant, rule, &layer.output, parameters);
    let needs_input_sum = requant.needs_input_sum(layer.output.channels);
    let (channels, filters) = (layer.group_channels(), layer.group_filters());
    let row_bytes = layer.weight_bits.row_bytes(channels);
    let (taps, width) = (layer.window.taps(), usize::from(layer.output.width).max(1));
    let filter_bytes = taps * row_bytes;
    let weights = &parameters[layer.weights as usize..];
    let mut codes = [0; SEGMENT];
    for (index, pixel) in output.chunks_mut(layer.output.pixel_bytes()).enumerate() {
        let mut writer = PixelWriter::new(pixel, layer.output.bits);
        for group in 0..usize::from(layer.groups) {
            let end = (group + 1) * filters;
            for first in (group * filters..end).step_by(BLOCK) {
                let (mut sums, mut input_sum) = ([0; BLOCK], 0i32);
                let sums = &mut sums[..BLOCK.min(end - first)];
                let weights = &weights[first * filter_bytes..];
                for tap in 0..taps {
                    let seen = see(layer, input, [index / width, index % width], tap);
                    for element in (0..channels).step_by(SEGMENT) {
                        let codes = &mut codes[..SEGMENT.min(channels - element)];
                        match seen {
                            Some(pixel) => unpack(pixel, group * channels + element, codes),
                            None => codes.fill(layer.input.zero_point),
                        }
                        if needs_input_sum {
                            input_sum += codes.iter().map(|code| i32::from(*code)).sum::<i32>();
                        }
                        dots(codes, &weights[tap * row_bytes..], element, filter_bytes, sums);
                    }
                }
                requant.write_all(&mut writer, first, sums, input_sum);
            }
        }
        writer.finish();
    }
}

/// The pixel that a tap sees of the window of an output pixel, which is given by row and column; `None` if it
/// lies in the padding.
#[inline(never)]
fn see<'a>(layer: &GroupedConv, input: &'a [u8], [y, x]: [usize; 2], tap: usize) -> Option<&'a [u8]> {
    let GroupedConv { input: tensor, window, .. } = layer;
    let kernel_width = usize::from(window.kernel_width).max(1);
    let (row, column) = (tap / kernel_width, tap % kernel_width);
    // A place before the input wraps to one beyond it. All places are below 2^18.
    let place = |position: usize, stride: u16, tap: usize, dilation: u16, pad: u16| {
        (position * usize::from(stride) + tap * usize::from(dilation)).wrapping_sub(pad.into())
    };
    let y = place(y, window.stride_height, row, layer.dilation_height, window.pad_top);
    let x = place(x, window.stride_width, column, layer.dilation_width, window.pad_left);
    if y >= tensor.height.into() || x >= tensor.width.into() {
        return None;
    }
    let pixel_bytes = tensor.pixel_bytes();
    Some(&input[(y * usize::from(tensor.width) + x) * pixel_bytes..][..pixel_bytes])
}

#[inline(never)]
fn unpack<const X: usize>(pixel: &[u8], channel: usize, codes: &mut [u8]) {
    for (index, to) in codes.iter_mut().enumerate() {
        *to = code::<X>(pixel, channel + index) as u8;
    }
}

#[inline(never)]
fn dots<const W: usize>(
    codes: &[u8],
    mut weights: &[u8],
    element: usize,
    filter_bytes: usize,
    sums: &mut [i32],
) {
    for sum in sums {
        for (index, code) in codes.iter().enumerate() {
            *sum = sum.wrapping_add(i32::from(*code) * weight::<W>(weights, element + index));
        }
        weights = weights.get(filter_bytes..).unwrap_or_default();
    }
}
