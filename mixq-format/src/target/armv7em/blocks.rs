//! Blocks of output channels: which elements the words of a block hold, and in which bits.

use super::BLOCK;
use crate::{Bits, Conv};

/// Elements of a window of [3x3 on three channels](Blocks::rgb3x3).
pub const RGB3X3_ELEMENTS: usize = 3 * 3 * 3;

/// The layout of blocks for one pair of widths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blocks {
    /// Output channels of a block: [`BLOCK`] or four.
    pub channels: usize,
    /// Elements whose weights a word holds.
    pub unit: usize,
    /// Elements whose codes a word of packed input holds.
    pub word: usize,
    /// Width of a weight.
    pub weight_bits: Bits,
    /// Whether windows are 3x3 on three channels, with a horizontal stride of 1 or 2. Then elements have an
    /// order of their own: see [`Blocks::element`].
    pub rgb3x3: bool,
}

impl Blocks {
    /// The blocks of a convolution. If windows have several pixels, and the channels of a pixel do not fill
    /// whole bytes, codes of 4 and 2 bits are unpacked to a byte each: then the blocks are those for 8-bit
    /// input.
    pub const fn of_conv(conv: &Conv) -> Blocks {
        let Conv { input, window, .. } = conv;
        let channels = input.channels as usize;
        let pointwise = window.kernel_height as usize * window.kernel_width as usize == 1;
        let dense = (channels * input.bits.count()).is_multiple_of(8);
        let rgb3x3 = window.kernel_height == 3
            && window.kernel_width == 3
            && channels == 3
            && window.stride_width <= 2;
        let x = if pointwise || dense || rgb3x3 { input.bits } else { Bits::B8 };
        Blocks { rgb3x3, ..Blocks::of(x, conv.weight_bits) }
    }

    /// The blocks of most layers with `x`-bit input and `w`-bit weights.
    pub const fn of(x: Bits, w: Bits) -> Blocks {
        let unit = match w {
            Bits::B8 => 2,
            Bits::B4 => 4,
            _ => 8,
        };
        Blocks { channels: BLOCK, unit, word: 32 / x.count(), weight_bits: w, rgb3x3: false }
    }

    /// The blocks of a fully connected layer. With 8-bit input and 4-bit weights, a block has four channels:
    /// the layer has one pixel, so that registers are free for the sum of each channel.
    pub const fn of_linear(x: Bits, w: Bits) -> Blocks {
        let blocks = Blocks::of(x, w);
        if blocks.nibbles() { Blocks { channels: 4, unit: 2, ..blocks } } else { blocks }
    }

    /// Bits of an input code when it is widened.
    pub const fn input_bits(&self) -> usize {
        32 / self.word
    }

    /// The element of a filter that a slot holds, if the filter has `elements` elements. `None`: the slot
    /// belongs to the last unit and is empty. Two slots are multiplied by one instruction, as the lower and
    /// the upper half of a register: slots 0 and 1, slots 2 and 3, and so on, in the order of the words.
    ///
    /// To unpack a word of input pairs each element with the element half a word later. To unpack [half a
    /// word](Self::half_word) pairs each element with the one a quarter of a word later. Elements that fill
    /// neither are paired in their order. The elements of an incomplete last unit are paired with the
    /// elements half a unit later.
    ///
    /// A window of [3x3 on three channels](Self::rgb3x3) may have a 28th element: see
    /// [`Records`](super::Records). With 8-bit input, the first eight elements of each row are two words; the
    /// ninth elements of the rows follow. With other input, the first two pixels of each row are paired; the
    /// third pixels of the first two rows follow as pairs, and then the third pixel of the last row.
    pub const fn element(&self, elements: usize, slot: usize) -> Option<usize> {
        if self.rgb3x3 {
            let element = match slot {
                0..24 if self.word == 4 => slot / 8 * 9 + slot % 8 / 4 * 4 + half_apart(4, slot % 4),
                24..27 if self.word == 4 => (slot - 24) * 9 + 8,
                0..18 => slot / 6 * 9 + half_apart(6, slot % 6),
                18..24 => slot % 2 * 9 + 6 + (slot - 18) / 2,
                _ => slot,
            };
            return if element < elements { Some(element) } else { None };
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

    /// Whether the last unit of a window of [3x3 on three channels](Self::rgb3x3) may hold zero points, which
    /// are multiplied like weights. Not where sums of two channels share an accumulator: there, the product
    /// of the lower channel must not be negative, but the element that zero points are multiplied by is.
    pub const fn holds_zero_points(&self) -> bool {
        matches!(self.weight_bits, Bits::B8) || self.nibbles()
    }

    /// Elements whose weights are stored, for a window of 3x3 on three channels. Weights of 0 fill the last
    /// unit; except if weights have 8 bits, and zero points are not among them.
    pub const fn stored_of_rgb3x3(&self, zero_points: bool) -> usize {
        match self.weight_bits {
            Bits::B8 if !zero_points => RGB3X3_ELEMENTS,
            _ => RGB3X3_ELEMENTS.next_multiple_of(self.unit),
        }
    }

    /// Elements of the last, incomplete unit that are stored. They include empty places before the last
    /// element.
    pub const fn tail(&self, elements: usize) -> usize {
        // The second of three elements is in the upper half of the first pair: this is the fifth place.
        if self.rgb3x3 && elements % self.unit == 3 && self.unit == 8 { 5 } else { elements % self.unit }
    }

    /// Bytes of the weights of a block of `elements` elements, up to the last byte that is read.
    pub const fn bytes(&self, elements: usize) -> usize {
        let tail = self.tail(elements);
        // Each element has weights of two channels. With 2 bits, these are half a byte.
        let tail_bytes = (BLOCK * tail * self.weight_bits.count()).div_ceil(8);
        elements / self.unit * 4 + tail_bytes
    }

    /// Whether half a word of codes is unpacked at once, after the last whole word. This is so if at least
    /// half a word of codes is left, codes have 4 or 2 bits, and half a word is whole units of weights.
    pub const fn half_word(&self, elements: usize) -> bool {
        self.word >= 8 && self.unit <= self.word / 2 && elements % self.word >= self.word / 2
    }

    /// Whether the nibbles of a byte are the weights of the two channels of a block.
    pub(super) const fn nibbles(&self) -> bool {
        self.word == 4 && matches!(self.weight_bits, Bits::B4) && self.channels == BLOCK
    }

    /// The offset that is added to the weights of a channel: 0 or 1 (lower or upper), or 0 to 3 of four.
    const fn offset(&self, channel: usize) -> i32 {
        let offset = channel + 1 < self.channels || self.nibbles();
        if offset { (self.weight_bits.max_code() + 1) / 2 } else { 0 }
    }

    /// The offset that is added to the zero point of a channel where it is stored before the weights: the
    /// offset of the weights. 0 for 8-bit weights, because a byte would not hold the sum. `channel`: 0 or 1
    /// (lower or upper).
    pub const fn zero_point_offset(&self, channel: usize) -> i32 {
        if matches!(self.weight_bits, Bits::B8) { 0 } else { self.offset(channel) }
    }

    /// The bits of one weight in its word. `pair`: 0 to 3; `half`: 0 or 1 (lower or upper); `channel`: 0 or 1
    /// (lower or upper), or 0 to 3 of four.
    pub(super) const fn bits(&self, pair: usize, half: usize, channel: usize, weight: i32) -> u32 {
        let field = ((weight + self.offset(channel)) & self.weight_bits.max_code()) as u32;
        let half = 16 * half;
        match self.weight_bits {
            _ if self.channels > BLOCK => field << (half + 4 * channel),
            Bits::B8 => field << (half + 8 * channel),
            Bits::B4 if self.nibbles() => field << (half + 8 * pair + 4 * channel),
            Bits::B4 => (field << (half + 12 * channel)).rotate_left(8 * pair as u32),
            _ => (field << (half + 14 * channel)).rotate_left(4 * pair as u32),
        }
    }

    /// The bits of one weight in the last, incomplete unit. Its elements lie one after another, so that only
    /// the first bytes need to be stored.
    pub(super) const fn tail_bits(&self, element: usize, channel: usize, weight: i32) -> u32 {
        let field = self.bits(0, 0, channel, weight);
        if self.unit == 2 {
            return field;
        }
        // Moves the weight of the upper channel from the upper end of the half to just above the lower
        // channel.
        let width = self.weight_bits.count();
        let near = if channel == 0 || self.nibbles() { field } else { field >> (16 - 2 * width) };
        near << (2 * width * element)
    }
}

/// The element that a slot holds in a word or a unit of `size` elements, where a pair of slots holds elements
/// `i` and `i + size / 2`.
pub(super) const fn half_apart(size: usize, slot: usize) -> usize {
    slot / 2 + slot % 2 * (size / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The elements of all slots, in their order.
    fn elements(blocks: &Blocks, elements: usize) -> Vec<usize> {
        let slots = elements.next_multiple_of(blocks.unit);
        (0..slots).filter_map(|slot| blocks.element(elements, slot)).collect()
    }

    #[test]
    fn every_element_has_one_slot() {
        for x in Bits::QUANTISED {
            for w in Bits::QUANTISED {
                let blocks = Blocks::of(x, w);
                for count in 1..100 {
                    let mut found = elements(&blocks, count);
                    found.sort_unstable();
                    assert_eq!(found, Vec::from_iter(0..count), "{blocks:?}");
                }
                let rgb3x3 = Blocks { rgb3x3: true, ..blocks };
                for count in [27, 28] {
                    let mut found = elements(&rgb3x3, count);
                    found.sort_unstable();
                    assert_eq!(found, Vec::from_iter(0..count), "{rgb3x3:?}");
                }
            }
        }
    }

    #[test]
    fn two_pixels_of_a_first_layer_stand_side_by_side() {
        let rgb3x3 = Blocks { rgb3x3: true, ..Blocks::of(Bits::B4, Bits::B4) };
        // By row, column and channel: three channels of the first two columns, row by row, then the third
        // columns.
        let place = |element: usize| [element / 9, element % 9 / 3, element % 3];
        let found: Vec<_> = elements(&rgb3x3, 27).into_iter().map(place).collect();
        assert_eq!(found[..6], [[0, 0, 0], [0, 1, 0], [0, 0, 1], [0, 1, 1], [0, 0, 2], [0, 1, 2]]);
        assert_eq!(found[18..20], [[0, 2, 0], [1, 2, 0]]);
        assert_eq!(found[24..], [[2, 2, 0], [2, 2, 1], [2, 2, 2]]);
    }
}
