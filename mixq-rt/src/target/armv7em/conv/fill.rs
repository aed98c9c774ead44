//! What windows see, as patches: one way for each of [`Windows`].

use mixq_format::Conv;
use mixq_format::target::armv7em::Windows;

use super::super::asm::conv::{PAIR, Patch, Rgb3x3, STAGED_ROW, Scratch, stage_row, stage_rows};
use super::runs::{Runs, axis};
use super::source::Source;
use crate::target::armv7em::check::{after, refuse};

/// Fills a patch for output pixels (first, count) from an element of their windows on, with as many as it has
/// room for.
pub(super) type Fill = fn(&Source, &mut Scratch, [usize; 2], usize);

pub(super) const fn fill_for(windows: Windows) -> Fill {
    match windows {
        Windows::PointwiseWords => rows,
        Windows::PointwiseHalfWord => rows_and_half,
        Windows::PointwiseTail => rows_and_rest,
        Windows::PixelWords => words,
        Windows::Rgb3x3 => rgb3x3,
        Windows::PixelBytes | Windows::UnpackedCodes => staged,
    }
}

/// Whole words of codes that lie one after another.
fn rows(source: &Source, scratch: &mut Scratch, [first, count]: [usize; 2], element: usize) {
    let (patch, _) = &mut source.begin(scratch, element);
    for pixel in first..first + count {
        whole_words(source, patch, pixel - first, source.codes(pixel, element));
    }
}

/// The same, and half a word.
fn rows_and_half(source: &Source, scratch: &mut Scratch, [first, count]: [usize; 2], element: usize) {
    let (patch, _) = &mut source.begin(scratch, element);
    for pixel in first..first + count {
        let codes = source.codes(pixel, element);
        whole_words(source, patch, pixel - first, codes);
        half(source, patch, pixel - first, codes);
    }
}

/// The same, and what is left.
fn rows_and_rest(source: &Source, scratch: &mut Scratch, [first, count]: [usize; 2], element: usize) {
    let (patch, _) = &mut source.begin(scratch, element);
    for pixel in first..first + count {
        let codes = source.codes(pixel, element);
        whole_words(source, patch, pixel - first, codes);
        half(source, patch, pixel - first, codes);
        rest(source, patch, pixel - first, codes);
    }
}

/// Runs of whole words: those of pixels together whose windows are in one row and see no padding.
fn words(source: &Source, scratch: &mut Scratch, [first, count]: [usize; 2], element: usize) {
    let (patch, _) = &mut source.begin(scratch, element);

    let (table, widen) = (source.filters.layer.table(), &source.filters.kernels.widen);
    let mut pixel = 0;
    while pixel < count {
        let place = source.place(first + pixel);
        let pixels = source.inside(place, count - pixel).max(1);
        let mut runs = Runs::new(table, place, element, patch.elements());
        while let Some(run) = runs.next() {
            match run.from {
                Some(from) => {
                    let words = widen.words(run.elements);
                    patch.widen(
                        widen,
                        [pixel, pixels],
                        run.first,
                        after(source.input, from),
                        [words, source.pitch],
                    );
                }
                None => patch.pad(pixel, run.first, run.elements, table.input.zero_point.into()),
            }
        }
        pixel += pixels;
    }
}

/// Pairs of pixels.
fn rgb3x3(source: &Source, scratch: &mut Scratch, [first, count]: [usize; 2], element: usize) {
    let (patch, stage) = &mut source.begin(scratch, element);

    let Some(rgb3x3) = &source.filters.kernels.rgb3x3 else { return };
    for pixel in (0..count).step_by(PAIR) {
        pair(source, rgb3x3, patch, pixel, stage, first + pixel);
    }
}

/// Widens what a pair of output pixels sees: staged, with the padding, if that is part of it.
// One caller: a frame less on the stack.
#[inline(always)]
fn pair(source: &Source, rgb3x3: &Rgb3x3, patch: &mut Patch, pixel: usize, stage: &mut [u8], first: usize) {
    let place = source.place(first);
    let row_bytes = source.input_row();
    let (codes, row) = if source.inside(place, PAIR) == PAIR {
        (source.codes(first, 0), row_bytes)
    } else {
        let Conv { window, input: tensor, .. } = source.filters.layer.table();
        // Both columns of windows in one, and no function around both axes: a frame less on the stack.
        let ([y, x], both) = (place, window.kernel_width + window.stride_width);
        let rows = axis(y, window.stride_height, window.pad_top, window.kernel_height, tensor.height);
        let columns = axis(x, window.stride_width, window.pad_left, both, tensor.width);
        let pixel_bytes = tensor.pixel_bytes();
        let inside = after(source.input, rows.first * row_bytes + columns.first * pixel_bytes);
        let bytes = [columns.start, columns.count()].map(|pixels| pixels * pixel_bytes);
        stage_rows(stage, inside, row_bytes, rows.start..rows.end, bytes, source.padding());
        (&*stage, STAGED_ROW)
    };
    patch.widen_rgb3x3(rgb3x3, pixel, codes, [row, source.pitch]);
}

/// One pixel after the other: all codes of its window, those of the padding too, without the padding of rows
/// or unpacked. Windows of one row that see no padding are taken from where they lie.
fn staged(source: &Source, scratch: &mut Scratch, [first, count]: [usize; 2], element: usize) {
    let (patch, stage) = &mut source.begin(scratch, element);

    let (table, unpack) = (source.filters.layer.table(), source.filters.kernels.unpack);
    let one_row = table.window.kernel_height == 1 && unpack.is_none();
    for pixel in 0..count {
        let place = source.place(first + pixel);
        let codes: &[u8] = if one_row && source.inside(place, 1) == 1 {
            source.codes(first + pixel, element)
        } else {
            copy(source, stage, patch.elements(), element, place);
            stage
        };
        whole_words(source, patch, pixel, codes);
        half(source, patch, pixel, codes);
        rest(source, patch, pixel, codes);
    }
}

/// Stages the elements of a window, beginning with the given one.
// One caller: a frame less on the stack.
#[inline(always)]
fn copy(source: &Source, stage: &mut [u8], elements: usize, element: usize, place: [usize; 2]) {
    let (table, kernels) = (source.filters.layer.table(), source.filters.kernels);
    let (tensor, bits) = (&table.input, kernels.widen.bits);
    let mut runs = Runs::new(table, place, element, elements);
    while let Some(run) = runs.next() {
        let to = &mut stage[run.first * bits / 8..(run.first + run.elements) * bits / 8];
        match (run.from, kernels.unpack) {
            (None, _) => stage_row(to, 0, &[], source.padding()),
            (Some(from), None) => stage_row(to, 0, &source.input[from..from + to.len()], 0),
            (Some(from), Some(unpack)) => {
                let channels = [run.channel, tensor.channels.into()];
                unpack(to, after(source.input, from), channels, tensor.bits.count());
            }
        }
    }
}

/// Whole words of codes: of a patch of whole words, or of the last elements of a window; then of whole units
/// of weights.
#[inline(never)]
fn whole_words(source: &Source, patch: &mut Patch, pixel: usize, codes: &[u8]) {
    let widen = &source.filters.kernels.widen;
    let words = widen.words(patch.elements() & !(source.filters.kernels.blocks.unit - 1));
    patch.widen(widen, [pixel, 1], 0, codes, [words, 0]);
}

/// Half a word of codes, if a chunk has one of whole units after its whole words.
#[inline(always)]
fn half(source: &Source, patch: &mut Patch, pixel: usize, codes: &[u8]) {
    let kernels = source.filters.kernels;
    if kernels.blocks.half_word(patch.elements()) {
        let element = patch.elements() & !(kernels.blocks.word - 1);
        let [first, second, ..] = *after(codes, element * kernels.widen.bits / 8) else { refuse() };
        patch.widen_half(kernels.widen.bits, pixel, element, [first, second]);
    }
}

/// The codes of a chunk that fill no word or half of one of whole units. Slots that stay empty may hold
/// anything: they meet weights of 0.
#[inline(never)]
fn rest(source: &Source, patch: &mut Patch, pixel: usize, codes: &[u8]) {
    let kernels = source.filters.kernels;
    let (blocks, bits, elements) = (&kernels.blocks, kernels.widen.bits, patch.elements());
    let whole = elements & !(blocks.unit - 1);
    let half = if blocks.half_word(elements) { blocks.word / 2 } else { 0 };
    for element in (whole & !(blocks.word - 1)) + half..elements {
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
