//! Maximum and average pools: the largest or the average code of a window, by fields.
//!
//! Field `i` of a word are the codes at bit `i X` of its four bytes. The loops read two words of a pixel at
//! once. At the end of the pixel, the words may overlap, so that they do not reach beyond it. Where pixels
//! are too small for words, or sums too large for 16 bits, other loops read two bytes at once.

mod loops;

use core::ops::Range;

use mixq_format::target::armv7em::WORD_POOL;
use mixq_format::{Operands, Pool};

use super::{Parts, split};
use crate::target::armv7em::check::check;

/// The inner loop of a pool.
pub(crate) struct Kernel {
    run: Run,
    /// Bytes of a word, 4, or of a byte, 1: the loop reads two of these of each pixel.
    size: usize,
    /// The largest window that the loop takes, in pixels.
    most: usize,
}

/// The kernel of a maximum pool, by words or by bytes.
pub(crate) const fn max(words: bool) -> Kernel {
    let (run, size): (Run, usize) = if words { (loops::max_words, 4) } else { (loops::max_bytes, 1) };
    Kernel { run, size, most: usize::MAX }
}

/// The kernel of an average pool, by words or by bytes.
pub(crate) const fn average(words: bool) -> Kernel {
    let (run, size, most): (Run, usize, usize) =
        if words { (loops::average_words, 4, WORD_POOL) } else { (loops::average_bytes, 1, usize::MAX) };
    Kernel { run, size, most }
}

// The loop over words sums codes in 16 bits, which hold the sum of `WORD_POOL` codes. The loop over bytes
// sums in 32 bits, which hold the sum of any window.
const _: () = assert!(WORD_POOL * 255 < 1 << 16);

/// A loop. It takes all fields, from the field at `shift` on.
type Run = unsafe extern "C" fn(&mut Field);

/// The arguments of a loop: the pixels of a window, and a field of their codes.
#[repr(C)]
struct Field {
    /// The first word that is read of the first pixel.
    first: *const u8,
    /// Bytes from the first word to the second one, in the input and in the output.
    second: usize,
    pixel_bytes: usize,
    /// Columns of the window in the input.
    columns: usize,
    /// Rows of the window in the input.
    rows: usize,
    /// Bytes from the end of a row of the window to the start of the next row.
    gap: usize,
    /// Bits below the field's codes in their bytes.
    shift: usize,
    /// Mask of a code in each byte, at bit 0.
    mask: u32,
    /// Where the first word of the result goes.
    output: *mut u8,
    /// Pixels of the window in the input.
    count: usize,
    /// Bits of a code.
    bits: usize,
}

/// Executes a pool of any width.
///
/// # Panics
/// If a pixel is smaller than what the kernel reads, or the window larger than the kernel takes.
#[inline(never)]
pub(crate) fn execute(operands: Operands<Pool>, kernel: &Kernel) {
    let Parts { layer, input, output, .. } = split(operands, [0; 2]);
    let Pool { input: x, output: y, window } = layer.table();
    let (pixel_bytes, bits, size) = (x.pixel_bytes(), x.bits.count(), kernel.size);
    check(pixel_bytes >= size && window.taps() <= kernel.most);
    // Mask of the bits that hold codes in the last byte of a pixel.
    let last = 0xff >> (8 * pixel_bytes - bits * usize::from(x.channels));
    let mut field = Field {
        first: input.as_ptr(),
        second: 0,
        pixel_bytes,
        columns: 0,
        rows: 0,
        gap: 0,
        shift: 0,
        mask: (0xff >> (8 - bits)) * 0x0101_0101,
        output: output.as_mut_ptr(),
        count: 0,
        bits,
    };
    let width = usize::from(x.width);
    let mut to = output.as_mut_ptr();
    for row in 0..usize::from(y.height) {
        let rows = seen(row, window.stride_height, window.pad_top, window.kernel_height, x.height);
        field.rows = rows.end - rows.start;
        for column in 0..usize::from(y.width) {
            let columns = seen(column, window.stride_width, window.pad_left, window.kernel_width, x.width);
            field.columns = columns.end - columns.start;
            field.gap = (width - field.columns) * pixel_bytes;
            field.count = field.rows * field.columns;
            let from = input.as_ptr().wrapping_add((rows.start * width + columns.start) * pixel_bytes);
            let mut at = 0;
            loop {
                let one = at.min(pixel_bytes - size);
                field.first = from.wrapping_add(one);
                field.second = (at + size).min(pixel_bytes - size) - one;
                field.output = to.wrapping_add(one);
                field.shift = 0;
                // SAFETY: reads two words, or two bytes, of each of the window's pixels, and reads and writes
                // two in the output pixel. None reaches beyond the end of a pixel. `seen` keeps the window
                // inside the input, and `split` gives whole tensors.
                unsafe { (kernel.run)(&mut field) };
                at += 2 * size;
                if at >= pixel_bytes {
                    break;
                }
            }
            to = to.wrapping_add(pixel_bytes);
            // SAFETY: `to` is the end of an output pixel, so that the byte before is its last one.
            unsafe { *to.wrapping_sub(1) &= last };
        }
    }
}

/// Rows or columns of the input that the window of an output row or column sees: at least one.
#[inline(always)]
fn seen(position: usize, stride: u16, pad: u16, kernel: u16, size: u16) -> Range<usize> {
    let (origin, pad) = (position * usize::from(stride), usize::from(pad));
    let end = (origin + usize::from(kernel)).saturating_sub(pad).min(size.into());
    let start = origin.saturating_sub(pad);
    start..end
}
