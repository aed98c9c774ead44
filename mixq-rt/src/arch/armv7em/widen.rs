//! Codes as 16-bit halves, for four pixels side by side.

use core::arch::naked_asm;

use mixq_format::layout::Blocks;

use super::{CHUNK, PIXELS};

/// Bytes that a layer works in, on the stack.
const BYTES: usize = 576;

/// Bytes of packed codes that may be staged before they are widened: those of a chunk.
const STAGE: usize = 64;

/// Where a group of four pixels is computed. First a *patch*, what their windows see, or a chunk of it: for each pair of elements four
/// words, one for each pixel; the order of the elements is that of [`Blocks::element`]. Then the *stage*, where there is one. Then
/// accumulators, by output channel and pixel: the fewer elements, the more channels.
#[repr(C, align(8))]
pub(crate) struct Scratch {
    words: [u32; BYTES / 4],
    sums: [i32; PIXELS],
    totals: [i32; PIXELS],
    elements: usize,
    /// Words of a patch.
    patch: usize,
    /// Words before the accumulators.
    before: usize,
}

impl Scratch {
    /// For windows of so many elements, with a stage or without.
    #[inline(always)]
    pub(crate) fn new(elements: usize, staged: bool) -> Scratch {
        let chunk = match (elements, staged) {
            (..=48, _) | (..=CHUNK, false) => elements.next_multiple_of(8),
            // The accumulators of 8 or 12 channels are left.
            _ => 48,
        };
        let patch = chunk / 2 * PIXELS;
        let before = if staged { patch + STAGE / 4 } else { patch };
        Scratch { words: [0; BYTES / 4], sums: [0; PIXELS], totals: [0; PIXELS], elements: 0, patch, before }
    }

    /// Elements of a whole chunk.
    #[inline(always)]
    pub(crate) fn chunk(&self) -> usize {
        self.patch / PIXELS * 2
    }

    /// Output channels whose accumulators there is room for: a multiple of four.
    #[inline(always)]
    pub(crate) fn channels(&self) -> usize {
        ((BYTES / 4 - self.before) / PIXELS) & !3
    }

    /// The stage.
    ///
    /// # Panics
    /// If there is none.
    #[inline(always)]
    pub(crate) fn stage(&mut self) -> &mut [u8] {
        bytemuck::cast_slice_mut(&mut self.words[self.patch..self.before])
    }

    /// Widens staged codes, whole words of them.
    ///
    /// # Panics
    /// As [`Self::widen`].
    #[inline(always)]
    pub(crate) fn widen_staged(&mut self, widen: &Widen, pixel: usize, words: usize) {
        if words == 0 {
            return;
        }
        let staged = self.before - self.patch;
        assert!(pixel < PIXELS && words <= staged && words * widen.word <= self.elements);
        let start = self.words.as_mut_ptr();
        let from = start.wrapping_add(self.patch).cast_const().cast();
        // SAFETY: reads `words` words of the stage and writes to the patch, which ends before it; asserted above.
        self.sums[pixel] += unsafe { (widen.run)(from, start.wrapping_add(pixel), words) };
    }

    /// Begins a chunk of so many elements, the first or another one.
    #[inline(always)]
    pub(crate) fn begin(&mut self, elements: usize, first: bool) {
        assert!(elements <= self.chunk());
        if first {
            self.totals = [0; PIXELS];
        }
        self.sums = [0; PIXELS];
        self.elements = elements;
    }

    #[inline(always)]
    pub(crate) fn elements(&self) -> usize {
        self.elements
    }

    /// Ends a chunk.
    #[inline(always)]
    pub(crate) fn end(&mut self) {
        for (total, sum) in self.totals.iter_mut().zip(&self.sums) {
            *total += sum;
        }
    }

    /// Of the codes of all chunks, by pixel.
    #[inline(always)]
    pub(crate) fn totals(&self) -> &[i32; PIXELS] {
        &self.totals
    }

    /// The patch, accumulators for `count` output channels, the sums.
    #[inline(always)]
    pub(super) fn parts(&mut self, count: usize) -> (*const u32, *mut [i32; PIXELS], *const i32) {
        assert!(count <= self.channels());
        let words = self.words.as_mut_ptr();
        (words, words.wrapping_add(self.before).cast(), self.sums.as_ptr())
    }

    /// The accumulators of `count` output channels.
    #[inline(always)]
    pub(crate) fn accumulators(&mut self, count: usize) -> &mut [[i32; PIXELS]] {
        let words: &mut [i32] = bytemuck::cast_slice_mut(&mut self.words[self.before..][..PIXELS * count]);
        words.as_chunks_mut().0
    }

    /// Widens whole words of packed codes, for one pixel, from an element on that begins a word.
    ///
    /// # Panics
    /// If `codes` has fewer words, or the patch.
    #[inline(always)]
    pub(crate) fn widen(&mut self, widen: &Widen, pixel: usize, element: usize, codes: &[u8], words: usize) {
        if words == 0 {
            return;
        }
        assert!(pixel < PIXELS && codes.len() >= 4 * words && element + words * widen.word <= self.elements);
        let to = self.words.as_mut_ptr().wrapping_add(element / 2 * PIXELS + pixel);
        // SAFETY: reads `words` words of `codes` and writes one word of each group of four, for as many pairs of elements as these
        // words hold; asserted above.
        self.sums[pixel] += unsafe { (widen.run)(codes.as_ptr(), to, words) };
    }

    /// Takes a code that stands alone; that of the first half comes first.
    ///
    /// # Panics
    /// If the slot is beyond the patch.
    #[inline(always)]
    pub(crate) fn put(&mut self, pixel: usize, slot: usize, code: i32) {
        let word = &mut self.words[..self.patch][slot / 2 * PIXELS + pixel];
        *word = if slot.is_multiple_of(2) { code as u32 } else { *word | (code as u32) << 16 };
        self.sums[pixel] += code;
    }

    /// Adds `sum(q_x s_w)` of one filter that is in no block to its accumulators; `weight` of an element of the chunk.
    #[inline(always)]
    pub(crate) fn dot(&mut self, blocks: &Blocks, weight: impl Fn(usize) -> i32, index: usize, first: bool) {
        let mut dots = if first { [0; PIXELS] } else { self.accumulators(index + 1)[index] };
        for slot in 0..self.elements.next_multiple_of(blocks.unit) {
            let Some(element) = blocks.element(self.elements, slot) else { continue };
            let weight = weight(element);
            let words = &self.words[slot / 2 * PIXELS..][..PIXELS];
            for (dot, word) in dots.iter_mut().zip(words) {
                let code = word >> (16 * (slot % 2)) & 0xffff;
                *dot = dot.wrapping_add(weight * code as i32);
            }
        }
        self.accumulators(index + 1)[index] = dots;
    }
}

/// How words of codes of one width are widened.
pub(crate) struct Widen {
    /// Answers the sum of the codes.
    run: unsafe extern "C" fn(*const u8, *mut u32, usize) -> i32,
    /// Codes of a word.
    pub(crate) word: usize,
    /// Bits of a code.
    pub(crate) bits: usize,
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

// All take: codes, where the first pair goes (the next is 16 bytes on), words (at least 1).

#[unsafe(naked)]
unsafe extern "C" fn widen8(codes: *const u8, to: *mut u32, words: usize) -> i32 {
    naked_asm!(
        "push {{r4, r5}}",
        "mov r3, #0",
        "mov r4, #0",
        "2:",
        "ldr r12, [r0], #4",
        "uxtb16 r5, r12",
        "usada8 r3, r12, r4, r3",
        "uxtb16 r12, r12, ror #8",
        "str r5, [r1]",
        "str r12, [r1, #16]",
        "add r1, r1, #32",
        "subs r2, r2, #1",
        "bne 2b",
        "mov r0, r3",
        "pop {{r4, r5}}",
        "bx lr",
    )
}

#[unsafe(naked)]
unsafe extern "C" fn widen4(codes: *const u8, to: *mut u32, words: usize) -> i32 {
    naked_asm!(
        "push {{r4, r5}}",
        "mov r3, #0",
        "mov r4, #0x000f000f",
        "2:",
        "ldr r12, [r0], #4",
        "and r5, r4, r12",
        "str r5, [r1]",
        "uadd16 r3, r3, r5",
        "and r5, r4, r12, lsr #4",
        "str r5, [r1, #16]",
        "uadd16 r3, r3, r5",
        "and r5, r4, r12, lsr #8",
        "str r5, [r1, #32]",
        "uadd16 r3, r3, r5",
        "and r5, r4, r12, lsr #12",
        "str r5, [r1, #48]",
        "uadd16 r3, r3, r5",
        "add r1, r1, #64",
        "subs r2, r2, #1",
        "bne 2b",
        "uxth r0, r3",
        "add r0, r0, r3, lsr #16",
        "pop {{r4, r5}}",
        "bx lr",
    )
}

#[unsafe(naked)]
unsafe extern "C" fn widen2(codes: *const u8, to: *mut u32, words: usize) -> i32 {
    naked_asm!(
        "push {{r4, r5}}",
        "mov r3, #0",
        "mov r4, #0x00030003",
        "2:",
        "ldr r12, [r0], #4",
        ".rept 8",
        "and r5, r4, r12",
        "str r5, [r1], #16",
        "uadd16 r3, r3, r5",
        "lsr r12, r12, #2",
        ".endr",
        "subs r2, r2, #1",
        "bne 2b",
        "uxth r0, r3",
        "add r0, r0, r3, lsr #16",
        "pop {{r4, r5}}",
        "bx lr",
    )
}
