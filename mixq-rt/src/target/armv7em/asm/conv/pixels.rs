//! Computes a group of channels of all output pixels, if filters see one pixel each.

use super::super::PIXELS;
use super::super::layer::Filtered;
use super::super::widen::{Run, widen2, widen4, widen8};
use super::frame::frame_asm;
use super::{Call, Filters, Scratch};
use crate::target::armv7em::check::{check, hold};

/// What the filters of a group of channels see of neighbouring output pixels.
pub(crate) struct Pixels<'a> {
    pub(crate) fill: FillGroup,
    /// The input, from the first pixel's codes of the group on.
    pub(crate) codes: &'a [u8],
    /// Bytes from an input pixel to the next one, and the same of the output; the latter is 0 if there is one
    /// pixel.
    pub(crate) pitches: [usize; 2],
    /// Output pixels: one, or groups of [`PIXELS`].
    pub(crate) count: usize,
}

/// Fills the patch for a group of pixels after the first one, in the loop over groups of pixels.
#[derive(Clone, Copy)]
pub(crate) struct FillGroup(Run);

impl FillGroup {
    /// For `x`-bit codes.
    pub(crate) const fn of(x: usize) -> FillGroup {
        FillGroup(match x {
            8 => fill8,
            4 => fill4,
            _ => fill2,
        })
    }
}

impl<T: Filtered> Filters<'_, T> {
    /// Makes codes of the channels that the call was prepared for. `output` begins with the first pixel.
    ///
    /// # Panics
    /// If the call makes no codes of all elements; if these are not whole words of codes; if there are too
    /// few output pixels or input codes.
    // Inlined: one stack frame less.
    #[inline(always)]
    pub(crate) fn run_pixels(&self, call: &mut Call, scratch: &mut Scratch, output: &mut [u8], of: &Pixels) {
        let Pixels { fill, codes, pitches: [from_pitch, pitch], count } = *of;
        let (chunk, [start, end]) = (*call.chunk(), call.bytes);
        let widen = &self.kernels.widen;
        let words = widen.words(chunk.elements);
        check(chunk.codes && chunk.element == 0 && words * widen.word == chunk.elements);
        check(words > 0 && words < 1 << 16);
        check(count == 1 || (count > 0 && count.is_multiple_of(PIXELS) && end <= pitch && pitch < 1 << 16));
        check(hold(codes.len(), count, from_pitch, 4 * words));
        check(hold(output.len(), count, pitch, end));
        let first = if count == 1 { 1 } else { PIXELS };
        let (mut patch, _) = scratch.begin(chunk.elements);
        patch.widen(widen, [0, first], 0, codes, [words, from_pitch]);
        call.place(scratch, pitch);
        let frame = &mut call.frame;
        frame.out = output.as_mut_ptr().wrapping_add(start);
        frame.groups = count.div_ceil(PIXELS);
        frame.from = codes.as_ptr().wrapping_add(PIXELS * from_pitch);
        frame.from_pitch = from_pitch;
        frame.fill = fill.0;
        // 16 bits hold the bytes of an output pixel.
        frame.size = words | pitch.wrapping_sub(end - start) << 16;
        // SAFETY: as in `Ready::run`. For more groups, the loop reads the codes of as many pixels, and writes
        // as many elements to the patch as for the first group: checked above.
        unsafe { (call.run)(&call.frame) }
    }
}

// Called by `again`, which has moved `out` from the end of the first pixel's codes three pixels on. Codes of
// other groups of channels follow in the pixel: the upper half of r2 is the number of their bytes, and of the
// bytes before the first code. The lower half is the number of words.
macro_rules! fill {
    ($name:ident, $widen:ident) => {
        #[unsafe(naked)]
        unsafe extern "C" fn $name(
            codes: *const u8,
            to: *mut u32,
            words: usize,
            pitch: usize,
            count: usize,
            sums: *mut i32,
        ) {
            frame_asm!(
                // `again` has pushed two words.
                "ldr r12, [sp, #Frame.out + 8]",
                "add r12, r12, r2, lsr #16",
                "uxth r2, r2",
                "str r12, [sp, #Frame.out + 8]",
                "b.w {widen}",
                widen = sym $widen,
            )
        }
    };
}

fill!(fill8, widen8);
fill!(fill4, widen4);
fill!(fill2, widen2);
