//! Computes all groups of channels of some output pixels.

use mixq_format::target::armv7em::BLOCK;

use super::super::PIXELS;
use super::super::layer::Filtered;
use super::super::row::{Row, WidenRow};
use super::super::window::{Views, WidenWindow};
use super::{Call, Filters, Scratch};
use crate::target::armv7em::check::{check, hold};

/// What the filters of any group of channels see of four output pixels.
pub(crate) enum Seen<'a> {
    Views(&'a WidenWindow, &'a Views<PIXELS>),
    Row(&'a WidenRow, &'a Row),
}

impl Seen<'_> {
    /// Bytes from the first code of a group to the last one that is read.
    #[inline(always)]
    fn bytes(&self) -> usize {
        match self {
            Seen::Views(_, views) => views.bytes(),
            Seen::Row(_, row) => row.bytes(),
        }
    }

    /// Elements of the patch that are written, or that lie before these.
    #[inline(always)]
    fn elements(&self) -> usize {
        match self {
            Seen::Views(_, views) => views.elements(),
            Seen::Row(_, row) => row.elements(),
        }
    }
}

/// What the filters of all groups of channels see of the output pixels.
pub(crate) struct Groups<'a> {
    pub(crate) seen: Seen<'a>,
    /// The sums of the padding that the four pixels see, negated.
    pub(crate) padding: [i32; PIXELS],
    /// The input, from the codes of the first group on.
    pub(crate) codes: &'a [u8],
    /// Bytes of an input pixel that the codes of a group take.
    pub(crate) bytes: usize,
}

impl<T: Filtered> Filters<'_, T> {
    /// Makes codes of all groups of channels, for pixels that are `pitch` bytes apart (0: there is one
    /// pixel). These filters have prepared the call for the first group. The patch holds the padding.
    ///
    /// # Panics
    /// If the patch holds a different number of elements, or the call makes no codes of all of them; if the
    /// channels are not whole groups; if there are too few output pixels or input codes.
    // Inlined: one stack frame less.
    #[inline(always)]
    pub(crate) fn run_groups(
        &self,
        call: &mut Call,
        scratch: &mut Scratch,
        pixels: &mut [u8],
        pitch: usize,
        of: &Groups,
    ) {
        let Groups { seen, padding, codes, bytes } = of;
        let (channels, table, stride) = (self.channels(), self.layer.table(), self.stride());
        let [_, output] = table.tensors();
        let chunk = *call.chunk();
        check(chunk.codes && (chunk.element, chunk.channel) == (0, 0));
        check(scratch.elements() == chunk.elements && seen.elements() <= scratch.chunk());
        let groups = channels / chunk.count.max(1);
        // Codes of a group begin a byte.
        let code_bits = chunk.count * output.bits.count();
        check(groups * chunk.count == channels && (groups == 1 || code_bits.is_multiple_of(8)));
        let end = u64::from(table.weights()) + (channels / BLOCK) as u64 * stride as u64;
        check(groups > 0 && end <= self.layer.parameters().len() as u64);
        check(hold(codes.len(), groups, *bytes, seen.bytes()));
        check(hold(pixels.len(), PIXELS, pitch, output.pixel_bytes()));
        call.place(scratch, pitch);
        let Call { frame, run, .. } = call;
        let steps = [stride, frame.zero_points_step].map(|step| step * (chunk.count / BLOCK));
        (frame.out, frame.groups) = (pixels.as_mut_ptr(), 1);
        for group in 0..groups {
            // SAFETY: as in `Ready::run`; and what is seen lies in the codes of each group, and the patch has
            // room for it: checked above.
            unsafe {
                let codes = codes.as_ptr().wrapping_add(group * bytes);
                frame.sums.cast_mut().cast::<[i32; PIXELS]>().write(*padding);
                let (patch, sums) = (frame.x.cast_mut(), frame.sums.cast_mut());
                match seen {
                    Seen::Views(window, views) => window.widen(codes, patch, views, sums),
                    Seen::Row(window, row) => window.widen(codes, patch, row, sums),
                }
                run(frame);
            }
            frame.out = frame.out.wrapping_add(code_bits / 8);
            frame.shift(steps);
        }
        frame.shift(steps.map(|step| step.wrapping_mul(groups).wrapping_neg()));
    }
}
