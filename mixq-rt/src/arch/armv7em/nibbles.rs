//! 4-bit weights with 8-bit input: four output channels by two pixels, 14 instructions for 16 multiply-accumulates.
//!
//! Nibble `j` of each half belongs to channel `j` and stays where it is: accumulator `j` carries a factor of `16^j`.

use core::arch::naked_asm;

use super::CHUNK;
use super::call::Call;

// The top nibble is signed, the others are offset by 8; each accumulator stays below 2^31.
const _: () = assert!(255 * 8 * CHUNK * 4096 < 1 << 31 && 255 * 15 * CHUNK * 256 < 1 << 31);

macro_rules! unit {
    ($load:literal) => {
        concat!(
            $load,
            "
    ldrd r10, r11, [r12], #16
    and r8, r9, #0x000f000f
    smlad r0, r8, r10, r0
    smlad r1, r8, r11, r1
    and r8, r9, #0x00f000f0
    smlad r2, r8, r10, r2
    smlad r3, r8, r11, r3
    and r8, r9, #0x0f000f00
    smlad r4, r8, r10, r4
    smlad r5, r8, r11, r5
    and r9, r9, #0xf000f000
    smlad r6, r9, r10, r6
    smlad r7, r9, r11, r7
"
        )
    };
}

/// # Safety
/// `call` is valid as [`accumulate`](super::accumulate) says.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn accumulate(call: Call) {
    // The stack: see `Call`.
    naked_asm!(
        "push {{r0-r3}}",
        "push {{r4-r11, lr}}",
        "ldrd r8, r9, [sp, #64]",
        // For the second half of the pixels.
        "str r0, [sp, #76]",
        "str r3, [sp, #80]",
        "sub r0, r2, r1",
        "lsr r0, r0, #4",
        "rsb r1, r0, #0",
        "and r1, r1, #7",
        "cmp r0, #0",
        "it eq",
        "moveq r1, #8",
        "mov r2, #56",
        "adr.w r3, 5f",
        "mla r1, r1, r2, r3",
        "adr.w r2, 3f",
        "adr.w r3, 4f",
        "cmp r8, #0",
        "it eq",
        "moveq r2, r3",
        "adr.w r3, 7f",
        "adr.w r4, 6f",
        "cmp r9, #0",
        "it ne",
        "movne r3, r4",
        "add r1, r1, #1",
        "add r2, r2, #1",
        "add r3, r3, #1",
        "str r2, [sp, #64]",
        "str r1, [sp, #72]",
        "str r3, [sp, #68]",
        "2:",
        "mov r0, #0",
        "mov r1, #0",
        "mov r2, #0",
        "mov r3, #0",
        "mov r4, #0",
        "mov r5, #0",
        "mov r6, #0",
        "mov r7, #0",
        "ldrd lr, r12, [sp, #36]",
        "ldr pc, [sp, #72]",
        ".p2align 2",
        "5:",
        ".rept 8",
        unit!("ldr r9, [lr], #4"),
        ".endr",
        "ldr r8, [sp, #44]",
        "cmp r12, r8",
        "bne.w 5b",
        "ldr pc, [sp, #68]",
        // The last element alone.
        ".p2align 2",
        "6:",
        unit!("ldrh r9, [lr]"),
        ".p2align 2",
        "7:",
        // Without the factors, and without the offsets.
        "ldr r8, [sp, #60]",
        "ldrd r10, r11, [r8]",
        "ldr r8, [sp, #48]",
        "asr r2, r2, #4",
        "asr r3, r3, #4",
        "asr r4, r4, #8",
        "asr r5, r5, #8",
        "asr r6, r6, #12",
        "asr r7, r7, #12",
        "sub r0, r0, r10, lsl #3",
        "sub r1, r1, r11, lsl #3",
        "sub r2, r2, r10, lsl #3",
        "sub r3, r3, r11, lsl #3",
        "sub r4, r4, r10, lsl #3",
        "sub r5, r5, r11, lsl #3",
        "ldr pc, [sp, #64]",
        ".p2align 2",
        "4:",
        "ldrd r10, r11, [r8]",
        "add r0, r0, r10",
        "add r1, r1, r11",
        "ldrd r10, r11, [r8, #16]",
        "add r2, r2, r10",
        "add r3, r3, r11",
        "ldrd r10, r11, [r8, #32]",
        "add r4, r4, r10",
        "add r5, r5, r11",
        "ldrd r10, r11, [r8, #48]",
        "add r6, r6, r10",
        "add r7, r7, r11",
        ".p2align 2",
        "3:",
        "strd r2, r3, [r8, #16]",
        "strd r4, r5, [r8, #32]",
        "strd r6, r7, [r8, #48]",
        "strd r0, r1, [r8], #64",
        "ldr r9, [sp, #36]",
        "ldr r10, [sp, #56]",
        "ldr r11, [sp, #52]",
        "str r8, [sp, #48]",
        "add r9, r9, r10",
        "str r9, [sp, #36]",
        "cmp r8, r11",
        "bne.w 2b",
        // The other two pixels.
        "ldr r0, [sp, #76]",
        "cmp r0, #0",
        "beq 8f",
        "mov r1, #0",
        "str r1, [sp, #76]",
        "ldrd r2, r3, [sp, #40]",
        "ldr r4, [sp, #60]",
        "add r2, r2, #8",
        "add r3, r3, #8",
        "add r4, r4, #8",
        "add r11, r11, #8",
        "strd r2, r3, [sp, #40]",
        "str r4, [sp, #60]",
        "str r11, [sp, #52]",
        "ldr r1, [sp, #80]",
        "add r1, r1, #8",
        "str r0, [sp, #36]",
        "str r1, [sp, #48]",
        "b 2b",
        "8:",
        "pop {{r4-r11, lr}}",
        "add sp, sp, #16",
        "bx lr",
    )
}
