//! Fully connected layers: eight output channels at once, a *strip*, and one pixel.
//!
//! The weights are unpacked as beside four pixels, see [`bytes`](super::bytes), [`packed`](super::packed);
//! those of 4 bits beside 8-bit input four channels at a time.

mod codes;
mod loops;
mod strips;

use core::mem::offset_of;

use mixq_format::Bits;

use super::Tables;
use super::widen::{WidenRow, widen_row_for};
pub(crate) use strips::Strips;

/// What depends on the widths.
pub(crate) struct Loops {
    /// Takes the end of the elements.
    run: unsafe extern "C" fn(*const u32, &mut Call),
    finish: Finish,
    /// Of what `finish` writes: codes, or sums of 32 bits.
    finished: Bits,
    widen: WidenRow,
    weight_bits: Bits,
}

/// Where the sums of a strip go.
type Finish = unsafe extern "C" fn();

/// What a loop over strips is given. Pointers go on as strips are finished.
#[repr(C)]
struct Call<'a> {
    /// Where the strip's codes go, or its sums.
    output: *mut u8,
    /// Of the strip's first channel.
    tables: Tables<'a>,
    finish: Finish,
    weights: *const u8,
    weights_end: *const u8,
    x: *const u32,
    /// Bytes of elements between two extractions of the fields.
    interval: usize,
}

// As one instruction of the loops reads them.
const _: () =
    assert!(offset_of!(Call, tables) == 4 && offset_of!(Call, weights_end) == offset_of!(Call, weights) + 4);

impl Loops {
    /// For `x`-bit input, `w`-bit weights, and codes of `y` bits, or sums if `y` is 0.
    ///
    /// # Panics
    /// If there are none.
    pub(crate) const fn of(x: usize, w: usize, y: usize) -> Loops {
        let run: unsafe extern "C" fn(*const u32, &mut Call) = match (x, w) {
            (_, 8) => loops::bytes,
            (8, 4) => loops::nibbles,
            (_, 4) => loops::packed_4,
            _ => loops::packed_2,
        };
        let (finish, finished): (Finish, Bits) = match y {
            8 => (codes::codes8, Bits::B8),
            4 => (codes::codes4, Bits::B4),
            2 => (codes::codes2, Bits::B2),
            0 => (codes::add, Bits::B32),
            _ => panic!("codes have 8, 4 or 2 bits"),
        };
        let (widen, weight_bits) = (widen_row_for(super::bits(x)), super::bits(w));
        Loops { run, finish, finished, widen, weight_bits }
    }
}
