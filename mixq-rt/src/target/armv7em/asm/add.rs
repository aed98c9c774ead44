//! Residual addition, four elements at once.
//!
//! The loop unpacks the codes of four elements to the bytes of a word, for any width of the tensor. The
//! accumulator is the negated sum, `m_a Z_a + m_b Z_b - m_a q_a - m_b q_b`. The loop multiplies it by
//! `-2^(32-s)`, because 32 bits hold this factor for a shift of 1, too, but not `2^(32-s)`. The rounded high
//! word of the product, plus `Z_y`, is `Z_y + floor((sum + 2^(s-1)) / 2^s)`.

use core::mem::offset_of;

use mixq_format::{Add, Bits, Operands};

use crate::target::armv7em::check::check;

/// Elements that one round of the loop adds.
const UNIT: usize = 4;

/// The arguments of the loop. The inputs are in the order of their widths: the wider one first.
#[repr(C)]
struct Sum {
    /// Multipliers of both inputs, negated.
    multipliers: [i32; 2],
    /// `m_a Z_a + m_b Z_b`.
    constant: i32,
    /// `-2^(32-s)`.
    scale: i32,
    /// Zero point of the output.
    zero_point: i32,
    /// The entry of the loop's jump table for the widths of the inputs.
    widths: u32,
    /// The processor flags that the loop keeps set. C: both inputs have 8 bits; Z: the output has 8 bits;
    /// N: the output has 4 bits.
    flags: u32,
    /// Bits of a code of both inputs and of the output.
    bits: [usize; 3],
    /// Bytes from the start of the arena to both inputs and to the output.
    offsets: [usize; 3],
}

// One instruction loads the first five fields, another one `widths` and `flags`.
const _: () =
    assert!(offset_of!(Sum, zero_point) == 16 && offset_of!(Sum, flags) == offset_of!(Sum, widths) + 4);

// Bits of the register APSR.
const N: u32 = 1 << 31;
const Z: u32 = 1 << 30;
const C: u32 = 1 << 29;

/// Executes an addition whose output are codes.
///
/// # Panics
/// If the output are logits.
#[inline(never)]
pub(crate) fn execute(operands: Operands<Add>) {
    let (table, _, arena) = operands.parts();
    let sum = Sum::new(table);
    let (pixels, channels) = (table.output.pixels(), usize::from(table.output.channels));
    // If no pixel ends inside a byte, all pixels are added as one row; else each pixel is a row.
    let seamless = |bits: usize| (channels * bits).is_multiple_of(8);
    let narrowest = sum.bits.into_iter().min().unwrap_or(8);
    let (rows, elements) = if seamless(narrowest) { (1, pixels * channels) } else { (pixels, channels) };
    let row_bytes = sum.bits.map(|bits| (bits * elements).div_ceil(8));
    let (units, rest) = (elements / UNIT, elements % UNIT);
    let mut at = sum.offsets.map(|offset| arena.as_mut_ptr().wrapping_add(offset));
    for _ in 0..rows {
        let [a, b, output] = at;
        let end = |tensor: usize| at[tensor].wrapping_add(units * sum.bits[tensor] / 2);
        // SAFETY: reads a row of both inputs and writes a row of the output. `Operands` proves that the
        // tensors lie in the arena. The output may be an input: all pointers are derived from one pointer to
        // the arena.
        unsafe {
            add(&sum, units, a, b, output);
            sum.last([end(0), end(1), end(2)], rest);
        }
        at = [0, 1, 2].map(|tensor| at[tensor].wrapping_add(row_bytes[tensor]));
    }
}

impl Sum {
    /// The arguments for the addition of a table.
    ///
    /// # Panics
    /// If the output are logits.
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

    /// Adds the last elements of a row, 0 to 3. `at`: their places in both inputs and in the output.
    ///
    /// # Safety
    /// The bytes of these elements may be read in both inputs and written in the output.
    #[inline(never)]
    unsafe fn last(&self, at: [*mut u8; 3], elements: usize) {
        let bytes = self.bits.map(|bits| (bits * elements).div_ceil(8));
        let mut unit = [0u32; 3];
        let [a, b, output] = &mut unit;
        // SAFETY: the caller promises the bytes of the tensors. Each word of `unit` has four bytes: `copy`
        // accesses at most three of them, and `add` at most four.
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
/// `bytes` bytes at `from` may be read, and as many at `to` written.
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

// Loads four 4-bit codes of the second input to the bytes of r10, and adds.
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
/// `units` units may be read at `a` and `b`, and written at `output`.
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
        // Adds the four codes in r9 and r10, a byte each, to the bytes of r11.
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
        // A row for a wider input of 8, 4 and 2 bits; in it an entry for a narrower input of 8, 4 and 2 bits.
        // Entries that are never taken are 0.
        ".byte 0, (11f - 9b) / 2, (12f - 9b) / 2",
        ".byte 0, (13f - 9b) / 2, (14f - 9b) / 2",
        ".byte 0, 0, (15f - 9b) / 2",
        ".p2align 1",
        "6:",
        "pop {{r0, r4-r11, pc}}",
        // Limits bytes to the largest code, 15 or 3: the addition saturates larger bytes to 255, and then the
        // bits above the code are cleared.
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
