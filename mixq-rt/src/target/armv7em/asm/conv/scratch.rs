//! The memory that a group of pixels is computed in.

use mixq_format::target::armv7em::{LEAST_SCRATCH, LEAST_SCRATCH_OF_RGB3X3};

use super::super::PIXELS;
use super::{Rgb3x3, Widen, rgb3x3};
use crate::target::armv7em::check::{check, refuse};

/// Where a group of four pixels is computed. First a *patch*, what their windows see, or a chunk of it: for
/// each pair of elements four words, one for each pixel; the order of the elements is that of
/// [`Blocks::element`](mixq_format::target::armv7em::Blocks::element). Then the *stage*, where there is one:
/// packed codes of one pixel. Then accumulators, by output channel and pixel.
pub(crate) struct Scratch<'a> {
    words: &'a mut [u32],
    /// Of the codes of this chunk, negated.
    sums: [i32; PIXELS],
    elements: usize,
    /// Words of a patch.
    patch: usize,
    /// Words of a stage.
    stage: usize,
    /// Words before the accumulators.
    before: usize,
}

impl<'a> Scratch<'a> {
    /// Bytes of a patch for an element.
    pub(crate) const ELEMENT_BYTES: usize = 2 * PIXELS;

    /// Three rows that two pixels see, in bytes of a stage.
    const STAGED_ROWS: usize = 3 * rgb3x3::STAGED_ROW;

    /// For windows of `elements` elements (whole units), of which at most `most` (at least 16) are taken at
    /// once; with a stage or without, and with accumulators even if all elements fit.
    ///
    /// # Panics
    /// If there are fewer than [`LEAST_SCRATCH`] bytes.
    #[inline(never)]
    pub(crate) fn new(
        words: &'a mut [u32],
        elements: usize,
        most: usize,
        staged: bool,
        sums: bool,
    ) -> Scratch<'a> {
        check(4 * words.len() >= LEAST_SCRATCH);
        // A byte of the stage holds a code or more; accumulators of four channels are left at least, where
        // they are needed.
        let each = Scratch::ELEMENT_BYTES + usize::from(staged);
        let bytes = 4 * words.len();
        let sums = if sums { 4 * size_of::<[i32; PIXELS]>() } else { 0 };
        let chunk = if elements <= most && each * elements + sums <= bytes {
            elements
        } else {
            most.min((bytes * 2 / 3).max(16 * each) / each) & !15
        };
        check(chunk > 0);
        let patch = chunk * Scratch::ELEMENT_BYTES / 4;
        let stage = if staged { chunk / 4 } else { 0 };
        Scratch { words, sums: [0; PIXELS], elements: 0, patch, stage, before: patch + stage }
    }

    /// For windows of 3x3 on three channels, which are one chunk: what is staged is widened before there are
    /// accumulators, and lies where they will.
    ///
    /// # Panics
    /// If there are fewer than [`LEAST_SCRATCH_OF_RGB3X3`] bytes.
    #[inline(always)]
    pub(crate) fn of_rgb3x3(words: &'a mut [u32]) -> Scratch<'a> {
        check(4 * words.len() >= LEAST_SCRATCH_OF_RGB3X3);
        let patch = rgb3x3::ELEMENTS * Scratch::ELEMENT_BYTES / 4;
        Scratch {
            words,
            sums: [0; PIXELS],
            elements: 0,
            patch,
            stage: Scratch::STAGED_ROWS / 4,
            before: patch,
        }
    }

    /// Elements of a whole chunk.
    #[inline(always)]
    pub(crate) fn chunk(&self) -> usize {
        self.patch * 4 / Scratch::ELEMENT_BYTES
    }

    /// Output channels whose accumulators there is room for: a multiple of four, at least four.
    #[inline(always)]
    pub(crate) fn channels(&self) -> usize {
        ((self.words.len() - self.before) / PIXELS) & !3
    }

    /// Begins a chunk of this number of elements: the patch, to be filled with them, and the stage.
    ///
    /// # Panics
    /// If they are more than a whole chunk.
    #[inline(always)]
    pub(crate) fn begin(&mut self, elements: usize) -> (Patch<'_>, &mut [u8]) {
        check(elements <= self.chunk());
        self.sums = [0; PIXELS];
        self.elements = elements;
        let (words, rest) = self.words.split_at_mut(self.patch);
        let stage = bytemuck::cast_slice_mut(&mut rest[..self.stage]);
        (Patch { words, sums: &mut self.sums, elements }, stage)
    }

    #[inline(always)]
    pub(crate) fn elements(&self) -> usize {
        self.elements
    }

    /// Elements that a patch has memory for.
    #[inline(always)]
    pub(super) fn room(&self) -> usize {
        self.words.len() * 4 / Scratch::ELEMENT_BYTES
    }

    /// The patch, accumulators for `count` output channels, the sums.
    #[inline(always)]
    pub(super) fn parts(&mut self, count: usize) -> (*const u32, *mut [i32; PIXELS], *const i32) {
        check(count <= self.channels());
        let words = self.words.as_mut_ptr();
        (words, words.wrapping_add(self.before).cast(), self.sums.as_ptr())
    }

    /// The accumulators of `count` output channels.
    #[inline(always)]
    pub(crate) fn accumulators(&mut self, count: usize) -> &mut [[i32; PIXELS]] {
        let words: &mut [i32] = bytemuck::cast_slice_mut(&mut self.words[self.before..][..PIXELS * count]);
        words.as_chunks_mut().0
    }
}

/// A patch that is filled.
pub(crate) struct Patch<'a> {
    words: &'a mut [u32],
    /// Of the codes, negated.
    sums: &'a mut [i32; PIXELS],
    elements: usize,
}

impl Patch<'_> {
    /// Elements that it will hold.
    #[inline(always)]
    pub(crate) fn elements(&self) -> usize {
        self.elements
    }

    /// Widens whole words of packed codes, from an element on that begins a word, for one or more pixels
    /// whose codes are `pitch` bytes apart.
    ///
    /// # Panics
    /// If `codes` has fewer words, or the patch.
    #[inline(always)]
    pub(crate) fn widen(
        &mut self,
        widen: &Widen,
        pixels: [usize; 2],
        element: usize,
        codes: &[u8],
        [words, pitch]: [usize; 2],
    ) {
        widen.run(codes, self.words, self.sums, pixels, element, [words, pitch]);
    }

    /// Widens half a word of codes of `bits` bits, 4 or 2, of one pixel.
    ///
    /// # Panics
    /// If they are beyond the patch.
    #[inline(never)]
    pub(crate) fn widen_half(&mut self, bits: usize, pixel: usize, element: usize, codes: [u8; 2]) {
        let halves = u32::from(codes[0]) | u32::from(codes[1]) << 16;
        let mut sum = 0;
        let (groups, pixel) = (self.words.as_chunks_mut::<PIXELS>().0, pixel % PIXELS);
        let Some(groups) = groups.get_mut(element / 2..) else { refuse() };
        for (group, shift) in groups.iter_mut().zip((0..8).step_by(bits)) {
            group[pixel] = (halves >> shift) & (0x0001_0001 * ((1 << bits) - 1));
            sum += group[pixel];
        }
        self.sums[pixel] -= ((sum & 0xffff) + (sum >> 16)) as i32;
    }

    /// Widens what two neighbouring pixels see: `pitch` bytes apart, in rows that are `row` bytes apart.
    ///
    /// # Panics
    /// If there are fewer codes, or the patch has no room.
    #[inline(always)]
    pub(crate) fn widen_rgb3x3(
        &mut self,
        rgb3x3: &Rgb3x3,
        pixel: usize,
        codes: &[u8],
        [row, pitch]: [usize; 2],
    ) {
        rgb3x3.run(codes, self.words, self.sums, pixel, [row, pitch]);
    }

    /// Fills whole words' elements of one pixel with one code.
    ///
    /// # Panics
    /// If they are beyond the patch.
    #[inline(never)]
    pub(crate) fn pad(&mut self, pixel: usize, element: usize, count: usize, code: i32) {
        let (groups, pixel) = (self.words.as_chunks_mut::<PIXELS>().0, pixel % PIXELS);
        match groups.get_mut(element / 2..(element + count) / 2) {
            Some(groups) => groups.iter_mut().for_each(|group| group[pixel] = code as u32 * 0x0001_0001),
            None => refuse(),
        }
        self.sums[pixel] -= code * count as i32;
    }

    /// Takes a code that stands alone; that of the first half comes first.
    ///
    /// # Panics
    /// If the slot is beyond the patch.
    #[inline(always)]
    pub(crate) fn put(&mut self, pixel: usize, slot: usize, code: i32) {
        let word = &mut self.words[slot / 2 * PIXELS + pixel];
        *word = if slot.is_multiple_of(2) { code as u32 } else { *word | (code as u32) << 16 };
        self.sums[pixel] -= code;
    }
}
