//! What a convolution works in, where scratch has no room for all elements of four windows.
//!
//! Pixels are computed in their order. The output's bytes behind them hold nothing yet, and the input's bytes
//! before them are not read again. A layer works there: first at the end of the output; later, if no other
//! layer reads the input, at its start. Where neither has enough room, a group of pixels is computed in
//! parts, in the largest memory that there is.

use super::{Plan, Windows};
use crate::Conv;

/// Output pixels that are computed at once.
const PIXELS: usize = 4;

/// Where the memory of a [`Phase`] lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The scratch, or memory on the stack.
    Given,
    /// The last bytes of the output.
    Output,
    /// The first bytes of the input.
    Input,
}

/// Output pixels that are computed in the same memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phase {
    /// Where the memory lies.
    pub place: Place,
    /// Bytes of the memory, a multiple of 4.
    pub bytes: usize,
    /// Where the accumulators lie, if not in the same memory.
    pub apart: Place,
    /// Bytes of the accumulators' memory, a multiple of 4; 0, if they lie in the same memory.
    pub apart_bytes: usize,
    /// The pixel after the last one.
    pub end: usize,
    /// Input pixels, from the first one on, that these and later output pixels do not see.
    pub seen: usize,
}

impl Phase {
    /// The phase that begins with output pixel `first`.
    ///
    /// * `windows`: the kind of the convolution's windows.
    /// * `given`: bytes of the scratch, or of the memory on the stack: at least
    ///   [`LEAST_SCRATCH`](super::LEAST_SCRATCH).
    /// * `sums`: whether sums are stored before they become codes or logits.
    #[inline(always)]
    pub fn of(conv: &Conv, windows: Windows, plan: &Plan, given: usize, sums: bool, first: usize) -> Phase {
        let Conv { input, output, .. } = conv;
        let (pixels, each) = (output.pixels(), output.pixel_bytes());
        let (place, apart) = (Place::Given, Place::Given);
        let all = Phase { place, bytes: given, apart, apart_bytes: 0, end: pixels, seen: 0 };
        let division = Division::of(conv, windows, plan.proof.chunk.into(), sums);
        let wanted = division.wanted();
        // Memory on the stack is enough for the small windows of an image.
        if given >= wanted || windows == Windows::Rgb3x3 {
            return all;
        }
        let group = if pixels < PIXELS { 1 } else { PIXELS };
        // The last group begins earlier, if it would have fewer pixels.
        let first = if first < pixels - group { first } else { pixels - group };
        let seen = if plan.spent { seen(conv, first) } else { 0 };
        let head = whole_words(seen * input.pixel_bytes());
        if head >= wanted {
            return Phase { place: Place::Input, bytes: wanted, seen, ..all };
        }
        let left = (pixels - first) * each;
        // Three bytes may lie before the first whole word.
        let groups = left.saturating_sub(wanted + 3) / (group * each).max(1);
        if groups > 0 {
            return Phase { place: Place::Output, bytes: wanted, end: first + group * groups, ..all };
        }
        // The largest memory and the second largest.
        let mut most = (Place::Given, given);
        let mut next = (Place::Output, whole_words(left - group * each));
        if next.1 > most.1 {
            (most, next) = (next, most);
        }
        if head > most.1 {
            (most, next) = ((Place::Input, head), most);
        } else if head > next.1 {
            next = (Place::Input, head);
        }
        let ((place, bytes), (apart, apart_bytes)) = (most, next);
        // Of one memory, a third is for the accumulators.
        let apart_bytes = if 3 * apart_bytes >= bytes { apart_bytes } else { 0 };
        Phase { place, bytes, apart, apart_bytes, end: first + group, seen }
    }
}

/// How a convolution divides memory into a patch, with a stage if codes are staged, and accumulators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Division {
    /// Elements of a window, in whole sixteens.
    pub elements: usize,
    /// Elements that may be multiplied at once: a multiple of 16.
    pub most: usize,
    /// Bytes of patch and stage for an element.
    pub each: usize,
    /// Whether sums are stored before they become codes or logits.
    pub sums: bool,
    /// Output channels.
    pub channels: usize,
}

impl Division {
    /// `most`: elements that may be multiplied at once.
    #[inline(always)]
    pub fn of(conv: &Conv, windows: Windows, most: usize, sums: bool) -> Division {
        let elements = (conv.window.taps() * usize::from(conv.input.channels)).next_multiple_of(16);
        let each = 2 * PIXELS + usize::from(windows.staged());
        Division { elements, most, each, sums, channels: conv.output.channels.into() }
    }

    /// Bytes with which a convolution is as fast as with any more.
    fn wanted(&self) -> usize {
        let patch = self.elements.min(self.most);
        let sums = self.sums || patch < self.elements;
        let accumulators = if sums { SUMS * self.channels.next_multiple_of(4) } else { 0 };
        patch * self.each + accumulators
    }

    /// Elements of a patch in memory of `bytes` bytes, at least [`LEAST_SCRATCH`](super::LEAST_SCRATCH).
    /// `apart`: whether the accumulators lie in other memory.
    #[inline(always)]
    pub fn chunk(&self, bytes: usize, apart: bool) -> usize {
        // In the same memory, accumulators have room for at least four channels.
        let accumulators = if self.sums { 4 * SUMS } else { 0 };
        if apart {
            self.elements.min(self.most).min(bytes / self.each) & !15
        } else if self.elements <= self.most && self.each * self.elements + accumulators <= bytes {
            self.elements
        } else {
            self.most.min((bytes * 2 / 3).max(16 * self.each) / self.each) & !15
        }
    }
}

/// Bytes of a channel's accumulators.
const SUMS: usize = 4 * PIXELS;

/// Bytes of the words that lie wholly in some bytes, wherever these begin.
const fn whole_words(bytes: usize) -> usize {
    bytes.saturating_sub(3) & !3
}

/// Input pixels, from the first one on, that lie before all that an output pixel and later ones see.
const fn seen(conv: &Conv, first: usize) -> usize {
    let Conv { input, output, window, .. } = conv;
    let width = if output.width == 0 { 1 } else { output.width as usize };
    let (row, column) = (first / width * window.stride_height as usize, first % width);
    match row.checked_sub(window.pad_top as usize) {
        Some(row) => {
            let column = (column * window.stride_width as usize).saturating_sub(window.pad_left as usize);
            row * input.width as usize + column
        }
        None => 0,
    }
}
