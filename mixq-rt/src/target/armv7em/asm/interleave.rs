//! Elements of two groups by turns: a word of each group becomes two words. That takes 1.4 instructions for a
//! byte of 8-bit codes, 1.9 for a byte of 4-bit codes, 2.4 for a byte of 2-bit codes.
//!
//! `SEL` takes the even bytes of one register and the odd ones of another. Which ones it takes is set once,
//! by an addition of bytes that leaves carries in the even ones. Codes of less than a byte first change
//! places: the odd ones of the first word with the even ones of the second. Then units of twice the bits take
//! turns.

use mixq_format::target::armv7em::interleaves;
use mixq_format::{Operands, Rearrange};

use super::runs::fill;
use crate::target::armv7em::check::check;

/// The arguments of the loops, in bytes.
#[repr(C)]
struct Pixels {
    count: usize,
    /// Bytes of a group, at least 4.
    bytes: usize,
    /// From one group to the other.
    group: usize,
    /// What is added after a pixel to the position in the input, and in the output.
    steps: [usize; 2],
}

/// Executes a layer that interleaves `BITS`-bit codes.
///
/// # Panics
/// If it does not.
#[inline(never)]
pub(crate) fn execute<const BITS: usize>(operands: Operands<Rearrange>) {
    let (layer, _, arena) = operands.parts();
    check(layer.input.bits.count() == BITS && interleaves(layer));
    fill(layer, arena);
    let Rearrange { input, output, counts, from, to, .. } = layer;
    let [rows, columns, count, channels, _] = counts.map(usize::from);
    let bytes = channels * BITS / 8;
    let [from_strides, to_strides] = [from, to].map(|side| side.strides.map(|stride| stride as usize / 8));
    let steps = [from_strides[2].wrapping_sub(bytes), to_strides[2].wrapping_sub(2 * bytes)];
    let pixels = Pixels { count, bytes, group: from_strides[4], steps };
    let at = arena.as_mut_ptr();
    let place = |offset: u32, first: u32| at.wrapping_add(offset as usize + first as usize / 8);
    let (start, end) = (place(input.offset, from.first), place(output.offset, to.first));
    for row in 0..rows {
        for column in 0..columns {
            let from = start.wrapping_add(row * from_strides[0] + column * from_strides[1]);
            let to = end.wrapping_add(row * to_strides[0] + column * to_strides[1]);
            // SAFETY: `Operands` proves that all positions of the loops lie in input and output, and that
            // these lie in the arena and do not overlap. The positions of a pixel are bytes that follow one
            // another, in each group of the input and in the output. Both pointers are derived from one
            // pointer to the arena.
            unsafe { interleave::<BITS>(&pixels, from, to) };
        }
    }
}

/// Interleaves the groups of all pixels.
///
/// # Safety
/// Each pixel has at least one word of either group, which may be read, and the bytes of both may be written.
/// What is read does not overlap what is written.
#[unsafe(naked)]
unsafe extern "C" fn interleave<const BITS: usize>(pixels: &Pixels, from: *const u8, to: *mut u8) {
    naked_asm!(
        "push {{r4-r11, lr}}",
        "ldm r0, {{r3, r8, r9, r10, r11}}",
        // Carries in bytes 0 and 2.
        "mov r4, #0x00ff00ff",
        "uadd8 r4, r4, r4",
        // r0, r1: both groups; r2: output.
        "mov r0, r1",
        "add r1, r1, r9",
        // r12: bytes that the last word lacks.
        "rsb r12, r8, #0",
        "and r12, r12, #3",
        "2:",
        "mov r7, r12",
        // Two words a round; an odd number begins with the second one.
        "lsr lr, r8, #2",
        "tst lr, #1",
        "bne 4f",
        "3:",
        ".irp entry, 0, 1",
        ".if \\entry",
        "4:",
        ".endif",
        "ldr r4, [r0], #4",
        "ldr r5, [r1], #4",
        ".if {bits} == 2",
        "eor r6, r5, r4, lsr #2",
        "and r6, r6, #0x33333333",
        "eor r5, r5, r6",
        "eor r4, r4, r6, lsl #2",
        ".endif",
        ".if {bits} <= 4",
        "eor r6, r5, r4, lsr #4",
        "and r6, r6, #0x0f0f0f0f",
        "eor r5, r5, r6",
        "eor r4, r4, r6, lsl #4",
        ".endif",
        "lsl r6, r5, #8",
        "sel r6, r4, r6",
        "lsr r4, r4, #8",
        "sel r4, r4, r5",
        "pkhbt r5, r6, r4, lsl #16",
        "pkhtb r6, r4, r6, asr #16",
        "str r5, [r2], #4",
        "str r6, [r2], #4",
        ".endr",
        "subs lr, lr, #2",
        "bhi 3b",
        // A last word that overlaps the one before.
        "cbz r7, 5f",
        "sub r0, r0, r7",
        "sub r1, r1, r7",
        "sub r2, r2, r7, lsl #1",
        "mov r7, #0",
        "mov lr, #1",
        "b 4b",
        "5:",
        "add r0, r0, r10",
        "add r1, r1, r10",
        "add r2, r2, r11",
        "subs r3, r3, #1",
        "bne 2b",
        "pop {{r4-r11, pc}}",
        bits = const BITS,
    )
}
