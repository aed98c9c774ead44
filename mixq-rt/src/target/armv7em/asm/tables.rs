//! Requantisation of sums that are in memory, by any tables.

use core::marker::PhantomData;
use core::mem::offset_of;

use mixq_format::{Requant, Rule, Tensor};

use super::layer::{Layer, Weighted};
use crate::target::armv7em::check::check;
use crate::target::requant::Range;

/// The tables of a layer's output channels, as the loops read them.
#[repr(C)]
pub(crate) struct Tables<'a> {
    /// Of the first channel.
    biases: *const u8,
    multipliers: *const u8,
    shifts: *const u8,
    zero_points: *const u8,
    /// From a channel's to the next's.
    zero_points_step: usize,
    /// Of the output.
    zero_point: i32,
    /// `sum(q_x)`.
    pub(super) input_sum: i32,
    fraction: u32,
    /// From a channel's shift to the next's; multipliers have four times as many bytes.
    multiplier_step: usize,
    least: i32,
    most: i32,
    channels: usize,
    parameters: PhantomData<&'a [u8]>,
}

impl<'a> Tables<'a> {
    /// Those of a layer: entries of all its output channels.
    ///
    /// # Panics
    /// If they are not those of [`Rule::Multiplier`](mixq_format::Rule::Multiplier).
    #[inline(always)]
    pub(crate) fn new<T: Weighted>(layer: Layer<'a, T>) -> Tables<'a> {
        let [_, output] = layer.table().tensors();
        Tables::of(layer.table().requant(), output, layer.parameters())
    }

    #[inline(never)]
    fn of(requant: &Requant, output: &Tensor, parameters: &'a [u8]) -> Tables<'a> {
        check(requant.rule == Rule::Multiplier);
        let at = |offset: u32| parameters.as_ptr().wrapping_add(offset as usize);
        let range = Range::of(output.bits);
        Tables {
            biases: at(requant.bias),
            multipliers: at(requant.multiplier),
            shifts: at(requant.shift),
            zero_points: at(requant.weight_zero_point),
            zero_points_step: requant.zero_point_step.into(),
            zero_point: output.zero_point.into(),
            input_sum: 0,
            fraction: requant.fraction.into(),
            multiplier_step: requant.multiplier_step.into(),
            least: range.min,
            most: range.max,
            channels: output.channels.into(),
            parameters: PhantomData,
        }
    }

    /// Hands all rows to a loop that advances the pointers; the tables are empty afterwards.
    ///
    /// # Panics
    /// If there are fewer, or one multiplier for all.
    #[inline(always)]
    pub(super) fn take(&mut self, channels: usize) {
        check(self.multiplier_step == 1 && channels <= self.channels);
        self.channels = 0;
    }

    /// Replaces sums of channels, beginning with `channel`, by their codes or logits. Each channel has sums
    /// of `N` pixels, of which the first `pixels` count.
    ///
    /// # Panics
    /// If there are no such channels or sums.
    // Inlined: a frame less on the stack.
    #[inline(always)]
    pub(crate) fn requantise<const N: usize>(
        &mut self,
        channel: usize,
        sums: &mut [[i32; N]],
        pixels: usize,
        input_sum: i32,
    ) {
        let count = sums.len();
        check(count > 0 && channel + count <= self.channels && pixels <= N);
        self.input_sum = input_sum;
        let all = sums.as_flattened_mut().as_mut_ptr_range();
        for pixel in 0..pixels {
            let (sums, end) = (all.start.wrapping_add(pixel), all.end.wrapping_add(pixel));
            // SAFETY: the loop reads an entry of each table for each of these channels, and reads and writes
            // their sums of this pixel; asserted here, and by the check of the
            // layer.
            unsafe { requantise(sums, end, self, channel, 4 * N) }
        }
    }
}

// As two instructions of the loop read them.
const _: () = assert!(
    offset_of!(Tables, fraction) == offset_of!(Tables, input_sum) + 4
        && offset_of!(Tables, most) == offset_of!(Tables, least) + 4
        && offset_of!(Tables, zero_points) == 12
);

/// `clamp(zero_point + floor(accumulator * multiplier / 2^shift))`, with a product of 64 bits and any shift
/// below 64, in place of sums from one to an end, `step` bytes apart.
///
/// # Safety
/// There are such sums, and tables of as many channels from this one on.
#[unsafe(naked)]
unsafe extern "C" fn requantise(sums: *mut i32, end: *mut i32, tables: &Tables, channel: usize, step: usize) {
    naked_asm!(
        "push {{r4-r11, lr}}",
        "mov r9, r2",
        "mov r10, r3",
        "ldm r9, {{r2, r3, r5, r7}}",
        "ldr r4, [sp, #36]",
        "ldr r6, [r9, #{multiplier_step}]",
        "ldr r8, [r9, #{zero_points_step}]",
        "mul r11, r10, r6",
        "add r2, r2, r10, lsl #2",
        "add r3, r3, r11, lsl #2",
        "add r5, r5, r11",
        "mla r7, r10, r8, r7",
        "2:",
        "ldrsb r12, [r7]",
        "add r7, r7, r8",
        "ldrd r10, r11, [r9, #{input_sum}]",
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
        "ldr lr, [r9, #{zero_point}]",
        "adds r10, r10, lr",
        "adc r11, r11, #0",
        // What 32 bits do not hold: the largest or the smallest that they do.
        "cmp r11, r10, asr #31",
        "itt ne",
        "mvnne r10, #0x80000000",
        "eorne r10, r10, r11, asr #31",
        "ldrd r11, r12, [r9, #{least}]",
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
        multiplier_step = const offset_of!(Tables, multiplier_step),
        zero_points_step = const offset_of!(Tables, zero_points_step),
        input_sum = const offset_of!(Tables, input_sum),
        zero_point = const offset_of!(Tables, zero_point),
        least = const offset_of!(Tables, least),
    )
}
