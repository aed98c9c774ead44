//! Packs codes that a function computes, element by element.

use mixq_format::Tensor;

use crate::target::requant::Range;
use crate::target::tensor::Packer;

/// Writes `value(arena, pixel, channel)`, limited to codes, to all elements of `output`. The output may lie
/// over a tensor of the same shape and width that `value` reads at this pixel and channel.
#[inline(always)]
pub(super) fn codes(output: &Tensor, arena: &mut [u8], value: impl Fn(&[u8], usize, usize) -> i32) {
    let range = Range::of(output.bits);
    for pixel in 0..output.pixels() {
        let mut to = output.offset as usize + pixel * output.pixel_bytes();
        let mut packer = Packer::new(output.bits);
        for channel in 0..usize::from(output.channels) {
            // A byte is written only after all its elements are computed, and thus after they are read.
            if let Some(byte) = packer.push(range.clamp(value(arena, pixel, channel))) {
                arena[to] = byte;
                to += 1;
            }
        }
        if let Some(byte) = packer.finish() {
            arena[to] = byte;
        }
    }
}

/// A tensor whose codes are read one at a time.
#[derive(Clone, Copy)]
pub(super) struct Codes {
    offset: usize,
    pixel_bytes: usize,
    bits: usize,
    zero_point: i32,
}

impl Codes {
    #[inline(always)]
    pub(super) fn new(tensor: &Tensor) -> Codes {
        Codes {
            offset: tensor.offset as usize,
            pixel_bytes: tensor.pixel_bytes(),
            bits: tensor.bits.count(),
            zero_point: i32::from(tensor.zero_point),
        }
    }

    /// The same pixel at every place.
    #[inline(always)]
    pub(super) fn everywhere(self) -> Codes {
        Codes { pixel_bytes: 0, ..self }
    }

    /// `q - Z` of an element.
    #[inline(always)]
    pub(super) fn get(&self, arena: &[u8], pixel: usize, channel: usize) -> i32 {
        let bit = channel * self.bits;
        let byte = arena[self.offset + pixel * self.pixel_bytes + bit / 8];
        (i32::from(byte >> (bit % 8)) & ((1 << self.bits) - 1)) - self.zero_point
    }
}

/// `floor((value + 2^(shift-1)) / 2^shift)`, in two steps: with a large shift, 32 bits may not hold the sum.
#[inline(always)]
pub(super) fn divided(value: i32, shift: u32) -> i32 {
    ((value >> (shift - 1)) + 1) >> 1
}
