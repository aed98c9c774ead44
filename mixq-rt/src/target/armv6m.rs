//! For ARMv6-M (Cortex-M0, M0+): the inner loop for 8-bit weights. In assembly, because the compiler keeps
//! its two sums in memory: most instructions can use only eight registers.

use core::arch::{asm, naked_asm};

use super::portable::Pair;
use crate::target::tensor::CHUNK;

/// `sum(q_x s_w)` of each of two pixels.
///
/// # Panics
/// If `x` and `w` have different numbers of chunks.
#[inline(always)]
pub(super) fn dot_bytes(x: &[[Pair; CHUNK]], w: &[[u8; CHUNK]]) -> [i32; 2] {
    assert!(x.len() == w.len());
    if x.is_empty() {
        return [0; 2];
    }
    let w = w.as_ptr_range();
    // SAFETY: reads all chunks of `w`, at least one, and as many chunks of `x`, which has the same number.
    let sums = unsafe { run(x.as_ptr().cast(), w.start.cast(), w.end.cast()) };
    [sums as i32, (sums >> 32) as i32]
}

/// A word of a table. In firmware, words are aligned: then this is one load. Else it takes ten instructions.
#[inline(always)]
pub(crate) fn word(bytes: &[u8; 4]) -> i32 {
    if !bytes.as_ptr().addr().is_multiple_of(4) {
        return i32::from_le_bytes(*bytes);
    }
    let word;
    // SAFETY: reads the four bytes of `bytes`, which are aligned to a word. In assembly, because the compiler
    // would make the same code of both cases.
    unsafe {
        asm!("ldr {}, \
              [{}]", lateout(reg) word, in(reg) bytes, options(pure, readonly, nostack, preserves_flags))
    };
    word
}

// Multiplies the weight at r1 + `$index` by the codes of both pixels, at r0 + `$first` and r0 + `$second`,
// and adds the products to r12 and lr.
macro_rules! weight {
    ($index:literal, $first:literal, $second:literal) => {
        concat!(
            concat!("ldrsb r2, [r1, ", $index, "]\n"),
            concat!("ldrh r3, [r0, #", $first, "]\n"),
            "muls r3, r2, r3\n",
            "add r12, r3\n",
            concat!("ldrh r3, [r0, #", $second, "]\n"),
            "muls r2, r3, r2\n",
            "add lr, r2\n",
        )
    };
}

/// Multiplies chunks of codes by the weights from `w` to `end`; the sums are the halves of the result.
///
/// # Safety
/// The weights from `w` to `end`, at least one chunk, and as many chunks of codes at `x` may be read.
// The sums are in r12 and lr: `add` can use these registers, too. r4 to r7 hold the offsets 0 to 3, because
// `ldrsb` takes its offset only from a register.
#[unsafe(naked)]
unsafe extern "C" fn run(x: *const Pair, w: *const u8, end: *const u8) -> u64 {
    naked_asm!(
        "push {{r2, r4-r7, lr}}",
        "movs r4, #0",
        "movs r5, #1",
        "movs r6, #2",
        "movs r7, #3",
        "mov r12, r4",
        "mov lr, r4",
        "2:",
        weight!("r4", "0", "2"),
        weight!("r5", "4", "6"),
        weight!("r6", "8", "10"),
        weight!("r7", "12", "14"),
        "adds r1, #4",
        weight!("r4", "16", "18"),
        weight!("r5", "20", "22"),
        weight!("r6", "24", "26"),
        weight!("r7", "28", "30"),
        "adds r1, #4",
        "adds r0, #32",
        "ldr r2, [sp]",
        "cmp r1, r2",
        "bne 2b",
        "mov r0, r12",
        "mov r1, lr",
        "pop {{r2, r4-r7, pc}}",
    )
}
