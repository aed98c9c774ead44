//! The safe door of the inner loops over blocks of weights.

use core::mem::MaybeUninit;

use mixq_format::layout::Blocks;

use super::widen::widen_for;
use super::{PIXELS, Scratch, Widen, bytes, nibbles, packed};

/// What a loop over blocks is given: the first four words in registers, the others on the stack. The loops put all of it, in this order,
/// 36 bytes above the nine registers that they save, and keep there what no register is left for.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Call {
    /// 36.
    weights: *const u8,
    /// 40.
    x: *const u32,
    /// 44: after the last whole unit.
    x_end: *const u32,
    /// 48.
    accumulators: *mut [i32; PIXELS],
    /// 52.
    accumulators_end: *const [i32; PIXELS],
    /// 56.
    block_bytes: usize,
    /// 60: of the elements of this chunk, by pixel.
    sums: *const i32,
    /// 64: 1: store, 0: add to what is there; then where that is done.
    first: usize,
    /// 68: elements of the last, incomplete unit; then where they are taken.
    tail: usize,
    /// 72: where the unrolled loop is entered. 76, 80: sums of lower fields, or the second half of the pixels.
    kept: [MaybeUninit<u32>; 3],
}

/// What depends on the widths.
pub(crate) struct Kernels {
    run: unsafe extern "C" fn(Call),
    pub(crate) blocks: Blocks,
    pub(crate) widen: Widen,
}

impl Kernels {
    /// For `x`-bit input and `w`-bit weights.
    pub(crate) const fn of(x: usize, w: usize) -> Kernels {
        let run = match (x, w) {
            (_, 8) => bytes::accumulate,
            (8, 4) => nibbles::accumulate,
            (4, 4) => packed::accumulate_4x4,
            (_, 4) => packed::accumulate_2x4,
            (8, _) => packed::accumulate_8x2,
            _ => packed::accumulate_4x2,
        };
        Kernels { run, blocks: Blocks::of(super::bits(x), super::bits(w)), widen: widen_for(x) }
    }
}

/// Multiplies the patch, which holds the elements from `element` on, with `count` filters in whole blocks, `filter_bytes` each: stores
/// `sum(q_x s_w)` by channel and pixel, or adds it if these are not the first elements. `weights` begins with the first filter.
///
/// # Panics
/// If there are fewer weights, or the scratch has no room.
#[inline(always)]
pub(crate) fn accumulate(
    kernels: &Kernels,
    weights: &[u8],
    filter_bytes: usize,
    scratch: &mut Scratch,
    count: usize,
    element: usize,
) {
    let Blocks { channels, unit, weight_bits, .. } = kernels.blocks;
    let elements = scratch.elements();
    let fits = (element + elements) * weight_bits.count() <= 8 * filter_bytes;
    assert!(fits && count * filter_bytes <= weights.len() && count > 0);
    let (x, accumulators, sums) = scratch.parts(count);
    let units = elements / unit;
    let call = Call {
        weights: weights.as_ptr().wrapping_add(element * channels * weight_bits.count() / 8),
        x,
        // Four words for each pair of elements.
        x_end: x.wrapping_add(units * unit / 2 * PIXELS),
        accumulators,
        accumulators_end: accumulators.wrapping_add(count),
        block_bytes: channels * filter_bytes,
        sums,
        first: (element == 0).into(),
        tail: elements % unit,
        kept: [MaybeUninit::uninit(); 3],
    };
    // SAFETY: the loop reads the elements' weights in each block, which are among the filters', as many words of the
    // patch, and writes the accumulators of the blocks, for which `parts` has found room.
    unsafe { (kernels.run)(call) }
}
