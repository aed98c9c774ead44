//! Requantisation of sums that are in memory, by any tables.

use core::arch::naked_asm;

use mixq_format::{Requant, Tensor};

use crate::requant::Range;

/// The tables of a layer.
pub(crate) struct Tables<'a> {
    pub(crate) requant: &'a Requant,
    pub(crate) output: &'a Tensor,
    pub(crate) parameters: &'a [u8],
}

/// What the loop is given.
#[repr(C)]
struct Sums {
    sums: *mut i32,
    end: *mut i32,
    biases: *const u8,
    multipliers: *const u8,
    /// Bytes.
    sums_step: usize,
    shifts: *const u8,
    /// Bytes; multipliers have four times as many.
    shifts_step: usize,
    zero_points: *const u8,
    zero_points_step: usize,
    /// 36, 40
    input_sum: i32,
    fraction: u32,
    /// 44
    zero_point: i32,
    /// 48, 52
    least: i32,
    most: i32,
}

impl<'a> Tables<'a> {
    /// Those of a layer that writes `output`.
    ///
    /// # Panics
    /// If they are not in the parameters, or not those of [`Rule::Multiplier`](mixq_format::Rule::Multiplier).
    #[inline(never)]
    pub(crate) fn new(requant: &'a Requant, output: &'a Tensor, parameters: &'a [u8]) -> Tables<'a> {
        let channels = usize::from(output.channels);
        let multipliers = requant.multipliers(channels);
        let holds = |offset: u32, bytes: usize| offset as usize + bytes <= parameters.len();
        assert!(
            multipliers > 0
                && holds(requant.bias, 4 * channels)
                && holds(requant.multiplier, 4 * multipliers)
                && holds(requant.shift, multipliers)
                && holds(requant.weight_zero_point, requant.zero_points(channels))
        );
        Tables { requant, output, parameters }
    }

    /// Where an entry of a table begins, `bytes` after the table.
    #[inline(always)]
    pub(super) fn entry(&self, offset: u32, bytes: usize) -> *const u8 {
        self.parameters.as_ptr().wrapping_add(offset as usize + bytes)
    }

    /// Puts in place of sums of channels from one on, of `N` pixels each, their codes or logits; of the first `pixels` of these.
    ///
    /// # Panics
    /// If there are no such channels or sums.
    // Inlined: a frame less on the stack.
    #[inline(always)]
    pub(crate) fn requantise<const N: usize>(
        &self,
        channel: usize,
        sums: &mut [[i32; N]],
        pixels: usize,
        input_sum: i32,
    ) {
        let Tables { requant, output, .. } = *self;
        let count = sums.len();
        assert!(count > 0 && channel + count <= usize::from(output.channels) && pixels <= N);
        let (one, zero_points_step) = (requant.multiplier_step.into(), requant.zero_point_step.into());
        let (all, range) = (sums.as_flattened_mut().as_mut_ptr_range(), Range::of(output.bits));
        let mut call = Sums {
            sums: all.start,
            end: all.end,
            biases: self.entry(requant.bias, 4 * channel),
            multipliers: self.entry(requant.multiplier, 4 * channel * one),
            sums_step: 4 * N,
            shifts: self.entry(requant.shift, channel * one),
            shifts_step: one,
            zero_points: self.entry(requant.weight_zero_point, channel * zero_points_step),
            zero_points_step,
            input_sum,
            fraction: requant.fraction.into(),
            zero_point: output.zero_point.into(),
            least: range.min,
            most: range.max,
        };
        for pixel in 0..pixels {
            (call.sums, call.end) = (all.start.wrapping_add(pixel), all.end.wrapping_add(pixel));
            // SAFETY: the loop reads an entry of each table for each of these channels, and reads and writes their sums of this pixel; asserted
            // here and by `new`.
            unsafe { requantise(&call) }
        }
    }
}

/// `clamp(zero_point + floor(accumulator * multiplier / 2^shift))`, with a product of 64 bits and any shift below 64.
///
/// # Safety
/// `call` is valid as [`Tables::requantise`] says.
#[unsafe(naked)]
unsafe extern "C" fn requantise(call: &Sums) {
    naked_asm!(
        "push {{r4-r11, lr}}",
        "mov r9, r0",
        "ldm r9, {{r0-r8}}",
        "2:",
        "ldrsb r12, [r7]",
        "add r7, r7, r8",
        "ldrd r10, r11, [r9, #36]",
        "ldr lr, [r0]",
        "mls r12, r12, r10, lr",
        "ldr lr, [r2], #4",
        "lsl r12, r12, r11",
        "add r12, r12, lr",
        "ldr lr, [r3]",
        "add r3, r3, r6, lsl #2",
        "smull r10, r11, r12, lr",
        "ldrb r12, [r5]",
        "add r5, r5, r6",
        // A shift by a word, then by what is left of 32.
        "subs lr, r12, #32",
        "ittt pl",
        "movpl r12, lr",
        "movpl r10, r11",
        "asrpl r11, r11, #31",
        "rsb lr, r12, #32",
        "lsr r10, r10, r12",
        "lsl lr, r11, lr",
        "orr r10, r10, lr",
        "asr r11, r11, r12",
        "ldr lr, [r9, #44]",
        "adds r10, r10, lr",
        "adc r11, r11, #0",
        // What 32 bits do not hold: the largest or the smallest that they do.
        "cmp r11, r10, asr #31",
        "itt ne",
        "mvnne r10, #0x80000000",
        "eorne r10, r10, r11, asr #31",
        "ldrd r11, r12, [r9, #48]",
        "cmp r10, r11",
        "it lt",
        "movlt r10, r11",
        "cmp r10, r12",
        "it gt",
        "movgt r10, r12",
        "str r10, [r0]",
        "add r0, r0, r4",
        "cmp r0, r1",
        "bne 2b",
        "pop {{r4-r11, pc}}",
    )
}
