//! Widens packed codes to 16-bit halves: for the patch of four pixels, or for one pixel.

use mixq_format::Bits;

use super::PIXELS;
use crate::target::armv7em::check::{check, hold};

/// A loop that widens the codes of pixels into a patch. Its arguments:
///
/// 1. the codes of the first pixel;
/// 2. where the first pair of elements goes; the next pair goes 16 bytes further;
/// 3. the size, at least 1: words of a pixel; for windows of 3x3 on three channels, bytes of an image row;
/// 4. bytes from the codes of a pixel to those of the next one;
/// 5. the number of pixels, at least 1;
/// 6. the first pixel's sum, from which the loop subtracts the codes; the next word is the next pixel's sum.
pub(super) type Run = unsafe extern "C" fn(*const u8, *mut u32, usize, usize, usize, *mut i32);

/// A call of [`Run`] that fills the patch with all elements of a group.
#[derive(Clone, Copy)]
pub(crate) struct Fill {
    pub(super) run: Run,
    /// The third argument of `run`.
    pub(super) size: usize,
    /// Bytes from the first to the last byte that `run` reads of a pixel's window.
    pub(super) bytes: usize,
    /// Elements of the patch that `run` writes.
    pub(super) elements: usize,
}

/// Widens words of codes of one width.
pub(crate) struct Widen {
    run: Run,
    /// Codes of a word.
    pub(crate) word: usize,
    /// Bits of a code.
    pub(crate) bits: usize,
    /// A byte all of whose codes are 1.
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

    /// Fills the patch with `words` words of codes of each pixel.
    #[inline(always)]
    pub(crate) fn fill(&self, words: usize) -> Fill {
        check(words > 0);
        Fill { run: self.run, size: words, bytes: 4 * words, elements: words * self.word }
    }

    /// Widens `words` words of codes for each of `count` pixels, from `pixel` on. They become the elements of
    /// the patch from `element` on, which is the first one of a word. The codes of neighbouring pixels are
    /// `pitch` bytes apart.
    ///
    /// # Panics
    /// If `codes` has fewer words, or the patch has no room for them.
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
        // SAFETY: reads `words` words of each pixel's codes. For each pixel and each pair of elements that
        // these words hold, writes a word of the patch; for each pixel, a sum. All checked above.
        unsafe { (self.run)(codes.as_ptr(), to, words, pitch, count, sums) };
    }
}

/// The loop for `x`-bit codes.
pub(crate) const fn widen_for(x: usize) -> Widen {
    let run = match x {
        8 => widen8,
        4 => widen4,
        _ => widen2,
    };
    Widen { run, word: 32 / x, bits: x, codes: (0xff / ((1 << x) - 1)) as u8 }
}

/// Widens words of codes of one width for one pixel: pairs of elements lie one after another.
#[derive(Clone, Copy)]
pub(super) struct WidenRow {
    /// Takes the codes, where the first pair of elements goes, and the number of words, at least 1. Returns
    /// the sum of the codes.
    pub(super) run: unsafe extern "C" fn(*const u8, *mut u32, usize) -> i32,
    /// Bits of a code.
    pub(super) bits: usize,
}

/// The loop for codes of this width.
pub(super) const fn widen_row_for(x: Bits) -> WidenRow {
    let run = match x {
        Bits::B8 => row8,
        Bits::B4 => row4,
        _ => row2,
    };
    WidenRow { run, bits: x.count() }
}

// Stores the pair of codes of r10 that `$shift` moves to bit 0 of each half, and adds it to both sums in r9.
macro_rules! pair {
    ($to:literal, $step:literal, $shift:literal) => {
        concat!("and r12, r11, r10", $shift, "\nstr r12, [", $to, "], #", $step, "\nuadd16 r9, r9, r12\n")
    };
}

// Widens the word of codes in r10, and adds them to r9: one sum for 8-bit codes, else a sum in each half.
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

// Makes one sum of the sums in the halves of r9.
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
        pub(super) unsafe extern "C" fn $name(
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

pub(super) use {pair, sum, word};
