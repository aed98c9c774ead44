//! 4-bit weights with 8-bit input: two output channels by four pixels, 26 instructions for 32
//! multiply-accumulates.
//!
//! A byte of weights is `2^4 w1 + w0`, both offset by 8. The loop multiplies the byte into the accumulators
//! of the upper channel, and its lower nibble alone into those of the lower channel. At the end it subtracts
//! the lower sums from the upper accumulators. This leaves the upper channel's sums times `2^4`.

use super::frame::{Frame, begin, block, frame_asm, multiply, multiply_add, units};

// Multiplies a unit of weights: four elements of two channels, by the elements of four pixels.
macro_rules! unit {
    ($load:literal, $multiply:tt) => {
        concat!(
            $load,
            "
    uxtb16 r8, r9
    ldrd r10, r11, [r12], #8
",
            $multiply!("r4", "r8", "r10"),
            $multiply!("r5", "r8", "r11"),
            "and r8, r9, #0x000f000f\n",
            $multiply!("r0", "r8", "r10"),
            $multiply!("r1", "r8", "r11"),
            "ldrd r10, r11, [r12], #8\n",
            $multiply!("r2", "r8", "r10"),
            $multiply!("r3", "r8", "r11"),
            "uxtb16 r8, r9\n",
            $multiply!("r6", "r8", "r10"),
            $multiply!("r7", "r8", "r11"),
            "
    uxtb16 r9, r9, ror #8
    ldrd r10, r11, [r12], #8
    and r8, r9, #0x000f000f
",
            multiply_add!("r4", "r9", "r10"),
            multiply_add!("r5", "r9", "r11"),
            multiply_add!("r0", "r8", "r10"),
            multiply_add!("r1", "r8", "r11"),
            "ldrd r10, r11, [r12], #8\n",
            multiply_add!("r6", "r9", "r10"),
            multiply_add!("r7", "r9", "r11"),
            multiply_add!("r2", "r8", "r10"),
            multiply_add!("r3", "r8", "r11"),
        )
    };
}

/// Units of the unrolled loop, and bytes of its code for one unit.
pub(super) const UNROLLED: [usize; 2] = [units(4), 104];

/// # Safety
/// `frame` is that of a [`Ready`](super::Ready) call.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn multiply(frame: *const Frame) {
    frame_asm!(
        begin!(inside),
        // Replaces the tail by the address of its code: `7:` if it has no elements, else the entry for this
        // number of elements. Entries have 8 bytes each.
        "ldr r2, [sp, #Frame.tail]",
        "adr.w r1, 6f",
        "add r1, r1, r2, lsl #3",
        "sub r1, r1, #8",
        "cmp r2, #0",
        "it eq",
        "adreq.w r1, 7f",
        "add r1, r1, #1",
        "str r1, [sp, #Frame.tail]",
        "ldr lr, [sp, #Frame.weights]",
        "ldr pc, [sp, #Frame.begin]",
        // The sums begin with -Z_w sum(q_x), where Z_w has the offset of the weights.
        block!("ldr r8, [sp, #Frame.offset]\nadd r4, r4, r8\nadd r5, r5, r8"),
        "lsl r5, r5, #4",
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
        // Zero points are among the weights: the first unit begins the sums.
        ".p2align 2",
        "9:",
        "ldrd r12, r8, [sp, #Frame.x]",
        "add lr, lr, r8",
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
        // The last elements, one to three.
        ".p2align 2",
        "6:",
        "ldrb r9, [lr], #1",
        "b.w 8f",
        "ldrh r9, [lr], #2",
        "b.w 8f",
        "ldrh r9, [lr], #2",
        "ldrb r8, [lr], #1",
        "orr r9, r9, r8, lsl #16",
        "8:",
        unit!("", multiply_add),
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
