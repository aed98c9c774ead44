//! 8-bit weights: two output channels by four pixels, 13 instructions for 16 multiply-accumulates.

use core::arch::naked_asm;

use super::call::Call;

// The body of a unit, 48 bytes after the load of the weights: r9 = {channel 0, 1} of the first element, of the second.
macro_rules! unit {
    ($load:literal) => {
        concat!(
            $load,
            "
    ldrd r10, r11, [r12], #8
    sxtb16 r8, r9
    sxtb16 r9, r9, ror #8
    smlad r0, r8, r10, r0
    smlad r1, r8, r11, r1
    smlad r4, r9, r10, r4
    smlad r5, r9, r11, r5
    ldrd r10, r11, [r12], #8
    smlad r2, r8, r10, r2
    smlad r3, r8, r11, r3
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
        // Units that the unrolled loop skips in its first round.
        "sub r0, r2, r1",
        "lsr r0, r0, #4",
        "rsb r1, r0, #0",
        "and r1, r1, #7",
        "cmp r0, #0",
        "it eq",
        "moveq r1, #8",
        "mov r2, #52",
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
        "ldr pc, [sp, #64]",
        // First chunk.
        ".p2align 2",
        "3:",
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
        // Another chunk.
        ".p2align 2",
        "4:",
        "ldr r8, [sp, #48]",
        "ldm r8, {{r0-r7}}",
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
        "ldrd r10, r11, [sp, #48]",
        "stm r10!, {{r0-r7}}",
        "ldr r8, [sp, #36]",
        "ldr r9, [sp, #56]",
        "str r10, [sp, #48]",
        "add r8, r8, r9",
        "str r8, [sp, #36]",
        "cmp r10, r11",
        "it ne",
        "ldrne pc, [sp, #64]",
        "pop {{r4-r11, lr}}",
        "add sp, sp, #16",
        "bx lr",
    )
}
