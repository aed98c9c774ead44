//! The loops over the elements of a strip.
//!
//! Each loop sums `q_x (s_w + offset)`, because the weights are stored with an offset. The sums begin with
//! `-offset sum(q_x)`, so that they end as `sum(q_x s_w)`.
//!
//! On the stack are the end of the elements and the [`Call`], with the saved registers above them.

use core::mem::offset_of;

use super::{Call, Tables};

// Begins the loop, and at `1:` each strip: lr = weights, r12 = elements, r0 = sum(q_x).
macro_rules! begin {
    () => {
        "
    push {{r0, r1, r4-r11, lr}}
1:
    ldr r8, [sp, #4]
    ldr r0, [r8, #{input_sum}]
    ldr lr, [r8, #{weights}]
    ldr r12, [r8, #{x}]
"
    };
}

// Calls `finish` with the sums, and goes on with the next strip or returns.
macro_rules! end {
    () => {
        "
    ldr r12, [sp, #4]
    str lr, [r12, #{weights}]
    ldr r8, [r12, #{finish}]
    blx r8
    ldr r8, [sp, #4]
    ldrd r8, r9, [r8, #{weights}]
    cmp r8, r9
    bne 1b
    pop {{r0, r1, r4-r11, pc}}
"
    };
}

// Multiplies two elements by the weights of two blocks.
macro_rules! bytes_of {
    ($x:literal, $lower0:literal, $upper0:literal, $lower1:literal, $upper1:literal) => {
        concat!(
            "ldrd r8, r9, [lr], #8\n",
            concat!("smlad ", $upper0, ", r8, ", $x, ", ", $upper0, "\n"),
            "uxtb16 r8, r8\n",
            concat!("smlad ", $lower0, ", r8, ", $x, ", ", $lower0, "\n"),
            concat!("smlad ", $upper1, ", r9, ", $x, ", ", $upper1, "\n"),
            "uxtb16 r9, r9\n",
            concat!("smlad ", $lower1, ", r9, ", $x, ", ", $lower1, "\n"),
        )
    };
}

// The sums of the upper channels begin with the same value as those of the lower channels: at the end, the
// lower sums are subtracted from the upper ones, and the value cancels out.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn bytes(end: *const u32, call: &mut Call) {
    naked_asm!(
        begin!(),
        "lsl r0, r0, #7",
        "rsb r0, r0, #0",
        "mov r1, r0",
        "mov r2, r0",
        "mov r3, r0",
        "mov r4, r0",
        "mov r5, r0",
        "mov r6, r0",
        "mov r7, r0",
        "2:",
        ".rept 2",
        "ldrd r10, r11, [r12], #8",
        bytes_of!("r10", "r0", "r4", "r1", "r5"),
        bytes_of!("r10", "r2", "r6", "r3", "r7"),
        bytes_of!("r11", "r0", "r4", "r1", "r5"),
        bytes_of!("r11", "r2", "r6", "r3", "r7"),
        ".endr",
        "ldr r8, [sp]",
        "cmp r12, r8",
        "bne 2b",
        "sub r4, r4, r0",
        "sub r5, r5, r1",
        "sub r6, r6, r2",
        "sub r7, r7, r3",
        "asr r4, r4, #8",
        "asr r5, r5, #8",
        "asr r6, r6, #8",
        "asr r7, r7, #8",
        end!(),
        input_sum = const offset_of!(Call, tables) + offset_of!(Tables, input_sum),
        weights = const offset_of!(Call, weights),
        x = const offset_of!(Call, x),
        finish = const offset_of!(Call, finish),
    )
}

// Multiplies two elements by the weights of four channels. `$d` gets the products with all four nibbles of a
// half, `$c` those with the lower three, `$b` with the lower two, `$a` with the lowest one.
macro_rules! nibbles_of {
    ($word:literal, $x:literal, $a:literal, $b:literal, $c:literal, $d:literal) => {
        concat!(
            concat!("smlad ", $d, ", ", $word, ", ", $x, ", ", $d, "\n"),
            concat!("bic ", $word, ", ", $word, ", #0xf000f000\n"),
            concat!("smlad ", $c, ", ", $word, ", ", $x, ", ", $c, "\n"),
            concat!("uxtb16 ", $word, ", ", $word, "\n"),
            concat!("smlad ", $b, ", ", $word, ", ", $x, ", ", $b, "\n"),
            concat!("and ", $word, ", ", $word, ", #0x000f000f\n"),
            concat!("smlad ", $a, ", ", $word, ", ", $x, ", ", $a, "\n"),
        )
    };
}

// The sums of the fourth channel of each word are extracted to the stack at the end of each interval.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn nibbles(end: *const u32, call: &mut Call) {
    naked_asm!(
        begin!(),
        "mov r1, #0",
        "mov r2, #0",
        "push {{r1, r2}}",
        "lsl r0, r0, #3",
        "rsb r0, r0, #0",
        "mov r2, r0",
        "add r4, r0, r0, lsl #4",
        "mov r6, r4",
        "add r1, r4, r0, lsl #8",
        "mov r3, r1",
        "mov r5, r1",
        "mov r7, r1",
        "3:",
        // The end of the next interval.
        "ldrd r8, r9, [sp, #8]",
        "ldr r10, [r9, #{interval}]",
        "add r10, r10, r12",
        "cmp r10, r8",
        "it hi",
        "movhi r10, r8",
        "push {{r10}}",
        "2:",
        ".rept 2",
        "ldrd r10, r11, [r12], #8",
        "ldrd r8, r9, [lr], #8",
        nibbles_of!("r8", "r10", "r0", "r4", "r1", "r5"),
        nibbles_of!("r9", "r10", "r2", "r6", "r3", "r7"),
        "ldrd r8, r9, [lr], #8",
        nibbles_of!("r8", "r11", "r0", "r4", "r1", "r5"),
        nibbles_of!("r9", "r11", "r2", "r6", "r3", "r7"),
        ".endr",
        "ldr r8, [sp]",
        "cmp r12, r8",
        "bne 2b",
        "pop {{r8, r9, r10}}",
        "sub r5, r5, r1",
        "sub r7, r7, r3",
        "add r9, r9, r5, asr #12",
        "add r10, r10, r7, asr #12",
        "push {{r9, r10}}",
        "mov r5, r1",
        "mov r7, r3",
        "ldr r11, [sp, #8]",
        "cmp r12, r11",
        "bne 3b",
        "pop {{r5, r7}}",
        "sub r1, r1, r4",
        "sub r3, r3, r6",
        "sub r4, r4, r0",
        "sub r6, r6, r2",
        "asr r1, r1, #8",
        "asr r3, r3, #8",
        "asr r4, r4, #4",
        "asr r6, r6, #4",
        end!(),
        input_sum = const offset_of!(Call, tables) + offset_of!(Tables, input_sum),
        weights = const offset_of!(Call, weights),
        x = const offset_of!(Call, x),
        finish = const offset_of!(Call, finish),
        interval = const offset_of!(Call, interval),
    )
}

// Multiplies elements by a word of a block's weights; r6 = the mask of the weights of a pair.
macro_rules! packed_of {
    (4, $word:literal, $sum:literal) => {
        concat!(
            concat!("and r5, r6, ", $word, "\n"),
            concat!("smlad ", $sum, ", r5, r8, ", $sum, "\n"),
            concat!("and r5, r6, ", $word, ", ror #8\n"),
            concat!("smlad ", $sum, ", r5, r9, ", $sum, "\n"),
        )
    };
    (2, $word:literal, $sum:literal) => {
        concat!(
            concat!("and r5, r6, ", $word, "\n"),
            concat!("smlad ", $sum, ", r5, r8, ", $sum, "\n"),
            concat!("and r5, r6, ", $word, ", ror #4\n"),
            concat!("smlad ", $sum, ", r5, r9, ", $sum, "\n"),
            concat!("and r5, r6, ", $word, ", ror #8\n"),
            concat!("smlad ", $sum, ", r5, r10, ", $sum, "\n"),
            concat!("and r5, r6, ", $word, ", ror #12\n"),
            concat!("smlad ", $sum, ", r5, r11, ", $sum, "\n"),
        )
    };
}

// The sums of the lower channels are extracted to the stack at the end of each interval. They lie above the
// word that holds the end of the interval.
macro_rules! packed {
    ($name:ident, $bits:tt, $units:literal, $load:literal, $mask:literal, $s:literal, $offset:literal) => {
        #[unsafe(naked)]
        pub(super) unsafe extern "C" fn $name(end: *const u32, call: &mut Call) {
            naked_asm!(
                begin!(),
                concat!("lsl r8, r0, #", $offset),
                "rsb r8, r8, #0",
                "mov r9, r8",
                "mov r10, r8",
                "mov r11, r8",
                "mov r0, #0",
                "mov r1, #0",
                "mov r2, #0",
                "mov r3, #0",
                concat!("movw r6, #", $mask),
                concat!("movt r6, #", $mask),
                "push {{r8-r11}}",
                "3:",
                // The end of the next interval.
                "ldrd r4, r5, [sp, #16]",
                "ldr r7, [r5, #{interval}]",
                "add r7, r7, r12",
                "cmp r7, r4",
                "it hi",
                "movhi r7, r4",
                "push {{r7}}",
                "2:",
                concat!(".rept ", $units),
                $load,
                "ldrd r4, r7, [lr], #8",
                packed_of!($bits, "r4", "r0"),
                packed_of!($bits, "r7", "r1"),
                "ldrd r4, r7, [lr], #8",
                packed_of!($bits, "r4", "r2"),
                packed_of!($bits, "r7", "r3"),
                ".endr",
                "ldr r4, [sp]",
                "cmp r12, r4",
                "bne 2b",
                "pop {{r7-r11}}",
                concat!("ubfx r4, r0, #0, #", $s),
                concat!("ubfx r5, r1, #0, #", $s),
                "add r8, r8, r4",
                "add r9, r9, r5",
                concat!("ubfx r4, r2, #0, #", $s),
                concat!("ubfx r5, r3, #0, #", $s),
                "add r10, r10, r4",
                "add r11, r11, r5",
                "push {{r8-r11}}",
                concat!("bfc r0, #0, #", $s),
                concat!("bfc r1, #0, #", $s),
                concat!("bfc r2, #0, #", $s),
                concat!("bfc r3, #0, #", $s),
                "ldr r4, [sp, #16]",
                "cmp r12, r4",
                "bne 3b",
                concat!("asr r4, r0, #", $s),
                concat!("asr r5, r1, #", $s),
                concat!("asr r6, r2, #", $s),
                concat!("asr r7, r3, #", $s),
                "pop {{r0-r3}}",
                end!(),
                input_sum = const offset_of!(Call, tables) + offset_of!(Tables, input_sum),
                weights = const offset_of!(Call, weights),
                x = const offset_of!(Call, x),
                finish = const offset_of!(Call, finish),
                interval = const offset_of!(Call, interval),
            )
        }
    };
}

packed!(packed_4, 4, 2, "ldrd r8, r9, [r12], #8", "0xF00F", "12", "3");
packed!(packed_2, 2, 2, "ldm r12!, {{r8-r11}}", "0xC003", "14", "1");
