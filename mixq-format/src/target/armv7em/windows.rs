//! How a convolution's windows lie in its input: which way the kernels for ARMv7E-M fill their patches.

use super::Blocks;
use crate::Conv;

/// One of the ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Windows {
    /// All elements one after another, whole words of them.
    PointwiseWords = 0,
    /// All elements one after another, whole words and half of one, of codes of 4 or 2 bits.
    PointwiseHalfWord = 1,
    /// All elements one after another; the last ones fill no word.
    PointwiseTail = 2,
    /// Whole words of each pixel.
    PixelWords = 3,
    /// 3x3 on three channels: [`Blocks::rgb3x3`].
    Rgb3x3 = 4,
    /// Bytes of each pixel.
    PixelBytes = 5,
    /// Codes of each pixel that do not fill its bytes: unpacked to a byte each.
    UnpackedCodes = 6,
}

impl Windows {
    /// Those of a convolution.
    pub const fn of(conv: &Conv) -> Windows {
        let Conv { input, window, .. } = conv;
        let blocks = Blocks::of_conv(conv);
        let channels = input.channels as usize;
        let step = if blocks.unit > blocks.word { blocks.unit } else { blocks.word };
        let whole_words = channels.is_multiple_of(step);
        if blocks.rgb3x3 {
            Windows::Rgb3x3
        } else if blocks.input_bits() != input.bits.count() {
            Windows::UnpackedCodes
        } else if window.kernel_height as usize * window.kernel_width as usize == 1 {
            let half = blocks.half_word(channels) && channels.is_multiple_of(blocks.word / 2);
            if whole_words {
                Windows::PointwiseWords
            } else if half {
                Windows::PointwiseHalfWord
            } else {
                Windows::PointwiseTail
            }
        } else if whole_words {
            Windows::PixelWords
        } else {
            Windows::PixelBytes
        }
    }

    /// Whether codes are staged one after another, by the pixel, before they are widened.
    pub const fn staged(self) -> bool {
        matches!(self, Windows::PixelBytes | Windows::UnpackedCodes)
    }

    /// That of a number; the last one for those that are none.
    pub const fn from_number(number: u8) -> Windows {
        match number {
            0 => Windows::PointwiseWords,
            1 => Windows::PointwiseHalfWord,
            2 => Windows::PointwiseTail,
            3 => Windows::PixelWords,
            4 => Windows::Rgb3x3,
            5 => Windows::PixelBytes,
            _ => Windows::UnpackedCodes,
        }
    }
}
