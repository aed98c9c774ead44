//! Writes the weights of a layer in the order of its blocks.

use super::blocks::half_apart;
use super::grouped::takes_groups;
use super::{ALIGNMENT, BLOCK, Blocks, Records, STRIP, filters_of, has_records, of_group, records};
use crate::{Bits, Constants, Layer, Linear, Rule};

/// The blocks of a layer, and how many of them alternate; `None` if [`rearrange`] does not make blocks of the
/// weights. It does of layers with [`Rule::Multiplier`]: of convolutions of whole blocks, also those
/// of groups that the kernel [takes](takes_groups), and of
/// fully connected layers of at least a strip, whose weights are aligned, whose elements are a multiple of
/// 16, and whose pixels begin at bytes without padding, in the weights and in the input.
fn strips(layer: &Layer) -> Option<(Blocks, usize)> {
    let dense = |bits: Bits, channels: u16| (usize::from(channels) * bits.count()).is_multiple_of(8);
    let filters = usize::from(layer.output().channels);
    let (blocks, strip) = match layer {
        Layer::Conv(conv) => filters.is_multiple_of(BLOCK).then(|| (Blocks::of_conv(conv), 1))?,
        Layer::GroupedConv(conv) => takes_groups(conv).then(|| (Blocks::of_conv(&of_group(conv)), 1))?,
        Layer::Linear(Linear { input, weights, weight_bits, .. }) => {
            let whole = (input.pixels() * usize::from(input.channels)).is_multiple_of(16);
            let dense = dense(input.bits, input.channels) && dense(*weight_bits, input.channels);
            let blocks = Blocks::of_linear(input.bits, *weight_bits);
            (whole && dense && weights.is_multiple_of(ALIGNMENT) && filters >= STRIP)
                .then(|| (blocks, STRIP / blocks.channels))?
        }
        Layer::Depthwise(_)
        | Layer::AveragePool(_)
        | Layer::MaxPool(_)
        | Layer::Add(_)
        | Layer::Multiply(_)
        | Layer::Elementwise(_)
        | Layer::Rearrange(_)
        | Layer::Resize(_)
        | Layer::Constants(_)
        | Layer::Prelu(_) => return None,
    };
    (layer.requant()?.rule == Rule::Multiplier).then_some((blocks, strip))
}

/// The blocks of a layer, if [`rearrange`] makes blocks of its weights.
pub fn blocks_of(layer: &Layer) -> Option<Blocks> {
    Some(strips(layer)?.0)
}

/// Writes the weights of a layer in the layout of the kernels for ARMv7E-M to `laid_out`, a copy of
/// `parameters`. Offsets constants by half their range, so that they are unsigned. Does nothing for other
/// layers that [`blocks_of`] has no blocks for.
///
/// # Panics
/// If `parameters` are not those of the layer.
pub fn rearrange(layer: &Layer, parameters: &[u8], laid_out: &mut [u8]) {
    if let Layer::Constants(table) = layer {
        offset_constants(table, parameters, laid_out);
        return;
    }
    let (Some((blocks, strip)), Some((offset, rows, columns, bits))) = (strips(layer), layer.weights())
    else {
        return;
    };
    let filters = usize::from(layer.output().channels);
    let row_bytes = bits.row_bytes(columns);
    let filter_bytes = rows / filters * row_bytes;
    let elements = rows / filters * columns;
    let weight = |filter: &[u8], element: usize| {
        let bit = element % columns * bits.count();
        let code = i32::from(filter[element / columns * row_bytes + bit / 8] >> (bit % 8)) & bits.max_code();
        let above = 32 - bits.count();
        (code << above) >> above
    };
    // The word of unit `unit` of the block whose filters begin at `from`. The block has `whole` whole units.
    let word = |from: &[u8], unit: usize, whole: usize| {
        let slots = (0..blocks.unit).filter_map(|slot| {
            let element = blocks.element(elements, unit * blocks.unit + slot)?;
            Some((slot, element))
        });
        let mut word = 0;
        for (channel, filter) in from.chunks_exact(filter_bytes).take(blocks.channels).enumerate() {
            for (slot, element) in slots.clone() {
                word |= if unit == whole {
                    blocks.tail_bits(half_apart(blocks.unit, slot), channel, weight(filter, element))
                } else {
                    blocks.bits(slot / 2, slot % 2, channel, weight(filter, element))
                };
            }
        }
        word.to_le_bytes()
    };
    // Writes the words of blocks that alternate.
    let block_bytes = blocks.channels * filter_bytes;
    let words = |from: &[u8], to: &mut [u8], whole: usize| {
        let words = strip * elements.div_ceil(blocks.unit);
        for (index, bytes) in to.chunks_mut(4).enumerate().take(words) {
            let block = &from[index % strip * block_bytes..];
            bytes.copy_from_slice(&word(block, index / strip, whole)[..bytes.len()]);
        }
    };
    let offset = offset as usize;
    let plain = &parameters[offset..offset + rows * row_bytes];
    if let (Some(conv), true) = (&filters_of(layer), has_records(layer, parameters)) {
        let records @ Records { stride, zero_points, weights, .. } = Records::of(conv);
        let laid_out = &mut laid_out[offset..offset + filters / BLOCK * stride];
        let pairs = plain.chunks_exact(BLOCK * filter_bytes).zip(laid_out.chunks_exact_mut(stride));
        for (block, (from, to)) in pairs.enumerate() {
            to.fill(0);
            words(from, &mut to[zero_points..zero_points + weights], records.elements / blocks.unit);
            records::put(conv, block * BLOCK, parameters, to);
        }
        return;
    }
    let laid_out = &mut laid_out[offset..offset + rows * row_bytes];
    let strip_bytes = strip * block_bytes;
    for (from, to) in plain.chunks_exact(strip_bytes).zip(laid_out.chunks_exact_mut(strip_bytes)) {
        to.fill(0);
        words(from, to, elements / blocks.unit);
    }
}

fn offset_constants(table: &Constants, parameters: &[u8], laid_out: &mut [u8]) {
    let Constants { input, weights, weight_bits, .. } = table;
    // The highest bit of each code of a byte.
    let highest = match weight_bits {
        Bits::B2 => 0xaa,
        Bits::B4 => 0x88,
        Bits::B8 | Bits::B32 => 0x80,
    };
    let start = *weights as usize;
    let range = start..start + input.pixels() * weight_bits.row_bytes(input.channels.into());
    for (to, from) in laid_out[range.clone()].iter_mut().zip(&parameters[range]) {
        *to = from ^ highest;
    }
}
