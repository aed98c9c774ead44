//! What a convolution works in, where scratch has no room for all elements of four windows.
//!
//! Output bytes of pixels that are not computed yet hold nothing, and input bytes that no later pixel sees
//! are not read again, if no other layer reads the input. A layer works there.
//!
//! * Where nothing else lies between input and output ([`Plan::joined`]), both parts are beside the scratch,
//!   and all three are one: pixels are computed from the first one on if the output lies before the input,
//!   else from the last one on.
//! * Otherwise pixels are computed from the first one on, in the largest of the three.
//!
//! Where that has not enough room, a group of pixels is computed in parts.

use core::ops::Range;

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
    /// All bytes between what is needed of the input and of the output.
    Joined,
}

/// Output pixels that are computed in the same memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phase {
    /// Where the memory lies.
    pub place: Place,
    /// Bytes of the memory, a multiple of 4.
    pub bytes: usize,
    /// Where the accumulators lie, if not in the same memory.
    pub apart: Place,
    /// Bytes of the accumulators' memory, a multiple of 4; 0, if they lie in the same memory.
    pub apart_bytes: usize,
    /// The output pixels.
    pub pixels: Range<usize>,
    /// The input pixels that these output pixels see, and those that are computed later.
    pub input: Range<usize>,
}

impl Phase {
    /// The phase that begins with the first of the output pixels `left`, which are not computed yet, or ends
    /// with their last one: see [`Phase::rest`].
    ///
    /// * `windows`: the kind of the convolution's windows.
    /// * `given`: bytes of the memory on the stack, or of the scratch, if the layer takes none of the stack:
    ///   at least [`LEAST_SCRATCH`](super::LEAST_SCRATCH).
    /// * `sums`: whether sums are stored before they become codes or logits.
    #[inline(always)]
    pub fn of(
        conv: &Conv,
        windows: Windows,
        plan: &Plan,
        given: usize,
        sums: bool,
        left: Range<usize>,
    ) -> Phase {
        let division = Division::of(conv, windows, plan.proof.chunk.into(), sums);
        // Memory on the stack is enough for the small windows of an image.
        Phase::divided(conv, &division, windows == Windows::Rgb3x3, plan, given, left)
    }

    /// The same of a convolution in groups, of which [`without_gaps`](super::without_gaps) gives `conv`.
    ///
    /// * `division`: of the memory that a group is computed in.
    /// * `given`: bytes of the memory on the stack, or of the scratch. `enough`: whether they are enough.
    #[inline(always)]
    pub fn divided(
        conv: &Conv,
        division: &Division,
        enough: bool,
        plan: &Plan,
        given: usize,
        left: Range<usize>,
    ) -> Phase {
        let Conv { input, output, .. } = conv;
        let (pixels, each) = (output.pixels(), output.pixel_bytes());
        let (place, apart) = (Place::Given, Place::Given);
        let all =
            Phase { place, bytes: given, apart, apart_bytes: 0, pixels: left, input: 0..input.pixels() };
        let wanted = division.wanted();
        if given >= wanted || enough {
            return all;
        }
        let group = if pixels < PIXELS { 1 } else { PIXELS };
        if plan.joined {
            return joined(conv, plan, division, group, all);
        }
        let left = all.pixels;
        // The last group begins earlier, if it would have fewer pixels.
        let first = if left.start < pixels - group { left.start } else { pixels - group };
        let seen = if plan.spent { seen(conv, first) } else { 0 };
        let (head, input) = (whole_words(seen * input.pixel_bytes()), seen..all.input.end);
        if head >= wanted {
            return Phase { place: Place::Input, bytes: wanted, pixels: left, input, ..all };
        }
        let behind = (pixels - first) * each;
        // Three bytes may lie before the first whole word.
        let groups = behind.saturating_sub(wanted + 3) / (group * each).max(1);
        if groups > 0 {
            let end = first + group * groups;
            return Phase { place: Place::Output, bytes: wanted, pixels: left.start..end, ..all };
        }
        // The largest memory and the second largest.
        let mut most = (Place::Given, given);
        let mut next = (Place::Output, whole_words(behind - group * each));
        if next.1 > most.1 {
            (most, next) = (next, most);
        }
        if head > most.1 {
            (most, next) = ((Place::Input, head), most);
        } else if head > next.1 {
            next = (Place::Input, head);
        }
        let ((place, bytes), (apart, apart_bytes)) = (most, next);
        let apart_bytes = if use_apart(bytes, apart_bytes) { apart_bytes } else { 0 };
        Phase { place, bytes, apart, apart_bytes, pixels: left.start..first + group, input }
    }

    /// The output pixels that are left after this phase, of those that were left before.
    #[inline(always)]
    pub fn rest(&self, left: Range<usize>) -> Range<usize> {
        if self.pixels.start == left.start {
            self.pixels.end..left.end
        } else {
            left.start..self.pixels.start
        }
    }
}

/// The phase of a layer whose scratch lies between input and output. `all`: a phase of all pixels that are
/// left, in the memory that is given.
#[inline(always)]
fn joined(conv: &Conv, plan: &Plan, division: &Division, group: usize, all: Phase) -> Phase {
    let Conv { input, output, .. } = conv;
    let (pixels, each, wanted) = (output.pixels(), output.pixel_bytes(), division.wanted());
    let Range { start, end } = all.pixels;
    let of_group = (group * each).max(1);
    let from_the_last = input.offset < output.offset;
    // Of the phase's first group: the input pixels that are needed, and the bytes of words that are free in
    // the lower and in the higher tensor. All these begin and end with whole words.
    let (needed, low, high) = if from_the_last {
        let last = (end - 1) & !(group - 1);
        let needed = if plan.spent { needed(conv, end) } else { all.input.end };
        let low = free_behind(input.pixel_bytes(), [needed, all.input.end]);
        (0..needed, low, earlier(last, pixels - group) * each)
    } else {
        let first = earlier(start, pixels - group);
        let seen = if plan.spent { seen(conv, first) } else { 0 };
        let low = free_behind(each, [first + group, pixels]);
        (seen..all.input.end, low, seen * input.pixel_bytes())
    };
    let free = low + plan.scratch_bytes as usize + (high & !3);
    let (bytes, more) = match free.checked_sub(wanted) {
        // With further groups, three bytes less may be in whole words.
        Some(left) => (wanted, left.saturating_sub(3) / of_group * group),
        None => (free, 0),
    };
    let pixels = if from_the_last {
        ((end - 1) & !(group - 1)).saturating_sub(more)..end
    } else {
        start..(earlier(start, pixels - group) + group + more).min(pixels)
    };
    let mut most = (Place::Joined, bytes);
    let mut next = (Place::Given, all.bytes);
    if next.1 > most.1 {
        (most, next) = (next, most);
    }
    let ((place, bytes), (apart, apart_bytes)) = (most, next);
    let apart_bytes = if bytes < wanted && use_apart(bytes, apart_bytes) { apart_bytes } else { 0 };
    Phase { place, bytes, apart, apart_bytes, pixels, input: needed }
}

/// Bytes of whole words of a tensor behind its first pixels, up to the word that its last byte lies in. It
/// begins with a word. `pixels`: how many pixels are kept, and all.
#[inline(always)]
const fn free_behind(pixel_bytes: usize, pixels: [usize; 2]) -> usize {
    let [kept, all] = pixels;
    (all * pixel_bytes).next_multiple_of(4) - (kept * pixel_bytes).next_multiple_of(4)
}

/// Whether accumulators lie in memory of their own. Of one memory, a third is for the accumulators.
const fn use_apart(bytes: usize, apart_bytes: usize) -> bool {
    3 * apart_bytes >= bytes
}

/// The smaller one.
const fn earlier(a: usize, b: usize) -> usize {
    if a < b { a } else { b }
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
            earlier(row * input.width as usize + column, input.pixels())
        }
        None => 0,
    }
}

/// Input pixels, up to the last one that output pixels before `end` see.
const fn needed(conv: &Conv, end: usize) -> usize {
    let Conv { input, output, window, .. } = conv;
    let output_width = if output.width == 0 { 1 } else { output.width as usize };
    let (row, column) = ((end - 1) / output_width, (end - 1) % output_width);
    let (width, height) = (input.width as usize, input.height as usize);
    let rows = row * window.stride_height as usize + window.kernel_height as usize;
    let columns = column * window.stride_width as usize + window.kernel_width as usize;
    let rows = earlier(rows.saturating_sub(window.pad_top as usize), height);
    let columns = earlier(columns.saturating_sub(window.pad_left as usize), width);
    // Pixels of the row above see the whole width of rows before the last stride.
    let above = (row * window.stride_height as usize + window.kernel_height as usize)
        .saturating_sub(window.pad_top as usize + window.stride_height as usize);
    let above = if row == 0 { 0 } else { earlier(above, height) * width };
    let last = rows.saturating_sub(1) * width + columns;
    if last > above { last } else { above }
}
