//! Largest and average codes of a window's pixels, by fields.
//!
//! Field `i` of a word are the codes at bit `i X` of its bytes. Two words of a pixel are read at once, which may overlap so that they end
//! where the pixel ends; where words do not do, two bytes.

use core::arch::naked_asm;

use mixq_format::Pool;

use super::split;
use crate::check::check;
use crate::layer::Taps;

/// The inner loops of a pool.
pub(crate) struct Kernel {
    words: Run,
    bytes: Run,
    /// The largest window that `words` takes, in pixels.
    most: usize,
}

/// The largest code.
pub(crate) const MAX: Kernel = Kernel { words: max_words, bytes: max_bytes, most: usize::MAX };

/// The average code. Words of more pixels would not be summed in 16 bits.
pub(crate) const AVERAGE: Kernel = Kernel { words: average_words, bytes: average_bytes, most: 256 };

const _: () = assert!(AVERAGE.most * 255 < 1 << 16);

type Run = unsafe extern "C" fn(&Field);

/// A rectangle of pixels, and which of their codes are wanted.
#[repr(C)]
struct Field {
    /// The first word of the first pixel.
    first: *const u8,
    /// Bytes from there to the second word.
    second: usize,
    pixel_bytes: usize,
    columns: usize,
    rows: usize,
    /// Bytes from the end of a row to the next.
    gap: usize,
    /// Of the field.
    shift: usize,
    /// A code in each byte.
    mask: u32,
    /// 32: where the first word of the result goes; all fields but the first are added to it.
    output: *mut u8,
    /// 36: pixels.
    count: usize,
}

/// What a layer reads and writes.
pub(crate) struct Pixels<'a> {
    input: &'a [u8],
    output: &'a mut [u8],
    height: usize,
    width: usize,
    bits: usize,
    /// Where the next pixel goes.
    to: usize,
    /// Bits of the last byte of a pixel that hold elements.
    last: u8,
    kernel: &'a Kernel,
    field: Field,
}

impl<'a> Pixels<'a> {
    /// The pixels of a layer's input and output.
    ///
    /// # Panics
    /// If they overlap or reach beyond the arena.
    #[inline(always)]
    pub(crate) fn new(arena: &'a mut [u8], table: &Pool, kernel: &'a Kernel) -> Pixels<'a> {
        let tensor = &table.input;
        let (pixel_bytes, bits) = (tensor.pixel_bytes(), tensor.bits.count());
        let (input, output, _) = split(arena, tensor, &table.output, [0; 2]);
        let (height, width) = (usize::from(tensor.height), usize::from(tensor.width));
        let field = Field {
            first: input.as_ptr(),
            second: 0,
            pixel_bytes,
            columns: 0,
            rows: 0,
            gap: 0,
            shift: 0,
            mask: (0xff >> (8 - bits)) * 0x0101_0101,
            output: output.as_mut_ptr(),
            count: 0,
        };
        let last = 0xff >> (8 * pixel_bytes - bits * usize::from(tensor.channels));
        Pixels { input, output, height, width, bits, to: 0, last, kernel, field }
    }

    /// Writes the next pixel of the output, from a window of the input.
    ///
    /// # Panics
    /// If there is none, or the window is empty or reaches beyond the input.
    #[inline(never)]
    pub(crate) fn pool(&mut self, rows: Taps, columns: Taps) {
        let field = &mut self.field;
        let pixel_bytes = field.pixel_bytes;
        (field.rows, field.columns) = (rows.count(), columns.count());
        check(rows.first + field.rows <= self.height && columns.first + field.columns <= self.width);
        field.count = field.rows * field.columns;
        let (to, end) = (self.to, self.to + pixel_bytes);
        check(field.count > 0 && end <= self.output.len());
        self.to = end;
        let from = (rows.first * self.width + columns.first) * pixel_bytes;
        field.gap = (self.width - field.columns) * pixel_bytes;
        let wide = pixel_bytes >= 4 && field.count <= self.kernel.most;
        let (run, size) = if wide { (self.kernel.words, 4) } else { (self.kernel.bytes, 1) };
        let mut at = 0;
        while at < pixel_bytes {
            let one = at.min(pixel_bytes - size);
            field.first = self.input.as_ptr().wrapping_add(from + one);
            field.second = (at + size).min(pixel_bytes - size) - one;
            field.output = self.output.as_mut_ptr().wrapping_add(to + one);
            field.shift = 0;
            while field.shift < 8 {
                // SAFETY: reads two words, or bytes, of each of the window's pixels, and writes as many of the output's pixel; both end
                // where a pixel ends or before.
                unsafe { run(field) };
                field.shift += self.bits;
            }
            at += 2 * size;
        }
        self.output[end - 1] &= self.last;
    }
}

// Adds to the fields before. Where the words overlap, both are the same.
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
"
        )
    };
}

macro_rules! max {
    ($name:ident, $load:literal, $store:literal) => {
        #[unsafe(naked)]
        unsafe extern "C" fn $name(field: &Field) {
            naked_asm!(
                "push {{r0, r4-r11, lr}}",
                "ldm r0, {{r0-r7}}",
                "clz r12, r7",
                "sub r12, r12, r6",
                "mov r8, #0",
                "mov r9, #0",
                "2:",
                "mov lr, r3",
                // What is below a code at the upper end of its byte decides no more than ties.
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
                "pop {{r0}}",
                "ldrd r6, r7, [r0, #24]",
                "ldr r0, [r0, #32]",
                "lsr r2, r8, r12",
                "lsr r3, r9, r12",
                "lsl r7, r7, r6",
                "and r2, r2, r7",
                "and r3, r3, r7",
                add_field!($load, $store),
                "pop {{r4-r11, pc}}",
            )
        }
    };
}

max!(max_words, "ldr", "str");
max!(max_bytes, "ldrb", "strb");

#[unsafe(naked)]
unsafe extern "C" fn average_words(field: &Field) {
    naked_asm!(
        "push {{r0, r4-r11, lr}}",
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
        "pop {{r0}}",
        "ldrd r0, r12, [r0, #32]",
        "lsl lr, r12, #1",
        // floor((2 sum + n) / 2n), over the sums in memory.
        "pkhbt r2, r8, r9, lsl #16",
        "pkhtb r3, r9, r8, asr #16",
        "pkhbt r4, r10, r11, lsl #16",
        "pkhtb r5, r11, r10, asr #16",
        "push {{r2-r5}}",
        "mov r2, sp",
        "mov r3, sp",
        "add r5, r2, #16",
        "4:",
        ".rept 2",
        "ldrh r4, [r2], #2",
        "add r4, r12, r4, lsl #1",
        "udiv r4, r4, lr",
        "strb r4, [r3], #1",
        ".endr",
        "cmp r2, r5",
        "bne 4b",
        "pop {{r2, r3, r4, r5}}",
        "lsl r2, r2, r6",
        "lsl r3, r3, r6",
        add_field!("ldr", "str"),
        "pop {{r4-r11, pc}}",
    )
}

#[unsafe(naked)]
unsafe extern "C" fn average_bytes(field: &Field) {
    naked_asm!(
        "push {{r0, r4-r11, lr}}",
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
        "pop {{r0}}",
        "ldrd r0, r12, [r0, #32]",
        "lsl lr, r12, #1",
        "add r2, r12, r8, lsl #1",
        "add r3, r12, r9, lsl #1",
        "udiv r2, r2, lr",
        "udiv r3, r3, lr",
        "lsl r2, r2, r6",
        "lsl r3, r3, r6",
        add_field!("ldrb", "strb"),
        "pop {{r4-r11, pc}}",
    )
}
