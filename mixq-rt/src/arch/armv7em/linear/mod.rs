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

/// Where the sums of a strip go.
type Finish = unsafe extern "C" fn();

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
    finish: Finish,
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

/// What becomes of strips.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Outcome {
    Sums,
    Codes,
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

    /// Unpacks as many codes as `to` has room for; answers their sum.
    ///
    /// # Panics
    /// If there are fewer codes, or they are no whole words.
    #[inline(never)]
    pub(crate) fn widen(&self, codes: &[u8], to: &mut [u32]) -> i32 {
        self.widen.run(codes, to)
    }

    /// Writes the codes of the first channels of a layer, by [`usual`] tables, or adds `sum(q_x s_w)` to sums of 32 bits by channel.
    ///
    /// # Panics
    /// If there are not as many weights as the output takes, or the elements are no whole rounds, or weights or sums not aligned; for codes, if
    /// the layer has fewer channels, or one multiplier for all.
    #[inline(never)]
    pub(crate) fn run(&self, strips: &Strips, tables: &Tables, outcome: Outcome, output: &mut [u8]) {
        let Tables { requant, output: tensor, .. } = tables;
        let (finish, bits) = match outcome {
            Outcome::Sums => (codes::add as Finish, Bits::B32),
            Outcome::Codes => (codes::of(tensor.bits), tensor.bits),
        };
        let aligned = |bytes: *const u8| bytes.addr().is_multiple_of(ALIGNMENT as usize);
        let elements = 2 * strips.x.len();
        // Eight codes take as many bytes as one has bits.
        let (count, strip_bytes) = (output.len() / bits.count(), elements * self.weight_bits);
        assert!(
            elements > 0
                && elements.is_multiple_of(ROUND)
                && strips.interval >= ROUND
                && count > 0
                && strips.weights.len() / strip_bytes == count
                && aligned(strips.weights.as_ptr())
                && match outcome {
                    Outcome::Sums => aligned(output.as_ptr()),
                    Outcome::Codes => requant.multiplier_step == 1 && count * STRIP <= tensor.channels.into(),
                },
            "strips are whole and aligned, and have tables"
        );
        let mut call = Call {
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
            weights_end: strips.weights.as_ptr().wrapping_add(count * strip_bytes),
            x: strips.x.as_ptr(),
            interval: 2 * (strips.interval & !(ROUND - 1)),
        };
        // SAFETY: the loop reads all weights and elements, in whole rounds; `add` writes as many sums as channels, and the others read
        // an entry of each table for each channel, and write its code; asserted above, and by `Tables::new`.
        unsafe { (self.run)(strips.x.as_ptr_range().end, &mut call) };
    }
}

/// Whether [`Loops::run`] makes codes by these tables: with a multiplier for each channel, the usual fraction, and shifts of 32 and more.
pub(crate) fn usual(tables: &Tables) -> bool {
    let Tables { requant, output, parameters } = tables;
    let shifts = &parameters[requant.shift as usize..][..requant.multipliers(output.channels.into())];
    let (words, rest) = shifts.as_chunks();
    output.bits != Bits::B32
        && requant.multiplier_step == 1
        && requant.fraction == Requant::FRACTION
        // They are 63 at most.
        && words.iter().all(|word| u32::from_ne_bytes(*word) & 0x2020_2020 == 0x2020_2020)
        && rest.iter().all(|shift| shift & 0x20 == 0x20)
}
