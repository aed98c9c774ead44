//! What the outputs of one channel are made with.

use mixq_format::target::armv7em::SHIFTS;
use mixq_format::{Depthwise, Rule};

use super::super::Layer;
use crate::target::armv7em::check::check;

/// Read by the loops.
#[repr(C)]
pub(super) struct Channel {
    /// Twice.
    pub(super) biases: [i32; 2],
    /// Of the output, where the shift will bring it.
    pub(super) zero_point: i32,
    /// Bytes of a pixel of output.
    pub(super) step: usize,
    /// Outputs that are computed one by one, less 1, times 256, plus the shift less 32 (0 to 21).
    pub(super) singles: i32,
    pub(super) multiplier: i32,
    /// The same of pairs of outputs, which come first.
    pub(super) pairs: i32,
    /// `(w0, w1)` and `(w1, w2)`, less the zero point, of the window's rows 2, 1, 0, 2, 1: three of them in
    /// the order of the slots, whichever has the first row.
    pub(super) weights: [[u32; 2]; 5],
}

/// The channels of a layer.
pub(super) struct Channels<'a> {
    layer: Layer<'a, Depthwise>,
    small: Option<SmallWindows>,
    /// Bytes of a row of weights.
    row_bytes: usize,
    /// Bytes of a pixel of output.
    step: usize,
    /// Outputs of a row: the number of pairs, and of single ones; both less 1, times 256.
    pub(super) counts: [i32; 2],
}

impl<'a> Channels<'a> {
    /// Those of a layer whose weights and tables are in the parameters.
    ///
    /// # Panics
    /// If the fraction leaves weights no room, or the tables are not those of
    /// [`Rule::Multiplier`](mixq_format::Rule::Multiplier).
    #[inline(always)]
    pub(super) fn new(layer: Layer<'a, Depthwise>, small: Option<SmallWindows>) -> Channels<'a> {
        let Depthwise { output, window, requant, weight_bits, .. } = layer.table();
        let size = (window.kernel_height, window.kernel_width);
        check(if small.is_some() { size.0 <= 3 && size.1 <= 3 } else { size == (3, 3) });
        let row_bytes = weight_bits.row_bytes(output.channels.into());
        check(requant.fraction < 8 && requant.rule == Rule::Multiplier);
        Channels { layer, small, row_bytes, step: output.pixel_bytes(), counts: [0; 2] }
    }

    /// Writes all that the loops need to compute rows of the outputs of a channel.
    ///
    /// # Panics
    /// If the loops do not take its shift.
    ///
    /// # Safety
    /// There is such a channel, and memory for it.
    #[inline(never)]
    pub(super) unsafe fn write(&self, channel: usize, to: *mut Channel) {
        let [pairs, singles] = self.counts;
        let Depthwise { requant, output, .. } = self.layer.table();
        let at = |offset: u32, entry: usize| {
            self.layer.parameters().as_ptr().wrapping_add(offset as usize + entry)
        };
        let entry = channel * usize::from(requant.multiplier_step);
        let zero_point = channel * usize::from(requant.zero_point_step);
        // SAFETY: the parameters have these entries of every channel, as the check of the layer found.
        let (bias, multiplier, shift, zero_point) = unsafe {
            (
                at(requant.bias, 4 * channel).cast::<i32>().read_unaligned(),
                at(requant.multiplier, 4 * entry).cast::<i32>().read_unaligned(),
                *at(requant.shift, entry),
                *at(requant.weight_zero_point, zero_point) as i8,
            )
        };
        // With others a row would be counted wrongly: see `Channel::singles`.
        check(SHIFTS.contains(&shift));
        let shift = i32::from(shift) - 32;
        // SAFETY: fields of what the caller gives.
        unsafe {
            (*to).biases = [bias; 2];
            (*to).zero_point = i32::from(output.zero_point) << shift;
            (*to).step = self.step;
            (*to).singles = singles + shift;
            (*to).multiplier = multiplier;
            (*to).pairs = pairs + shift;
        }
        let bits = self.layer.table().weight_bits.count();
        let bit = channel * bits;
        let (left, right) = (32 - bits - bit % 8, 32 - bits);
        // A weight less its zero point has 9 bits, and fits a half with the 7 of the fraction: it is in the
        // units of the bias.
        let (scale, offset) = (1 << requant.fraction, -i32::from(zero_point) << requant.fraction);
        if let Some(small) = self.small {
            let weights = small(self.layer, [bit / 8, left, right], scale, offset);
            // SAFETY: a field of what the caller gives.
            unsafe { (*to).weights = weights };
            return;
        }
        let from = at(self.layer.table().weights, bit / 8);
        // SAFETY: reads a byte of each of the nine rows of a window of 3x3; the check of the layer found these,
        // too.
        unsafe { weights(from, self.row_bytes, left, right, scale, offset, &raw mut (*to).weights) };
    }
}

/// Unpacks the weights of a window that is smaller than 3x3, as [`weights`] does; which byte of a row, and the
/// shifts.
pub(super) type SmallWindows = fn(Layer<Depthwise>, [usize; 3], i32, i32) -> [[u32; 2]; 5];

/// The window is the first rows and columns of one of 3x3; the other weights are 0, whatever these meet.
#[inline(never)]
pub(super) fn small_windows(
    layer: Layer<Depthwise>,
    [byte, left, right]: [usize; 3],
    scale: i32,
    offset: i32,
) -> [[u32; 2]; 5] {
    let Depthwise { output, window, weight_bits, weights, .. } = layer.table();
    let row_bytes = weight_bits.row_bytes(output.channels.into());
    let (height, width) = (usize::from(window.kernel_height), usize::from(window.kernel_width));
    let rows = &layer.parameters()[*weights as usize..];
    let mut unpacked = [[0; 2]; 5];
    for row in 0..height {
        let mut w = [0; 3];
        for (column, w) in w.iter_mut().enumerate().take(width) {
            let weight = u32::from(rows[(row * width + column) * row_bytes + byte]) << left;
            // Both halves of a word are signed.
            *w = ((weight as i32 >> right) * scale + offset) as u16;
        }
        let pair = |a: u16, b: u16| u32::from(a) | u32::from(b) << 16;
        // Rows 2, 1, 0, 2, 1.
        for slot in [2 - row, 5 - row] {
            if let Some(to) = unpacked.get_mut(slot) {
                *to = [pair(w[0], w[1]), pair(w[1], w[2])];
            }
        }
    }
    unpacked
}

/// Unpacks nine weights, `row_bytes` apart: shifted left, then right with their sign, times `scale`, plus
/// `offset`.
///
/// # Safety
/// Reads there.
#[unsafe(naked)]
unsafe extern "C" fn weights(
    from: *const u8,
    row_bytes: usize,
    left: usize,
    right: usize,
    scale: i32,
    offset: i32,
    to: *mut [[u32; 2]; 5],
) {
    naked_asm!(
        "push {{r4-r9}}",
        "ldrd r7, r8, [sp, #24]",
        "ldr r9, [sp, #32]",
        // From the third pair of words, which is of the window's first row, back to the first.
        "add r9, r9, #16",
        "mov r12, #3",
        "2:",
        "ldrb r4, [r0]",
        "ldrb r5, [r0, r1]",
        "ldrb r6, [r0, r1, lsl #1]",
        "add r0, r0, r1",
        "add r0, r0, r1, lsl #1",
        "lsl r4, r4, r2",
        "lsl r5, r5, r2",
        "lsl r6, r6, r2",
        "asr r4, r4, r3",
        "asr r5, r5, r3",
        "asr r6, r6, r3",
        "mla r4, r4, r7, r8",
        "mla r5, r5, r7, r8",
        "mla r6, r6, r7, r8",
        "pkhbt r4, r4, r5, lsl #16",
        "pkhbt r5, r5, r6, lsl #16",
        "strd r4, r5, [r9], #-8",
        "subs r12, r12, #1",
        "bne 2b",
        "add r9, r9, #8",
        "ldm r9, {{r4-r7}}",
        "add r9, r9, #24",
        "stm r9, {{r4-r7}}",
        "pop {{r4-r9}}",
        "bx lr",
    )
}
