//! The assembly of a convolution, chosen by the widths and the windows of the layer.

use mixq_format::Bits;
use mixq_format::target::armv7em::{Blocks, RGB3X3_ELEMENTS, Windows};

use super::super::widen::widen_for;
use super::finish::{Exits, UpperSums, exits};
use super::frame::Frame;
use super::rgb3x3::rgb3x3_for;
use super::stage::{Unpack, unpack};
use super::{Rgb3x3, Widen, bytes, nibbles, packed};

/// The functions and constants of a convolution that depend on widths and windows.
pub(crate) struct Kernels {
    /// The loop over blocks.
    pub(super) run: unsafe extern "C" fn(*const Frame),
    /// Units of the unrolled loop, a power of two, and bytes of its code for one unit.
    pub(super) unrolled: [usize; 2],
    /// Mask of the weights of one pair of elements, where a half holds both channels; else 0.
    pub(super) mask: u32,
    pub(crate) blocks: Blocks,
    /// The exponent of `blocks.unit`, which is a power of two.
    pub(super) unit: u32,
    pub(crate) widen: Widen,
    /// Unpacks codes to a byte each. Then they are widened as 8-bit codes.
    pub(crate) unpack: Option<Unpack>,
    /// Widens windows of 3x3 on three channels.
    pub(crate) rgb3x3: Option<Rgb3x3>,
    /// For windows of 3x3 on three channels: elements whose weights are stored, if zero points are not among
    /// the weights. 0 for other windows.
    pub(super) stored: usize,
    /// For windows of 3x3 on three channels: whether zero points are among the weights, if channels have
    /// zero points of their own.
    pub(super) inside: bool,
    /// For windows of 3x3 on three channels: stored elements of the last, incomplete unit. 0 for other
    /// windows.
    pub(super) tail: usize,
    /// [`Blocks::zero_point_offset`] of the lower channel.
    pub(super) offset: usize,
    pub(super) exits: Exits,
}

impl Kernels {
    /// The kernels for `x`-bit input, `w`-bit weights and codes of `y` bits (0: the loop stores sums).
    /// `zero`: whether the output's zero point is 0. `fraction`: bits of the biases below a unit. `whole`:
    /// whether one chunk has all elements and channels.
    ///
    /// # Panics
    /// If there are no kernels for these widths and this fraction.
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
        // Checks `x` also where codes are unpacked.
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
