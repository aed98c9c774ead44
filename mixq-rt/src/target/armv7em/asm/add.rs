//! Residual addition, four elements at once.
//!
//! The codes of four elements are the bytes of a word, whatever the width of the tensor. The accumulator is
//! the sum negated, `m_a Z_a + m_b Z_b - m_a q_a - m_b q_b`, because it is multiplied by `-2^(32-s)`: that
//! fits 32 bits also for a shift of 1. The rounded high word, with `Z_y` added, is then `Z_y + floor((sum +
//! 2^(s-1)) / 2^s)`.

use core::mem::offset_of;

use mixq_format::{Add, Bits, Operands};

use crate::target::armv7em::check::check;

/// Elements of a unit.
const UNIT: usize = 4;

/// The tables of the loop.
#[repr(C)]
struct Sum {
    /// Negated.
    multipliers: [i32; 2],
    /// `m_a Z_a + m_b Z_b`.
    constant: i32,
    /// `-2^(32-s)`.
    scale: i32,
    zero_point: i32,
    /// Which widths are read, as the table in the loop has them.
    widths: u32,
    /// The conditions that the loop keeps: C, if it reads 8 bits from both; Z, if it writes 8 bits; N, if
    /// 4.
    flags: u32,
    /// Bits of both inputs, the wider one first, and the output.
    bits: [usize; 3],
    /// Where they are in the arena.
    offsets: [usize; 3],
}

// What one instruction reads: the first five fields, and two more.
const _: () =
    assert!(offset_of!(Sum, zero_point) == 16 && offset_of!(Sum, flags) == offset_of!(Sum, widths) + 4);

const N: u32 = 1 << 31;
const Z: u32 = 1 << 30;
const C: u32 = 1 << 29;

/// Executes an addition of codes.
///
/// # Panics
/// If it makes logits.
#[inline(never)]
pub(crate) fn execute(operands: Operands<Add>) {
    let (table, _, arena) = operands.parts();
    let sum = Sum::new(table);
    let (pixels, channels) = (table.output.pixels(), usize::from(table.output.channels));
    // Where no row ends inside a byte, all are one.
    let seamless = |bits: usize| (channels * bits).is_multiple_of(8);
    let narrowest = sum.bits.into_iter().min().unwrap_or(8);
    let (rows, elements) = if seamless(narrowest) { (1, pixels * channels) } else { (pixels, channels) };
    let row_bytes = sum.bits.map(|bits| (bits * elements).div_ceil(8));
    let (units, rest) = (elements / UNIT, elements % UNIT);
    let mut at = sum.offsets.map(|offset| arena.as_mut_ptr().wrapping_add(offset));
    for _ in 0..rows {
        let [a, b, output] = at;
        let end = |tensor: usize| at[tensor].wrapping_add(units * sum.bits[tensor] / 2);
        // SAFETY: reads and writes a row of each tensor, which are in the arena, as `Operands` has it. All
        // pointers into it are made from one, so that rows may be the same.
        unsafe {
            add(&sum, units, a, b, output);
            sum.last([end(0), end(1), end(2)], rest);
        }
        at = [0, 1, 2].map(|tensor| at[tensor].wrapping_add(row_bytes[tensor]));
    }
}

impl Sum {
    /// The addition of a table.
    ///
    /// # Panics
    /// If it makes logits.
    #[inline(always)]
    fn new(table: &Add) -> Sum {
        let (mut a, mut b) = ((&table.a, table.multiplier_a), (&table.b, table.multiplier_b));
        if b.0.bits > a.0.bits {
            (a, b) = (b, a);
        }
        let ((a, multiplier_a), (b, multiplier_b), output) = (a, b, &table.output);
        check(output.bits <= Bits::B8);
        let narrow = |bits: Bits| 3 - bits.count().trailing_zeros();
        let widths = 3 * narrow(a.bits) + narrow(b.bits);
        let writes = match output.bits {
            Bits::B8 => Z,
            Bits::B4 => N,
            _ => 0,
        };
        Sum {
            multipliers: [multiplier_a.wrapping_neg(), multiplier_b.wrapping_neg()],
            constant: multiplier_a
                .wrapping_mul(a.zero_point.into())
                .wrapping_add(multiplier_b.wrapping_mul(b.zero_point.into())),
            scale: i32::MIN >> (table.shift - 1),
            zero_point: output.zero_point.into(),
            widths,
            flags: writes | if widths == 0 { C } else { 0 },
            bits: [a, b, output].map(|tensor| tensor.bits.count()),
            offsets: [a, b, output].map(|tensor| tensor.offset as usize),
        }
    }

    /// Adds the last elements of a row, less than a unit, maybe none.
    ///
    /// # Safety
    /// Their bytes can be read and written.
    #[inline(never)]
    unsafe fn last(&self, at: [*mut u8; 3], elements: usize) {
        let bytes = self.bits.map(|bits| (bits * elements).div_ceil(8));
        let mut unit = [0u32; 3];
        let [a, b, output] = &mut unit;
        // SAFETY: as above; a word has more bytes.
        unsafe {
            copy(at[0], (&raw mut *a).cast(), bytes[0]);
            copy(at[1], (&raw mut *b).cast(), bytes[1]);
            add(self, 1, (&raw const *a).cast(), (&raw const *b).cast(), (&raw mut *output).cast());
            *output &= (1 << (self.bits[2] * elements)) - 1;
            copy((&raw const *output).cast(), at[2], bytes[2]);
        }
    }
}

/// # Safety
/// So many bytes can be read and written.
#[unsafe(naked)]
unsafe extern "C" fn copy(from: *const u8, to: *mut u8, bytes: usize) {
    naked_asm!(
        "2:",
        "subs r2, r2, #1",
        "itt hs",
        "ldrbhs r3, [r0], #1",
        "strbhs r3, [r1], #1",
        "bhi 2b",
        "bx lr",
    )
}

// Four codes of 4 or 2 bits as bytes: of the first input ...
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

// ... and of the second one, before the loop goes on.
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

/// # Safety
/// So many units can be read and written.
#[unsafe(naked)]
unsafe extern "C" fn add(sum: *const Sum, units: usize, a: *const u8, b: *const u8, output: *mut u8) {
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
        // The elements of a word, into a byte each.
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
        ".endr",
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
        // 8 and 8, 4, 2 bits; -, 4 and 4, 2 bits; -, -, 2 and 2 bits.
        ".byte 0, (11f - 9b) / 2, (12f - 9b) / 2",
        ".byte 0, (13f - 9b) / 2, (14f - 9b) / 2",
        ".byte 0, 0, (15f - 9b) / 2",
        ".p2align 1",
        "6:",
        "pop {{r0, r4-r11, pc}}",
        // Bytes above the largest code become that: what is added and what is left saturate together.
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
        widths = const offset_of!(Sum, widths),
    )
}
