//! Rows of what windows see where they reach into the padding.

use core::arch::naked_asm;

/// Fills `to` with padding, but for the bytes that are inside, which begin at `left`.
///
/// # Panics
/// If these are more than `to` has room for.
#[inline(always)]
pub(crate) fn stage_row(to: &mut [u8], left: usize, inside: &[u8], padding: u8) {
    assert!(left <= to.len() && inside.len() <= to.len() - left);
    let right = to.len() - left - inside.len();
    // SAFETY: writes as many bytes as `to` has, and reads all that are inside; asserted above.
    unsafe { row(to.as_mut_ptr(), left, inside.as_ptr(), inside.len(), right, padding.into()) };
}

/// A byte after the other: there are few, and what compilers make of it is many times as long.
///
/// # Safety
/// `left + inside + right` bytes are written, and `inside` bytes read.
#[unsafe(naked)]
unsafe extern "C" fn row(
    to: *mut u8,
    left: usize,
    from: *const u8,
    inside: usize,
    right: usize,
    padding: usize,
) {
    naked_asm!(
        "ldr r12, [sp, #4]",
        "b 3f",
        "2:",
        "strb r12, [r0], #1",
        "3:",
        "subs r1, r1, #1",
        "bge 2b",
        "b 5f",
        "4:",
        "ldrb r1, [r2], #1",
        "strb r1, [r0], #1",
        "5:",
        "subs r3, r3, #1",
        "bge 4b",
        "ldr r1, [sp]",
        "b 7f",
        "6:",
        "strb r12, [r0], #1",
        "7:",
        "subs r1, r1, #1",
        "bge 6b",
        "bx lr",
    )
}
