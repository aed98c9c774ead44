//! How the windows of a convolution lie in its input. This decides how the kernels for ARMv7E-M fill their
//! patches.

use super::Blocks;
use crate::Conv;

/// A kind of windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Windows {
    /// Windows of one pixel, whose codes fill whole words.
    PointwiseWords = 0,
    /// Windows of one pixel, whose codes, of 4 or 2 bits, fill whole words and half a word.
    PointwiseHalfWord = 1,
    /// Windows of one pixel, with any other number of codes.
    PointwiseTail = 2,
    /// Windows of several pixels. The codes of each pixel fill whole words.
    PixelWords = 3,
    /// Windows of 3x3 on three channels: [`Blocks::rgb3x3`].
    Rgb3x3 = 4,
    /// Windows of several pixels. The codes of each pixel fill whole bytes.
    PixelBytes = 5,
    /// Windows of several pixels. The codes of a pixel do not fill whole bytes: they are unpacked to a byte
    /// each.
    UnpackedCodes = 6,
}

impl Windows {
    /// The kind of a convolution's windows.
    pub const fn of(conv: &Conv) -> Windows {
        let Conv { input, window, .. } = conv;
        let blocks = Blocks::of_conv(conv);
        let channels = input.channels as usize;
        let whole_words = Windows::whole_words(conv);
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

    /// Whether the codes of a pixel fill whole words, of the input and of weights.
    pub(super) const fn whole_words(conv: &Conv) -> bool {
        let Blocks { unit, word, .. } = Blocks::of_conv(conv);
        (conv.input.channels as usize).is_multiple_of(if unit > word { unit } else { word })
    }

    /// Whether the codes of a window are copied to the stage before they are widened.
    pub const fn staged(self) -> bool {
        matches!(self, Windows::PixelBytes | Windows::UnpackedCodes)
    }

    /// The kind with this number. Other numbers give the last kind.
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
