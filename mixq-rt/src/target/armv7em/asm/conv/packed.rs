//! Two output channels in one 16-bit half: one `SMLAD` is four multiply-accumulates.
//!
//! A half is `(w1 << S) + w0`. `w0` is offset by half its range, so that it is never negative. An accumulator
//! holds the sum of the upper channel, shifted by `S`, plus the sum of the lower channel in the lower `S`
//! bits. The loop extracts this lower field before its sum can reach bit `S`.

use super::frame::{Frame, begin, block, frame_asm, units};

// Multiplies one pair of elements of four pixels by both channels' weights. `$operand` puts the weights in
// r8.
macro_rules! pair {
    ($operand:literal) => {
        concat!(
            $operand,
            "
    ldm r12!, {{r0-r3}}
    smlad r4, r8, r0, r4
    smlad r5, r8, r1, r5
    smlad r6, r8, r2, r6
    smlad r7, r8, r3, r7
"
        )
    };
}

// Multiplies a unit: a word of weights.
macro_rules! unit {
    (4) => {
        concat!("ldr r9, [lr], #4\n", pair!("and r8, r11, r9"), pair!("and r8, r11, r9, ror #8"))
    };
    (2) => {
        concat!(
            "ldr r9, [lr], #4\n",
            pair!("and r8, r11, r9"),
            pair!("and r8, r11, r9, ror #4"),
            pair!("and r8, r11, r9, ror #8"),
            pair!("and r8, r11, r9, ror #12")
        )
    };
}

// Multiplies the last, incomplete unit. Its elements are stored one after another. There is an entry of 8
// bytes for each number of bytes that they take.
macro_rules! tail {
    ($bits:tt) => {
        concat!(
            "
    .p2align 2
6:  ldrb r9, [lr], #1
    b.w 8f
    ldrh r9, [lr], #2
    b.w 8f
    b.w 9f
    nop.w
    ldr r9, [lr], #4
    b.w 8f
9:  ldrh r9, [lr], #2
    ldrb r8, [lr], #1
    orr r9, r9, r8, lsl #16
8:
",
            tail!(@ $bits)
        )
    };
    (@ 4) => {
        concat!(
            pair!("uxtb16 r8, r9\norr r8, r8, r8, lsl #8\nand r8, r8, r11"),
            pair!("uxtb16 r8, r9, ror #8\norr r8, r8, r8, lsl #8\nand r8, r8, r11")
        )
    };
    (@ 2) => {
        concat!(
            ".rept 4\n",
            pair!("and r8, r9, #0x000f000f\norr r8, r8, r8, lsl #12\nand r8, r8, r11\nlsr r9, r9, #4"),
            ".endr\n"
        )
    };
}

// Replaces the number of the tail's elements in r2 by the number of their bytes.
macro_rules! tail_bytes {
    (4) => {
        ""
    };
    (2) => {
        "add r2, r2, #1\nlsr r2, r2, #1"
    };
}

// Extracts the lower fields of two accumulators, and adds them to the lower channel's sums on the stack.
macro_rules! take_out {
    ($a:literal, $b:literal, $place:literal, $s:literal) => {
        concat!(
            "
    ldrd r0, r1, [sp, #Frame.",
            $place,
            "]
    ubfx r2, ",
            $a,
            ", #0, #",
            $s,
            "
    ubfx r3, ",
            $b,
            ", #0, #",
            $s,
            "
    add r0, r0, r2
    add r1, r1, r3
    bfc ",
            $a,
            ", #0, #",
            $s,
            "
    bfc ",
            $b,
            ", #0, #",
            $s,
            "
    strd r0, r1, [sp, #Frame.",
            $place,
            "]
"
        )
    };
}

macro_rules! multiply {
    // For `$bits`-bit weights. The lower field of an accumulator has `$s` bits.
    ($name:ident, $bits:tt, $unrolled:ident, $s:literal) => {
        /// # Safety
        /// `frame` is that of a [`Ready`](super::Ready) call.
        #[unsafe(naked)]
        pub(super) unsafe extern "C" fn $name(frame: *const Frame) {
            frame_asm!(
                begin!(),
                // The address where the loop goes on after the last whole unit: `7:`, or `4:` if there is a
                // tail, because the lower fields are extracted before it. Then the address of the tail's
                // entry, of 8 bytes each.
                "ldr r2, [sp, #Frame.tail]",
                "adr.w r1, 7f",
                "cmp r2, #0",
                "it ne",
                "adrne.w r1, 4f",
                "add r1, r1, #1",
                "str r1, [sp, #Frame.packed_end]",
                tail_bytes!($bits),
                "adr.w r1, 6f",
                "add r1, r1, r2, lsl #3",
                "sub r1, r1, #7",
                "str r1, [sp, #Frame.tail]",
                "ldr r2, [sp, #Frame.entry_again]",
                "adr.w r1, 5f",
                "add r2, r2, r1",
                "str r2, [sp, #Frame.entry_again]",
                "ldr lr, [sp, #Frame.weights]",
                "ldr pc, [sp, #Frame.begin]",
                // The sums begin with -Z_w sum(q_x). In the lower channel, Z_w has the offset of the weights.
                block!("ldr r8, [sp, #Frame.offset]\nadd r4, r4, r8"),
                concat!("lsl r5, r5, #", $s),
                "mul r0, r4, r8",
                "mul r1, r4, r9",
                "mul r2, r4, r10",
                "mul r3, r4, r11",
                "strd r0, r1, [sp, #Frame.lower]",
                "strd r2, r3, [sp, #Frame.lower + 8]",
                "mul r4, r5, r8",
                "mul r7, r5, r11",
                "mul r6, r5, r10",
                "mul r5, r5, r9",
                "ldrd r10, r11, [sp, #Frame.first_stop]",
                "ldr r12, [sp, #Frame.x]",
                "ldr pc, [sp, #Frame.entry]",
                ".p2align 2",
                "5:",
                ".rept {units}",
                unit!($bits),
                ".endr",
                "cmp r12, r10",
                "bne.w 5b",
                "ldr r8, [sp, #Frame.stop]",
                "cmp r12, r8",
                "it eq",
                "ldreq pc, [sp, #Frame.packed_end]",
                // The end of an interval: extracts the lower fields.
                "ldrd r8, r9, [sp, #Frame.interval]",
                "add r10, r10, r8",
                "3:",
                take_out!("r4", "r5", "lower", $s),
                take_out!("r6", "r7", "lower + 8", $s),
                "bx r9",
                // Extracts the lower fields before the tail.
                ".p2align 2",
                "4:",
                "ldr r9, [sp, #Frame.tail]",
                "b 3b",
                tail!($bits),
                ".p2align 2",
                "7:",
                "add r8, sp, #Frame.lower",
                "ldm r8, {{r8-r11}}",
                concat!("ubfx r0, r4, #0, #", $s),
                concat!("ubfx r1, r5, #0, #", $s),
                concat!("ubfx r2, r6, #0, #", $s),
                concat!("ubfx r3, r7, #0, #", $s),
                "add r0, r0, r8",
                "add r1, r1, r9",
                "add r2, r2, r10",
                "add r3, r3, r11",
                concat!("asr r4, r4, #", $s),
                concat!("asr r5, r5, #", $s),
                concat!("asr r6, r6, #", $s),
                concat!("asr r7, r7, #", $s),
                "ldr pc, [sp, #Frame.chunk_end]",
                units = const $unrolled[0],
            )
        }
    };
}

/// For 4-bit weights: units of the unrolled loop, and bytes of its code for one unit.
pub(super) const UNROLLED_4: [usize; 2] = [units(4), 52];
/// For 2-bit weights: units of the unrolled loop, and bytes of its code for one unit.
pub(super) const UNROLLED_2: [usize; 2] = [units(4), 100];

/// Mask of the 4-bit weights of one pair of elements, for both channels.
pub(super) const MASK_4: u32 = 0xF00F_F00F;
/// Mask of the 2-bit weights of one pair of elements, for both channels.
pub(super) const MASK_2: u32 = 0xC003_C003;

multiply!(multiply_4, 4, UNROLLED_4, "12");
multiply!(multiply_2, 2, UNROLLED_2, "14");
