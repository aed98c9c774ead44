//! Parts of tensors as memory to work in.

use crate::target::armv7em::check::refuse;

/// The first `count` bytes, and the others.
///
/// # Panics
/// If there are fewer bytes.
#[inline(always)]
pub(super) fn divide(bytes: &mut [u8], count: usize) -> (&mut [u8], &mut [u8]) {
    bytes.split_at_mut_checked(count).unwrap_or_else(|| refuse())
}

/// The words that lie wholly in some bytes.
#[inline(never)]
pub(super) fn words(bytes: &mut [u8]) -> &mut [u32] {
    bytemuck::pod_align_to_mut(bytes).1
}

/// The last `bytes` bytes of some words: a multiple of 4.
///
/// # Panics
/// If there are fewer words.
#[inline(always)]
pub(super) fn last(words: &mut [u32], bytes: usize) -> &mut [u32] {
    let first = words.len().wrapping_sub(bytes / 4);
    words.get_mut(first..).unwrap_or_else(|| refuse())
}
