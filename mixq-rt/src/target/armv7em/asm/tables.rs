//! Requantises sums that are in memory, by any tables of [`Rule::Multiplier`].

use core::marker::PhantomData;
use core::mem::offset_of;

use mixq_format::{Requant, Rule, Tensor};

use super::layer::{Layer, Weighted};
use crate::target::armv7em::check::check;
use crate::target::requant::Range;

/// The requantisation tables of a layer, as the loops read them. Each pointer is to the entry of the first
/// channel.
#[repr(C)]
pub(crate) struct Tables<'a> {
    biases: *const u8,
    multipliers: *const u8,
    shifts: *const u8,
    /// Zero points of the weights.
    zero_points: *const u8,
    /// Bytes from the zero point of a channel to that of the next one; 0 if all channels share one.
    zero_points_step: usize,
    /// Zero point of the output.
    zero_point: i32,
    /// `sum(q_x)`.
    pub(super) input_sum: i32,
    fraction: u32,
    /// Entries from the multiplier and the shift of a channel to those of the next one: 1, or 0 if all
    /// channels share one.
    multiplier_step: usize,
    /// Smallest value of the output.
    least: i32,
    /// Largest value of the output.
    most: i32,
    /// Channels that the tables have entries of.
    channels: usize,
    parameters: PhantomData<&'a [u8]>,
}

impl<'a> Tables<'a> {
    /// The tables of a layer, with entries of all its output channels.
    ///
    /// # Panics
    /// If their rule is not [`Rule::Multiplier`].
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

    /// Checks that a loop may read the entries of `channels` channels. The loop advances the pointers:
    /// afterwards, the tables have no channels.
    ///
    /// # Panics
    /// If the tables have fewer channels, or one multiplier for all of them.
    #[inline(always)]
    pub(super) fn take(&mut self, channels: usize) {
        check(self.multiplier_step == 1 && channels <= self.channels);
        self.channels = 0;
    }

    /// Replaces the sums of channels, beginning with `channel`, by their codes or logits. Each channel has
    /// the sums of `N` pixels, of which the first `pixels` are replaced.
    ///
    /// # Panics
    /// If `sums` is empty, if the tables do not have these channels, or `pixels` is more than `N`.
    // Inlined: one stack frame less.
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
            // SAFETY: the loop reads an entry of each table for each of these channels, which the parameters
            // hold: the check of the layer found it. It replaces the channels' sums of this pixel in `sums`.
            unsafe { requantise(sums, end, self, channel, 4 * N) }
        }
    }
}

// One instruction of the loop reads both fields of each pair; another one the four fields up to
// `zero_points`.
const _: () = assert!(
    offset_of!(Tables, fraction) == offset_of!(Tables, input_sum) + 4
        && offset_of!(Tables, most) == offset_of!(Tables, least) + 4
        && offset_of!(Tables, zero_points) == 12
);

/// Replaces sums by `clamp(zero_point + floor(accumulator * multiplier / 2^shift))`, with a product of 64
/// bits and any shift below 64. The sums lie from `sums` to `end`, `step` bytes apart; each belongs to the
/// next channel, beginning with `channel`.
///
/// # Safety
/// These sums may be read and written, and the tables have an entry for each of them.
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
        // Shifts 64 bits: by 32 if the shift is 32 or more, then by the rest.
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
        // Saturates to 32 bits.
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
