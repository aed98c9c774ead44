//! For ARMv6-M (Cortex-M0, M0+): the inner loop of 8-bit weights, in assembly, as compilers keep its two sums
//! in memory where only eight registers take part in most instructions.

use core::arch::{asm, naked_asm};

use super::portable::Pair;
use crate::target::tensor::CHUNK;

/// `sum(q_x s_w)` of each pixel.
///
/// # Panics
/// If there are not as many chunks of weights as of codes.
#[inline(always)]
pub(super) fn dot_bytes(x: &[[Pair; CHUNK]], w: &[[u8; CHUNK]]) -> [i32; 2] {
    assert!(x.len() == w.len());
    if x.is_empty() {
        return [0; 2];
    }
    let w = w.as_ptr_range();
    // SAFETY: reads as many chunks of codes as of weights; asserted above.
    let sums = unsafe { run(x.as_ptr().cast(), w.start.cast(), w.end.cast()) };
    [sums as i32, (sums >> 32) as i32]
}

/// A word of a table: one load if it is aligned, as it is in firmware, else ten instructions.
#[inline(always)]
pub(crate) fn word(bytes: &[u8; 4]) -> i32 {
    if !bytes.as_ptr().addr().is_multiple_of(4) {
        return i32::from_le_bytes(*bytes);
    }
    let word;
    // SAFETY: reads these four bytes, which are aligned. In Rust the compiler would take both cases for the
    // same.
    unsafe {
        asm!("ldr {}, \
              [{}]", lateout(reg) word, in(reg) bytes, options(pure, readonly, nostack, preserves_flags))
    };
    word
}

// Weight `$index` of four, the codes of which are `$first` and `$second` bytes from r0.
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

// The sums are in r12 and lr, which can be added to; r4 to r7 hold what offsets of signed bytes have to be:
// registers.
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
