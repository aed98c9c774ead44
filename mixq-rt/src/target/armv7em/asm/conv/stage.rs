//! Copies codes of the input, one row of a window after another, with padding where a window leaves the
//! input.

use core::ops::Range;

use super::rgb3x3::STAGED_ROW;
use crate::target::armv7em::check::{check, hold};

// `three` writes four words a row.
const _: () = assert!(STAGED_ROW == 16);

/// Writes `left` bytes of padding to `to`, then the bytes of `inside`, then padding up to the end.
///
/// # Panics
/// If `to` has no room for `left` bytes and `inside`.
#[inline(always)]
pub(crate) fn stage_row(to: &mut [u8], left: usize, inside: &[u8], padding: u8) {
    check(left <= to.len() && inside.len() <= to.len() - left);
    let right = to.len() - left - inside.len();
    // SAFETY: writes `left`, `inside` and `right` bytes, which are all bytes of `to`, and reads `inside`.
    unsafe { row(to.as_mut_ptr(), left, inside.as_ptr(), inside.len(), right, padding.into()) };
}

/// Copies byte by byte, because there are few bytes. In assembly, because the compiler's code is many times
/// as long.
///
/// # Safety
/// `left + inside + right` bytes at `to` may be written, and `inside` bytes at `from` may be read.
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

/// Copies rows of `bytes` bytes, at least one row and one byte. The rows are `pitches` bytes apart in `to`
/// and in `from`.
///
/// # Panics
/// If `to` or `from` has too few bytes, or there is nothing to copy.
#[inline(always)]
pub(crate) fn copy_rows(to: &mut [u8], from: &[u8], [rows, bytes]: [usize; 2], pitches: [usize; 2]) {
    let [to_pitch, from_pitch] = pitches;
    check(rows > 0 && bytes > 0 && hold(to.len(), rows, to_pitch, bytes));
    check(hold(from.len(), rows, from_pitch, bytes));
    let after_row = pitches.map(|pitch| pitch.wrapping_sub(bytes));
    // SAFETY: writes `bytes` bytes of each row to `to`, and reads as many from `from`. Both have these bytes:
    // checked above.
    unsafe { rows_of_bytes(to.as_mut_ptr(), from.as_ptr(), bytes, rows, after_row[0], after_row[1]) };
}

/// Copies word by word, then the last one to three bytes of a row.
///
/// # Safety
/// `bytes` bytes of each of `rows` rows, both at least 1, may be written to `to` and read from `from`.
/// `to_next` and `from_next`: bytes from the end of a row to the next row.
#[unsafe(naked)]
unsafe extern "C" fn rows_of_bytes(
    to: *mut u8,
    from: *const u8,
    bytes: usize,
    rows: usize,
    to_next: usize,
    from_next: usize,
) {
    naked_asm!(
        "push {{r4-r6}}",
        "ldrd r4, r5, [sp, #12]",
        "2:",
        "subs r12, r2, #4",
        "blt 4f",
        "3:",
        "ldr r6, [r1], #4",
        "subs r12, r12, #4",
        "str r6, [r0], #4",
        "bge 3b",
        "4:",
        "adds r12, r12, #4",
        "beq 6f",
        "5:",
        "ldrb r6, [r1], #1",
        "subs r12, r12, #1",
        "strb r6, [r0], #1",
        "bne 5b",
        "6:",
        "add r0, r0, r4",
        "add r1, r1, r5",
        "subs r3, r3, #1",
        "bne 2b",
        "pop {{r4-r6}}",
        "bx lr",
    )
}

/// Writes three rows of [`STAGED_ROW`] bytes to `to`. A row is padding, except that each of `rows` has
/// `bytes` bytes of `inside`, `left` bytes from its start. In `inside`, rows are `pitch` bytes apart.
///
/// # Panics
/// If `inside` or `to` has too few bytes, or a row is too short for `left + bytes`.
#[inline(always)]
pub(crate) fn stage_rows(
    to: &mut [u8],
    inside: &[u8],
    pitch: usize,
    rows: Range<usize>,
    [left, bytes]: [usize; 2],
    padding: u8,
) {
    check(3 * STAGED_ROW <= to.len() && left <= STAGED_ROW && bytes <= STAGED_ROW - left);
    check(rows.is_empty() || hold(inside.len(), rows.len(), pitch, bytes));
    let padding = u32::from(padding) * 0x0101_0101;
    // SAFETY: writes three rows of `to`, and reads `bytes` bytes of each of `rows` from `inside`. Both have
    // these bytes: checked above.
    unsafe { three(to.as_mut_ptr(), inside.as_ptr(), pitch, left, bytes, rows.start, rows.len(), padding) };
}

/// Copies word by word, then the last one to three bytes of a row.
///
/// # Safety
/// Three rows at `to` may be written, and `bytes` bytes of each of `count` rows at `from` may be read.
#[unsafe(naked)]
unsafe extern "C" fn three(
    to: *mut u8,
    from: *const u8,
    pitch: usize,
    left: usize,
    bytes: usize,
    first: usize,
    count: usize,
    padding: u32,
) {
    naked_asm!(
        "push {{r4-r10}}",
        "ldrd r4, r5, [sp, #28]",
        "ldrd r6, r7, [sp, #36]",
        "add r10, r0, #48",
        "2:",
        "str r7, [r0]",
        "str r7, [r0, #4]",
        "str r7, [r0, #8]",
        "str r7, [r0, #12]",
        "subs r5, r5, #1",
        "bge 6f",
        "subs r6, r6, #1",
        "blt 6f",
        "add r8, r0, r3",
        "mov r9, r1",
        "subs r12, r4, #4",
        "blt 4f",
        "3:",
        "ldr r5, [r9], #4",
        "subs r12, r12, #4",
        "str r5, [r8], #4",
        "bge 3b",
        "4:",
        "adds r12, r12, #4",
        "beq 5f",
        "7:",
        "ldrb r5, [r9], #1",
        "subs r12, r12, #1",
        "strb r5, [r8], #1",
        "bne 7b",
        "5:",
        "add r1, r1, r2",
        "mov r5, #0",
        "6:",
        "add r0, r0, #16",
        "cmp r0, r10",
        "bne 2b",
        "pop {{r4-r10}}",
        "bx lr",
    )
}

/// See [`unpack`].
pub(crate) type Unpack = fn(&mut [u8], &[u8], [usize; 2], usize);

/// Unpacks as many codes of `bits` bits (4 or 2) as `to` has bytes, a code to a byte. The codes belong to
/// consecutive pixels of `channels` channels. The first code is channel `channel` of its pixel, and `from`
/// begins with the byte that holds it. Every pixel begins a byte.
///
/// # Panics
/// If `to` is empty, `from` has fewer codes, or `channel` is not below `channels`.
pub(super) fn unpack(to: &mut [u8], from: &[u8], [channel, channels]: [usize; 2], bits: usize) {
    check(!to.is_empty() && channel < channels);
    let (pixel_bytes, last) = ((channels * bits).div_ceil(8), channel + to.len() - 1);
    let bytes = last / channels * pixel_bytes + last % channels * bits / 8 + 1 - channel * bits / 8;
    check(bytes <= from.len());
    let left = 8 - channel * bits % 8;
    // SAFETY: writes all bytes of `to`, at least one, and reads the bytes of as many codes, which `from` has:
    // checked above.
    unsafe { codes(to.as_mut_ptr(), from.as_ptr(), to.len(), channels, channels - channel, left, bits) };
}

/// # Safety
/// `count` is at least 1. `count` bytes at `to` may be written, and the bytes that hold `count` codes at
/// `from` may be read. `rest`: channels of the first pixel from the first code on. `left`: bits of the first
/// byte from the first code on.
#[unsafe(naked)]
unsafe extern "C" fn codes(
    to: *mut u8,
    from: *const u8,
    count: usize,
    channels: usize,
    rest: usize,
    left: usize,
    bits: usize,
) {
    naked_asm!(
        "push {{r4-r8}}",
        "ldrd r4, r5, [sp, #20]",
        "ldr r8, [sp, #28]",
        "mov r12, #1",
        "lsl r12, r12, r8",
        "sub r12, r12, #1",
        "ldrb r6, [r1], #1",
        "rsb r7, r5, #8",
        "lsr r6, r6, r7",
        "2:",
        "cmp r5, #0",
        "itt eq",
        "ldrbeq r6, [r1], #1",
        "moveq r5, #8",
        "and r7, r6, r12",
        "strb r7, [r0], #1",
        "lsr r6, r6, r8",
        "sub r5, r5, r8",
        // The next pixel begins a byte: the bits of this byte that are left hold no code.
        "subs r4, r4, #1",
        "itt eq",
        "moveq r4, r3",
        "moveq r5, #0",
        "subs r2, r2, #1",
        "bne 2b",
        "pop {{r4-r8}}",
        "bx lr",
    )
}
