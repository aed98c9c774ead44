//! 8-bit weights: two output channels by four pixels, 12 instructions for 16 multiply-accumulates.
//!
//! A half of a word of weights is `2^8 w1 + w0`, with `w0` offset by 128. The loop multiplies the whole half
//! into the accumulators of the upper channel, and its lower byte alone into those of the lower channel. At
//! the end it subtracts the lower sums from the upper accumulators. This leaves the upper channel's sums
//! times `2^8`.

use super::frame::{Frame, begin, block, frame_asm, multiply, multiply_add, units};

// Multiplies a unit of weights: two elements of two channels, by the elements of four pixels.
macro_rules! unit {
    ($load:literal, $multiply:tt) => {
        concat!(
            $load,
            "
    ldrd r10, r11, [r12], #8
    uxtb16 r8, r9
",
            $multiply!("r4", "r9", "r10"),
            $multiply!("r5", "r9", "r11"),
            $multiply!("r0", "r8", "r10"),
            $multiply!("r1", "r8", "r11"),
            "ldrd r10, r11, [r12], #8\n",
            $multiply!("r6", "r9", "r10"),
            $multiply!("r7", "r9", "r11"),
            $multiply!("r2", "r8", "r10"),
            $multiply!("r3", "r8", "r11"),
        )
    };
}

/// Units of the unrolled loop, and bytes of its code for one unit.
pub(super) const UNROLLED: [usize; 2] = [units(8), 48];

/// # Safety
/// `frame` is that of a [`Ready`](super::Ready) call.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn multiply(frame: *const Frame) {
    frame_asm!(
        begin!(inside),
        // Replaces the tail, one element or none, by the address of its code.
        "ldr r2, [sp, #Frame.tail]",
        "adr.w r1, 6f",
        "cmp r2, #0",
        "it eq",
        "adreq.w r1, 7f",
        "add r1, r1, #1",
        "str r1, [sp, #Frame.tail]",
        "ldr lr, [sp, #Frame.weights]",
        "ldr pc, [sp, #Frame.begin]",
        // The sums begin with -Z_w sum(q_x). In the lower channel, Z_w has the offset of the weights.
        block!(""),
        "add r4, r4, #128",
        "lsl r5, r5, #8",
        "mul r0, r4, r8",
        "mul r1, r4, r9",
        "mul r2, r4, r10",
        "mul r3, r4, r11",
        "mla r7, r5, r11, r3",
        "mla r6, r5, r10, r2",
        "mla r4, r5, r8, r0",
        "mla r5, r5, r9, r1",
        "ldr r12, [sp, #Frame.x]",
        "ldr pc, [sp, #Frame.entry]",
        // Zero points are among the weights: the first unit begins the sums. Here `skip` is 0.
        ".p2align 2",
        "9:",
        "ldr r12, [sp, #Frame.x]",
        unit!("ldr r9, [lr], #4", multiply),
        "ldr pc, [sp, #Frame.entry]",
        ".p2align 2",
        "5:",
        ".rept {units}",
        unit!("ldr r9, [lr], #4", multiply_add),
        ".endr",
        "ldr r8, [sp, #Frame.stop]",
        "cmp r12, r8",
        "bne.w 5b",
        "ldr pc, [sp, #Frame.tail]",
        // The last element alone.
        ".p2align 2",
        "6:",
        unit!("ldrh r9, [lr], #2", multiply_add),
        ".p2align 2",
        "7:",
        "sub r4, r4, r0",
        "sub r5, r5, r1",
        "sub r6, r6, r2",
        "sub r7, r7, r3",
        "ldr pc, [sp, #Frame.chunk_end]",
        units = const UNROLLED[0],
    )
}
