//! What becomes of the sums of a block: r0 to r3 are those of the lower channel, by pixel, r4 to r7 those of the upper one.
//!
//! The functions here are jumped to by the loops over blocks, and go on to the next block or return from there.

use core::arch::naked_asm;

use mixq_format::layout::{SHIFTS, armv7em_requantises};
use mixq_format::{Bits, Requant, Tensor};

use super::call::leave;

// In an instruction of the loops.
const _: () = assert!(Requant::FRACTION == 7 && Requant::COARSE_FRACTION == 4);

// |high word| <= 2^30.
const _: () = assert!((255i64 << (*SHIFTS.end() - 32)) + (1 << 30) < 1 << 31);

/// Where a block goes.
pub(crate) type Finish = unsafe extern "C" fn();

/// What makes codes of a layer that writes `output`; `None` for logits, one multiplier for all channels, an unusual fraction, and what
/// [`armv7em_requantises`] does not take.
///
/// # Panics
/// If the tables are not in the parameters.
#[inline(never)]
pub(crate) fn finish(requant: &Requant, output: &Tensor, parameters: &[u8]) -> Option<Finish> {
    let channels = usize::from(output.channels);
    if requant.multiplier_step != 1 || !armv7em_requantises(requant, channels, parameters) {
        return None;
    }
    let holds = |offset: u32, bytes: usize| offset as usize + bytes <= parameters.len();
    assert!(holds(requant.bias, 4 * channels) && holds(requant.multiplier, 4 * channels));
    match (output.bits, requant.fraction) {
        (Bits::B8, Requant::FRACTION) => Some(codes8),
        (Bits::B8, Requant::COARSE_FRACTION) => Some(coarse_codes8),
        (Bits::B4, Requant::FRACTION) => Some(codes4),
        (Bits::B2, Requant::FRACTION) => Some(codes2),
        _ => None,
    }
}

/// The tables of a layer, for sums that are in memory.
pub(crate) struct Tables<'a> {
    pub(crate) requant: &'a Requant,
    pub(crate) output: &'a Tensor,
    pub(crate) parameters: &'a [u8],
    /// Whether [`Self::requantise`] may be called.
    pub(crate) usual: bool,
}

/// What a loop over sums is given.
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
    input_sum: i32,
    fraction: u32,
    zero_point: i32,
}

impl<'a> Tables<'a> {
    /// Those of a layer that writes `output`.
    #[inline(never)]
    pub(crate) fn new(requant: &'a Requant, output: &'a Tensor, parameters: &'a [u8]) -> Tables<'a> {
        let channels = usize::from(output.channels);
        let multipliers = requant.multipliers(channels);
        let holds = |offset: u32, bytes: usize| offset as usize + bytes <= parameters.len();
        let usual = holds(requant.bias, 4 * channels)
            && holds(requant.multiplier, 4 * multipliers)
            && holds(requant.weight_zero_point, requant.zero_points(channels))
            && armv7em_requantises(requant, channels, parameters);
        Tables { requant, output, parameters, usual }
    }

    /// Puts in place of sums of channels from one on, every `step`th, their codes before they are clamped.
    ///
    /// # Panics
    /// If there are no such channels or sums, or the tables are unusual.
    #[inline(never)]
    pub(crate) fn requantise(&self, channel: usize, sums: &mut [i32], step: usize, input_sum: i32) {
        let Tables { requant, output, parameters, usual } = *self;
        let count = sums.len().div_ceil(step);
        assert!(usual && count > 0 && channel + count <= usize::from(output.channels));
        let from = |offset: u32, bytes: usize| parameters.as_ptr().wrapping_add(offset as usize + bytes);
        let (one, zero_points_step) = (requant.multiplier_step.into(), requant.zero_point_step.into());
        let start = sums.as_mut_ptr();
        let call = Sums {
            sums: start,
            end: start.wrapping_add(count * step),
            biases: from(requant.bias, 4 * channel),
            multipliers: from(requant.multiplier, 4 * channel * one),
            sums_step: 4 * step,
            shifts: from(requant.shift, channel * one),
            shifts_step: one,
            zero_points: from(requant.weight_zero_point, channel * zero_points_step),
            zero_points_step,
            input_sum,
            fraction: requant.fraction.into(),
            zero_point: output.zero_point.into(),
        };
        // SAFETY: the loop reads an entry of each table for each of these channels, and reads and writes their sums; asserted here and by `new`.
        unsafe { requantise(&call) }
    }
}

/// # Safety
/// `call` is valid as [`Tables::requantise`] says.
#[unsafe(naked)]
unsafe extern "C" fn requantise(call: &Sums) {
    naked_asm!(
        "push {{r4-r11, lr}}",
        "ldm r0, {{r0-r11}}",
        "2:",
        "ldr r12, [r0]",
        "ldrsb lr, [r7]",
        "add r7, r7, r8",
        "mls r12, lr, r9, r12",
        "ldr lr, [r2], #4",
        "lsl r12, r12, r10",
        "add r12, r12, lr",
        "ldr lr, [r3]",
        "add r3, r3, r6, lsl #2",
        "smmul r12, r12, lr",
        "ldrb lr, [r5]",
        "add r5, r5, r6",
        "sub lr, lr, #32",
        "asr r12, r12, lr",
        "add r12, r12, r11",
        "str r12, [r0]",
        "add r0, r0, r4",
        "cmp r0, r1",
        "bne 2b",
        "pop {{r4-r11, pc}}",
    )
}

// Requantises both channels: the bias, the high word of the product, Z_y where the shift will bring it, the shift.
macro_rules! requantise {
    ($fraction:literal, $saturate:literal) => {
        concat!(
            "
    ldr r8, [sp, #32]
    ldr r10, [r8], #4
    ldr r11, [r8], #4
    str r8, [sp, #32]
    add r0, r10, r0, lsl #",
            $fraction,
            "
    add r1, r10, r1, lsl #",
            $fraction,
            "
    add r2, r10, r2, lsl #",
            $fraction,
            "
    add r3, r10, r3, lsl #",
            $fraction,
            "
    add r4, r11, r4, lsl #",
            $fraction,
            "
    add r5, r11, r5, lsl #",
            $fraction,
            "
    add r6, r11, r6, lsl #",
            $fraction,
            "
    add r7, r11, r7, lsl #",
            $fraction,
            "
    ldr r9, [sp, #40]
    add r9, r9, r8
    ldr r10, [r9]
    ldr r11, [r9, #4]
    ldrd r8, lr, [sp, #44]
    ldrh r12, [r8], #2
    str r8, [sp, #44]
    sub r12, r12, #0x20202020
    lsl r9, lr, r12
    smmla r0, r0, r10, r9
    smmla r1, r1, r10, r9
    smmla r2, r2, r10, r9
    smmla r3, r3, r10, r9
    asr r0, r0, r12
    asr r1, r1, r12
    asr r2, r2, r12
    asr r3, r3, r12
    lsr r12, r12, #8
    lsl r9, lr, r12
    smmla r4, r4, r11, r9
    smmla r5, r5, r11, r9
    smmla r6, r6, r11, r9
    smmla r7, r7, r11, r9
    asr r4, r4, r12
    asr r5, r5, r12
    asr r6, r6, r12
    asr r7, r7, r12
    usat r0, #",
            $saturate,
            ", r0
    usat r1, #",
            $saturate,
            ", r1
    usat r2, #",
            $saturate,
            ", r2
    usat r3, #",
            $saturate,
            ", r3
    usat r4, #",
            $saturate,
            ", r4
    usat r5, #",
            $saturate,
            ", r5
    usat r6, #",
            $saturate,
            ", r6
    usat r7, #",
            $saturate,
            ", r7
    orr r0, r0, r4, lsl #",
            $saturate,
            "
    orr r1, r1, r5, lsl #",
            $saturate,
            "
    orr r2, r2, r6, lsl #",
            $saturate,
            "
    orr r3, r3, r7, lsl #",
            $saturate,
            "
    ldrd r8, r9, [sp, #52]
    add r10, r8, r9, lsl #1
"
        )
    };
}

// The next block, if there is one.
macro_rules! next {
    () => {
        concat!(
            "
    ldrd r8, r9, [sp, #32]
    cmp r8, r9
    it ne
    ldrne pc, [sp, #92]
",
            leave!()
        )
    };
}

// The first pixel is written last: over what belongs to pixels that are not there.

#[unsafe(naked)]
unsafe extern "C" fn codes8() {
    naked_asm!(
        requantise!("7", "8"),
        "strh r3, [r10, r9]",
        "strh r2, [r10]",
        "strh r1, [r8, r9]",
        "strh r0, [r8], #2",
        "str r8, [sp, #52]",
        next!(),
    )
}

#[unsafe(naked)]
unsafe extern "C" fn coarse_codes8() {
    naked_asm!(
        requantise!("4", "8"),
        "strh r3, [r10, r9]",
        "strh r2, [r10]",
        "strh r1, [r8, r9]",
        "strh r0, [r8], #2",
        "str r8, [sp, #52]",
        next!(),
    )
}

#[unsafe(naked)]
unsafe extern "C" fn codes4() {
    naked_asm!(
        requantise!("7", "4"),
        "strb r3, [r10, r9]",
        "strb r2, [r10]",
        "strb r1, [r8, r9]",
        "strb r0, [r8], #1",
        "str r8, [sp, #52]",
        next!(),
    )
}

// A block is half a byte: the first half writes it, the second one adds to it.
#[unsafe(naked)]
unsafe extern "C" fn codes2() {
    naked_asm!(
        requantise!("7", "2"),
        "add r11, r10, r9",
        "ldr r12, [sp, #84]",
        "eors r12, r12, #1",
        "str r12, [sp, #84]",
        "beq 2f",
        "strb r3, [r11]",
        "strb r2, [r10]",
        "strb r1, [r8, r9]",
        "strb r0, [r8]",
        "b 3f",
        "2:",
        "ldrb r4, [r8]",
        "ldrb r5, [r8, r9]",
        "ldrb r6, [r10]",
        "ldrb r7, [r11]",
        "orr r0, r4, r0, lsl #4",
        "orr r1, r5, r1, lsl #4",
        "orr r2, r6, r2, lsl #4",
        "orr r3, r7, r3, lsl #4",
        "strb r3, [r11]",
        "strb r2, [r10]",
        "strb r1, [r8, r9]",
        "strb r0, [r8], #1",
        "str r8, [sp, #52]",
        "3:",
        next!(),
    )
}

/// Stores the sums of the first chunk.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn store() {
    naked_asm!(
        "ldr r8, [sp, #68]",
        "stm r8!, {{r0-r7}}",
        "str r8, [sp, #68]",
        "ldr r8, [sp, #32]",
        "add r8, r8, #8",
        "str r8, [sp, #32]",
        next!(),
    )
}

// The sums of the chunks before.
macro_rules! add {
    () => {
        "
    ldr lr, [sp, #68]
    ldm lr!, {{r8-r11}}
    add r0, r0, r8
    add r1, r1, r9
    add r2, r2, r10
    add r3, r3, r11
    ldm lr!, {{r8-r11}}
    add r4, r4, r8
    add r5, r5, r9
    add r6, r6, r10
    add r7, r7, r11
    str lr, [sp, #68]
"
    };
}

/// Adds the sums of another chunk.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn add_and_store() {
    naked_asm!(
        add!(),
        "stmdb lr, {{r0-r7}}",
        "ldr r8, [sp, #32]",
        "add r8, r8, #8",
        "str r8, [sp, #32]",
        next!(),
    )
}

/// Adds the sums of the last chunk, and makes codes of them.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn add_and_finish() {
    naked_asm!(add!(), "ldr pc, [sp, #60]")
}
