//! What the kernels rely on beside shapes that chain: sums that fit 32 bits, codes that have the width of
//! their tensor, and tensors that are still there when they are read.
//!
//! All sizes are counted in 64 bits: a product of 16-bit sizes may not wrap where `usize` has 32.

use core::ops::Range;

use crate::{Bits, Layer, Requant, Rule, Tensor};

/// Pixels that an average pool may sum: the kernels compute `(2 sum + n) / 2n` in 32 bits.
const LARGEST_POOL: u64 = (1 << 23) - 1;

/// The bytes of a tensor in the arena.
pub(crate) fn range(tensor: &Tensor) -> Range<u64> {
    let pixels = u64::from(tensor.height) * u64::from(tensor.width);
    let start = u64::from(tensor.offset);
    start..start + pixels * tensor.pixel_bytes() as u64
}

/// A tensor in an arena of `arena_bytes` bytes.
pub(crate) fn tensor(tensor: &Tensor, arena_bytes: u32) -> Result<(), &'static str> {
    if tensor.height == 0 || tensor.width == 0 || tensor.channels == 0 {
        return Err("a tensor is empty");
    }
    if range(tensor).end > u64::from(arena_bytes) {
        return Err("a tensor reaches beyond the arena");
    }
    if !tensor.offset.is_multiple_of(4) {
        return Err("a tensor does not begin at a word of the arena");
    }
    let largest = if tensor.bits == Bits::B32 { 0 } else { tensor.bits.max_code() };
    if i32::from(tensor.zero_point) > largest {
        return Err("a zero point is not a code of its tensor");
    }
    Ok(())
}

/// What a layer reads is still there: no layer after the one that wrote it has written over it.
pub(crate) fn inputs_are_there(layers: &[Layer], reader: usize) -> Result<(), &'static str> {
    for input in layers[reader].inputs() {
        let wanted = range(input);
        let since = layers[..reader].iter().rev().map(Layer::output).take_while(|output| *output != input);
        let meets = |other: Range<u64>| other.start < wanted.end && wanted.start < other.end;
        if since.map(range).any(meets) {
            return Err("an input has been written over by a layer between");
        }
    }
    Ok(())
}

/// Where a layer's weights lie in the parameters, how many bytes they take, and their width.
pub(crate) fn weights(layer: &Layer) -> Option<(u32, u64, Bits)> {
    let (offset, bits, filters) = match layer {
        Layer::Conv(conv) => (conv.weights, conv.weight_bits, conv.output.channels),
        Layer::Linear(linear) => (linear.weights, linear.weight_bits, linear.output.channels),
        Layer::Depthwise(depthwise) => (depthwise.weights, depthwise.weight_bits, 1),
        Layer::AveragePool(_) | Layer::MaxPool(_) | Layer::Add(_) => return None,
    };
    let row = bits.row_bytes(layer.first_input().channels.into()) as u64;
    Some((offset, u64::from(filters).saturating_mul(taps(layer)).saturating_mul(row), bits))
}

/// Input pixels that go into an output.
fn taps(layer: &Layer) -> u64 {
    match layer.window() {
        Some(window) => window.taps() as u64,
        None => layer.first_input().pixels() as u64,
    }
}

/// Sums that do not depend on weights fit their 32 bits.
pub(crate) fn sums(layer: &Layer) -> Result<(), &'static str> {
    let input = layer.first_input();
    match layer {
        Layer::Conv(_) | Layer::Linear(_) => {
            let elements = taps(layer) * u64::from(input.channels);
            let fits =
                elements.checked_mul(input.bits.max_code() as u64).is_some_and(|sum| sum <= i32::MAX as u64);
            if fits { Ok(()) } else { Err("the sum of a window's codes may exceed 32 bits") }
        }
        Layer::AveragePool(pool) => {
            // A window sees no more than the input has.
            let height = pool.window.kernel_height.min(input.height);
            let width = pool.window.kernel_width.min(input.width);
            let pixels = u64::from(height) * u64::from(width);
            if pixels <= LARGEST_POOL { Ok(()) } else { Err("an average pool has 2^23 pixels or more") }
        }
        Layer::Depthwise(_) | Layer::MaxPool(_) | Layer::Add(_) => Ok(()),
    }
}

/// The zero points of weights are codes of weights, and thresholds ascend. The tables lie within the
/// parameters.
pub(crate) fn tables(
    requant: &Requant,
    weight_bits: Bits,
    output: &Tensor,
    parameters: &[u8],
) -> Result<(), &'static str> {
    let channels = usize::from(output.channels);
    let half = 1i32 << (weight_bits.count() - 1);
    let zero_points = &parameters[requant.weight_zero_point as usize..][..requant.zero_points(channels)];
    if zero_points.iter().any(|code| !(-half..half).contains(&i32::from(*code as i8))) {
        return Err("a weight's zero point has more bits than the weights");
    }
    let thresholds = &parameters[requant.multiplier as usize..];
    let ascend = match requant.rule {
        Rule::Multiplier => true,
        Rule::Thresholds16 => ascend(thresholds, output, |bytes: [u8; 2]| i16::from_le_bytes(bytes).into()),
        Rule::Thresholds32 => ascend(thresholds, output, i32::from_le_bytes),
    };
    if ascend { Ok(()) } else { Err("the thresholds of a channel do not ascend") }
}

/// Whether the thresholds of each channel do.
fn ascend<const BYTES: usize>(table: &[u8], output: &Tensor, value: fn([u8; BYTES]) -> i32) -> bool {
    let row = output.bits.max_code() as usize;
    let thresholds = &table.as_chunks().0[..row * usize::from(output.channels)];
    thresholds.chunks(row).all(|row| row.is_sorted_by(|a, b| value(*a) <= value(*b)))
}
