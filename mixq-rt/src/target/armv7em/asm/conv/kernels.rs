//! The loop of a convolution and what belongs to it, by widths and windows.

use mixq_format::Bits;
use mixq_format::target::armv7em::{Blocks, RGB3X3_ELEMENTS, Windows};

use super::super::widen::widen_for;
use super::finish::{Exits, UpperSums, exits};
use super::frame::Frame;
use super::rgb3x3::rgb3x3_for;
use super::stage::{Unpack, unpack};
use super::{Rgb3x3, Widen, bytes, nibbles, packed};

/// What depends on the widths.
pub(crate) struct Kernels {
    pub(super) run: unsafe extern "C" fn(*const Frame),
    /// Units of the unrolled loop, a power of two, and bytes of its code for one.
    pub(super) unrolled: [usize; 2],
    /// Both channels' fields of a pair of elements, where one half holds both.
    pub(super) mask: u32,
    pub(crate) blocks: Blocks,
    /// The exponent of 2 that is `blocks.unit`.
    pub(super) unit: u32,
    pub(crate) widen: Widen,
    /// Unpacks codes to a byte each before they are widened as such.
    pub(crate) unpack: Option<Unpack>,
    /// Widens windows of 3x3 on three channels.
    pub(crate) rgb3x3: Option<Rgb3x3>,
    /// Elements whose weights are stored of such windows, if zero points are not among them; else 0.
    pub(super) stored: usize,
    /// Whether zero points are, if channels have their own.
    pub(super) inside: bool,
    /// Elements of the last, incomplete unit of such windows, if there is one; else 0.
    pub(super) tail: usize,
    /// As [`Blocks::zero_point_offset`] has it.
    pub(super) offset: usize,
    pub(super) exits: Exits,
}

impl Kernels {
    /// For `x`-bit input, `w`-bit weights and codes of `y` bits (0: sums) whose zero point is 0 or not, of
    /// biases with `fraction` bits below a unit; `whole` if one chunk is all.
    ///
    /// # Panics
    /// If there are none.
    pub(crate) const fn of(
        x: usize,
        windows: Windows,
        w: usize,
        y: usize,
        zero: bool,
        fraction: u8,
        whole: bool,
    ) -> Kernels {
        let unpack = match windows {
            Windows::UnpackedCodes => Some(unpack as Unpack),
            _ => None,
        };
        // Whatever is unpacked, too.
        let (x_bits, w_bits) = (super::super::bits(x), super::super::bits(w));
        let (x, x_bits) = if unpack.is_some() { (8, Bits::B8) } else { (x, x_bits) };
        let rgb3x3 = matches!(windows, Windows::Rgb3x3);
        let (run, unrolled, mask, upper): (unsafe extern "C" fn(*const Frame), _, _, _) = match (x, w) {
            (_, 8) => (bytes::multiply, bytes::UNROLLED, 0, UpperSums::Bytes),
            (8, 4) => (nibbles::multiply, nibbles::UNROLLED, 0, UpperSums::Nibbles),
            (_, 4) => (packed::multiply_4, packed::UNROLLED_4, packed::MASK_4, UpperSums::Units),
            _ => (packed::multiply_2, packed::UNROLLED_2, packed::MASK_2, UpperSums::Units),
        };
        let exits = exits(upper, y, zero, fraction, whole);
        assert!(y == 0 || exits.codes.is_some(), "no such codes are made of sums that are in registers");
        let blocks = Blocks { rgb3x3, ..Blocks::of(x_bits, w_bits) };
        Kernels {
            run,
            unrolled,
            mask,
            blocks,
            unit: blocks.unit.ilog2(),
            widen: widen_for(x),
            unpack,
            rgb3x3: if rgb3x3 { Some(rgb3x3_for(x)) } else { None },
            stored: if rgb3x3 && y > 0 { blocks.stored_of_rgb3x3(false) } else { 0 },
            inside: rgb3x3 && y > 0 && blocks.holds_zero_points(),
            tail: if rgb3x3 { blocks.tail(RGB3X3_ELEMENTS) } else { 0 },
            offset: blocks.zero_point_offset(0) as usize,
            exits,
        }
    }
}
