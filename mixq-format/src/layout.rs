//! How the kernels of an instruction set want the weights: each layer's packed bytes in another order.
//!
//! [`armv7em`] rearranges the weights of a layer for the DSP instructions of ARMv7E-M, where one `SMLAD`
//! multiplies two pairs of 16-bit halves. It takes as many bytes as before, so flash figures stay what they
//! are, and happens when firmware is compiled: artifacts do not know of it.
//!
//! The elements of a filter, in the order row, column, channel, are taken without the padding of rows.
//! Filters are taken in *blocks* of two output channels, a lower and an upper one. A block is a sequence of
//! 32-bit words, each of a *unit* of elements, from its first byte on; what is left of its bytes is 0. In
//! fully connected layers the blocks of [`STRIP`] channels alternate, word by word, as they are multiplied
//! with one pixel instead of four. Blocks of most convolutions stand between their requantisation tables: see
//! [`Records`].
//!
//! | weights | input | unit | in a word |
//! | --- | --- | --- | --- |
//! | 8 bits | any | 2 | halves: an element each; bytes: lower, upper channel |
//! | 4 bits | 8 bits | 4 | bytes: an element each, in their order; nibbles: lower, upper channel |
//! | 4 bits | 4, 2 bits | 4 | two pairs, the second rotated left by 8: bits 0 to 3 and 12 to 15 of each half |
//! | the same, fully connected | 8 bits | 2 | halves: an element each; nibbles: four channels |
//! | 2 bits | any | 8 | four pairs, rotated left by 0, 4, 8, 12: bits 0, 1 and 14, 15 of each half |
//!
//! Weights of the lower channel are offset by half their range (unsigned), those of the upper one are signed:
//! they lie in the upper bits of a half. Beside 8-bit input both 4-bit weights are offset; of four channels
//! all but the last.

use crate::{Bits, Depthwise, Layer, Linear, Requant, Rule, Tensor};

mod blocks;
mod plan;
mod proof;
mod records;
#[cfg(feature = "file")]
mod relocate;
mod windows;

use blocks::half_apart;
pub use blocks::{Blocks, NINE};
pub use plan::{
    LEAST_SCRATCH, LEAST_SCRATCH_OF_NINE, LEAST_SCRATCH_OF_NINE_AND_SUMS, Plan, plan, useful, whole,
};
pub use proof::{Proof, proof};
pub use records::{NINE_WITH_ZERO_POINT, RECORD, Records, armv7em_records};
#[cfg(feature = "file")]
pub use relocate::relocate;
pub use windows::Windows;

/// Output channels of a block, but for [`Blocks::of_linear`].
pub const BLOCK: usize = 2;

/// Output channels of a fully connected layer whose blocks alternate.
pub const STRIP: usize = 8;

/// What the weights of a fully connected layer are aligned to, in bytes: the kernel loads two words at once.
pub const ALIGNMENT: u32 = 4;

/// Shifts that the kernels for ARMv7E-M take several codes of at once: the high word of a product decides,
/// with room for the zero point above it.
pub const SHIFTS: core::ops::RangeInclusive<u8> = 32..=53;

/// Whether the kernels for ARMv7E-M take several codes at once by these tables: [`Rule::Multiplier`], a
/// fraction below 8 bits, all [`SHIFTS`].
///
/// # Panics
/// If `parameters` are not those of the layer.
pub fn armv7em_requantises(requant: &Requant, channels: usize, parameters: &[u8]) -> bool {
    let shifts = requant.multipliers(channels);
    requant.rule == Rule::Multiplier
        && requant.fraction < 8
        && parameters[requant.shift as usize..][..shifts].iter().all(|shift| SHIFTS.contains(shift))
}

/// Bits of the codes that the kernels for ARMv7E-M make of sums while these are in registers: those of
/// convolutions by [`armv7em_records`]; of fully connected layers of whole strips by the usual tables, with a
/// multiplier for each channel, if the elements are multiplied all at once. 0, if sums become codes or logits
/// later, by any tables.
///
/// # Panics
/// If `parameters` are not those of the layer.
pub fn armv7em_codes(layer: &Layer, parameters: &[u8], plan: &Plan) -> usize {
    let Tensor { bits, channels, .. } = *layer.output();
    let codes = match layer {
        Layer::Linear(Linear { input, requant, .. }) => {
            let elements = input.elements();
            bits != Bits::B32
                && usize::from(channels).is_multiple_of(STRIP)
                && elements <= plan.proof.chunk.into()
                && 2 * elements <= LEAST_SCRATCH.max(plan.scratch_bytes as usize)
                && requant.multiplier_step == 1
                && requant.fraction == Requant::FRACTION
                && armv7em_requantises(requant, channels.into(), parameters)
        }
        Layer::Conv(_) => armv7em_records(layer, parameters),
        Layer::Depthwise(_) | Layer::AveragePool(_) | Layer::MaxPool(_) | Layer::Add(_) => false,
    };
    if codes { bits.count() } else { 0 }
}

/// Whether there is a kernel for ARMv7E-M for a layer with weights: for those that [`armv7em_blocks`] takes,
/// and for depthwise convolutions with windows of 3x3 from one column to the next or the one after that
/// [`armv7em_requantises`].
///
/// # Panics
/// If `parameters` are not those of the layer.
pub fn armv7em_takes(layer: &Layer, parameters: &[u8]) -> bool {
    let Layer::Depthwise(Depthwise { output, window, requant, .. }) = layer else {
        return armv7em_blocks(layer).is_some();
    };
    (window.kernel_height, window.kernel_width) == (3, 3)
        && window.stride_width <= 2
        && output.bits != Bits::B32
        && armv7em_requantises(requant, output.channels.into(), parameters)
}

/// Pixels of the largest window of an average pool whose codes are summed by words, in 16 bits.
pub const WORD_POOL: usize = 256;

/// Whether the kernels for ARMv7E-M read the codes of a pool by words: where pixels have so many bytes, and a
/// window has no more than [`WORD_POOL`] pixels if their average is taken.
pub const fn armv7em_words(layer: &Layer) -> bool {
    let (Layer::AveragePool(pool) | Layer::MaxPool(pool)) = layer else { return false };
    let window = pool.window.kernel_height as usize * pool.window.kernel_width as usize;
    pool.input.pixel_bytes() >= 4 && (window <= WORD_POOL || matches!(layer, Layer::MaxPool(_)))
}

/// The shape of a layer's blocks, if [`armv7em`] rearranges its weights, and how many of them alternate. It
/// does so with [`Rule::Multiplier`]: convolutions of whole blocks, fully connected layers of at least a
/// strip whose weights are aligned, and weights and inputs have no padding between bytes, and whole words.
fn armv7em_strips(layer: &Layer) -> Option<(Blocks, usize)> {
    let dense = |bits: Bits, channels: u16| (usize::from(channels) * bits.count()).is_multiple_of(8);
    let filters = usize::from(layer.output().channels);
    let (blocks, strip) = match layer {
        Layer::Conv(conv) => filters.is_multiple_of(BLOCK).then(|| (Blocks::of_conv(conv), 1))?,
        Layer::Linear(Linear { input, weights, weight_bits, .. }) => {
            let whole = (input.pixels() * usize::from(input.channels)).is_multiple_of(16);
            let dense = dense(input.bits, input.channels) && dense(*weight_bits, input.channels);
            let blocks = Blocks::of_linear(input.bits, *weight_bits);
            (whole && dense && weights.is_multiple_of(ALIGNMENT) && filters >= STRIP)
                .then(|| (blocks, STRIP / blocks.channels))?
        }
        Layer::Depthwise(_) | Layer::AveragePool(_) | Layer::MaxPool(_) | Layer::Add(_) => return None,
    };
    (layer.requant()?.rule == Rule::Multiplier).then_some((blocks, strip))
}

/// The shape of a layer's blocks, if [`armv7em`] rearranges its weights.
pub fn armv7em_blocks(layer: &Layer) -> Option<Blocks> {
    Some(armv7em_strips(layer)?.0)
}

/// All parameters of a network with the weights as the kernels for ARMv7E-M want them.
///
/// # Panics
/// If the layers' weights reach beyond the parameters.
#[cfg(feature = "file")]
pub fn armv7em_parameters<'a>(layers: impl IntoIterator<Item = &'a Layer>, parameters: &[u8]) -> Vec<u8> {
    let mut all = parameters.to_vec();
    for layer in layers {
        armv7em(layer, parameters, &mut all);
    }
    all
}

/// Writes the weights of a layer as the kernels for ARMv7E-M want them, into a copy of the parameters that
/// has them as they are in the artifact; nothing for layers that [`armv7em_blocks`] leaves alone.
///
/// # Panics
/// If these are not the parameters of the layer.
pub fn armv7em(layer: &Layer, parameters: &[u8], laid_out: &mut [u8]) {
    let strips = armv7em_strips(layer);
    let (Some((blocks, strip)), Some((offset, rows, columns, bits))) = (strips, layer.weights()) else {
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
    // The word of a unit of the block that begins `from`; there are so many whole ones.
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
    // The words of blocks that alternate.
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
    if let (Layer::Conv(conv), true) = (layer, armv7em_records(layer, parameters)) {
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
