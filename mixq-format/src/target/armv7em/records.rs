//! The requantisation tables of convolutions, laid out beside the weights of their channels: the loop over
//! blocks reads weights and tables from one address to the next.

#[cfg(feature = "file")]
use super::super::relocate::Place;
use super::{BLOCK, Blocks, RGB3X3_ELEMENTS, blocks_of, filters_of, requantises};
use crate::{Bits, Conv, Layer, Requant};

/// Bytes of a record: the biases, multipliers and shifts of a block.
pub const RECORD: usize = BLOCK * (4 + 4 + 1);

/// Elements of a window of [3x3 on three channels](Blocks::rgb3x3), and one for the zero point. They are
/// whole units of 8-bit weights, and of 4-bit weights with 8-bit input.
pub const RGB3X3_WITH_ZERO_POINT: usize = RGB3X3_ELEMENTS + 1;

/// The layout of the blocks of a convolution that [`has_records`]. A block is, in this order:
///
/// 1. if each channel has its own zero point: the zero points of both channels, plus their
///    [offset](Blocks::zero_point_offset);
/// 2. the weights;
/// 3. a record of [`RECORD`] bytes: the biases, the multipliers, and the shifts less 32, of both channels;
/// 4. bytes of 0, as many as the padding of rows takes in the artifact.
///
/// Where windows are [3x3 on three channels](Blocks::rgb3x3), the last unit is whole, except with 8-bit
/// weights whose channels share a zero point. If each channel has its own zero point, and weights have 8
/// bits, or 4 bits with 8-bit input, the zero points stand in the last unit: they are the weights of a 28th
/// element, which is the negated sum of the other elements.
///
/// All blocks together take the bytes of the weights, and of the tables with an entry for each channel, from
/// the first weight on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Records {
    /// Bytes from a block to the next.
    pub stride: usize,
    /// Bytes of zero points before the weights.
    pub zero_points: usize,
    /// Whether zero points stand among the weights.
    pub inside: bool,
    /// Elements whose weights are stored. They include elements of weight 0 that fill the last unit.
    pub elements: usize,
    /// Bytes of the weights, up to the last byte that is read.
    pub weights: usize,
}

impl Records {
    /// The layout of a convolution, if it has records.
    pub const fn of(conv: &Conv) -> Records {
        let Conv { input, window, weight_bits, requant, .. } = conv;
        let channels = input.channels as usize;
        let taps = window.kernel_height as usize * window.kernel_width as usize;
        let zero_points = BLOCK * requant.zero_point_step as usize;
        let filter_bytes = taps * weight_bits.row_bytes(channels);
        let blocks = Blocks::of_conv(conv);
        let inside = blocks.rgb3x3 && requant.zero_point_step == 1 && blocks.holds_zero_points();
        let elements = if blocks.rgb3x3 { blocks.stored_of_rgb3x3(inside) } else { taps * channels };
        Records {
            stride: zero_points + BLOCK * filter_bytes + RECORD,
            zero_points: if inside { 0 } else { zero_points },
            inside,
            elements,
            weights: blocks.bytes(elements),
        }
    }
}

// A block has room for a whole last unit: in the artifact, the three weights of each tap begin a byte.
const _: () =
    assert!(RGB3X3_WITH_ZERO_POINT * 4 * BLOCK / 8 <= 9 * 2 * BLOCK && 32 * 2 * BLOCK / 8 <= 9 * BLOCK);

/// Whether the tables of a layer are laid out beside its weights. This is so for a convolution of whole
/// blocks to codes, if each channel has a multiplier, if [`requantises`] is true, if the loops know the
/// fraction, if zero points are in the range of the weights, and if the tables follow the weights one after
/// another.
///
/// # Panics
/// If `parameters` are not those of the layer.
pub fn has_records(layer: &Layer, parameters: &[u8]) -> bool {
    let Some(conv) = &filters_of(layer) else { return false };
    let Conv { output, requant, .. } = conv;
    let (Some(_), Some((weights, rows, columns, bits))) = (blocks_of(layer), layer.weights()) else {
        return false;
    };
    let (filters, half) = (u32::from(output.channels), bits.max_code() / 2 + 1);
    let follows = requant.bias == weights + (rows * bits.row_bytes(columns)) as u32
        && requant.multiplier == requant.bias + 4 * filters
        && requant.shift == requant.multiplier + 4 * filters
        && requant.weight_zero_point == requant.shift + filters;
    follows
        && output.bits != Bits::B32
        && requant.multiplier_step == 1
        && (requant.fraction == Requant::FRACTION
            || (output.bits == Bits::B8 && requant.fraction == Requant::COARSE_FRACTION))
        && requantises(requant, output.channels.into(), parameters)
        && (parameters[requant.weight_zero_point as usize..][..requant.zero_points(filters as usize)].iter())
            .all(|zero_point| (-half..half).contains(&i32::from(*zero_point as i8)))
}

/// Where the tables of a layer must begin, if they are laid out beside its weights: so that the weights of
/// each block begin at a word, after two bytes of zero points, if there are any.
///
/// # Panics
/// If `parameters` are not those of the layer.
#[cfg(feature = "file")]
pub(in crate::target) fn place(layer: &Layer, parameters: &[u8]) -> Option<Place> {
    let conv = &filters_of(layer)?;
    let Records { stride, zero_points, .. } = Records::of(conv);
    has_records(layer, parameters).then(|| match zero_points {
        _ if !stride.is_multiple_of(4) => Place::Anywhere,
        0 => Place::Word,
        _ => Place::HalfWord,
    })
}

/// Writes the zero points and the record of the block whose lower channel is output channel `channel`.
pub(super) fn put(conv: &Conv, channel: usize, parameters: &[u8], block: &mut [u8]) {
    let Conv { requant, .. } = conv;
    let Records { zero_points, inside, weights, .. } = Records::of(conv);
    let of = |offset: u32, bytes: usize| {
        let start = offset as usize + bytes * channel;
        &parameters[start..start + bytes * BLOCK]
    };
    let blocks = Blocks::of_conv(conv);
    if zero_points > 0 {
        for (channel, (to, zero_point)) in block.iter_mut().zip(of(requant.weight_zero_point, 1)).enumerate()
        {
            *to = zero_point.wrapping_add(blocks.zero_point_offset(channel) as u8);
        }
    } else if inside {
        // The zero points are the weights of the last slot of the last word.
        let word = &mut block[weights - 4..weights];
        for (channel, zero_point) in of(requant.weight_zero_point, 1).iter().enumerate() {
            let bits = blocks.bits(blocks.unit / 2 - 1, 1, channel, (*zero_point as i8).into());
            for (to, byte) in word.iter_mut().zip(bits.to_le_bytes()) {
                *to |= byte;
            }
        }
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
