//! The memory that a group of pixels is computed in.

use mixq_format::target::armv7em::{Division, LEAST_SCRATCH, LEAST_SCRATCH_OF_RGB3X3};

use super::super::PIXELS;
use super::super::window::{Views, WidenWindow};
use super::{Rgb3x3, Widen, rgb3x3};
use crate::target::armv7em::check::{check, refuse};

/// The memory that a group of four output pixels is computed in. It has three parts:
///
/// 1. The *patch*: the codes that the windows of the four pixels see, or a chunk of them. For each pair of
///    elements it has four words, one for each pixel. The elements are in the order of
///    [`Blocks::element`](mixq_format::target::armv7em::Blocks::element).
/// 2. The *stage*, if the kind of windows has one: packed codes that are copied here before they are widened.
/// 3. The accumulators: for each output channel the sums of four pixels.
pub(crate) struct Scratch<'a> {
    words: &'a mut [u32],
    /// Accumulators that lie elsewhere; empty, if they lie in `words`.
    apart: &'a mut [u32],
    /// For each pixel the sum of its codes in the patch, negated.
    sums: [i32; PIXELS],
    /// Elements that the patch holds.
    elements: usize,
    /// Words of the patch.
    patch: usize,
    /// Words of the stage.
    stage: usize,
    /// Words before the accumulators.
    before: usize,
}

impl<'a> Scratch<'a> {
    /// Bytes of the patch for one element of four pixels.
    pub(crate) const ELEMENT_BYTES: usize = 2 * PIXELS;

    /// Bytes of a stage for the three rows that two neighbouring pixels see.
    const STAGED_ROWS: usize = 3 * rgb3x3::STAGED_ROW;

    /// Divides `words` as `division` says. `staged`: with a stage. `apart`: memory for the accumulators;
    /// empty, if they are to lie in `words`.
    ///
    /// # Panics
    /// If there are fewer than [`LEAST_SCRATCH`] bytes.
    #[inline(never)]
    pub(crate) fn new(
        words: &'a mut [u32],
        apart: &'a mut [u32],
        division: &Division,
        staged: bool,
    ) -> Scratch<'a> {
        check(4 * words.len() >= LEAST_SCRATCH);
        // A byte of the stage holds at least one code.
        let chunk = division.chunk(4 * words.len(), !apart.is_empty());
        check(chunk > 0 && (!apart.is_empty() || division.each * chunk <= 4 * words.len()));
        let patch = chunk * Scratch::ELEMENT_BYTES / 4;
        let stage = if staged { chunk / 4 } else { 0 };
        Scratch { words, apart, sums: [0; PIXELS], elements: 0, patch, stage, before: patch + stage }
    }

    /// Divides `words` for windows of 3x3 on three channels, which are one chunk. The stage lies in the place
    /// of the accumulators, because its codes are widened before sums are stored.
    ///
    /// # Panics
    /// If there are fewer than [`LEAST_SCRATCH_OF_RGB3X3`] bytes.
    #[inline(always)]
    pub(crate) fn of_rgb3x3(words: &'a mut [u32]) -> Scratch<'a> {
        check(4 * words.len() >= LEAST_SCRATCH_OF_RGB3X3);
        let patch = rgb3x3::ELEMENTS * Scratch::ELEMENT_BYTES / 4;
        Scratch {
            words,
            apart: &mut [],
            sums: [0; PIXELS],
            elements: 0,
            patch,
            stage: Scratch::STAGED_ROWS / 4,
            before: patch,
        }
    }

    /// Elements that the patch holds at most: those of a whole chunk.
    #[inline(always)]
    pub(crate) fn chunk(&self) -> usize {
        self.patch * 4 / Scratch::ELEMENT_BYTES
    }

    /// Output channels whose accumulators there is room for: a multiple of four, at least four.
    #[inline(always)]
    pub(crate) fn channels(&self) -> usize {
        let words = if self.apart.is_empty() { self.words.len() - self.before } else { self.apart.len() };
        (words / PIXELS) & !3
    }

    /// Begins a chunk of this number of elements. Returns the patch, which the caller fills, and the stage.
    ///
    /// # Panics
    /// If a whole chunk has fewer elements.
    #[inline(always)]
    pub(crate) fn begin(&mut self, elements: usize) -> (Patch<'_>, &mut [u8]) {
        check(elements <= self.chunk());
        self.sums = [0; PIXELS];
        self.elements = elements;
        let (words, rest) = self.words.split_at_mut(self.patch);
        let stage = bytemuck::cast_slice_mut(&mut rest[..self.stage]);
        (Patch { words, sums: &mut self.sums, elements }, stage)
    }

    /// For each pixel the sum of its codes in the patch, negated.
    #[inline(always)]
    pub(crate) fn sums(&self) -> [i32; PIXELS] {
        self.sums
    }

    /// Elements that the patch holds.
    #[inline(always)]
    pub(crate) fn elements(&self) -> usize {
        self.elements
    }

    /// Elements of a patch that would take all memory.
    #[inline(always)]
    pub(super) fn room(&self) -> usize {
        self.words.len() * 4 / Scratch::ELEMENT_BYTES
    }

    /// The addresses of the patch, of the accumulators of `count` output channels, and of the sums of codes.
    #[inline(always)]
    pub(super) fn parts(&mut self, count: usize) -> (*const u32, *mut [i32; PIXELS], *const i32) {
        let accumulators = match count {
            0 => core::ptr::null_mut(),
            _ => self.accumulators(count).as_mut_ptr(),
        };
        (self.words.as_ptr(), accumulators, self.sums.as_ptr())
    }

    /// The accumulators of `count` output channels.
    ///
    /// # Panics
    /// If there is no room for them.
    #[inline(always)]
    pub(crate) fn accumulators(&mut self, count: usize) -> &mut [[i32; PIXELS]] {
        let words = if self.apart.is_empty() { &mut self.words[self.before..] } else { &mut *self.apart };
        let words: &mut [i32] = bytemuck::cast_slice_mut(&mut words[..PIXELS * count]);
        words.as_chunks_mut().0
    }
}

/// A patch that is being filled.
pub(crate) struct Patch<'a> {
    words: &'a mut [u32],
    /// For each pixel the sum of its codes, negated.
    sums: &'a mut [i32; PIXELS],
    elements: usize,
}

impl Patch<'_> {
    /// Elements that the patch will hold.
    #[inline(always)]
    pub(crate) fn elements(&self) -> usize {
        self.elements
    }

    /// Widens `words` words of packed codes for each of `pixels`, a first pixel and a number of pixels. They
    /// become the elements of the patch from `element` on, which is the first one of a word. The codes of
    /// neighbouring pixels are `pitch` bytes apart.
    ///
    /// # Panics
    /// If `codes` has fewer words, or the patch has no room for them.
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

    /// Widens what the filters of a group of channels see. `codes` begins with the codes of the group.
    ///
    /// # Panics
    /// If `codes` has not all that the views see, or the patch has no room for it.
    #[inline(always)]
    pub(crate) fn widen_views<const N: usize>(
        &mut self,
        window: &WidenWindow,
        codes: &[u8],
        views: &Views<N>,
    ) {
        window.run(codes, self.words, self.sums, views);
    }

    /// Adds to a pixel's sum.
    #[inline(always)]
    pub(crate) fn add_to_sum(&mut self, pixel: usize, codes: i32) {
        self.sums[pixel % PIXELS] += codes;
    }

    /// Widens half a word of codes of `bits` bits, 4 or 2, of one pixel, to the elements from `element` on.
    ///
    /// # Panics
    /// If `element` is beyond the patch.
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

    /// Widens the windows of the pixels `pixel` and `pixel + 1`. `codes` begins with the first window. The
    /// windows are `pitch` bytes apart, and the rows of each window are `row` bytes apart.
    ///
    /// # Panics
    /// If the windows do not lie in `codes`, or the patch has no room for their elements.
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

    /// Fills `count` elements of one pixel with one code. They are the elements of whole words of codes.
    ///
    /// # Panics
    /// If the patch does not have these elements.
    #[inline(never)]
    pub(crate) fn pad(&mut self, pixel: usize, element: usize, count: usize, code: i32) {
        let (groups, pixel) = (self.words.as_chunks_mut::<PIXELS>().0, pixel % PIXELS);
        match groups.get_mut(element / 2..(element + count) / 2) {
            Some(groups) => groups.iter_mut().for_each(|group| group[pixel] = code as u32 * 0x0001_0001),
            None => refuse(),
        }
        self.sums[pixel] -= code * count as i32;
    }

    /// Writes one code to a slot of a pixel: a half of a word. The lower half, an even slot, must be written
    /// first, because this overwrites the word.
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
