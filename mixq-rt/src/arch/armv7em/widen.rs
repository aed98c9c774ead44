//! Codes as 16-bit halves, for four pixels side by side.

use core::arch::naked_asm;

use super::PIXELS;

/// How words of codes of one width are widened.
pub(crate) struct Widen {
    /// Takes: codes, where the first pair goes (the next is 16 bytes on), words (at least 1), bytes to the next pixel's codes, pixels (at
    /// least 1), the pixel's sum, from which the codes are subtracted.
    run: unsafe extern "C" fn(*const u8, *mut u32, usize, usize, usize, *mut i32),
    /// Codes of a word.
    pub(crate) word: usize,
    /// Bits of a code.
    pub(crate) bits: usize,
}

impl Widen {
    /// Widens `words` words of codes of each of `count` pixels from `pixel` on, `pitch` bytes apart, into the patch, from `element` on, which
    /// begins a word.
    ///
    /// # Panics
    /// If `codes` has fewer words, or the patch.
    #[inline(always)]
    pub(super) fn run(
        &self,
        codes: &[u8],
        patch: &mut [u32],
        sums: &mut [i32; PIXELS],
        [pixel, count]: [usize; 2],
        element: usize,
        [words, pitch]: [usize; 2],
    ) {
        if words == 0 {
            return;
        }
        assert!(count > 0 && pixel + count <= PIXELS && (count - 1) * pitch + 4 * words <= codes.len());
        assert!((element + words * self.word) / 2 * PIXELS <= patch.len());
        let to = patch.as_mut_ptr().wrapping_add(element / 2 * PIXELS + pixel);
        let sums = sums.as_mut_ptr().wrapping_add(pixel);
        // SAFETY: reads `words` words of codes of each pixel and writes one word of each group of four, for as many pairs of elements as these
        // words hold; asserted above.
        unsafe { (self.run)(codes.as_ptr(), to, words, pitch, count, sums) };
    }
}

/// For `x`-bit codes.
pub(crate) const fn widen_for(x: usize) -> Widen {
    let run = match x {
        8 => widen8,
        4 => widen4,
        _ => widen2,
    };
    Widen { run, word: 32 / x, bits: x }
}

/// Widens three rows of nine bytes, `row` bytes apart, of `count` pixels from `pixel` on, `pitch` bytes apart, in the order of
/// [`Blocks::nine`](mixq_format::layout::Blocks::nine).
///
/// # Panics
/// If `codes` has fewer bytes, or the patch fewer than 28 elements.
#[inline(always)]
pub(super) fn nine(
    codes: &[u8],
    patch: &mut [u32],
    sums: &mut [i32; PIXELS],
    [pixel, count]: [usize; 2],
    [row, pitch]: [usize; 2],
) {
    assert!(count > 0 && pixel + count <= PIXELS && (count - 1) * pitch + 2 * row + 9 <= codes.len());
    assert!(28 / 2 * PIXELS <= patch.len());
    let (to, sums) = (patch.as_mut_ptr().wrapping_add(pixel), sums.as_mut_ptr().wrapping_add(pixel));
    // SAFETY: reads nine bytes of three rows of each pixel and writes one word of each of 14 groups of four; asserted above.
    unsafe { widen_nine(codes.as_ptr(), to, row, pitch, count, sums) };
}

// Two words and a byte of a row.
macro_rules! row {
    ($first:literal, $second:literal, $third:literal, $fourth:literal, $byte:literal) => {
        concat!(
            "
    ldr r8, [r6]
    ldr r9, [r6, #4]
    ldrb ",
            $byte,
            ", [r6, #8]
    uxtb16 r12, r8
    usada8 r7, r8, r11, r7
    uxtb16 r8, r8, ror #8
    str r12, [r1, #",
            $first,
            "]
    str r8, [r1, #",
            $second,
            "]
    uxtb16 r12, r9
    usada8 r7, r9, r11, r7
    uxtb16 r9, r9, ror #8
    str r12, [r1, #",
            $third,
            "]
    str r9, [r1, #",
            $fourth,
            "]
"
        )
    };
}

#[unsafe(naked)]
unsafe extern "C" fn widen_nine(
    codes: *const u8,
    to: *mut u32,
    row: usize,
    pitch: usize,
    count: usize,
    sums: *mut i32,
) {
    naked_asm!(
        "push {{r4-r11, lr}}",
        "ldrd r4, r5, [sp, #36]",
        "mov r11, #0",
        "2:",
        "ldr r7, [r5]",
        "rsb r7, r7, #0",
        "mov r6, r0",
        row!("0", "16", "32", "48", "r10"),
        "add r6, r6, r2",
        row!("64", "80", "96", "112", "lr"),
        "add r6, r6, r2",
        "orr r10, r10, lr, lsl #16",
        row!("128", "144", "160", "176", "lr"),
        "str r10, [r1, #192]",
        "str lr, [r1, #208]",
        "usada8 r7, r10, r11, r7",
        "add r7, r7, lr",
        "rsb r7, r7, #0",
        "str r7, [r5], #4",
        "add r0, r0, r3",
        "add r1, r1, #4",
        "subs r4, r4, #1",
        "bne 2b",
        "pop {{r4-r11, pc}}",
    )
}

macro_rules! widen {
    ($name:ident, $mask:literal, [$($word:literal),*], [$($sum:literal),*]) => {
        #[unsafe(naked)]
        unsafe extern "C" fn $name(
            codes: *const u8,
            to: *mut u32,
            words: usize,
            pitch: usize,
            count: usize,
            sums: *mut i32,
        ) {
            naked_asm!(
                "push {{r4-r11}}",
                "ldrd r4, r5, [sp, #32]",
                concat!("mov r11, #", $mask),
                "2:",
                "mov r6, r0",
                "mov r7, r1",
                "mov r8, r2",
                "mov r9, #0",
                "3:",
                "ldr r10, [r6], #4",
                $($word,)*
                "subs r8, r8, #1",
                "bne 3b",
                "ldr r8, [r5]",
                $($sum,)*
                "sub r8, r8, r9",
                "str r8, [r5], #4",
                "add r0, r0, r3",
                "add r1, r1, #4",
                "subs r4, r4, #1",
                "bne 2b",
                "pop {{r4-r11}}",
                "bx lr",
            )
        }
    };
}

widen!(
    widen8,
    "0",
    [
        "uxtb16 r12, r10",
        "usada8 r9, r10, r11, r9",
        "uxtb16 r10, r10, ror #8",
        "str r12, [r7], #16",
        "str r10, [r7], #16"
    ],
    []
);

widen!(
    widen4,
    "0x000f000f",
    [
        "and r12, r11, r10",
        "str r12, [r7], #16",
        "uadd16 r9, r9, r12",
        "and r12, r11, r10, lsr #4",
        "str r12, [r7], #16",
        "uadd16 r9, r9, r12",
        "and r12, r11, r10, lsr #8",
        "str r12, [r7], #16",
        "uadd16 r9, r9, r12",
        "and r12, r11, r10, lsr #12",
        "str r12, [r7], #16",
        "uadd16 r9, r9, r12"
    ],
    ["uxth r10, r9", "add r9, r10, r9, lsr #16"]
);

widen!(
    widen2,
    "0x00030003",
    [
        "and r12, r11, r10",
        "str r12, [r7], #16",
        "uadd16 r9, r9, r12",
        "and r12, r11, r10, lsr #2",
        "str r12, [r7], #16",
        "uadd16 r9, r9, r12",
        "and r12, r11, r10, lsr #4",
        "str r12, [r7], #16",
        "uadd16 r9, r9, r12",
        "and r12, r11, r10, lsr #6",
        "str r12, [r7], #16",
        "uadd16 r9, r9, r12",
        "and r12, r11, r10, lsr #8",
        "str r12, [r7], #16",
        "uadd16 r9, r9, r12",
        "and r12, r11, r10, lsr #10",
        "str r12, [r7], #16",
        "uadd16 r9, r9, r12",
        "and r12, r11, r10, lsr #12",
        "str r12, [r7], #16",
        "uadd16 r9, r9, r12",
        "and r12, r11, r10, lsr #14",
        "str r12, [r7], #16",
        "uadd16 r9, r9, r12"
    ],
    ["uxth r10, r9", "add r9, r10, r9, lsr #16"]
);
