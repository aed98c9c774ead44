//! Average and maximum pools.

use mixq_format::Pool;

use super::asm::pool::{average, execute, max};

/// Executes an average pool over `X`-bit codes, with halves rounded up. `WORDS`: whether they are read by
/// words, as [`by_words`](mixq_format::target::armv7em::by_words) has it.
///
/// # Panics
/// If a window has 2^23 pixels or more, or more than are summed by words, or lies wholly in the padding; if
/// the tensors have other pixels, or overlap or reach beyond the arena.
#[inline(always)]
pub fn average_pool<const X: usize, const WORDS: bool>(table: &Pool, arena: &mut [u8]) {
    execute(table, arena, const { &average(WORDS) });
}

/// Executes a maximum pool over `X`-bit codes. `WORDS` as with [`average_pool`].
///
/// # Panics
/// If a window lies wholly in the padding; if the tensors have other pixels, or overlap or reach beyond the
/// arena.
#[inline(always)]
pub fn max_pool<const X: usize, const WORDS: bool>(table: &Pool, arena: &mut [u8]) {
    execute(table, arena, const { &max(WORDS) });
}
