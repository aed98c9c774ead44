//! Runs of bytes that move to other places.
//!
//! A run of 8 bytes and more takes half an instruction a byte, and 5 to 10 for the run. The words of a run
//! need not be aligned. Where the last word would reach beyond the run, it overlaps the word before. The code
//! that copies is not a loop: it is entered where as many bytes are left as a run has.

use mixq_format::target::armv7em::{Loop, Runs, runs};
use mixq_format::{Operands, Rearrange, Rest};

use crate::target::armv7em::check::refuse;

/// A loop: how often it runs, and what is added to the positions after a round.
#[repr(C)]
struct Step {
    count: usize,
    from: usize,
    to: usize,
}

/// The arguments of the code that copies.
#[repr(C)]
struct Copies {
    /// Bytes of a run, 1 to 64.
    bytes: usize,
    /// The loops around it, the innermost first.
    steps: [Step; 3],
}

/// Executes a layer that moves whole bytes.
///
/// # Panics
/// If it moves parts of bytes.
#[inline(never)]
pub(crate) fn execute(operands: Operands<Rearrange>) {
    let (layer, _, arena) = operands.parts();
    fill(layer, arena);
    let Some(all) = runs(layer) else { refuse() };
    all.iter().filter(|runs| runs.bytes > 0).for_each(|runs| copy_all(layer, runs, arena));
}

/// Writes the zero point to all of the output, if it is to have that.
#[inline(always)]
pub(super) fn fill(layer: &Rearrange, arena: &mut [u8]) {
    let Rearrange { output, rest, .. } = layer;
    if *rest == Rest::Zero {
        // The codes of a byte.
        let byte = (output.zero_point as usize * (255 / output.bits.max_code() as usize)) as u8;
        fill_bytes(&mut arena[output.offset as usize..][..output.pixels() * output.pixel_bytes()], byte);
    }
}

/// Bytes of a round of the loop that fills.
const FILLED: usize = 32;

#[inline(never)]
fn fill_bytes(bytes: &mut [u8], byte: u8) {
    let to = bytes.as_mut_ptr();
    let rounds = if to.cast::<u32>().is_aligned() { bytes.len() / FILLED } else { 0 };
    if rounds > 0 {
        // SAFETY: there are this number of rounds of bytes, which begin at a word.
        unsafe { fill_words(to, u32::from(byte) * 0x0101_0101, rounds) };
    }
    bytes[rounds * FILLED..].fill(byte);
}

/// Fills `rounds` times [`FILLED`] bytes, at least once, with a word.
///
/// # Safety
/// They may be written at `to`, which is the address of a word.
#[unsafe(naked)]
unsafe extern "C" fn fill_words(to: *mut u8, word: u32, rounds: usize) {
    naked_asm!(
        "push {{r4, lr}}",
        "mov r3, r1",
        "mov r4, r1",
        "mov r12, r1",
        "2:",
        "stm r0!, {{r1, r3, r4, r12}}",
        "stm r0!, {{r1, r3, r4, r12}}",
        "subs r2, r2, #1",
        "bne 2b",
        "pop {{r4, pc}}",
    )
}

#[inline(never)]
fn copy_all(layer: &Rearrange, runs: &Runs, arena: &mut [u8]) {
    let [first, second, third, fourth, fifth] = runs.loops;
    // After all rounds of a loop inside, a position is that many strides further.
    let step = |around: Loop, inside: Loop| Step {
        count: around.count,
        from: around.from.wrapping_sub(inside.count.wrapping_mul(inside.from)),
        to: around.to.wrapping_sub(inside.count.wrapping_mul(inside.to)),
    };
    let innermost = Step { count: fifth.count, from: fifth.from, to: fifth.to };
    let steps = [innermost, step(fourth, fifth), step(third, fourth)];
    let copies = Copies { bytes: runs.bytes, steps };
    let at = arena.as_mut_ptr();
    let place = |offset: u32, first: u32| at.wrapping_add(offset as usize + first as usize / 8 + runs.start);
    let (from, to) =
        (place(layer.input.offset, layer.from.first), place(layer.output.offset, layer.to.first));
    for row in 0..first.count {
        for column in 0..second.count {
            let [from, to] = [
                from.wrapping_add(row * first.from + column * second.from),
                to.wrapping_add(row * first.to + column * second.to),
            ];
            // SAFETY: `Operands` proves that all positions of the loops lie in input and output, and that
            // these lie in the arena and do not overlap. `runs` makes runs of positions that follow one
            // another. Both pointers are derived from one pointer to the arena.
            unsafe { copy(&copies, from, to) };
        }
    }
}

/// Copies the runs of three loops.
///
/// # Safety
/// The runs of all rounds may be read from `from` on, and written from `to` on. What is read does not overlap
/// what is written.
#[unsafe(naked)]
unsafe extern "C" fn copy(copies: &Copies, from: *const u8, to: *mut u8) {
    naked_asm!(
        "push {{r4-r11, lr}}",
        "mov r7, r0",
        "mov r0, r1",
        "mov r1, r2",
        "ldr r3, [r7]",
        "ldrd r8, r9, [r7, #8]",
        // Pairs of words move the positions. r12: where to enter the code that copies them.
        "lsr r4, r3, #3",
        "sub r8, r8, r4, lsl #3",
        "sub r9, r9, r4, lsl #3",
        "adr.w r12, 9f",
        "sub r12, r12, r4, lsl #4",
        // lr: where a run begins. r10, r11: from its start to its last two words.
        "subs r11, r3, #4",
        "blo 7f",
        "subs r10, r3, #8",
        "it lo",
        "movlo r10, #0",
        "mov lr, r12",
        "ands r3, r3, #7",
        "beq 2f",
        "adr.w lr, 6f",
        "cmp r3, #4",
        "bls 2f",
        "adr.w lr, 5f",
        "2:",
        "ldr r6, [r7, #28]",
        "3:",
        "ldr r3, [r7, #16]",
        "4:",
        "ldr r2, [r7, #4]",
        "44:",
        "mov pc, lr",
        // 5 to 7 bytes beside pairs of words.
        "5:",
        "ldr r4, [r0, r10]",
        "ldr r5, [r0, r11]",
        "str r4, [r1, r10]",
        "str r5, [r1, r11]",
        "mov pc, r12",
        // 1 to 4 bytes.
        "6:",
        "ldr r4, [r0, r11]",
        "str r4, [r1, r11]",
        "mov pc, r12",
        // Runs of less than a word.
        "7:",
        "cmp r3, #2",
        "adr.w lr, 82f",
        "beq 2b",
        "adr.w lr, 83f",
        "bhi 2b",
        "adr.w lr, 81f",
        "b 2b",
        "81:",
        "ldrb r4, [r0]",
        "strb r4, [r1]",
        "b 9f",
        "82:",
        "ldrh r4, [r0]",
        "strh r4, [r1]",
        "b 9f",
        "83:",
        "ldrh r4, [r0]",
        "ldrb r5, [r0, #2]",
        "strh r4, [r1]",
        "strb r5, [r1, #2]",
        "b 9f",
        // 16 bytes of code each.
        ".rept 8",
        "ldr r4, [r0], #4",
        "ldr r5, [r0], #4",
        "str r4, [r1], #4",
        "str r5, [r1], #4",
        ".endr",
        "9:",
        "add r0, r0, r8",
        "add r1, r1, r9",
        "subs r2, r2, #1",
        "bne 44b",
        "ldrd r4, r5, [r7, #20]",
        "add r0, r0, r4",
        "add r1, r1, r5",
        "subs r3, r3, #1",
        "bne 4b",
        "ldrd r4, r5, [r7, #32]",
        "add r0, r0, r4",
        "add r1, r1, r5",
        "subs r6, r6, #1",
        "bne 3b",
        "pop {{r4-r11, pc}}",
    )
}
