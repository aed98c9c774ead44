//! What layers have of the arena.

use core::ops::Range;
use core::slice::{from_raw_parts, from_raw_parts_mut};

use mixq_format::Tensor;

use crate::check::{MOST_BYTES, check, within};

/// The bytes of a layer's input and output, whole tensors both, and memory to work in.
///
/// # Panics
/// If they overlap or reach beyond the arena, or the memory is not aligned, or the arena has more than
/// [`MOST_BYTES`] bytes.
// `get_disjoint_mut` takes twice as much code.
#[inline(never)]
pub(crate) fn split<'a>(
    arena: &'a mut [u8],
    input: &Tensor,
    output: &Tensor,
    [start, bytes]: [u32; 2],
) -> (&'a [u8], &'a mut [u8], &'a mut [u32]) {
    let (at, length) = (arena.as_mut_ptr(), arena.len());
    let (input, output) = (place(input, length), place(output, length));
    check(length <= MOST_BYTES && within(length, start, bytes as usize));
    let (start, bytes) = (start as usize, bytes as usize);
    let work = start..start + bytes;
    let apart = |a: &Range<usize>, b: &Range<usize>| check(a.end <= b.start || b.end <= a.start);
    let memory: *mut u32 = at.wrapping_add(start).cast();
    apart(&input, &output);
    apart(&input, &work);
    apart(&output, &work);
    check(memory.is_aligned());
    let bytes = |range: Range<usize>| range.end - range.start;
    // SAFETY: parts of the arena that do not overlap; asserted above.
    unsafe {
        (
            from_raw_parts(at.add(input.start), bytes(input)),
            from_raw_parts_mut(at.add(output.start), bytes(output)),
            from_raw_parts_mut(memory, bytes(work) / 4),
        )
    }
}

/// Where a whole tensor lies, in an arena of this number of bytes.
///
/// # Panics
/// If it reaches beyond them.
#[inline(never)]
fn place(tensor: &Tensor, length: usize) -> Range<usize> {
    // In 64 bits: 32 do not hold the size of every tensor.
    let bytes = tensor.pixels() as u64 * tensor.pixel_bytes() as u64;
    let start = tensor.offset as usize;
    check(start as u64 + bytes <= length as u64);
    start..start + bytes as usize
}
