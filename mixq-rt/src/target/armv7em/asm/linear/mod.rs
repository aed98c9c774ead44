//! Fully connected layers: one pixel, and eight output channels at once, a *strip*.
//!
//! The loops unpack weights as the loops of convolutions do: see `conv/bytes.rs` and `conv/packed.rs`. The
//! exception are 4-bit weights with 8-bit input: they are unpacked for four channels at a time.

mod codes;
mod loops;
mod strips;

use core::mem::offset_of;

use mixq_format::Bits;

use super::Tables;
use super::widen::{WidenRow, widen_row_for};
pub(crate) use strips::Strips;

/// The functions that depend on the widths.
pub(crate) struct Loops {
    /// The loop over strips. Takes the end of the elements.
    run: unsafe extern "C" fn(*const u32, &mut Call),
    finish: Finish,
    /// Bits of what `finish` writes: of codes, or 32 for sums.
    finished: Bits,
    widen: WidenRow,
    weight_bits: Bits,
    /// For channels after the last whole strip, unless the loops make codes.
    plain: Plain,
}

/// `sum(q_x s_w)` and `sum(q_x)` over packed codes and packed weights, of which there are fours.
pub(crate) type Plain = fn(&[u8], &[u8]) -> (i32, i32);

/// A function that makes codes of the sums of a strip, or adds the sums to those in memory.
type Finish = unsafe extern "C" fn();

/// The arguments of a loop over strips. The loop advances the pointers with each strip.
#[repr(C)]
struct Call<'a> {
    /// Where the strip's codes or sums go.
    output: *mut u8,
    /// The tables, from the strip's first channel on.
    tables: Tables<'a>,
    finish: Finish,
    weights: *const u8,
    weights_end: *const u8,
    /// The elements that were widened.
    x: *const u32,
    /// Bytes of widened elements between two extractions of fields.
    interval: usize,
}

// One instruction loads `output` and the first seven fields of `tables`, another one both ends of the
// weights.
const _: () =
    assert!(offset_of!(Call, tables) == 4 && offset_of!(Call, weights_end) == offset_of!(Call, weights) + 4);

impl Loops {
    /// The loops for `x`-bit input, `w`-bit weights, and codes of `y` bits, or sums if `y` is 0.
    ///
    /// # Panics
    /// If `x` or `w` is not 8, 4 or 2, or `y` is not 8, 4, 2 or 0.
    pub(crate) const fn of([x, w, y]: [usize; 3], plain: Plain) -> Loops {
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
        Loops { run, finish, finished, widen, weight_bits, plain }
    }
}
