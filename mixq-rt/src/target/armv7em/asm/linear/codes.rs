//! The functions that make codes of the sums of a strip, or store the sums. r0 to r3 hold the sums of the
//! even channels, r4 to r7 the sums of the odd channels.
//!
//! The loops call these functions with their [`Call`](super::Call) in r12. The functions may change all other
//! registers.

use mixq_format::Requant;

// The shift of the sums in `codes!`.
const _: () = assert!(Requant::FRACTION == 7);

// Adds the sums of two channels to the sums in memory at r8.
macro_rules! add {
    ($even:literal, $odd:literal) => {
        concat!(
            "ldrd r9, r10, [r8]\n",
            concat!("add r9, r9, ", $even, "\n"),
            concat!("add r10, r10, ", $odd, "\n"),
            "strd r9, r10, [r8], #8\n",
        )
    };
}

/// Adds the sums to the strip's sums in memory.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn add() {
    naked_asm!(
        "ldr r8, [r12]",
        add!("r0", "r4"),
        add!("r1", "r5"),
        add!("r2", "r6"),
        add!("r3", "r7"),
        "str r8, [r12]",
        "bx lr",
    )
}

// Makes the codes of one channel after the other. `$put` stores the code in r9, and shifts r8 to the right.
// r8 begins as the bit `$last`, which the eighth channel shifts out, to the carry: this ends the loop. Codes
// of 4 and 2 bits are collected in r8, above this bit; `$end` stores them.
macro_rules! codes {
    ($name:ident, $bits:literal, $last:literal, [$($put:literal),*], [$($end:literal),*]) => {
        #[unsafe(naked)]
        pub(super) unsafe extern "C" fn $name() {
            naked_asm!(
                "push {{r12, lr}}",
                "push {{r3, r7}}",
                "push {{r2, r6}}",
                "push {{r1, r5}}",
                "push {{r0, r4}}",
                "ldm r12, {{r0-r7}}",
                concat!("mov r8, #", $last),
                "2:",
                "ldrsb r10, [r4]",
                "pop {{r9}}",
                "add r4, r4, r5",
                "mls r9, r10, r7, r9",
                "ldr r10, [r1], #4",
                "ldr r11, [r2], #4",
                "add r9, r10, r9, lsl #7",
                "ldrb r10, [r3], #1",
                "smmul r9, r9, r11",
                "sub r10, r10, #32",
                "asr r9, r9, r10",
                "add r9, r9, r6",
                concat!("usat r9, #", $bits, ", r9"),
                $($put,)*
                "bcc 2b",
                $($end,)*
                "pop {{r12, lr}}",
                "stm r12, {{r0-r4}}",
                "bx lr",
            )
        }
    };
}

codes!(codes8, "8", "0x80", ["strb r9, [r0], #1", "lsrs r8, r8, #1"], []);
codes!(codes4, "4", "0x80000000", ["lsrs r8, r8, #4", "orr r8, r8, r9, lsl #28"], ["str r8, [r0], #4"]);
codes!(
    codes2,
    "2",
    "0x8000",
    ["lsrs r8, r8, #2", "orr r8, r8, r9, lsl #30"],
    ["lsr r8, r8, #16", "strh r8, [r0], #2"]
);
