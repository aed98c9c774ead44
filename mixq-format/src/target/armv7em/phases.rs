//! What a convolution works in, where scratch has no room for all elements of four windows.
//!
//! Pixels are computed in their order. The output's bytes behind them hold nothing yet, and the input's bytes
//! before them are not read again. A layer works there: first at the end of the output; later, if no other
//! layer reads the input, at its start. Where neither has enough room, a group of pixels is computed in parts,
//! in the largest memory that there is.

use super::{LEAST_SCRATCH, Plan, Windows};
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
    /// The pixel after the last one.
    pub end: usize,
    /// Input pixels, from the first one on, that these and later output pixels do not see.
    pub seen: usize,
}

impl Phase {
    /// The phase that begins with output pixel `first`.
    ///
    /// * `given`: bytes of the scratch, or of the memory on the stack: at least [`LEAST_SCRATCH`].
    /// * `sums`: whether sums are stored before they become codes or logits.
    // Not inlined: its stack frame is gone when the layer is executed.
    #[inline(never)]
    pub fn of(conv: &Conv, plan: &Plan, given: usize, sums: bool, first: usize) -> Phase {
        let Conv { input, output, .. } = conv;
        let (pixels, each) = (output.pixels(), output.pixel_bytes());
        let all = Phase { place: Place::Given, bytes: given, end: pixels, seen: 0 };
        let wanted = wanted(conv, plan.proof.chunk.into(), sums);
        if given >= wanted {
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
        let groups = left.saturating_sub(wanted + 3) / (group * each);
        if groups > 0 {
            return Phase { place: Place::Output, bytes: wanted, end: first + group * groups, seen: 0 };
        }
        let tail = whole_words(left - group * each);
        let end = first + group;
        if head > given.max(tail) {
            Phase { place: Place::Input, bytes: head, end, seen }
        } else if tail > given {
            Phase { place: Place::Output, bytes: tail, end, seen: 0 }
        } else {
            Phase { end, ..all }
        }
    }
}

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

/// Bytes with which a convolution is as fast as with any more. `chunk`: elements that may be multiplied at
/// once; `sums`: whether sums are stored before they become codes or logits.
const fn wanted(conv: &Conv, chunk: usize, sums: bool) -> usize {
    let Conv { input, output, window, .. } = conv;
    let windows = Windows::of(conv);
    if matches!(windows, Windows::Rgb3x3) {
        return LEAST_SCRATCH;
    }
    let elements = window.taps() * input.channels as usize;
    let whole = elements.next_multiple_of(16);
    let patch = if whole < chunk { whole } else { chunk };
    let sums = sums || patch < elements;
    let accumulators = if sums { 4 * PIXELS * (output.channels as usize).next_multiple_of(4) } else { 0 };
    patch * (2 * PIXELS + windows.staged() as usize) + accumulators
}
