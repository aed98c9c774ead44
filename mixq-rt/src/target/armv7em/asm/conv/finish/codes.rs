//! Makes codes of the sums of a block. The record after the block's weights has the biases, multipliers and
//! shifts.

use mixq_format::Requant;
use mixq_format::target::armv7em::SHIFTS;

use super::super::frame::{again, frame_asm, next};

// The fractions are written out as shifts in `codes!`.
const _: () = assert!(Requant::FRACTION == 7 && Requant::COARSE_FRACTION == 4);

// 32 bits hold the high word of a product, at most 2^30 in magnitude, plus the shifted zero point.
const _: () = assert!((255i64 << (*SHIFTS.end() - 32)) + (1 << 30) < 1 << 31);

// Replaces four sums by the high words of their products with the multiplier `$by`. Unless the first argument
// says that Z_y is 0, adds Z_y, shifted left by r12: the right shift by r12 that follows brings it back.
macro_rules! product {
    (true, $a:literal, $b:literal, $c:literal, $d:literal, $by:literal) => {
        product!(@ "smmul", "", $a, $b, $c, $d, $by)
    };
    (false, $a:literal, $b:literal, $c:literal, $d:literal, $by:literal) => {
        concat!(
            "ldr r9, [sp, #Frame.zero_point]\nlsl r9, r9, r12",
            product!(@ "smmla", ", r9", $a, $b, $c, $d, $by)
        )
    };
    (@ $name:literal, $plus:literal, $a:literal, $b:literal, $c:literal, $d:literal, $by:literal) => {
        concat!(
            product!(@ $name, $plus, $a, $by),
            product!(@ $name, $plus, $b, $by),
            product!(@ $name, $plus, $c, $by),
            product!(@ $name, $plus, $d, $by)
        )
    };
    (@ $name:literal, $plus:literal, $sum:literal, $by:literal) => {
        concat!("\n", $name, " ", $sum, ", ", $sum, ", ", $by, $plus)
    };
}

// Requantises both channels by the record after the weights: adds the biases, multiplies, shifts, and clamps
// to codes of `$saturate` bits. The upper channel's code goes above the lower channel's. `$fraction`: bits of
// the biases below a unit; `$upper`: the shift that brings the upper channel's sums to the unit of their
// bias; `$zero`: whether Z_y is 0.
macro_rules! requantise {
    ($fraction:literal, $upper:literal, $saturate:literal, $zero:tt) => {
        concat!(
            "
    ldr r8, [lr], #4
    ldr r9, [lr], #4
    ldr r10, [lr], #4
    ldr r11, [lr], #4
    ldrh r12, [lr], #2
    add r0, r8, r0, lsl #",
            $fraction,
            "
    add r1, r8, r1, lsl #",
            $fraction,
            "
    add r2, r8, r2, lsl #",
            $fraction,
            "
    add r3, r8, r3, lsl #",
            $fraction,
            "
    add r4, r9, r4",
            $upper,
            "
    add r5, r9, r5",
            $upper,
            "
    add r6, r9, r6",
            $upper,
            "
    add r7, r9, r7",
            $upper,
            "
",
            product!($zero, "r0", "r1", "r2", "r3", "r10"),
            "
    asr r0, r0, r12
    asr r1, r1, r12
    asr r2, r2, r12
    asr r3, r3, r12
    lsr r12, r12, #8
",
            product!($zero, "r4", "r5", "r6", "r7", "r11"),
            "
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
"
        )
    };
}

// The functions below write the first pixel last. In a group of one pixel, the distance of pixels is 0: then
// the first pixel's codes replace those of the other three, which do not exist.

macro_rules! codes8 {
    ($name:ident, $fraction:literal, $upper:literal, $zero:tt) => {
        #[unsafe(naked)]
        pub(super) unsafe extern "C" fn $name() {
            frame_asm!(
                requantise!($fraction, $upper, "8", $zero),
                "ldrd r8, r9, [sp, #Frame.out]",
                "add r10, r8, r9, lsl #1",
                "strh r3, [r10, r9]",
                "strh r2, [r10]",
                "strh r1, [r8, r9]",
                "strh r0, [r8], #2",
                "str r8, [sp, #Frame.out]",
                next!(),
                again = sym again,
            )
        }
    };
}

macro_rules! codes4 {
    ($name:ident, $fraction:literal, $upper:literal, $zero:tt) => {
        #[unsafe(naked)]
        pub(super) unsafe extern "C" fn $name() {
            frame_asm!(
                requantise!($fraction, $upper, "4", $zero),
                "ldrd r8, r9, [sp, #Frame.out]",
                "add r10, r8, r9, lsl #1",
                "strb r3, [r10, r9]",
                "strb r2, [r10]",
                "strb r1, [r8, r9]",
                "strb r0, [r8], #1",
                "str r8, [sp, #Frame.out]",
                next!(),
                again = sym again,
            )
        }
    };
}

// The codes of a block are half a byte of each pixel. The lower half waits for the next block's codes, which
// are the upper half. After the last block, a lower half is written alone.
macro_rules! codes2 {
    ($name:ident, $fraction:literal, $upper:literal, $zero:tt) => {
        #[unsafe(naked)]
        pub(super) unsafe extern "C" fn $name() {
            frame_asm!(
                requantise!($fraction, $upper, "2", $zero),
                "ldr r8, [sp, #Frame.half]",
                "add r12, sp, #Frame.halves",
                "eors r8, r8, #1",
                "str r8, [sp, #Frame.half]",
                "beq 2f",
                "stm r12, {{r0-r3}}",
                "ldr r8, [sp, #Frame.end]",
                "cmp lr, r8",
                "it ne",
                "ldrne pc, [sp, #Frame.begin]",
                "b 3f",
                "2:",
                "ldm r12, {{r4-r7}}",
                "orr r0, r4, r0, lsl #4",
                "orr r1, r5, r1, lsl #4",
                "orr r2, r6, r2, lsl #4",
                "orr r3, r7, r3, lsl #4",
                "3:",
                "ldrd r8, r9, [sp, #Frame.out]",
                "add r10, r8, r9, lsl #1",
                "strb r3, [r10, r9]",
                "strb r2, [r10]",
                "strb r1, [r8, r9]",
                "strb r0, [r8], #1",
                "str r8, [sp, #Frame.out]",
                next!(),
                again = sym again,
            )
        }
    };
}

// For each form of the upper channel's sums: a function for a Z_y of 0, and one for any Z_y.
macro_rules! codes {
    ($codes:ident, $fraction:literal, $(($zero:ident, $any:ident, $upper:literal))*) => {
        $(
            $codes!($zero, $fraction, $upper, true);
            $codes!($any, $fraction, $upper, false);
        )*
    };
}

codes!(
    codes8,
    "7",
    (bytes8_zero, bytes8, ", asr #1")(nibbles8_zero, nibbles8, ", lsl #3")(units8_zero, units8, ", lsl #7")
);
codes!(
    codes8,
    "4",
    (bytes8_coarse_zero, bytes8_coarse, ", asr #4")(nibbles8_coarse_zero, nibbles8_coarse, "")(
        units8_coarse_zero,
        units8_coarse,
        ", lsl #4"
    )
);
codes!(
    codes4,
    "7",
    (bytes4_zero, bytes4, ", asr #1")(nibbles4_zero, nibbles4, ", lsl #3")(units4_zero, units4, ", lsl #7")
);
codes!(
    codes2,
    "7",
    (bytes2_zero, bytes2, ", asr #1")(nibbles2_zero, nibbles2, ", lsl #3")(units2_zero, units2, ", lsl #7")
);
