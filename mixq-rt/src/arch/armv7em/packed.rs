//! Two output channels in one 16-bit half: one `SMLAD` is four multiply-accumulates.
//!
//! A half is `(w1 << S) + w0`, `w0` offset by half its range so that it is never negative; an accumulator is the sum of the second
//! channel, shifted by `S`, plus that of the first, which is taken out before it can reach bit `S`.

use core::arch::naked_asm;

use super::CHUNK;
use super::call::Call;

/// Pairs of elements until the lower field may be full, for any weights and codes.
const fn pairs(x_bits: u32, w_bits: u32) -> usize {
    let field = (1usize << (16 - w_bits)) - 1;
    field / (2 * ((1 << x_bits) - 1) * ((1 << w_bits) - 1))
}

// Eight pairs fit where the loop takes the field out every eight pairs, and after the last, incomplete unit; elsewhere a chunk fits.
const _: () = assert!(pairs(4, 4) >= 8 && pairs(8, 2) >= 8);
const _: () = assert!(pairs(2, 4) >= CHUNK / 2 && pairs(4, 2) >= CHUNK / 2 && pairs(2, 2) >= CHUNK / 2);
// The fields that were taken out are summed in 16 bits.
const _: () = assert!(15 * 15 * CHUNK < 1 << 16 && 255 * 3 * CHUNK < 1 << 16);
// The upper field and its sign fit 32 bits.
const _: () = assert!(15 * 8 * CHUNK < 1 << (31 - 12) && 255 * 2 * CHUNK < 1 << (31 - 14));

// One pair of elements: r8 = both channels' weights.
macro_rules! pair {
    ($operand:literal) => {
        concat!(
            $operand,
            "
    ldm r12!, {{r4-r7}}
    smlad r0, r8, r4, r0
    smlad r1, r8, r5, r1
    smlad r2, r8, r6, r2
    smlad r3, r8, r7, r3
"
        )
    };
}

// A word of weights.
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

// The last, incomplete unit: entries by the number of its elements, which are stored one after another.
macro_rules! tail {
    (4) => {
        concat!(
            "
    .p2align 2
6:  ldrb r9, [lr]
    b 8f
    .p2align 2
    ldrh r9, [lr]
    b 8f
    .p2align 2
    ldrh r9, [lr]
    ldrb r8, [lr, #2]
    orr r9, r9, r8, lsl #16
8:
",
            pair!("uxtb16 r8, r9\norr r8, r8, r8, lsl #8\nand r8, r8, r11"),
            pair!("uxtb16 r8, r9, ror #8\norr r8, r8, r8, lsl #8\nand r8, r8, r11")
        )
    };
    (2) => {
        concat!(
            "
    .p2align 2
6:  ldrb r9, [lr]
    b 8f
    .p2align 2
    ldrh r9, [lr]
    b 8f
    .p2align 2
    ldrh r9, [lr]
    ldrb r8, [lr, #2]
    orr r9, r9, r8, lsl #16
    b 8f
    .p2align 2
    ldr r9, [lr]
8:
",
            pair!("and r8, r9, #0x000f000f\norr r8, r8, r8, lsl #12\nand r8, r8, r11\nlsr r9, r9, #4"),
            pair!("and r8, r9, #0x000f000f\norr r8, r8, r8, lsl #12\nand r8, r8, r11\nlsr r9, r9, #4"),
            pair!("and r8, r9, #0x000f000f\norr r8, r8, r8, lsl #12\nand r8, r8, r11\nlsr r9, r9, #4"),
            pair!("and r8, r9, #0x000f000f\norr r8, r8, r8, lsl #12\nand r8, r8, r11\nlsr r9, r9, #4")
        )
    };
}

// The entry for the number of elements in r9: r3 = its distance from the first, 8 bytes an entry (the third of 2-bit weights has 16).
macro_rules! tail_entry {
    (4) => {
        "sub r3, r9, #1\nlsl r3, r3, #3"
    };
    (2) => {
        "sub r3, r9, #1\nlsr r3, r3, #1\ncmp r3, #3\nit eq\nmoveq r3, #4\nlsl r3, r3, #3"
    };
}

// Takes the lower fields out, and adds them to the sums on the stack.
macro_rules! flush {
    (4) => {
        flush!("12")
    };
    (2) => {
        flush!("14")
    };
    ($s:literal) => {
        concat!(
            "
    ldrd r8, r9, [sp, #76]
    ubfx r4, r0, #0, #",
            $s,
            "
    ubfx r5, r1, #0, #",
            $s,
            "
    ubfx r6, r2, #0, #",
            $s,
            "
    ubfx r7, r3, #0, #",
            $s,
            "
    add r8, r8, r4
    add r8, r8, r5, lsl #16
    add r9, r9, r6
    add r9, r9, r7, lsl #16
    bfc r0, #0, #",
            $s,
            "
    bfc r1, #0, #",
            $s,
            "
    bfc r2, #0, #",
            $s,
            "
    bfc r3, #0, #",
            $s,
            "
    strd r8, r9, [sp, #76]
"
        )
    };
}

macro_rules! accumulate {
    // `$units` of `$bits`-bit weights in the unrolled loop, `$size` bytes each; `$shift` of x's bytes to units; with the lower field at `$s`.
    ($name:ident, $bits:tt, $units:literal, $size:literal, $shift:literal, $mask:literal, $s:literal, $offset:literal,
     [$($begin:expr),*], [$($flush:expr),*], [$($lower:expr),*]) => {
        /// # Safety
        /// `call` is valid as [`accumulate`](super::accumulate) says.
        #[unsafe(naked)]
        pub(super) unsafe extern "C" fn $name(call: Call) {
            // The stack: see `Call`.
            naked_asm!(
                "push {{r0-r3}}",
                "push {{r4-r11, lr}}",
                "ldrd r8, r9, [sp, #64]",
                "mov r10, r2",
                concat!("movw r11, #", $mask),
                concat!("movt r11, #", $mask),
                // Units that the unrolled loop skips in its first round.
                "sub r0, r2, r1",
                concat!("lsr r0, r0, #", $shift),
                "rsb r1, r0, #0",
                concat!("and r1, r1, #", $units, " - 1"),
                "cmp r0, #0",
                "it eq",
                concat!("moveq r1, #", $units),
                concat!("mov r2, #", $size),
                "adr.w r3, 5f",
                "mla r1, r1, r2, r3",
                "adr.w r2, 3f",
                "adr.w r3, 4f",
                "cmp r8, #0",
                "it eq",
                "moveq r2, r3",
                "add r1, r1, #1",
                "add r2, r2, #1",
                "str r2, [sp, #64]",
                "str r1, [sp, #72]",
                tail_entry!($bits),
                "adr.w r4, 6f",
                "add r3, r3, r4",
                "adr.w r4, 7f",
                "cmp r9, #0",
                "it eq",
                "moveq r3, r4",
                "add r3, r3, #1",
                "str r3, [sp, #68]",
                "2:",
                "mov r0, #0",
                "mov r1, #0",
                "mov r2, #0",
                "mov r3, #0",
                $($begin,)*
                "ldrd lr, r12, [sp, #36]",
                "ldr pc, [sp, #72]",
                ".p2align 2",
                "5:",
                concat!(".rept ", $units),
                unit!($bits),
                ".endr",
                $($flush,)*
                "cmp r12, r10",
                "bne.w 5b",
                "ldr pc, [sp, #68]",
                tail!($bits),
                $($flush,)*
                ".p2align 2",
                "7:",
                $($lower,)*
                concat!("asr r0, r0, #", $s),
                concat!("asr r1, r1, #", $s),
                concat!("asr r2, r2, #", $s),
                concat!("asr r3, r3, #", $s),
                // Without the offset.
                "ldr r8, [sp, #60]",
                "ldm r8, {{r8, r9, r12, lr}}",
                concat!("sub r4, r4, r8, lsl #", $offset),
                concat!("sub r5, r5, r9, lsl #", $offset),
                concat!("sub r6, r6, r12, lsl #", $offset),
                concat!("sub r7, r7, lr, lsl #", $offset),
                "ldr r8, [sp, #48]",
                "ldr pc, [sp, #64]",
                ".p2align 2",
                "4:",
                "ldrd r9, r12, [r8]",
                "add r4, r4, r9",
                "add r5, r5, r12",
                "ldrd r9, r12, [r8, #8]",
                "add r6, r6, r9",
                "add r7, r7, r12",
                "ldrd r9, r12, [r8, #16]",
                "add r0, r0, r9",
                "add r1, r1, r12",
                "ldrd r9, r12, [r8, #24]",
                "add r2, r2, r9",
                "add r3, r3, r12",
                ".p2align 2",
                "3:",
                "stm r8!, {{r4-r7}}",
                "stm r8!, {{r0-r3}}",
                "ldr r9, [sp, #36]",
                "ldrd r5, r6, [sp, #52]",
                "str r8, [sp, #48]",
                "add r9, r9, r6",
                "str r9, [sp, #36]",
                "cmp r8, r5",
                "bne.w 2b",
                "pop {{r4-r11, lr}}",
                "add sp, sp, #16",
                "bx lr",
            )
        }
    };
}

// Fields on the stack, taken out during the loop.
macro_rules! flushing {
    ($name:ident, $bits:tt, $units:literal, $size:literal, $shift:literal, $mask:literal, $s:literal, $offset:literal) => {
        accumulate!(
            $name,
            $bits,
            $units,
            $size,
            $shift,
            $mask,
            $s,
            $offset,
            ["strd r0, r0, [sp, #76]"],
            [flush!($bits)],
            ["ldrd r8, r9, [sp, #76]", "uxth r4, r8", "lsr r5, r8, #16", "uxth r6, r9", "lsr r7, r9, #16"]
        );
    };
}

// Fields that last for a chunk.
macro_rules! lasting {
    ($name:ident, $bits:tt, $units:literal, $size:literal, $shift:literal, $mask:literal, $s:literal, $offset:literal) => {
        accumulate!(
            $name,
            $bits,
            $units,
            $size,
            $shift,
            $mask,
            $s,
            $offset,
            [],
            [],
            [
                concat!("ubfx r4, r0, #0, #", $s),
                concat!("ubfx r5, r1, #0, #", $s),
                concat!("ubfx r6, r2, #0, #", $s),
                concat!("ubfx r7, r3, #0, #", $s)
            ]
        );
    };
}

flushing!(accumulate_4x4, 4, 4, 52, 5, 0xF00F, 12, 3);
lasting!(accumulate_2x4, 4, 4, 52, 5, 0xF00F, 12, 3);
flushing!(accumulate_8x2, 2, 2, 100, 6, 0xC003, 14, 1);
lasting!(accumulate_4x2, 2, 2, 100, 6, 0xC003, 14, 1);
