//! Blocks of output channels: which elements their words hold, and where.

use super::BLOCK;
use crate::{Bits, Conv};

/// Elements of a window of [3x3 on three channels](Blocks::rgb3x3).
pub const RGB3X3_ELEMENTS: usize = 3 * 3 * 3;

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
    /// Whether windows are of 3x3 on three channels, one or two columns apart: then elements are in an order
    /// of their own, see [`Blocks::element`].
    pub rgb3x3: bool,
}

impl Blocks {
    /// For a convolution. Codes of 4 and 2 bits of several pixels whose channels do not fill their bytes are
    /// unpacked to a byte each: then this is for 8-bit input.
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

    /// For `x`-bit input and `w`-bit weights.
    pub const fn of(x: Bits, w: Bits) -> Blocks {
        let unit = match w {
            Bits::B8 => 2,
            Bits::B4 => 4,
            _ => 8,
        };
        Blocks { channels: BLOCK, unit, word: 32 / x.count(), weight_bits: w, rgb3x3: false }
    }

    /// For a fully connected layer: beside one pixel of 8 bits there are registers for the sums of four
    /// channels of 4-bit weights, each by itself.
    pub const fn of_linear(x: Bits, w: Bits) -> Blocks {
        let blocks = Blocks::of(x, w);
        if blocks.nibbles() { Blocks { channels: 4, unit: 2, ..blocks } } else { blocks }
    }

    /// Bits of a code of the input as it is widened.
    pub const fn input_bits(&self) -> usize {
        32 / self.word
    }

    /// Which of a filter's elements is at a slot; slots are counted in pairs of halves, in the order of the
    /// words. `None`: a slot of the last unit that is empty.
    ///
    /// A window of [3x3 on three channels](Self::rgb3x3) may have a 28th element, see
    /// [`Records`](super::Records). With 8-bit input, the first eight elements of each row are two words, and
    /// the last elements of the rows follow. With other input, the first two pixels of a row stand side by
    /// side, and so do the third pixels of the first two rows.
    ///
    /// Unpacking a word of input puts element `i` beside the one half a word later, and so does [half of
    /// one](Self::half_word); elements that fill no word are in their order, those that fill no unit beside
    /// the one half a unit later.
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

    /// Whether the last unit of a window of [3x3 on three channels](Self::rgb3x3) has room for a zero point
    /// that is multiplied as a weight: not where sums of two channels share an accumulator, as it may be
    /// negative.
    pub const fn holds_zero_points(&self) -> bool {
        matches!(self.weight_bits, Bits::B8) || self.nibbles()
    }

    /// Elements whose weights are stored of a window of 3x3 on three channels. Weights of 0 fill the last
    /// unit, except with 8-bit weights without zero points among them.
    pub const fn stored_of_rgb3x3(&self, zero_points: bool) -> usize {
        match self.weight_bits {
            Bits::B8 if !zero_points => RGB3X3_ELEMENTS,
            _ => RGB3X3_ELEMENTS.next_multiple_of(self.unit),
        }
    }

    /// Elements of the last, incomplete unit that are stored, those that are empty before the last one
    /// included.
    pub const fn tail(&self, elements: usize) -> usize {
        // The second of three is in the upper half of the first pair.
        if self.rgb3x3 && elements % self.unit == 3 && self.unit == 8 { 5 } else { elements % self.unit }
    }

    /// Bytes of the weights of a block of `elements` elements, as far as they are read.
    pub const fn bytes(&self, elements: usize) -> usize {
        let tail = self.tail(elements);
        // Of the two channels of an element; in halves of a byte at 2 bits.
        let tail_bytes = (BLOCK * tail * self.weight_bits.count()).div_ceil(8);
        elements / self.unit * 4 + tail_bytes
    }

    /// Whether half a word of the codes that fill no word is unpacked as one: of 4 or 2 bits each, and whole
    /// units.
    pub const fn half_word(&self, elements: usize) -> bool {
        self.word >= 8 && self.unit <= self.word / 2 && elements % self.word >= self.word / 2
    }

    /// Whether both channels lie in the nibbles of a byte.
    pub(super) const fn nibbles(&self) -> bool {
        self.word == 4 && matches!(self.weight_bits, Bits::B4) && self.channels == BLOCK
    }

    /// What is added to the weights of channel 0 or 1 (lower, upper), or one of four.
    const fn offset(&self, channel: usize) -> i32 {
        let offset = channel + 1 < self.channels || self.nibbles();
        if offset { (self.weight_bits.max_code() + 1) / 2 } else { 0 }
    }

    /// What is added to the zero point of channel 0 or 1 of a block where it is stored before the weights:
    /// what is added to these, but for 8 bits, where it would not fit its byte.
    pub const fn zero_point_offset(&self, channel: usize) -> i32 {
        if matches!(self.weight_bits, Bits::B8) { 0 } else { self.offset(channel) }
    }

    /// The bits of one weight in its word: pair 0 to 3, half 0 or 1, channel 0 or 1 (lower, upper), or one of
    /// four.
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

    /// The same in the last, incomplete unit, of which only the first bytes are stored: those of one element
    /// after the other.
    pub(super) const fn tail_bits(&self, element: usize, channel: usize, weight: i32) -> u32 {
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

/// The element of a word or a unit that a slot holds: each is beside the one half of it later.
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
