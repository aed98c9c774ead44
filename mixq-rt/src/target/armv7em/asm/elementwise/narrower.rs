//! Functions whose output has fewer bits than the input: 3.2 instructions for a byte of the input. For codes
//! of 4 bits an entry has the outputs of both elements of a byte.

use mixq_format::{Elementwise, Operands};

use super::{ROUND, VALUES, expand, seamless_bytes};
use crate::target::armv7em::check::{after, refuse};

/// A layer that reads `X`-bit codes, 8 or 4, and writes `Y`-bit codes.
///
/// # Panics
/// If input or output have another width, or pixels end inside a byte.
#[inline(never)]
pub(crate) fn narrower<const X: usize, const Y: usize>(operands: Operands<Elementwise>) {
    let (table, parameters, arena) = operands.parts();
    let codes = after(parameters, table.codes as usize);
    let mut expanded = [0; VALUES];
    let entries = match X {
        8 => codes.first_chunk(),
        _ => codes.first_chunk().map(|nibbles| {
            expand::<Y>(nibbles, &mut expanded);
            &expanded
        }),
    };
    let Some(entries) = entries else { refuse() };
    let bytes = seamless_bytes(table, X, Y);
    // Bytes of the input for one of the output.
    let ratio = const { X / Y };
    let at = arena.as_mut_ptr();
    let [from, to] = [&table.input, &table.output].map(|tensor| tensor.offset as usize);
    let rounds = if at.cast::<u32>().is_aligned() { bytes / ROUND } else { 0 };
    if rounds > 0 {
        let look_up: LookUp = if X == 2 * Y { halves } else { quarters };
        // SAFETY: reads `rounds` times `ROUND` bytes of the input, and writes as many elements of the output.
        // `Operands` proves that both lie in the arena, begin at multiples of 4 in it, and do not overlap.
        // Both pointers are derived from one pointer to the arena, which is aligned.
        unsafe { look_up(at.wrapping_add(from), at.wrapping_add(to), entries, rounds) };
    }
    for index in rounds * ROUND / ratio..bytes / ratio {
        let parts = &arena[from + index * ratio..][..ratio];
        // The first byte becomes the lowest bits.
        let join = |byte: u8, part: &u8| byte << (8 / ratio) | entries[usize::from(*part)];
        let byte = parts.iter().rev().fold(0, join);
        arena[to + index] = byte;
    }
}

/// A loop: `rounds` times [`ROUND`] bytes, at least once.
type LookUp = unsafe extern "C" fn(*const u8, *mut u8, &[u8; VALUES], usize);

/// Two bytes become one: entries have 4 bits.
///
/// # Safety
/// Words that may be read are at `from`, and half as many that may be written are at `to`. They do not
/// overlap.
#[unsafe(naked)]
unsafe extern "C" fn halves(from: *const u8, to: *mut u8, entries: &[u8; VALUES], rounds: usize) {
    naked_asm!(
        "push {{r4-r10, lr}}",
        "2:",
        "ldm r0!, {{r4-r7}}",
        ".irp word, r4, r5, r6, r7",
        look_up_word!(),
        "orr r8, r8, r9, lsl #4",
        "orr r8, r8, r10, lsl #8",
        "orr \\word, r8, \\word, lsl #12",
        ".endr",
        "orr r4, r4, r5, lsl #16",
        "orr r6, r6, r7, lsl #16",
        "stm r1!, {{r4, r6}}",
        "subs r3, r3, #1",
        "bne 2b",
        "pop {{r4-r10, pc}}",
    )
}

/// Four bytes become one: entries have 2 bits.
///
/// # Safety
/// Words that may be read are at `from`, and a fourth as many that may be written are at `to`. They do not
/// overlap.
#[unsafe(naked)]
unsafe extern "C" fn quarters(from: *const u8, to: *mut u8, entries: &[u8; VALUES], rounds: usize) {
    naked_asm!(
        "push {{r4-r10, lr}}",
        "2:",
        "ldm r0!, {{r4-r7}}",
        ".irp word, r4, r5, r6, r7",
        look_up_word!(),
        "orr r8, r8, r9, lsl #2",
        "orr r8, r8, r10, lsl #4",
        "orr \\word, r8, \\word, lsl #6",
        ".endr",
        "orr r4, r4, r5, lsl #8",
        "orr r4, r4, r6, lsl #16",
        "orr r4, r4, r7, lsl #24",
        "str r4, [r1], #4",
        "subs r3, r3, #1",
        "bne 2b",
        "pop {{r4-r10, pc}}",
    )
}
