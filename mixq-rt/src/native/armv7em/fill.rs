//! What windows see, as patches: one way for each of [`Windows`].

use mixq_format::Conv;
use mixq_format::layout::Windows;

use super::runs::{Runs, taps};
use super::source::Source;
use crate::arch::armv7em::{Nine, PAIR, Patch, STAGED_ROW, stage_row, stage_rows};
use crate::check::{after, refuse};

/// Fills a patch for output pixels (first, count) from an element of their windows on; there may be a stage, and the input is given.
pub(super) type Fill = fn(&Source, &mut Patch, &mut [u8], &[u8], [usize; 2], usize);

pub(super) const fn fill_for(windows: Windows) -> Fill {
    match windows {
        Windows::Row => rows,
        Windows::Half => rows_and_half,
        Windows::Tail => rows_and_rest,
        Windows::Words => words,
        Windows::Nine => nine,
        Windows::Bytes | Windows::Codes => staged,
    }
}

/// Whole words of codes that lie one after another.
fn rows(
    source: &Source,
    patch: &mut Patch,
    _: &mut [u8],
    input: &[u8],
    [first, count]: [usize; 2],
    element: usize,
) {
    let widen = &source.filters.kernels.widen;
    // A patch of whole words, or of the last elements of a window: then of whole units of weights.
    let words = widen.words(patch.elements() & !(source.filters.kernels.blocks.unit - 1));
    for pixel in 0..count {
        let codes = after(input, source.offset(source.place(first + pixel)) + element * widen.bits / 8);
        patch.widen(widen, [pixel, 1], 0, codes, [words, 0]);
    }
}

/// The same, and half a word.
fn rows_and_half(
    source: &Source,
    patch: &mut Patch,
    stage: &mut [u8],
    input: &[u8],
    [first, count]: [usize; 2],
    element: usize,
) {
    let (blocks, bits) = (&source.filters.kernels.blocks, source.filters.kernels.widen.bits);
    rows(source, patch, stage, input, [first, count], element);
    let half = patch.elements() & (blocks.word - 1);
    // Whole words only, in a chunk that is not the last.
    for pixel in 0..if half > 0 { count } else { 0 } {
        let last = source.elements - half;
        widen_half(
            source,
            patch,
            pixel,
            last - element,
            after(input, source.offset(source.place(first + pixel)) + last * bits / 8),
        );
    }
}

/// Widens half a word of codes, from an element of the patch on.
#[inline(always)]
fn widen_half(source: &Source, patch: &mut Patch, pixel: usize, element: usize, codes: &[u8]) {
    let [first, second, ..] = *codes else { refuse() };
    patch.widen_half(source.filters.kernels.widen.bits, pixel, element, [first, second]);
}

/// The same, and what is left.
fn rows_and_rest(
    source: &Source,
    patch: &mut Patch,
    stage: &mut [u8],
    input: &[u8],
    [first, count]: [usize; 2],
    element: usize,
) {
    rows(source, patch, stage, input, [first, count], element);
    for pixel in 0..count {
        let offset = source.offset(source.place(first + pixel));
        rest(source, patch, pixel, after(input, offset + element * source.filters.kernels.widen.bits / 8));
    }
}

/// Runs of whole words: those of pixels together whose windows are in one row and see no padding.
fn words(
    source: &Source,
    patch: &mut Patch,
    _: &mut [u8],
    input: &[u8],
    [first, count]: [usize; 2],
    element: usize,
) {
    let (table, widen) = (source.filters.table, &source.filters.kernels.widen);
    let mut pixel = 0;
    while pixel < count {
        let place = source.place(first + pixel);
        let pixels = source.inside(place, count - pixel).max(1);
        let mut runs = Runs::new(table, place, element, patch.elements());
        while let Some(run) = runs.next() {
            match run.from {
                Some(from) => {
                    let words = widen.words(run.elements);
                    patch.widen(widen, [pixel, pixels], run.first, after(input, from), [words, source.pitch]);
                }
                None => patch.pad(pixel, run.first, run.elements, table.input.zero_point.into()),
            }
        }
        pixel += pixels;
    }
}

/// Pairs of pixels.
fn nine(
    source: &Source,
    patch: &mut Patch,
    stage: &mut [u8],
    input: &[u8],
    [first, count]: [usize; 2],
    _: usize,
) {
    let Some(nine) = &source.filters.kernels.nine else { return };
    let [y, x] = source.place(first);
    for pixel in (0..count).step_by(PAIR) {
        pair(source, nine, patch, pixel, stage, input, [y, x + pixel]);
    }
}

/// Widens what a pair of output pixels sees: staged, with the padding, if that is part of it.
#[inline(never)]
fn pair(
    source: &Source,
    nine: &Nine,
    patch: &mut Patch,
    pixel: usize,
    stage: &mut [u8],
    input: &[u8],
    place: [usize; 2],
) {
    let row_bytes = source.input_row();
    if source.inside(place, PAIR) == PAIR {
        patch.widen_nine(nine, pixel, after(input, source.offset(place)), [row_bytes, source.pitch]);
        return;
    }
    let Conv { window, input: tensor, .. } = source.filters.table;
    let (rows, columns) = taps(source.filters.table, place, window.stride_width);
    let pixel_bytes = tensor.pixel_bytes();
    let inside = input.get(rows.first * row_bytes + columns.first * pixel_bytes..).unwrap_or_default();
    let bytes = [columns.start, columns.count()].map(|pixels| pixels * pixel_bytes);
    stage_rows(stage, inside, row_bytes, rows.start..rows.end, bytes, source.padding());
    patch.widen_nine(nine, pixel, stage, [STAGED_ROW, source.pitch]);
}

/// One pixel after the other: all codes of its window, those of the padding too, without the padding of rows or unpacked.
fn staged(
    source: &Source,
    patch: &mut Patch,
    stage: &mut [u8],
    input: &[u8],
    [first, count]: [usize; 2],
    element: usize,
) {
    let (blocks, widen) = (&source.filters.kernels.blocks, &source.filters.kernels.widen);
    let words = widen.words(patch.elements() & !(blocks.unit - 1));
    for pixel in 0..count {
        copy(source, stage, patch.elements(), input, element, source.place(first + pixel));
        patch.widen(widen, [pixel, 1], 0, stage, [words, 0]);
        rest(source, patch, pixel, stage);
    }
}

#[inline(never)]
fn copy(source: &Source, stage: &mut [u8], elements: usize, input: &[u8], element: usize, place: [usize; 2]) {
    let (table, kernels) = (source.filters.table, source.filters.kernels);
    let (tensor, bits) = (&table.input, kernels.widen.bits);
    let mut runs = Runs::new(table, place, element, elements);
    while let Some(run) = runs.next() {
        let to = &mut stage[run.first * bits / 8..(run.first + run.elements) * bits / 8];
        match (run.from, kernels.unpack) {
            (None, _) => stage_row(to, 0, &[], source.padding()),
            (Some(from), None) => stage_row(to, 0, &input[from..from + to.len()], 0),
            (Some(from), Some(unpack)) => {
                let channels = [run.channel, tensor.channels.into()];
                unpack(to, &input[from..], channels, tensor.bits.count());
            }
        }
    }
}

/// The codes of a chunk that fill no word of whole units. Slots that stay empty may hold anything: they meet weights of 0.
#[inline(never)]
fn rest(source: &Source, patch: &mut Patch, pixel: usize, codes: &[u8]) {
    let kernels = source.filters.kernels;
    let (blocks, bits, elements) = (&kernels.blocks, kernels.widen.bits, patch.elements());
    let whole = elements & !(blocks.unit - 1);
    let mut element = whole - whole % kernels.widen.word;
    if blocks.half_word(elements) {
        widen_half(source, patch, pixel, element, after(codes, element * bits / 8));
        element += blocks.word / 2;
    }
    for element in element..elements {
        // As `Blocks::element` has it.
        let slot = match element.checked_sub(whole) {
            None => element,
            Some(tail) if tail < blocks.unit / 2 => whole + 2 * tail,
            Some(tail) => whole + 2 * tail + 1 - blocks.unit,
        };
        patch.put(pixel, slot, code(codes, element, bits));
    }
}

/// Code `index` of a packed row.
#[inline(always)]
fn code(row: &[u8], index: usize, bits: usize) -> i32 {
    let bit = index * bits;
    i32::from(row[bit / 8] >> (bit % 8)) & ((1 << bits) - 1)
}
