//! Functions whose output has more bits than the input: 1.5 instructions an element at most. An entry has the
//! outputs of several elements in 16 bits: those of a byte, on the stack, or those of four bits if the output
//! has four times the bits.

use mixq_format::{Elementwise, Operands};

use super::{ROUND, VALUES, seamless_bytes};
use crate::target::armv7em::check::{after, refuse};

/// Values of four bits.
const NIBBLES: usize = 16;

/// A layer that reads `X`-bit codes, 4 or 2, and writes codes of twice as many bits.
///
/// # Panics
/// If input or output have another width, or pixels end inside a byte.
#[inline(never)]
pub(crate) fn doubled<const X: usize>(operands: Operands<Elementwise>) {
    let (table, parameters, arena) = operands.parts();
    let nibbles = nibbles::<X>(after(parameters, table.codes as usize), 2 * X);
    let mut entries = [0; VALUES / 2];
    for (value, row) in entries.as_chunks_mut::<{ NIBBLES / 2 }>().0.iter_mut().enumerate() {
        let high = u32::from(entry(&nibbles, value)) * 0x0100_0100;
        *row = nibbles.map(|low| low | high);
    }
    execute(table, [X, 2 * X], &entries, look_up_bytes, arena);
}

/// A layer that reads 2-bit codes and writes 8-bit codes.
///
/// # Panics
/// If input or output have another width, or pixels end inside a byte.
#[inline(never)]
pub(crate) fn quadrupled(operands: Operands<Elementwise>) {
    let (table, parameters, arena) = operands.parts();
    let nibbles = nibbles::<2>(after(parameters, table.codes as usize), 8);
    execute(table, [2, 8], &nibbles, look_up_nibbles, arena);
}

/// The outputs of the elements of four bits, `bits` each. A word has two entries.
///
/// # Panics
/// If the parameters hold less than the table.
#[inline(always)]
fn nibbles<const X: usize>(codes: &[u8], bits: usize) -> [u32; NIBBLES / 2] {
    let codes = codes.get(..1 << X).unwrap_or_else(|| refuse());
    let entry = |value: usize| {
        let code = |element: usize| u32::from(codes[value >> (X * element) & ((1 << X) - 1)]);
        if X == 4 { code(0) } else { code(0) | code(1) << bits }
    };
    core::array::from_fn(|pair| entry(2 * pair) | entry(2 * pair + 1) << 16)
}

/// The entry of a value.
#[inline(always)]
fn entry(entries: &[u32], value: usize) -> u16 {
    (entries[value / 2] >> (16 * (value % 2))) as u16
}

/// `rounds` times [`ROUND`] bytes, at least once.
type LookUp = unsafe extern "C" fn(*const u8, *mut u8, *const u32, usize);

/// Writes the entries of all bytes, or of both halves of all bytes if there are [`NIBBLES`] entries.
///
/// # Panics
/// If input or output have other widths than `bits`, or pixels end inside a byte.
#[inline(always)]
fn execute(table: &Elementwise, bits: [usize; 2], entries: &[u32], look_up: LookUp, arena: &mut [u8]) {
    let bytes = seamless_bytes(table, bits[0], bits[1]);
    let ratio = bits[1] / bits[0];
    let at = arena.as_mut_ptr();
    let [from, to] = [&table.input, &table.output].map(|tensor| tensor.offset as usize);
    let rounds = if at.cast::<u32>().is_aligned() { bytes / ROUND } else { 0 };
    if rounds > 0 {
        // SAFETY: reads `rounds` times `ROUND` bytes of the input, and writes as many elements of the output.
        // `Operands` proves that both lie in the arena, begin at multiples of 4 in it, and do not overlap.
        // Both pointers are derived from one pointer to the arena, which is aligned. There is an entry for
        // each value that is looked up.
        unsafe { look_up(at.wrapping_add(from), at.wrapping_add(to), entries.as_ptr(), rounds) };
    }
    for index in rounds * ROUND..bytes {
        let byte = usize::from(arena[from + index]);
        let output = &mut arena[to + index * ratio..][..ratio];
        for (part, pair) in output.chunks_exact_mut(2).enumerate() {
            let value = if ratio == 2 { byte } else { byte >> (4 * part) & (NIBBLES - 1) };
            pair.copy_from_slice(&entry(entries, value).to_le_bytes());
        }
    }
}

/// Each byte becomes two.
///
/// # Safety
/// Words that may be read are at `from`, and twice as many that may be written are at `to`. They do not
/// overlap. There are [`VALUES`] entries.
#[unsafe(naked)]
unsafe extern "C" fn look_up_bytes(from: *const u8, to: *mut u8, entries: *const u32, rounds: usize) {
    naked_asm!(
        "push {{r4-r11, lr}}",
        "2:",
        "ldm r0!, {{r4-r7}}",
        ".irp word, r4, r5, r6, r7",
        "uxtb r8, \\word",
        "ubfx r9, \\word, #8, #8",
        "ubfx r10, \\word, #16, #8",
        "lsr r11, \\word, #24",
        "ldrh r8, [r2, r8, lsl #1]",
        "ldrh r9, [r2, r9, lsl #1]",
        "ldrh r10, [r2, r10, lsl #1]",
        "ldrh r11, [r2, r11, lsl #1]",
        "orr r8, r8, r9, lsl #16",
        "orr r10, r10, r11, lsl #16",
        "stm r1!, {{r8, r10}}",
        ".endr",
        "subs r3, r3, #1",
        "bne 2b",
        "pop {{r4-r11, pc}}",
    )
}

/// Each half of a byte becomes two bytes.
///
/// # Safety
/// Words that may be read are at `from`, and four times as many that may be written are at `to`. They do not
/// overlap. There are [`NIBBLES`] entries.
#[unsafe(naked)]
unsafe extern "C" fn look_up_nibbles(from: *const u8, to: *mut u8, entries: *const u32, rounds: usize) {
    naked_asm!(
        "push {{r4-r11, lr}}",
        "2:",
        "ldm r0!, {{r4-r7}}",
        ".irp word, r4, r5, r6, r7",
        "ubfx r8, \\word, #0, #4",
        "ubfx r12, \\word, #4, #4",
        "ubfx r9, \\word, #8, #4",
        "ubfx lr, \\word, #12, #4",
        "ldrh r8, [r2, r8, lsl #1]",
        "ldrh r12, [r2, r12, lsl #1]",
        "ldrh r9, [r2, r9, lsl #1]",
        "ldrh lr, [r2, lr, lsl #1]",
        "orr r8, r8, r12, lsl #16",
        "orr r9, r9, lr, lsl #16",
        "ubfx r10, \\word, #16, #4",
        "ubfx r12, \\word, #20, #4",
        "ubfx r11, \\word, #24, #4",
        "lsr lr, \\word, #28",
        "ldrh r10, [r2, r10, lsl #1]",
        "ldrh r12, [r2, r12, lsl #1]",
        "ldrh r11, [r2, r11, lsl #1]",
        "ldrh lr, [r2, lr, lsl #1]",
        "orr r10, r10, r12, lsl #16",
        "orr r11, r11, lr, lsl #16",
        "stm r1!, {{r8-r11}}",
        ".endr",
        "subs r3, r3, #1",
        "bne 2b",
        "pop {{r4-r11, pc}}",
    )
}
