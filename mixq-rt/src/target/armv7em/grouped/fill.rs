//! Fills patches with the codes that the filters of a group see.

use super::super::asm::conv::{Patch, Scratch, stage_row};
use super::super::asm::window::Views;
use super::super::conv::fill::{half, rest, whole_words};
use super::source::Source;
use crate::target::armv7em::check::after;

/// What a patch is filled with.
pub(super) struct What {
    /// The first output pixel and the number of pixels.
    pub(super) pixels: [usize; 2],
    pub(super) group: usize,
    /// The first element of the filters. The patch gets as many as it has room for.
    pub(super) element: usize,
    /// What the last of the pixels see that have been filled together.
    pub(super) view: Views<1>,
}

/// Fills the patch with the windows of output pixels: with those of all groups, from the first one on.
pub(super) type Fill = fn(&Source, &mut Scratch, &mut What);

/// Begins a patch, and a stage.
#[inline(always)]
fn begin<'m>(source: &Source, scratch: &'m mut Scratch, what: &What) -> (Patch<'m>, &'m mut [u8]) {
    let elements = scratch.chunk().min(source.elements - what.element);
    scratch.begin(elements)
}

/// For groups whose codes fill whole words.
pub(super) fn words(source: &Source, scratch: &mut Scratch, what: &mut What) {
    let patch = &mut begin(source, scratch, what).0;
    let view = &what.view;
    // All taps of all pixels, as in the groups before.
    let is_known = view.count() == what.pixels[1] && view.taps() * source.channels == patch.elements();
    if what.group > 0 && is_known {
        taps(source, patch, what);
    } else {
        runs(source, patch, what);
    }
}

/// Widens the taps of the view.
#[inline(always)]
fn taps(source: &Source, patch: &mut Patch, what: &What) {
    let codes = after(source.input, source.before(what.group));
    patch.widen_views(&source.instance.window, codes, &what.view);
}

/// Widens pixels run by run. A run has neighbouring pixels whose windows lie in the input, or one pixel whose
/// window does not. If the patch holds a part of the windows, all runs have one pixel.
// Inlined into its one caller: one stack frame less.
#[inline(always)]
fn runs(source: &Source, patch: &mut Patch, what: &mut What) {
    let [first, count] = what.pixels;
    let mut pixel = 0;
    while pixel < count {
        let place = source.place(first + pixel);
        if patch.elements() < source.elements {
            some(source, patch, pixel, what);
            pixel += 1;
            continue;
        }
        let inside = source.inside(place, count - pixel);
        what.view.clear();
        let seen = source.see_one(place, [pixel, inside.max(1)], &mut what.view);
        if inside == 0 {
            pad(source, patch, pixel, seen);
        }
        if seen > 0 {
            taps(source, patch, what);
        }
        pixel += inside.max(1);
    }
}

/// Fills a pixel with padding, before the taps are widened of which it sees a number.
#[inline(never)]
pub(super) fn pad(source: &Source, patch: &mut Patch, pixel: usize, seen: usize) {
    let code = i32::from(source.filters.layer.table().input.zero_point);
    patch.pad(pixel, 0, patch.elements(), code);
    patch.add_to_sum(pixel, code * (seen * source.channels) as i32);
}

/// Widens a part of a window, tap by tap.
#[inline(never)]
fn some(source: &Source, patch: &mut Patch, pixel: usize, what: &What) {
    let (count, widen) = (patch.elements(), &source.filters.kernels.widen);
    let place = source.place(what.pixels[0] + pixel);
    let mut done = 0;
    while done < count {
        let (elements, from) = source.piece(place, what.element + done, count - done);
        match from {
            Some(from) => {
                let codes = after(source.input, from.wrapping_add(source.before(what.group)));
                patch.widen(widen, [pixel, 1], done, codes, [widen.words(elements), 0]);
            }
            None => patch.pad(pixel, done, elements, source.filters.layer.table().input.zero_point.into()),
        }
        done += elements;
    }
}

/// For other groups: copies the codes of a window to the stage, with the codes of the padding, and widens
/// them from there. Codes that lie one after another are widened from the input.
pub(super) fn staged(source: &Source, scratch: &mut Scratch, what: &mut What) {
    let (patch, stage) = &mut begin(source, scratch, what);
    let [first, count] = what.pixels;
    let kernels = source.filters.kernels;
    for pixel in 0..count {
        let place = source.place(first + pixel);
        let codes: &[u8] = match source.piece(place, what.element, patch.elements()) {
            (elements, Some(from)) if elements == patch.elements() => {
                after(source.input, from.wrapping_add(source.before(what.group)))
            }
            _ => {
                copy(source, stage, patch.elements(), place, what);
                stage
            }
        };
        whole_words(kernels, patch, pixel, codes);
        half(kernels, patch, pixel, codes);
        rest(kernels, patch, pixel, codes);
    }
}

/// Copies `count` elements of a window to the stage.
// Inlined into its one caller: one stack frame less.
#[inline(always)]
fn copy(source: &Source, stage: &mut [u8], count: usize, place: [usize; 2], what: &What) {
    let bits = source.filters.kernels.widen.bits;
    let padding = source.filters.layer.table().input.zero_point * source.filters.kernels.widen.codes;
    let mut done = 0;
    while done < count {
        let (elements, from) = source.piece(place, what.element + done, count - done);
        let to = &mut stage[done * bits / 8..(done + elements) * bits / 8];
        let inside = match from {
            Some(from) => &after(source.input, from.wrapping_add(source.before(what.group)))[..to.len()],
            None => &[],
        };
        stage_row(to, 0, inside, padding);
        done += elements;
    }
}
