//! Average and maximum pools.

use mixq_format::{Operands, Pool};

use super::asm::pool::{average, execute, max};

/// Executes an average pool over `X`-bit codes, with halves rounded up. `WORDS`: whether they are read by
/// words, as [`by_words`](mixq_format::target::armv7em::by_words) has it.
///
/// # Panics
/// If pixels have less than a word, or windows more pixels than are summed by words.
#[inline(always)]
pub fn average_pool<const X: usize, const WORDS: bool>(operands: Operands<Pool>) {
    execute(operands, const { &average(WORDS) });
}

/// Executes a maximum pool over `X`-bit codes. `WORDS` as with [`average_pool`].
///
/// # Panics
/// If pixels have less than a word.
#[inline(always)]
pub fn max_pool<const X: usize, const WORDS: bool>(operands: Operands<Pool>) {
    execute(operands, const { &max(WORDS) });
}
