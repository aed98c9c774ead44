//! What becomes of the sums of a block: r0 to r3 are those of the lower channel, by pixel, r4 to r7 those of the upper one.
//!
//! The functions here are jumped to by the loops over blocks, and go on to the next block or return from there.

use core::arch::naked_asm;

use mixq_format::layout::{SHIFTS, armv7em_requantises};
use mixq_format::{Bits, Requant, Tensor};

use super::call::leave;

// In an instruction of the loops.
const _: () = assert!(Requant::FRACTION == 4 && Requant::NARROW_FRACTION == 7);

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
    if requant.fraction != Requant::usual_fraction(output.bits)
        || requant.multiplier_step != 1
        || !armv7em_requantises(requant, channels, parameters)
    {
        return None;
    }
    let holds = |offset: u32, bytes: usize| offset as usize + bytes <= parameters.len();
    assert!(holds(requant.bias, 4 * channels) && holds(requant.multiplier, 4 * channels));
    match output.bits {
        Bits::B8 => Some(codes8),
        Bits::B4 => Some(codes4),
        Bits::B2 => Some(codes2),
        Bits::B32 => None,
    }
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
