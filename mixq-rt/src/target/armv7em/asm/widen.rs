//! Codes as 16-bit halves, for four pixels side by side.

use mixq_format::Bits;

use super::PIXELS;
use crate::target::armv7em::check::{check, hold};

/// Widens codes of pixels. Takes: codes, where the first pair goes (the next is 16 bytes on), words or bytes
/// from a row to the next (at least one), bytes to the next pixel's codes, pixels (at least one), the pixel's
/// sum, from which the codes are subtracted.
pub(super) type Run = unsafe extern "C" fn(*const u8, *mut u32, usize, usize, usize, *mut i32);

/// What a whole group sees of the input, as one call takes it.
#[derive(Clone, Copy)]
pub(crate) struct Fill {
    pub(super) run: Run,
    /// Words, or bytes of a row.
    pub(super) size: usize,
    /// Bytes that are read of a pixel, from its first on.
    pub(super) bytes: usize,
    /// Elements of the patch that are written.
    pub(super) elements: usize,
}

/// How words of codes of one width are widened.
pub(crate) struct Widen {
    run: Run,
    /// Codes of a word.
    pub(crate) word: usize,
    /// Bits of a code.
    pub(crate) bits: usize,
    /// A byte of codes that are 1.
    pub(crate) codes: u8,
}

impl Widen {
    /// The loop over words.
    pub(super) fn loop_of_words(&self) -> Run {
        self.run
    }

    /// Whole words that hold this number of codes.
    #[inline(always)]
    pub(crate) fn words(&self, codes: usize) -> usize {
        codes * self.bits / 32
    }

    /// So many words of codes in a row.
    #[inline(always)]
    pub(crate) fn fill(&self, words: usize) -> Fill {
        check(words > 0);
        Fill { run: self.run, size: words, bytes: 4 * words, elements: words * self.word }
    }

    /// Widens `words` words of codes of each of `count` pixels from `pixel` on, `pitch` bytes apart, into the
    /// patch, from `element` on, which begins a word.
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
        check(count > 0 && pixel + count <= PIXELS && hold(codes.len(), count, pitch, 4 * words));
        check((element + words * self.word) / 2 * PIXELS <= patch.len());
        let to = patch.as_mut_ptr().wrapping_add(element / 2 * PIXELS + pixel);
        let sums = sums.as_mut_ptr().wrapping_add(pixel);
        // SAFETY: reads `words` words of codes of each pixel and writes one word of each group of four, for
        // as many pairs of elements as these words hold; asserted above.
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
    Widen { run, word: 32 / x, bits: x, codes: (0xff / ((1 << x) - 1)) as u8 }
}

/// How words of codes of one width are widened for one pixel: one pair of elements after the other.
#[derive(Clone, Copy)]
pub(super) struct WidenRow {
    /// Takes: codes, where the pairs go, words (at least 1). Answers the sum of the codes.
    pub(super) run: unsafe extern "C" fn(*const u8, *mut u32, usize) -> i32,
    /// Bits of a code.
    pub(super) bits: usize,
}

/// For codes of such a width.
pub(super) const fn widen_row_for(x: Bits) -> WidenRow {
    let run = match x {
        Bits::B8 => row8,
        Bits::B4 => row4,
        _ => row2,
    };
    WidenRow { run, bits: x.count() }
}

// A pair of codes of r10 that are `$shift` bits up.
macro_rules! pair {
    ($to:literal, $step:literal, $shift:literal) => {
        concat!("and r12, r11, r10", $shift, "\nstr r12, [", $to, "], #", $step, "\nuadd16 r9, r9, r12\n")
    };
}

// Unpacks r10, of whose codes r9 is the sum: of 8 bits, or of each half of a word.
macro_rules! word {
    (8, $to:literal, $step:literal) => {
        concat!(
            "
    uxtb16 r12, r10
    usada8 r9, r10, r11, r9
    uxtb16 r10, r10, ror #8
    str r12, [",
            $to,
            "], #",
            $step,
            "
    str r10, [",
            $to,
            "], #",
            $step,
            "
"
        )
    };
    (4, $to:literal, $step:literal) => {
        concat!(
            pair!($to, $step, ""),
            pair!($to, $step, ", lsr #4"),
            pair!($to, $step, ", lsr #8"),
            pair!($to, $step, ", lsr #12")
        )
    };
    (2, $to:literal, $step:literal) => {
        concat!(
            pair!($to, $step, ""),
            pair!($to, $step, ", lsr #2"),
            pair!($to, $step, ", lsr #4"),
            pair!($to, $step, ", lsr #6"),
            pair!($to, $step, ", lsr #8"),
            pair!($to, $step, ", lsr #10"),
            pair!($to, $step, ", lsr #12"),
            pair!($to, $step, ", lsr #14")
        )
    };
}

macro_rules! sum {
    (8) => {
        ""
    };
    ($bits:tt) => {
        "uxth r10, r9\nadd r9, r10, r9, lsr #16"
    };
}

macro_rules! widen {
    ($name:ident, $row:ident, $mask:literal, $bits:tt) => {
        #[unsafe(naked)]
        unsafe extern "C" fn $row(codes: *const u8, to: *mut u32, words: usize) -> i32 {
            naked_asm!(
                "push {{r4-r11}}",
                "mov r9, #0",
                concat!("mov r11, #", $mask),
                "3:",
                "ldr r10, [r0], #4",
                word!($bits, "r1", "4"),
                "subs r2, r2, #1",
                "bne 3b",
                sum!($bits),
                "mov r0, r9",
                "pop {{r4-r11}}",
                "bx lr",
            )
        }

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
                word!($bits, "r7", "16"),
                "subs r8, r8, #1",
                "bne 3b",
                "ldr r8, [r5]",
                sum!($bits),
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

widen!(widen8, row8, "0", 8);
widen!(widen4, row4, "0x000f000f", 4);
widen!(widen2, row2, "0x00030003", 2);
