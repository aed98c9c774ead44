//! Functions of each element, by a table that has an entry for each value of a byte.
//!
//! An element of 8 bits takes three instructions: one extracts it from its word, one reads the entry, and one
//! puts the entry into a word. The first entry of a word needs no instruction to put it, so that 2.75 are the
//! least: no instruction extracts, reads or puts two. With loads and stores of words, the loop takes 2.94.
//!
//! For codes of 4 or 2 bits, the table of the layer is expanded on the stack, so that one entry has the
//! output of the two or four elements of a byte: these take 1.47 and 0.73 instructions.

use mixq_format::{Elementwise, Operands};

use crate::target::armv7em::check::{after, check, refuse};

// Reads the entries of the four bytes of `word` to r8, r9, r10 and `word`. The table is at r2.
macro_rules! look_up_word {
    () => {
        "
    uxtb r8, \\word
    ubfx r9, \\word, #8, #8
    ubfx r10, \\word, #16, #8
    lsr \\word, \\word, #24
    ldrb r8, [r2, r8]
    ldrb r9, [r2, r9]
    ldrb r10, [r2, r10]
    ldrb \\word, [r2, \\word]
"
    };
}

mod narrower;
mod wider;

pub(crate) use narrower::narrower;
pub(crate) use wider::{doubled, quadrupled};

/// Values of a byte.
const VALUES: usize = 256;

/// Bytes of a round of the loop.
const ROUND: usize = 16;

/// A layer that reads and writes 8-bit codes.
///
/// # Panics
/// If input or output have another width.
#[inline(never)]
pub(crate) fn bytes(operands: Operands<Elementwise>) {
    let (table, parameters, arena) = operands.parts();
    match after(parameters, table.codes as usize).first_chunk() {
        Some(entries) => execute(table, 8, entries, arena),
        None => refuse(),
    }
}

/// A layer that reads and writes `X`-bit codes, 4 or 2.
///
/// # Panics
/// If input or output have another width.
#[inline(never)]
pub(crate) fn narrow<const X: usize>(operands: Operands<Elementwise>) {
    let (table, parameters, arena) = operands.parts();
    let codes = after(parameters, table.codes as usize);
    let mut entries = [0; VALUES];
    match X {
        4 => codes.first_chunk().map(|nibbles| expand::<4>(nibbles, &mut entries)),
        _ => codes.first_chunk().map(|codes| expand::<4>(&nibbles(codes), &mut entries)),
    }
    .unwrap_or_else(|| refuse());
    execute(table, X, &entries, arena);
}

/// Entries for the two 2-bit codes of a nibble.
fn nibbles(codes: &[u8; 4]) -> [u8; 16] {
    let mut nibbles = [0; 16];
    for (high, row) in codes.iter().zip(nibbles.as_chunks_mut::<4>().0) {
        *row = codes.map(|low| low | high << 2);
    }
    nibbles
}

/// Entries for both nibbles of a byte, each of which becomes `BITS` bits.
// By words: four entries at once.
fn expand<const BITS: usize>(nibbles: &[u8; 16], entries: &mut [u8; VALUES]) {
    let lows = nibbles.as_chunks().0;
    for (high, row) in nibbles.iter().zip(entries.as_chunks_mut::<16>().0) {
        let highs = u32::from(*high).wrapping_mul(0x0101_0101 << BITS);
        for (low, entry) in lows.iter().zip(row.as_chunks_mut().0) {
            *entry = (u32::from_le_bytes(*low) | highs).to_le_bytes();
        }
    }
}

/// Bytes of an input whose pixels are one row, as those of the output are.
///
/// # Panics
/// If input or output have other widths than these, or pixels end inside a byte.
#[inline(always)]
fn seamless_bytes(table: &Elementwise, x: usize, y: usize) -> usize {
    let Elementwise { input, output, .. } = table;
    let whole = |bits: usize| (usize::from(input.channels) * bits).is_multiple_of(8);
    check(input.bits.count() == x && output.bits.count() == y && whole(x) && whole(y));
    input.pixels() * input.pixel_bytes()
}

/// Replaces all bytes of the input by their entries.
///
/// # Panics
/// If input or output have another width than `bits`.
#[inline(never)]
fn execute(table: &Elementwise, bits: usize, entries: &[u8; VALUES], arena: &mut [u8]) {
    let Elementwise { input, output, .. } = table;
    check(input.bits.count() == bits && output.bits.count() == bits);
    let (pixels, pixel_bytes) = (output.pixels(), output.pixel_bytes());
    let at = arena.as_mut_ptr();
    let [from, to] = [input, output].map(|tensor| at.wrapping_add(tensor.offset as usize));
    let bytes = pixels * pixel_bytes;
    let rounds = if from.cast::<u32>().is_aligned() { bytes / ROUND } else { 0 };
    // SAFETY: reads the input and writes the output. `Operands` proves that both lie in the arena, have this
    // number of bytes, begin at a multiple of 4 in it, and are the same bytes or do not overlap. Both
    // pointers are derived from one pointer to the arena. Rounds are executed only if the words are aligned.
    unsafe { look_up(from, to, entries, rounds, bytes - ROUND * rounds) };
    let used = usize::from(output.channels) * bits % 8;
    if used > 0 {
        // Bits after the last element of a pixel are 0.
        for pixel in arena[output.offset as usize..][..bytes].chunks_exact_mut(pixel_bytes) {
            pixel[pixel_bytes - 1] &= (1 << used) - 1;
        }
    }
}

/// Writes the entry of each byte at `from` to `to`: of `rounds` times [`ROUND`] bytes, then of `rest` bytes.
///
/// # Safety
/// This number of bytes may be read at `from`, and written at `to`, which are the same bytes or do not
/// overlap. If there are rounds, both begin at words.
#[unsafe(naked)]
unsafe extern "C" fn look_up(
    from: *const u8,
    to: *mut u8,
    entries: &[u8; VALUES],
    rounds: usize,
    rest: usize,
) {
    naked_asm!(
        "push {{r4-r11, lr}}",
        "ldr r11, [sp, #36]",
        "cmp r3, #0",
        "beq 3f",
        // Two rounds at once; an odd number begins with the second one.
        "lsls r8, r3, #31",
        "bmi 6f",
        "2:",
        ".irp entry, 0, 1",
        ".if \\entry",
        "6:",
        ".endif",
        "ldm r0!, {{r4-r7}}",
        ".irp word, r4, r5, r6, r7",
        look_up_word!(),
        "orr r8, r8, r9, lsl #8",
        "orr r8, r8, r10, lsl #16",
        "orr \\word, r8, \\word, lsl #24",
        ".endr",
        "stm r1!, {{r4-r7}}",
        ".endr",
        "subs r3, r3, #2",
        "bhi 2b",
        "3:",
        "cmp r11, #0",
        "beq 5f",
        "4:",
        "ldrb r4, [r0], #1",
        "subs r11, r11, #1",
        "ldrb r4, [r2, r4]",
        "strb r4, [r1], #1",
        "bne 4b",
        "5:",
        "pop {{r4-r11, pc}}",
    )
}
