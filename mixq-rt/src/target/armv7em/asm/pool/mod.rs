//! Largest and average codes of a window's pixels, by fields.
//!
//! Field `i` of a word are the codes at bit `i X` of its bytes. Two words of a pixel are read at once, which
//! may overlap so that they end where the pixel ends; where words do not do, two bytes.

mod loops;

use core::ops::Range;

use mixq_format::target::armv7em::WORD_POOL;
use mixq_format::{Operands, Pool};

use super::{Parts, split};
use crate::target::armv7em::check::check;

/// The inner loop of a pool.
pub(crate) struct Kernel {
    run: Run,
    /// Bytes that it reads of a pixel twice.
    size: usize,
    /// The largest window, in pixels.
    most: usize,
}

/// The largest code, by words or by bytes.
pub(crate) const fn max(words: bool) -> Kernel {
    let (run, size): (Run, usize) = if words { (loops::max_words, 4) } else { (loops::max_bytes, 1) };
    Kernel { run, size, most: usize::MAX }
}

/// The average code, by words or by bytes.
pub(crate) const fn average(words: bool) -> Kernel {
    let (run, size, most): (Run, usize, usize) =
        if words { (loops::average_words, 4, WORD_POOL) } else { (loops::average_bytes, 1, usize::MAX) };
    Kernel { run, size, most }
}

// Words of more pixels would not be summed in 16 bits. Bytes are summed in 32: no pool has more.
const _: () = assert!(WORD_POOL * 255 < 1 << 16);

/// Takes all fields, from the one at `shift` on.
type Run = unsafe extern "C" fn(&mut Field);

/// A rectangle of pixels, and which of their codes are wanted.
#[repr(C)]
struct Field {
    /// The first word of the first pixel.
    first: *const u8,
    /// Bytes from there to the second word.
    second: usize,
    pixel_bytes: usize,
    columns: usize,
    rows: usize,
    /// Bytes from the end of a row to the next.
    gap: usize,
    /// Of the field.
    shift: usize,
    /// A code in each byte.
    mask: u32,
    /// Where the first word of the result goes; all fields but the first are added to it.
    output: *mut u8,
    /// Pixels.
    count: usize,
    /// Bits of a code, from a field to the next.
    bits: usize,
}

/// Executes a pool of any width.
///
/// # Panics
/// If the kernel does not take such pixels or windows.
#[inline(never)]
pub(crate) fn execute(operands: Operands<Pool>, kernel: &Kernel) {
    let Parts { layer, input, output, .. } = split(operands, [0; 2]);
    let Pool { input: x, output: y, window } = layer.table();
    let (pixel_bytes, bits, size) = (x.pixel_bytes(), x.bits.count(), kernel.size);
    check(pixel_bytes >= size && window.taps() <= kernel.most);
    // Bits of the last byte of a pixel that hold elements.
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
                // SAFETY: reads two words, or bytes, of each of the window's pixels, and writes as many of
                // the output's pixel; both end where a pixel ends or before. The tensors are whole, and
                // windows lie inside.
                unsafe { (kernel.run)(&mut field) };
                at += 2 * size;
                if at >= pixel_bytes {
                    break;
                }
            }
            to = to.wrapping_add(pixel_bytes);
            // SAFETY: the last byte of the pixel.
            unsafe { *to.wrapping_sub(1) &= last };
        }
    }
}

/// Rows or columns of the input that a window sees: at least one.
#[inline(always)]
fn seen(position: usize, stride: u16, pad: u16, kernel: u16, size: u16) -> Range<usize> {
    let (origin, pad) = (position * usize::from(stride), usize::from(pad));
    let end = (origin + usize::from(kernel)).saturating_sub(pad).min(size.into());
    let start = origin.saturating_sub(pad);
    start..end
}
