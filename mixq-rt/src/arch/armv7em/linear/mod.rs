//! Fully connected layers: eight output channels at once, a *strip*, and one pixel.
//!
//! The weights are unpacked as beside four pixels, see [`bytes`](super::bytes), [`packed`](super::packed); those of 4 bits beside 8-bit
//! input four channels at a time.

mod codes;
mod loops;

use mixq_format::layout::{ALIGNMENT, STRIP};
use mixq_format::{Bits, Requant};

use super::Tables;
use super::widen::{WidenRow, widen_row_for};

/// Elements of a loop's round.
const ROUND: usize = 16;

/// What depends on the widths.
pub(crate) struct Loops {
    /// Takes the end of the elements.
    run: unsafe extern "C" fn(*const u32, &mut Call),
    pub(crate) widen: WidenRow,
    pub(crate) weight_bits: usize,
}

/// What a loop over strips is given. Pointers go on as strips are finished.
#[repr(C)]
struct Call {
    /// 0, 4, 8, 12: of the strip's first channel.
    biases: *const u8,
    multipliers: *const u8,
    shifts: *const u8,
    zero_points: *const u8,
    /// 16: where its codes go, or its sums.
    output: *mut u8,
    /// 20: `sum(q_x)`.
    input_sum: i32,
    /// 24: bytes.
    zero_points_step: usize,
    /// 28: of the output.
    zero_point: i32,
    /// 32: what becomes of the sums of a strip.
    finish: unsafe extern "C" fn(),
    /// 36, 40
    weights: *const u8,
    weights_end: *const u8,
    /// 44
    x: *const u32,
    /// 48: bytes of elements from one time that fields are taken out to the next.
    interval: usize,
}

/// Strips of weights, of some or all of the elements, and the elements.
pub(crate) struct Strips<'a> {
    pub(crate) weights: &'a [u8],
    /// Codes in pairs of halves.
    pub(crate) x: &'a [u32],
    /// `sum(q_x)` over them.
    pub(crate) input_sum: i32,
    /// Elements from one time that fields are taken out to the next.
    pub(crate) interval: usize,
}

impl Loops {
    /// For `x`-bit input and `w`-bit weights.
    pub(crate) const fn of(x: usize, w: usize) -> Loops {
        let run: unsafe extern "C" fn(*const u32, &mut Call) = match (x, w) {
            (_, 8) => loops::bytes,
            (8, 4) => loops::nibbles,
            (_, 4) => loops::packed_4,
            _ => loops::packed_2,
        };
        Loops { run, widen: widen_row_for(x), weight_bits: w }
    }

    /// Writes `sum(q_x s_w)` by channel.
    ///
    /// # Panics
    /// If `sums` are not those of whole strips, or weights or elements are not as many and aligned as [`armv7em`](mixq_format::layout::armv7em)
    /// has them.
    #[inline(always)]
    pub(crate) fn sums(&self, strips: &Strips, sums: &mut [i32]) {
        assert!(self.strips(strips) * STRIP == sums.len());
        let call = Call {
            biases: core::ptr::null(),
            multipliers: core::ptr::null(),
            shifts: core::ptr::null(),
            zero_points: core::ptr::null(),
            output: sums.as_mut_ptr().cast(),
            input_sum: strips.input_sum,
            zero_points_step: 0,
            zero_point: 0,
            finish: codes::store,
            weights: strips.weights.as_ptr(),
            weights_end: strips.weights.as_ptr_range().end,
            x: strips.x.as_ptr(),
            interval: 0,
        };
        self.run(call, strips);
    }

    /// Writes the codes of the first channels of a layer, by [`usual`] tables.
    ///
    /// # Panics
    /// As [`Self::sums`]; if the tables have fewer channels, or not all of them their own multiplier.
    #[inline(always)]
    pub(crate) fn codes(&self, strips: &Strips, tables: &Tables, output: &mut [u8]) {
        let Tables { requant, output: tensor, .. } = tables;
        let count = self.strips(strips) * STRIP;
        assert!(requant.multiplier_step == 1 && count <= tensor.channels.into());
        assert!(tensor.bits.row_bytes(count) == output.len());
        let finish = match tensor.bits {
            Bits::B8 => codes::codes8,
            Bits::B4 => codes::codes4,
            Bits::B2 => codes::codes2,
            Bits::B32 => panic!("logits are no codes"),
        };
        let call = Call {
            biases: tables.entry(requant.bias, 0),
            multipliers: tables.entry(requant.multiplier, 0),
            shifts: tables.entry(requant.shift, 0),
            zero_points: tables.entry(requant.weight_zero_point, 0),
            output: output.as_mut_ptr(),
            input_sum: strips.input_sum,
            zero_points_step: requant.zero_point_step.into(),
            zero_point: tensor.zero_point.into(),
            finish,
            weights: strips.weights.as_ptr(),
            weights_end: strips.weights.as_ptr_range().end,
            x: strips.x.as_ptr(),
            interval: 0,
        };
        self.run(call, strips);
    }

    /// How many they are: at least one.
    ///
    /// # Panics
    /// If they are not whole, or not aligned, or the elements are no whole rounds.
    #[inline(always)]
    fn strips(&self, strips: &Strips) -> usize {
        let Strips { weights, x, interval, .. } = strips;
        let elements = 2 * x.len();
        assert!(elements > 0 && elements.is_multiple_of(ROUND) && *interval >= ROUND);
        let strip_bytes = elements * self.weight_bits / 8 * STRIP;
        let count = weights.len() / strip_bytes;
        assert!(count > 0 && count * strip_bytes == weights.len());
        assert!(weights.as_ptr().addr().is_multiple_of(ALIGNMENT as usize));
        count
    }

    #[inline(always)]
    fn run(&self, mut call: Call, strips: &Strips) {
        call.interval = 2 * (strips.interval & !(ROUND - 1));
        // SAFETY: the loop reads all weights and elements, in whole rounds; `store` writes as many sums as channels, and the others read
        // an entry of each table for each channel, and write its code. Asserted by `strips`, `sums`, `codes`, and `Tables::new`.
        unsafe { (self.run)(strips.x.as_ptr_range().end, &mut call) };
    }
}

/// Whether [`Loops::codes`] takes these tables: with a multiplier for each channel, the usual fraction, and shifts of 32 and more.
pub(crate) fn usual(tables: &Tables) -> bool {
    let Tables { requant, output, parameters } = tables;
    let shifts = &parameters[requant.shift as usize..][..requant.multipliers(output.channels.into())];
    let (words, rest) = shifts.as_chunks();
    // A shift is 63 at most.
    let words = words.iter().fold(!0, |all, word| all & u32::from_ne_bytes(*word));
    let rest = rest.iter().fold(!0, |all, shift| all & shift);
    output.bits != Bits::B32
        && requant.multiplier_step == 1
        && requant.fraction == Requant::usual_fraction(output.bits)
        && words & 0x2020_2020 == 0x2020_2020
        && rest & 0x20 == 0x20
}
