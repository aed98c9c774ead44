//! Windows of three rows of nine bytes, as those of 3x3 on three channels of 8 bits are: widened whole.

use core::arch::naked_asm;

use super::PIXELS;

/// Widens three rows of nine bytes, `row` bytes apart, of `count` pixels from `pixel` on, `pitch` bytes apart, in the order of
/// [`Blocks::nine`](mixq_format::layout::Blocks::nine).
///
/// # Panics
/// If `codes` has fewer bytes, or the patch fewer than 28 elements.
#[inline(always)]
pub(super) fn nine(
    codes: &[u8],
    patch: &mut [u32],
    sums: &mut [i32; PIXELS],
    [pixel, count]: [usize; 2],
    [row, pitch]: [usize; 2],
) {
    assert!(count > 0 && pixel + count <= PIXELS && (count - 1) * pitch + 2 * row + 9 <= codes.len());
    assert!(28 / 2 * PIXELS <= patch.len());
    let (to, sums) = (patch.as_mut_ptr().wrapping_add(pixel), sums.as_mut_ptr().wrapping_add(pixel));
    // SAFETY: reads nine bytes of three rows of each pixel and writes one word of each of 14 groups of four; asserted above.
    unsafe { widen_nine(codes.as_ptr(), to, row, pitch, count, sums) };
}

// Two words and a byte of a row.
macro_rules! row {
    ($first:literal, $second:literal, $third:literal, $fourth:literal, $byte:literal) => {
        concat!(
            "
    ldr r8, [r6]
    ldr r9, [r6, #4]
    ldrb ",
            $byte,
            ", [r6, #8]
    uxtb16 r12, r8
    usada8 r7, r8, r11, r7
    uxtb16 r8, r8, ror #8
    str r12, [r1, #",
            $first,
            "]
    str r8, [r1, #",
            $second,
            "]
    uxtb16 r12, r9
    usada8 r7, r9, r11, r7
    uxtb16 r9, r9, ror #8
    str r12, [r1, #",
            $third,
            "]
    str r9, [r1, #",
            $fourth,
            "]
"
        )
    };
}

#[unsafe(naked)]
pub(super) unsafe extern "C" fn widen_nine(
    codes: *const u8,
    to: *mut u32,
    row: usize,
    pitch: usize,
    count: usize,
    sums: *mut i32,
) {
    naked_asm!(
        "push {{r4-r11, lr}}",
        "ldrd r4, r5, [sp, #36]",
        "mov r11, #0",
        "2:",
        "ldr r7, [r5]",
        "rsb r7, r7, #0",
        "mov r6, r0",
        row!("0", "16", "32", "48", "r10"),
        "add r6, r6, r2",
        row!("64", "80", "96", "112", "lr"),
        "add r6, r6, r2",
        "orr r10, r10, lr, lsl #16",
        row!("128", "144", "160", "176", "lr"),
        "str r10, [r1, #192]",
        "str lr, [r1, #208]",
        "usada8 r7, r10, r11, r7",
        "add r7, r7, lr",
        "rsb r7, r7, #0",
        "str r7, [r5], #4",
        "add r0, r0, r3",
        "add r1, r1, #4",
        "subs r4, r4, #1",
        "bne 2b",
        "pop {{r4-r11, pc}}",
    )
}
