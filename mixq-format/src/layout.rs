//! How the kernels of an instruction set want the weights: each layer's packed bytes in another order.
//!
//! [`armv7em`] rearranges the weights of a layer for the DSP instructions of ARMv7E-M, where one `SMLAD` multiplies
//! two pairs of 16-bit halves. It takes as many bytes as before, so flash figures stay what they are, and happens
//! when firmware is compiled: artifacts do not know of it.
//!
//! The elements of a filter, in the order row, column, channel, are taken without the padding of rows. Filters are
//! taken in *blocks* of two output channels, a lower and an upper one. A block is a
//! sequence of 32-bit words, each of a *unit* of elements, from its first byte on; what is left of its bytes is 0. In fully
//! connected layers the blocks of [`STRIP`] channels alternate, word by word, as they are multiplied with one pixel instead of four. Blocks of
//! most convolutions stand between their requantisation tables: see [`Records`].
//!
//! | weights | input | unit | in a word |
//! | --- | --- | --- | --- |
//! | 8 bits | any | 2 | halves: an element each; bytes: lower, upper channel |
//! | 4 bits | 8 bits | 4 | bytes: an element each, in their order; nibbles: lower, upper channel |
//! | 4 bits | 4, 2 bits | 4 | two pairs, the second rotated left by 8: bits 0 to 3 and 12 to 15 of each half |
//! | the same, fully connected | 8 bits | 2 | halves: an element each; nibbles: four channels |
//! | 2 bits | any | 8 | four pairs, rotated left by 0, 4, 8, 12: bits 0, 1 and 14, 15 of each half |
//!
//! Weights of the lower channel are offset by half their range (unsigned), those of the upper one are signed: they lie in
//! the upper bits of a half. Beside 8-bit input both 4-bit weights are offset; of four channels all but the last.

use crate::{Bits, Conv, Depthwise, Layer, Linear, Requant, Rule};

mod plan;
mod proof;
mod records;
#[cfg(feature = "file")]
mod relocate;

pub use plan::{LEAST_SCRATCH, LEAST_SCRATCH_OF_NINE, LEAST_SCRATCH_OF_NINE_AND_SUMS, Plan, plan, useful};
pub use proof::{Proof, proof};
pub use records::{RECORD, Records, armv7em_records};
#[cfg(feature = "file")]
pub use relocate::relocate;

/// Output channels of a block, but for [`Blocks::of_linear`].
pub const BLOCK: usize = 2;

/// Output channels of a fully connected layer whose blocks alternate.
pub const STRIP: usize = 8;

/// What the weights of a fully connected layer are aligned to, in bytes: the kernel loads two words at once.
pub const ALIGNMENT: u32 = 4;

/// The shape of blocks for one pair of widths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blocks {
    /// Output channels: [`BLOCK`] or four.
    pub channels: usize,
    /// Elements of a word of weights.
    pub unit: usize,
    /// Elements of a word of packed input.
    pub word: usize,
    /// Width of a weight.
    pub weight_bits: Bits,
    /// Whether windows are three rows of nine bytes, as those of 3x3 on three channels are: then the whole words of each row come first, and its last
    /// byte after those of all rows.
    pub nine: bool,
}

impl Blocks {
    /// For a convolution. Codes of 4 and 2 bits of several pixels whose channels do not fill their bytes are unpacked to a byte each: then this is
    /// for 8-bit input.
    pub const fn of_conv(conv: &Conv) -> Blocks {
        let Conv { input, window, .. } = conv;
        let channels = input.channels as usize;
        let pointwise = window.kernel_height as usize * window.kernel_width as usize == 1;
        let dense = (channels * input.bits.count()).is_multiple_of(8);
        let x = if pointwise || dense { input.bits } else { Bits::B8 };
        let nine = window.kernel_height == 3
            && window.kernel_width as usize * channels == 9
            && matches!(x, Bits::B8);
        Blocks { nine, ..Blocks::of(x, conv.weight_bits) }
    }

    /// For `x`-bit input and `w`-bit weights.
    pub const fn of(x: Bits, w: Bits) -> Blocks {
        let unit = match w {
            Bits::B8 => 2,
            Bits::B4 => 4,
            _ => 8,
        };
        Blocks { channels: BLOCK, unit, word: 32 / x.count(), weight_bits: w, nine: false }
    }

    /// For a fully connected layer: beside one pixel of 8 bits there are registers for the sums of four channels of 4-bit weights, each
    /// by itself.
    pub const fn of_linear(x: Bits, w: Bits) -> Blocks {
        let blocks = Blocks::of(x, w);
        if blocks.nibbles() { Blocks { channels: 4, unit: 2, ..blocks } } else { blocks }
    }

    /// Bits of a code of the input as it is widened.
    pub const fn input_bits(&self) -> usize {
        32 / self.word
    }

    /// Whether the codes of this convolution are unpacked to a byte each before.
    pub const fn unpacked(conv: &Conv) -> bool {
        Blocks::of_conv(conv).input_bits() != conv.input.bits.count()
    }

    /// Which of a filter's elements is at a slot; slots are counted in pairs of halves, in the order of the words. `None`:
    /// a slot of the last unit that is empty.
    ///
    /// Unpacking a word of input puts element `i` beside the one half a word later, and so does [half of one](Self::half_word); elements that
    /// fill no word are in their order, those that fill no unit beside the one half a unit later.
    pub const fn element(&self, elements: usize, slot: usize) -> Option<usize> {
        if self.nine {
            return match slot {
                0..24 => Some(slot / 8 * 9 + slot % 8 / 4 * 4 + half_apart(4, slot % 4)),
                24..27 => Some((slot - 24) * 9 + 8),
                _ => None,
            };
        }
        let whole = elements - elements % self.unit;
        let words = whole - whole % self.word;
        let half = if self.half_word(elements) { self.word / 2 } else { 0 };
        let element = if slot >= whole {
            whole + half_apart(self.unit, slot - whole)
        } else if slot < words {
            slot - slot % self.word + half_apart(self.word, slot % self.word)
        } else if slot < words + half {
            words + half_apart(half, slot - words)
        } else {
            slot
        };
        if element < elements { Some(element) } else { None }
    }

    /// Elements of the last, incomplete unit that are stored, those that are empty before the last one included.
    pub const fn tail(&self, elements: usize) -> usize {
        // The second of three is in the upper half of the first pair.
        if self.nine && self.unit == 8 { 5 } else { elements % self.unit }
    }

    /// Bytes of the weights of a block of so many elements, as far as they are read.
    pub const fn bytes(&self, elements: usize) -> usize {
        let tail = self.tail(elements);
        // Of the two channels of an element; in halves of a byte at 2 bits.
        let tail_bytes = (BLOCK * tail * self.weight_bits.count()).div_ceil(8);
        elements / self.unit * 4 + tail_bytes
    }

    /// Whether half a word of the codes that fill no word is unpacked as one: of 4 or 2 bits each, and whole units.
    pub const fn half_word(&self, elements: usize) -> bool {
        self.word >= 8 && self.unit <= self.word / 2 && elements % self.word >= self.word / 2
    }

    /// Whether both channels lie in the nibbles of a byte.
    const fn nibbles(&self) -> bool {
        self.word == 4 && matches!(self.weight_bits, Bits::B4) && self.channels == BLOCK
    }

    /// The bits of one weight in its word: pair 0 to 3, half 0 or 1, channel 0 or 1 (lower, upper), or one of four.
    const fn bits(&self, pair: usize, half: usize, channel: usize, weight: i32) -> u32 {
        let mask = self.weight_bits.max_code();
        let offset = if channel + 1 < self.channels || self.nibbles() { (mask + 1) / 2 } else { 0 };
        let field = ((weight + offset) & mask) as u32;
        let half = 16 * half;
        match self.weight_bits {
            _ if self.channels > BLOCK => field << (half + 4 * channel),
            Bits::B8 => field << (half + 8 * channel),
            Bits::B4 if self.nibbles() => field << (half + 8 * pair + 4 * channel),
            Bits::B4 => (field << (half + 12 * channel)).rotate_left(8 * pair as u32),
            _ => (field << (half + 14 * channel)).rotate_left(4 * pair as u32),
        }
    }

    /// The same in the last, incomplete unit, of which only the first bytes are stored: those of one element after the other.
    const fn tail_bits(&self, element: usize, channel: usize, weight: i32) -> u32 {
        let field = self.bits(0, 0, channel, weight);
        if self.unit == 2 {
            return field;
        }
        // Back from the upper end of a half to just above the other channel.
        let width = self.weight_bits.count();
        let near = if channel == 0 || self.nibbles() { field } else { field >> (16 - 2 * width) };
        near << (2 * width * element)
    }
}

const fn half_apart(size: usize, slot: usize) -> usize {
    slot / 2 + slot % 2 * (size / 2)
}

/// Shifts that the kernels for ARMv7E-M take several codes of at once: the high word of a product decides, with room for the zero point
/// above it.
pub const SHIFTS: core::ops::RangeInclusive<u8> = 32..=53;

/// Whether the kernels for ARMv7E-M take several codes at once by these tables: [`Rule::Multiplier`], a fraction below 8 bits, all
/// [`SHIFTS`].
///
/// # Panics
/// If `parameters` are not those of the layer.
pub fn armv7em_requantises(requant: &Requant, channels: usize, parameters: &[u8]) -> bool {
    let shifts = requant.multipliers(channels);
    requant.rule == Rule::Multiplier
        && requant.fraction < 8
        && parameters[requant.shift as usize..][..shifts].iter().all(|shift| SHIFTS.contains(shift))
}

/// Whether there is a kernel for ARMv7E-M for a layer with weights: for those that [`armv7em_blocks`] takes, and for depthwise convolutions
/// with windows of 3x3 from one column to the next or the one after that [`armv7em_requantises`].
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

/// The shape of a layer's blocks, if [`armv7em`] rearranges its weights, and how many of them alternate. It does so with
/// [`Rule::Multiplier`]: convolutions of whole blocks, fully connected layers of at least a strip whose weights are aligned, and weights and
/// inputs have no padding between bytes, and whole words.
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
        _ => return None,
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

/// Writes the weights of a layer as the kernels for ARMv7E-M want them, into a copy of the parameters that has them as they are in the
/// artifact; nothing for layers that [`armv7em_blocks`] leaves alone.
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
    // The word of a unit of the block that begins `from`.
    let word = |from: &[u8], unit: usize| {
        let slots = (0..blocks.unit).filter_map(|slot| {
            let element = blocks.element(elements, unit * blocks.unit + slot)?;
            Some((slot, element))
        });
        let mut word = 0;
        for (channel, filter) in from.chunks_exact(filter_bytes).take(blocks.channels).enumerate() {
            for (slot, element) in slots.clone() {
                word |= if elements / blocks.unit == unit {
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
    let words = |from: &[u8], to: &mut [u8]| {
        let words = strip * elements.div_ceil(blocks.unit);
        for (index, bytes) in to.chunks_mut(4).enumerate().take(words) {
            let block = &from[index % strip * block_bytes..];
            bytes.copy_from_slice(&word(block, index / strip)[..bytes.len()]);
        }
    };
    let offset = offset as usize;
    let plain = &parameters[offset..offset + rows * row_bytes];
    if let (Layer::Conv(conv), true) = (layer, armv7em_records(layer, parameters)) {
        let Records { stride, zero_points, weights } = Records::of(conv);
        let laid_out = &mut laid_out[offset..offset + filters / BLOCK * stride];
        let blocks = plain.chunks_exact(BLOCK * filter_bytes).zip(laid_out.chunks_exact_mut(stride));
        for (block, (from, to)) in blocks.enumerate() {
            to.fill(0);
            words(from, &mut to[zero_points..zero_points + weights]);
            records::put(conv, block * BLOCK, parameters, to);
        }
        return;
    }
    let laid_out = &mut laid_out[offset..offset + rows * row_bytes];
    let strip_bytes = strip * block_bytes;
    for (from, to) in plain.chunks_exact(strip_bytes).zip(laid_out.chunks_exact_mut(strip_bytes)) {
        to.fill(0);
        words(from, to);
    }
}
