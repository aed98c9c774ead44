//! The table, parameters and memory of a layer. They can only be made of [`Operands`], which are checked:
//! therefore the loops in assembly read and write them without checks of their own.

use core::ops::Range;
use core::slice::from_raw_parts_mut;

use mixq_format::{Conv, Depthwise, GroupedConv, Linear, Operands, Pool, Requant, Tensor, Window};

use crate::target::armv7em::check::{check, within};

/// A table with one input tensor, which does not overlap the output tensor.
pub(crate) trait OneInput {
    /// The input tensor and the output tensor.
    fn tensors(&self) -> [&Tensor; 2];
}

/// A table of a layer with weights.
pub(crate) trait Weighted: OneInput {
    fn requant(&self) -> &Requant;
}

macro_rules! layers {
    ($trait:ident: $($table:ident),*; $method:item) => {
        $(impl $trait for $table { $method })*
    };
}

layers!(OneInput: Conv, Depthwise, GroupedConv, Linear, Pool;
#[inline(always)]
fn tensors(&self) -> [&Tensor; 2] {
    [&self.input, &self.output]
});
layers!(Weighted: Conv, Depthwise, GroupedConv, Linear; #[inline(always)] fn requant(&self) -> &Requant {
    &self.requant
});

/// A table of a layer whose filters see windows of the input.
pub(crate) trait Filtered: Weighted {
    fn window(&self) -> &Window;
    /// Input channels that a filter sees.
    fn filter_channels(&self) -> usize;
    /// Offset of the weights.
    fn weights(&self) -> u32;
}

impl Filtered for Conv {
    #[inline(always)]
    fn window(&self) -> &Window {
        &self.window
    }

    #[inline(always)]
    fn filter_channels(&self) -> usize {
        self.input.channels.into()
    }

    #[inline(always)]
    fn weights(&self) -> u32 {
        self.weights
    }
}

impl Filtered for GroupedConv {
    #[inline(always)]
    fn window(&self) -> &Window {
        &self.window
    }

    #[inline(always)]
    fn filter_channels(&self) -> usize {
        self.group_channels()
    }

    #[inline(always)]
    fn weights(&self) -> u32 {
        self.weights
    }
}

/// The table of a layer, and the parameters that it was checked with. The parameters hold the layer's weights
/// and requantisation tables.
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

/// A layer, all bytes of its input and of its output tensor, and memory to work in.
pub(crate) struct Parts<'a, T> {
    pub(crate) layer: Layer<'a, T>,
    pub(crate) input: &'a mut [u8],
    pub(crate) output: &'a mut [u8],
    pub(crate) memory: &'a mut [u32],
}

/// Divides operands. `memory` is the part of the arena to work in: its first byte and its number of bytes.
///
/// # Panics
/// If `memory` reaches beyond the arena or into a tensor, or does not begin at a word.
#[inline(always)]
pub(crate) fn split<T: OneInput>(operands: Operands<T>, memory: [u32; 2]) -> Parts<T> {
    let (table, parameters, arena) = operands.parts();
    // SAFETY: the check of `Operands` found that both tensors lie in the arena, and that they do not overlap.
    let (input, output, memory) = unsafe { split_arena(arena, table.tensors(), memory) };
    Parts { layer: Layer { table, parameters }, input, output, memory }
}

/// A layer, and its whole arena.
#[inline(always)]
pub(crate) fn with_arena<T>(operands: Operands<'_, T>) -> (Layer<'_, T>, &mut [u8]) {
    let (table, parameters, arena) = operands.parts();
    (Layer { table, parameters }, arena)
}

/// # Safety
/// The tensors lie in the arena, and do not overlap.
// `get_disjoint_mut` takes twice as much code.
#[inline(never)]
unsafe fn split_arena<'a>(
    arena: &'a mut [u8],
    tensors: [&Tensor; 2],
    [start, bytes]: [u32; 2],
) -> (&'a mut [u8], &'a mut [u8], &'a mut [u32]) {
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
    // SAFETY: the three parts lie in the arena and do not overlap: the caller promises it for the tensors,
    // and the checks above hold for the memory, which is aligned to words.
    unsafe {
        (
            from_raw_parts_mut(at.add(input.start), bytes(input)),
            from_raw_parts_mut(at.add(output.start), bytes(output)),
            from_raw_parts_mut(memory, bytes(work) / 4),
        )
    }
}

/// The bytes of the arena that a tensor lies in. No overflow: the tensor lies in an arena, so that 32 bits
/// hold its size.
#[inline(always)]
fn place(tensor: &Tensor) -> Range<usize> {
    let start = tensor.offset as usize;
    start..start + tensor.pixels() * tensor.pixel_bytes()
}
