//! Fills patches with the codes that windows see: one function for each kind of [`Windows`].

use mixq_format::Conv;
use mixq_format::target::armv7em::Windows;

use super::super::asm::conv::{
    Kernels, PAIR, Patch, Rgb3x3, STAGED_ROW, Scratch, copy_rows, stage_row, stage_rows,
};
use super::runs::{Runs, axis};
use super::source::Source;
use crate::target::armv7em::check::{after, refuse};

/// Fills the patch with the windows of output pixels, which are given by the first one and their number. The
/// patch gets the elements from the given one on, as many as it has room for.
pub(super) type Fill = fn(&Source, &mut Scratch, usize, usize, usize);

pub(super) const fn fill_for(windows: Windows) -> Fill {
    match windows {
        Windows::PointwiseWords => pointwise_words,
        Windows::PointwiseHalfWord => pointwise_half_word,
        Windows::PointwiseTail => pointwise_tail,
        Windows::PixelWords => pixel_words,
        Windows::Rgb3x3 => rgb3x3,
        Windows::PixelBytes | Windows::UnpackedCodes => staged,
    }
}

/// For windows of one pixel, whose codes are whole words.
fn pointwise_words(source: &Source, scratch: &mut Scratch, first: usize, count: usize, element: usize) {
    let (patch, _) = &mut source.begin(scratch, element);
    for pixel in first..first + count {
        whole_words(source.filters.kernels, patch, pixel - first, source.codes(pixel, element));
    }
}

/// For windows of one pixel, whose codes are whole words and half a word.
fn pointwise_half_word(source: &Source, scratch: &mut Scratch, first: usize, count: usize, element: usize) {
    let (patch, _) = &mut source.begin(scratch, element);
    for pixel in first..first + count {
        let codes = source.codes(pixel, element);
        whole_words(source.filters.kernels, patch, pixel - first, codes);
        half(source.filters.kernels, patch, pixel - first, codes);
    }
}

/// For windows of one pixel, with any number of codes.
fn pointwise_tail(source: &Source, scratch: &mut Scratch, first: usize, count: usize, element: usize) {
    let (patch, _) = &mut source.begin(scratch, element);
    for pixel in first..first + count {
        let codes = source.codes(pixel, element);
        whole_words(source.filters.kernels, patch, pixel - first, codes);
        half(source.filters.kernels, patch, pixel - first, codes);
        rest(source.filters.kernels, patch, pixel - first, codes);
    }
}

/// For windows of pixels that have whole words of codes. Neighbouring windows of a row that see no padding
/// are widened together, run by run.
fn pixel_words(source: &Source, scratch: &mut Scratch, first: usize, count: usize, element: usize) {
    let (patch, _) = &mut source.begin(scratch, element);

    let (table, widen) = (source.filters.layer.table(), &source.filters.kernels.widen);
    let mut pixel = 0;
    while pixel < count {
        let place = source.place(first + pixel);
        let pixels = source.inside(place, count - pixel).max(1);
        let mut runs = Runs::new(table, place, source.seen, element, patch.elements());
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

/// For windows of 3x3 on three channels: two at a time.
fn rgb3x3(source: &Source, scratch: &mut Scratch, first: usize, count: usize, element: usize) {
    let (patch, stage) = &mut source.begin(scratch, element);

    let Some(rgb3x3) = &source.filters.kernels.rgb3x3 else { return };
    for pixel in (0..count).step_by(PAIR) {
        pair(source, rgb3x3, patch, pixel, stage, first + pixel);
    }
}

/// Widens the windows of two neighbouring output pixels. If one of them sees padding, the codes of both are
/// copied to the stage first, with the padding.
// Inlined into its one caller: one stack frame less.
#[inline(always)]
fn pair(source: &Source, rgb3x3: &Rgb3x3, patch: &mut Patch, pixel: usize, stage: &mut [u8], first: usize) {
    let place = source.place(first);
    let row_bytes = source.input_row();
    let (codes, row) = if source.inside(place, PAIR) == PAIR {
        (source.codes(first, 0), row_bytes)
    } else {
        let Conv { window, input: tensor, .. } = source.filters.layer.table();
        // Both windows are taken as one window of `both` columns. Each axis is a call of its own, because a
        // function around both would be one more stack frame.
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

/// For other windows, one after the other: copies the codes of a window to the stage, with the codes of the
/// padding, and widens them from there. On the stage, codes lie one after another, or unpacked to a byte
/// each. Windows of one row that see no padding are widened from the input, unless codes have to be unpacked.
fn staged(source: &Source, scratch: &mut Scratch, first: usize, count: usize, element: usize) {
    let (patch, stage) = &mut source.begin(scratch, element);

    let (table, unpack) = (source.filters.layer.table(), source.filters.kernels.unpack);
    let one_row = table.window.kernel_height == 1 && unpack.is_none();
    for pixel in 0..count {
        let place = source.place(first + pixel);
        let codes: &[u8] = if one_row && source.inside(place, 1) == 1 {
            source.codes(first + pixel, element)
        } else if unpack.is_none() && patch.elements() == source.elements {
            copy_window(source, stage, place);
            stage
        } else {
            copy(source, stage, patch.elements(), element, place);
            stage
        };
        whole_words(source.filters.kernels, patch, pixel, codes);
        half(source.filters.kernels, patch, pixel, codes);
        rest(source.filters.kernels, patch, pixel, codes);
    }
}

/// Copies all codes of a window to the stage. `place`: row and column of the output pixel.
#[inline(never)]
fn copy_window(source: &Source, stage: &mut [u8], [y, x]: [usize; 2]) {
    let Conv { window, input: tensor, .. } = source.filters.layer.table();
    let rows = axis(y, window.stride_height, window.pad_top, window.kernel_height, tensor.height);
    let columns = axis(x, window.stride_width, window.pad_left, window.kernel_width, tensor.width);
    let (height, width) = (usize::from(window.kernel_height), usize::from(window.kernel_width));
    let pixel_bytes = tensor.pixel_bytes();
    if rows.count() * columns.count() < height * width {
        stage_row(&mut stage[..height * width * pixel_bytes], 0, &[], source.padding());
    }
    let first = (rows.first * usize::from(tensor.width) + columns.first).wrapping_sub(source.seen);
    let from = after(source.input, first.wrapping_mul(pixel_bytes));
    let to = &mut stage[(rows.start * width + columns.start) * pixel_bytes..];
    let size = [rows.count(), columns.count() * pixel_bytes];
    copy_rows(to, from, size, [width * pixel_bytes, source.input_row()]);
}

/// Copies `elements` elements of a window to the stage, beginning with `element`. `place`: row and column of
/// the output pixel.
// Inlined into its one caller: one stack frame less.
#[inline(always)]
fn copy(source: &Source, stage: &mut [u8], elements: usize, element: usize, place: [usize; 2]) {
    let (table, kernels) = (source.filters.layer.table(), source.filters.kernels);
    let (tensor, bits) = (&table.input, kernels.widen.bits);
    let mut runs = Runs::new(table, place, source.seen, element, elements);
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

/// Widens the codes of a pixel that fill whole words. Elements of an incomplete unit of weights do not count:
/// `rest` puts them in another order.
#[inline(never)]
pub(crate) fn whole_words(kernels: &Kernels, patch: &mut Patch, pixel: usize, codes: &[u8]) {
    let widen = &kernels.widen;
    let words = widen.words(patch.elements() & !(kernels.blocks.unit - 1));
    patch.widen(widen, [pixel, 1], 0, codes, [words, 0]);
}

/// Widens the half word of codes after the whole words, if `Blocks::half_word` has one.
#[inline(always)]
pub(crate) fn half(kernels: &Kernels, patch: &mut Patch, pixel: usize, codes: &[u8]) {
    if kernels.blocks.half_word(patch.elements()) {
        let element = patch.elements() & !(kernels.blocks.word - 1);
        let [first, second, ..] = *after(codes, element * kernels.widen.bits / 8) else { refuse() };
        patch.widen_half(kernels.widen.bits, pixel, element, [first, second]);
    }
}

/// Writes the codes of a pixel after the whole words and the half word, one by one. Empty slots of the patch
/// may hold anything: their weights are 0.
#[inline(never)]
pub(crate) fn rest(kernels: &Kernels, patch: &mut Patch, pixel: usize, codes: &[u8]) {
    let (blocks, bits, elements) = (&kernels.blocks, kernels.widen.bits, patch.elements());
    let whole = elements & !(blocks.unit - 1);
    let half = if blocks.half_word(elements) { blocks.word / 2 } else { 0 };
    for element in (whole & !(blocks.word - 1)) + half..elements {
        // The inverse of `Blocks::element`.
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
