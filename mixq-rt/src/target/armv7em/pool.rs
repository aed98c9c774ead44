//! Average and maximum pools.

use mixq_format::{Operands, Pool};

use super::asm::pool::{average, execute, max};

/// Executes an average pool over `X`-bit codes, with halves rounded up. `WORDS`: whether the codes are read
/// by words, which [`by_words`](mixq_format::target::armv7em::by_words) decides.
///
/// # Panics
/// If codes are read by words, and pixels have less than a word, or windows have more pixels than can be
/// summed by words.
#[inline(always)]
pub fn average_pool<const X: usize, const WORDS: bool>(operands: Operands<Pool>) {
    execute(operands, const { &average(WORDS) });
}

/// Executes a maximum pool over `X`-bit codes. `WORDS`: see [`average_pool`].
///
/// # Panics
/// If codes are read by words, and pixels have less than a word.
#[inline(always)]
pub fn max_pool<const X: usize, const WORDS: bool>(operands: Operands<Pool>) {
    execute(operands, const { &max(WORDS) });
}
