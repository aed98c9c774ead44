//! Average and maximum pools.

use mixq_format::Pool;

use crate::arch::armv7em::pool::{average, execute, max};

/// Executes an average pool over `X`-bit codes, with halves rounded up. A window has fewer than 2^23 pixels. `WORDS`: whether they are
/// read by words, as [`armv7em_words`](mixq_format::layout::armv7em_words) has it.
#[inline(always)]
pub fn average_pool<const X: usize, const WORDS: bool>(table: &Pool, arena: &mut [u8]) {
    execute(table, arena, const { &average(WORDS) });
}

/// Executes a maximum pool over `X`-bit codes. `WORDS` as with [`average_pool`].
#[inline(always)]
pub fn max_pool<const X: usize, const WORDS: bool>(table: &Pool, arena: &mut [u8]) {
    execute(table, arena, const { &max(WORDS) });
}
