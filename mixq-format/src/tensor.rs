//! Activation tensors.

use crate::Bits;

/// An activation tensor in the arena: `height x width` pixels, each a packed row of `channels`
/// elements, pixels row by row (HWC).
///
/// Tensors whose live ranges do not meet may share bytes of the arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "file", derive(serde::Serialize, serde::Deserialize))]
#[repr(C)]
pub struct Tensor {
    /// Rows of pixels.
    pub height: u16,
    /// Pixels in a row.
    pub width: u16,
    /// Elements of a pixel.
    pub channels: u16,
    /// Width of an element.
    pub bits: Bits,
    /// The code of real 0, also what padding holds.
    pub zero_point: u8,
    /// First byte in the arena; a multiple of 4.
    pub offset: u32,
}

impl Tensor {
    /// Bytes of one pixel.
    pub const fn pixel_bytes(&self) -> usize {
        self.bits.row_bytes(self.channels as usize)
    }

    /// Pixels of the tensor.
    pub const fn pixels(&self) -> usize {
        self.height as usize * self.width as usize
    }

    /// Elements of the tensor. The largest `usize` if that is too small, as it may be where it has 32 bits.
    pub const fn elements(&self) -> usize {
        self.pixels().saturating_mul(self.channels as usize)
    }

    /// Bytes that the tensor takes in the arena, without alignment. The largest `usize` if that is too small:
    /// then it fits no arena.
    pub const fn bytes(&self) -> usize {
        self.pixels().saturating_mul(self.pixel_bytes())
    }

    /// Its bytes in the arena. The end is the largest `usize` if that is too small.
    pub const fn range(&self) -> core::ops::Range<usize> {
        self.offset as usize..(self.offset as usize).saturating_add(self.bytes())
    }
}
