//! The loops over the pixels of a window. They compute one field of codes after another.

use core::mem::offset_of;

use super::Field;

// One instruction loads the struct's first eight fields, another one both fields of each of these pairs.
const _: () = assert!(
    offset_of!(Field, mask) == 28
        && offset_of!(Field, mask) == offset_of!(Field, shift) + 4
        && offset_of!(Field, count) == offset_of!(Field, output) + 4
);

// Stores the codes r2 and r3 of a field: `orr`s them to the codes of earlier fields. Where both words
// overlap, they hold the same codes. Then goes on with the next field, or returns.
macro_rules! add_field {
    ($load:literal, $store:literal) => {
        concat!(
            "
    cmp r6, #0
    itttt ne
    ",
            $load,
            "ne r4, [r0]
    ",
            $load,
            "ne r5, [r0, r1]
    orrne r2, r2, r4
    orrne r3, r3, r5
    ",
            $store,
            " r2, [r0]
    ",
            $store,
            " r3, [r0, r1]
    ldr r0, [sp]
    ldr r1, [r0, #{bits}]
    add r6, r6, r1
    str r6, [r0, #{shift}]
    cmp r6, #8
    blt 1b
    pop {{r0, r4-r11, pc}}
"
        )
    };
}

macro_rules! max {
    ($name:ident, $load:literal, $store:literal) => {
        #[unsafe(naked)]
        pub(super) unsafe extern "C" fn $name(field: &mut Field) {
            naked_asm!(
                "push {{r0, r4-r11, lr}}",
                "1:",
                "ldm r0, {{r0-r7}}",
                "clz r12, r7",
                "sub r12, r12, r6",
                "mov r8, #0",
                "mov r9, #0",
                "2:",
                "mov lr, r3",
                // `lsl` moves the codes to the upper ends of their bytes. Lower bits of a byte decide only
                // between equal codes.
                "3:",
                concat!($load, " r10, [r0]"),
                concat!($load, " r11, [r0, r1]"),
                "add r0, r0, r2",
                "lsl r10, r10, r12",
                "lsl r11, r11, r12",
                "usub8 r6, r8, r10",
                "sel r8, r8, r10",
                "usub8 r6, r9, r11",
                "sel r9, r9, r11",
                "subs lr, lr, #1",
                "bne 3b",
                "add r0, r0, r5",
                "subs r4, r4, #1",
                "bne 2b",
                "ldr r0, [sp]",
                "ldrd r6, r7, [r0, #{shift}]",
                "ldr r0, [r0, #{output}]",
                "lsr r2, r8, r12",
                "lsr r3, r9, r12",
                "lsl r7, r7, r6",
                "and r2, r2, r7",
                "and r3, r3, r7",
                add_field!($load, $store),
                shift = const offset_of!(Field, shift),
                output = const offset_of!(Field, output),
                bits = const offset_of!(Field, bits),
            )
        }
    };
}

max!(max_words, "ldr", "str");
max!(max_bytes, "ldrb", "strb");

#[unsafe(naked)]
pub(super) unsafe extern "C" fn average_words(field: &mut Field) {
    naked_asm!(
        "push {{r0, r4-r11, lr}}",
        "1:",
        "ldm r0, {{r0-r7}}",
        "mov r8, #0",
        "mov r9, #0",
        "mov r10, #0",
        "mov r11, #0",
        "2:",
        "mov lr, r3",
        "3:",
        "ldr r12, [r0]",
        "lsr r12, r12, r6",
        "and r12, r12, r7",
        "uxtab16 r8, r8, r12",
        "uxtab16 r9, r9, r12, ror #8",
        "ldr r12, [r0, r1]",
        "add r0, r0, r2",
        "lsr r12, r12, r6",
        "and r12, r12, r7",
        "uxtab16 r10, r10, r12",
        "uxtab16 r11, r11, r12, ror #8",
        "subs lr, lr, #1",
        "bne 3b",
        "add r0, r0, r5",
        "subs r4, r4, #1",
        "bne 2b",
        "ldr r0, [sp]",
        "ldrd r0, r12, [r0, #{output}]",
        "lsl lr, r12, #1",
        // Replaces the eight 16-bit sums by eight bytes, floor((2 sum + n) / 2n), in the same memory.
        "pkhbt r2, r8, r9, lsl #16",
        "pkhtb r3, r9, r8, asr #16",
        "pkhbt r4, r10, r11, lsl #16",
        "pkhtb r5, r11, r10, asr #16",
        "push {{r2-r5}}",
        "mov r2, sp",
        "mov r3, sp",
        "add r5, r2, #16",
        "4:",
        "ldrh r4, [r2], #2",
        "add r4, r12, r4, lsl #1",
        "udiv r4, r4, lr",
        "strb r4, [r3], #1",
        "cmp r2, r5",
        "bne 4b",
        "pop {{r2, r3, r4, r5}}",
        "lsl r2, r2, r6",
        "lsl r3, r3, r6",
        add_field!("ldr", "str"),
        shift = const offset_of!(Field, shift),
        output = const offset_of!(Field, output),
        bits = const offset_of!(Field, bits),
    )
}

#[unsafe(naked)]
pub(super) unsafe extern "C" fn average_bytes(field: &mut Field) {
    naked_asm!(
        "push {{r0, r4-r11, lr}}",
        "1:",
        "ldm r0, {{r0-r7}}",
        "mov r8, #0",
        "mov r9, #0",
        "2:",
        "mov lr, r3",
        "3:",
        "ldrb r10, [r0]",
        "ldrb r11, [r0, r1]",
        "add r0, r0, r2",
        "lsr r10, r10, r6",
        "lsr r11, r11, r6",
        "and r10, r10, r7",
        "and r11, r11, r7",
        "add r8, r8, r10",
        "add r9, r9, r11",
        "subs lr, lr, #1",
        "bne 3b",
        "add r0, r0, r5",
        "subs r4, r4, #1",
        "bne 2b",
        "ldr r0, [sp]",
        "ldrd r0, r12, [r0, #{output}]",
        "lsl lr, r12, #1",
        "add r2, r12, r8, lsl #1",
        "add r3, r12, r9, lsl #1",
        "udiv r2, r2, lr",
        "udiv r3, r3, lr",
        "lsl r2, r2, r6",
        "lsl r3, r3, r6",
        add_field!("ldrb", "strb"),
        shift = const offset_of!(Field, shift),
        output = const offset_of!(Field, output),
        bits = const offset_of!(Field, bits),
    )
}
