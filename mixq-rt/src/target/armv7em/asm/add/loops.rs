//! The loops over units of four elements.

use core::mem::offset_of;

use super::Arguments;

// Loads four 4-bit codes of the first input to the bytes of r9.
macro_rules! four_r9 {
    () => {
        "
    ldrh r9, [r2], #2
    orr r9, r9, r9, lsl #8
    and r9, r9, #0x00ff00ff
    orr r9, r9, r9, lsl #4
    and r9, r9, #0x0f0f0f0f
"
    };
}

// Loads four 4-bit codes of the second input to the bytes of r10, and joins.
macro_rules! four_r10 {
    () => {
        "
    ldrh r10, [r3], #2
    orr r10, r10, r10, lsl #8
    and r10, r10, #0x00ff00ff
    orr r10, r10, r10, lsl #4
    and r10, r10, #0x0f0f0f0f
    b 3b
"
    };
}

// `$joined` joins the four codes in r9 and r10, a byte each, to the bytes of r11. It may change r0 and lr,
// and sets no flag.
macro_rules! join {
    ($name:ident, [$($joined:literal),*]) => {
        /// # Safety
        /// `units` units may be read at `a` and `b`, and written at `output`.
        #[unsafe(naked)]
        pub(super) unsafe extern "C" fn $name(
            arguments: *const Arguments,
            units: usize,
            a: *const u8,
            b: *const u8,
            output: *mut u8,
        ) {
            naked_asm!(
                "push {{r4-r11, lr}}",
                "ldr r12, [sp, #36]",
                "ldrd r10, r11, [r0, #{widths}]",
                "push {{r10}}",
                "ldm r0, {{r4-r8}}",
                // No instruction of the loop sets a flag.
                "msr APSR_nzcvq, r11",
                "b 5f",
                "2:",
                "ldr r9, [r2], #4",
                "ldr r10, [r3], #4",
                "3:",
                $($joined,)*
                "bne 7f",
                "str r11, [r12], #4",
                "4:",
                "sub r1, r1, #1",
                "5:",
                "cbz r1, 6f",
                "bcs 2b",
                "ldr r0, [sp]",
                "tbb [pc, r0]",
                "9:",
                // A row for a wider input of 8, 4 and 2 bits; in it an entry for a narrower input of 8, 4 and
                // 2 bits. Entries that are never taken are 0.
                ".byte 0, (11f - 9b) / 2, (12f - 9b) / 2",
                ".byte 0, (13f - 9b) / 2, (14f - 9b) / 2",
                ".byte 0, 0, (15f - 9b) / 2",
                ".p2align 1",
                "6:",
                "pop {{r0, r4-r11, pc}}",
                // Limits bytes to the largest code, 15 or 3: the addition saturates larger bytes to 255, and
                // then the bits above the code are cleared.
                "7:",
                "bpl 8f",
                "mov r0, #0xf0f0f0f0",
                "uqadd8 r11, r11, r0",
                "bic r11, r11, r0",
                "orr r11, r11, r11, lsr #4",
                "uxtb16 r11, r11",
                "orr r11, r11, r11, lsr #8",
                "strh r11, [r12], #2",
                "b 4b",
                "8:",
                "mov r0, #0xfcfcfcfc",
                "uqadd8 r11, r11, r0",
                "bic r11, r11, r0",
                "orr r11, r11, r11, lsr #6",
                "orr r11, r11, r11, lsr #12",
                "strb r11, [r12], #1",
                "b 4b",
                "11:",
                "ldr r9, [r2], #4",
                four_r10!(),
                "12:",
                "ldr r9, [r2], #4",
                "b 16f",
                "13:",
                four_r9!(),
                four_r10!(),
                "14:",
                four_r9!(),
                "b 16f",
                "15:",
                "ldrb r9, [r2], #1",
                "orr r9, r9, r9, lsl #12",
                "and r9, r9, #0x000f000f",
                "orr r9, r9, r9, lsl #6",
                "and r9, r9, #0x03030303",
                "16:",
                "ldrb r10, [r3], #1",
                "orr r10, r10, r10, lsl #12",
                "and r10, r10, #0x000f000f",
                "orr r10, r10, r10, lsl #6",
                "and r10, r10, #0x03030303",
                "b 3b",
                widths = const offset_of!(Arguments, widths),
            )
        }
    };
}

join!(
    add,
    [
        "uxtb r11, r9",
        "uxtb lr, r10",
        "mla r11, r11, r4, r6",
        "mla r11, lr, r5, r11",
        "smmlar r11, r11, r7, r8",
        "usat r11, #8, r11",
        ".irp bit, 8, 16, 24",
        "uxtb r0, r9, ror #\\bit",
        "uxtb lr, r10, ror #\\bit",
        "mla r0, r0, r4, r6",
        "mla r0, lr, r5, r0",
        "smmlar r0, r0, r7, r8",
        "usat r0, #8, r0",
        "orr r11, r11, r0, lsl #\\bit",
        ".endr"
    ]
);

// Extracts the differences from the zero points of elements 0 and 2, then of 1 and 3, as halves.
join!(
    multiply,
    [
        "uxtab16 r0, r4, r9",
        "uxtab16 r9, r4, r9, ror #8",
        "uxtab16 lr, r5, r10",
        "uxtab16 r10, r5, r10, ror #8",
        "smulbb r11, r0, lr",
        "smultt r0, r0, lr",
        "smulbb lr, r9, r10",
        "smultt r9, r9, r10",
        "mul r11, r11, r6",
        "smmlar r11, r11, r7, r8",
        "usat r11, #8, r11",
        "mul r0, r0, r6",
        "smmlar r0, r0, r7, r8",
        "usat r0, #8, r0",
        "orr r11, r11, r0, lsl #16",
        "mul lr, lr, r6",
        "smmlar lr, lr, r7, r8",
        "usat lr, #8, lr",
        "orr r11, r11, lr, lsl #8",
        "mul r9, r9, r6",
        "smmlar r9, r9, r7, r8",
        "usat r9, #8, r9",
        "orr r11, r11, r9, lsl #24"
    ]
);
