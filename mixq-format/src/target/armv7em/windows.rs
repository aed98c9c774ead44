//! How a convolution's windows lie in its input: which way the kernels for ARMv7E-M fill their patches.

use super::Blocks;
use crate::Conv;

/// One of the ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Windows {
    /// All elements one after another, whole words of them.
    Row = 0,
    /// All elements one after another, whole words and half of one, of codes of 4 or 2 bits.
    Half = 1,
    /// All elements one after another; the last ones fill no word.
    Tail = 2,
    /// Whole words of each pixel.
    Words = 3,
    /// 3x3 on three channels: [`Blocks::nine`].
    Nine = 4,
    /// Bytes of each pixel.
    Bytes = 5,
    /// Codes of each pixel that do not fill its bytes: unpacked to a byte each.
    Codes = 6,
}

impl Windows {
    /// Those of a convolution.
    pub const fn of(conv: &Conv) -> Windows {
        let Conv { input, window, .. } = conv;
        let blocks = Blocks::of_conv(conv);
        let channels = input.channels as usize;
        let step = if blocks.unit > blocks.word { blocks.unit } else { blocks.word };
        let whole_words = channels.is_multiple_of(step);
        if blocks.nine {
            Windows::Nine
        } else if blocks.input_bits() != input.bits.count() {
            Windows::Codes
        } else if window.kernel_height as usize * window.kernel_width as usize == 1 {
            let half = blocks.half_word(channels) && channels.is_multiple_of(blocks.word / 2);
            if whole_words {
                Windows::Row
            } else if half {
                Windows::Half
            } else {
                Windows::Tail
            }
        } else if whole_words {
            Windows::Words
        } else {
            Windows::Bytes
        }
    }

    /// Whether codes are staged one after another, by the pixel, before they are widened.
    pub const fn staged(self) -> bool {
        matches!(self, Windows::Bytes | Windows::Codes)
    }

    /// That of a number; the last one for those that are none.
    pub const fn from_number(number: u8) -> Windows {
        match number {
            0 => Windows::Row,
            1 => Windows::Half,
            2 => Windows::Tail,
            3 => Windows::Words,
            4 => Windows::Nine,
            5 => Windows::Bytes,
            _ => Windows::Codes,
        }
    }
}
