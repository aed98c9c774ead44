//! The requantisation tables of convolutions, laid out beside the weights that they belong to: a loop over blocks reads all in one go.

use super::{BLOCK, Blocks, armv7em_blocks, armv7em_requantises};
use crate::{Bits, Conv, Layer, Requant};

/// Bytes of a block's biases, multipliers and shifts.
pub const RECORD: usize = BLOCK * (4 + 4 + 1);

/// How the blocks of a convolution follow one another if they have records: each is the zero points of its two channels, if channels
/// have their own; the weights; the biases, the multipliers and the shifts (less 32) of both channels, a [`RECORD`]; and what the rows' padding leaves.
///
/// Together they take the bytes of the weights and the tables, from the first weight on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Records {
    /// Bytes from a block to the next.
    pub stride: usize,
    /// Bytes of zero points.
    pub zero_points: usize,
    /// Bytes of the weights, as far as they are read.
    pub weights: usize,
}

impl Records {
    /// Those of a convolution, if it has any.
    pub const fn of(conv: &Conv) -> Records {
        let Conv { input, window, weight_bits, requant, .. } = conv;
        let channels = input.channels as usize;
        let taps = window.kernel_height as usize * window.kernel_width as usize;
        let zero_points = BLOCK * requant.zero_point_step as usize;
        let filter_bytes = taps * weight_bits.row_bytes(channels);
        Records {
            stride: zero_points + BLOCK * filter_bytes + RECORD,
            zero_points,
            weights: Blocks::of_conv(conv).bytes(taps * channels),
        }
    }
}

/// Whether the tables of a layer are laid out beside its weights: those of convolutions whose codes are made in the usual way, by one multiplier for
/// each channel, from tables that follow the weights one after another.
///
/// # Panics
/// If `parameters` are not those of the layer.
pub fn armv7em_records(layer: &Layer, parameters: &[u8]) -> bool {
    let Layer::Conv(conv) = layer else { return false };
    let Conv { output, requant, .. } = conv;
    let (Some(_), Some((weights, rows, columns, bits))) = (armv7em_blocks(layer), layer.weights()) else {
        return false;
    };
    let filters = u32::from(output.channels);
    let follows = requant.bias == weights + (rows * bits.row_bytes(columns)) as u32
        && requant.multiplier == requant.bias + 4 * filters
        && requant.shift == requant.multiplier + 4 * filters
        && requant.weight_zero_point == requant.shift + filters;
    follows
        && output.bits != Bits::B32
        && requant.multiplier_step == 1
        && (requant.fraction == Requant::FRACTION
            || (output.bits == Bits::B8 && requant.fraction == Requant::COARSE_FRACTION))
        && armv7em_requantises(requant, output.channels.into(), parameters)
}

/// Writes zero points and record of the block that begins with an output channel.
pub(super) fn put(conv: &Conv, channel: usize, parameters: &[u8], block: &mut [u8]) {
    let Conv { requant, .. } = conv;
    let Records { zero_points, weights, .. } = Records::of(conv);
    let of = |offset: u32, bytes: usize| {
        let start = offset as usize + bytes * channel;
        &parameters[start..start + bytes * BLOCK]
    };
    if zero_points > 0 {
        block[..zero_points].copy_from_slice(of(requant.weight_zero_point, 1));
    }
    let record = &mut block[zero_points + weights..][..RECORD];
    let (biases, rest) = record.split_at_mut(4 * BLOCK);
    let (multipliers, shifts) = rest.split_at_mut(4 * BLOCK);
    biases.copy_from_slice(of(requant.bias, 4));
    multipliers.copy_from_slice(of(requant.multiplier, 4));
    for (to, shift) in shifts.iter_mut().zip(of(requant.shift, 1)) {
        *to = shift - 32;
    }
}
