//! What layers have of the parameters and of the arena. Loops in assembly read and write it without asking,
//! because it comes from [`Operands`] alone: these are checked.

use core::ops::Range;
use core::slice::{from_raw_parts, from_raw_parts_mut};

use mixq_format::{Conv, Depthwise, Linear, Operands, Pool, Requant, Tensor};

use crate::target::armv7em::check::{check, within};

/// A layer with one input, which is not where the output is.
pub(crate) trait OneInput {
    /// Input and output.
    fn tensors(&self) -> [&Tensor; 2];
}

/// A layer with weights.
pub(crate) trait Weighted: OneInput {
    fn requant(&self) -> &Requant;
}

macro_rules! layers {
    ($trait:ident: $($table:ident),*; $method:item) => {
        $(impl $trait for $table { $method })*
    };
}

layers!(OneInput: Conv, Depthwise, Linear, Pool; #[inline(always)] fn tensors(&self) -> [&Tensor; 2] {
    [&self.input, &self.output]
});
layers!(Weighted: Conv, Depthwise, Linear; #[inline(always)] fn requant(&self) -> &Requant {
    &self.requant
});

/// The table of a layer, and the parameters that it was checked with: they hold its weights and its tables.
pub(crate) struct Layer<'a, T> {
    table: &'a T,
    parameters: &'a [u8],
}

impl<T> Clone for Layer<'_, T> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Layer<'_, T> {}

impl<'a, T> Layer<'a, T> {
    #[inline(always)]
    pub(crate) fn table(self) -> &'a T {
        self.table
    }

    #[inline(always)]
    pub(super) fn parameters(self) -> &'a [u8] {
        self.parameters
    }
}

/// A layer, the bytes of its input and its output, whole tensors both, and memory to work in.
pub(crate) struct Parts<'a, T> {
    pub(crate) layer: Layer<'a, T>,
    pub(crate) input: &'a [u8],
    pub(crate) output: &'a mut [u8],
    pub(crate) memory: &'a mut [u32],
}

/// Those of a layer. The memory has a place in the arena, by its first byte and its number of bytes.
///
/// # Panics
/// If the memory reaches beyond the arena or into a tensor, or is not aligned.
#[inline(always)]
pub(crate) fn split<T: OneInput>(operands: Operands<T>, memory: [u32; 2]) -> Parts<T> {
    let (table, parameters, arena) = operands.parts();
    // SAFETY: the tensors of operands are in their arena; a layer with one input has them apart.
    let (input, output, memory) = unsafe { split_arena(arena, table.tensors(), memory) };
    Parts { layer: Layer { table, parameters }, input, output, memory }
}

/// # Safety
/// The tensors lie in the arena, apart.
// `get_disjoint_mut` takes twice as much code.
#[inline(never)]
unsafe fn split_arena<'a>(
    arena: &'a mut [u8],
    tensors: [&Tensor; 2],
    [start, bytes]: [u32; 2],
) -> (&'a [u8], &'a mut [u8], &'a mut [u32]) {
    let (at, length) = (arena.as_mut_ptr(), arena.len());
    let [input, output] = tensors.map(place);
    check(within(length, start, bytes as usize));
    let (start, bytes) = (start as usize, bytes as usize);
    let work = start..start + bytes;
    let apart = |tensor: &Range<usize>| check(tensor.end <= work.start || work.end <= tensor.start);
    let memory: *mut u32 = at.wrapping_add(start).cast();
    apart(&input);
    apart(&output);
    check(memory.is_aligned());
    let bytes = |range: Range<usize>| range.end - range.start;
    // SAFETY: parts of the arena that do not overlap; asserted above, and by the caller.
    unsafe {
        (
            from_raw_parts(at.add(input.start), bytes(input)),
            from_raw_parts_mut(at.add(output.start), bytes(output)),
            from_raw_parts_mut(memory, bytes(work) / 4),
        )
    }
}

/// Where a whole tensor lies. It is in an arena, and so 32 bits hold its size.
#[inline(always)]
fn place(tensor: &Tensor) -> Range<usize> {
    let start = tensor.offset as usize;
    start..start + tensor.pixels() * tensor.pixel_bytes()
}
