//! Products of tensors of 8 bits, several elements at once.
//!
//! For tensors of one shape the loop takes 4.75 instructions an element: the differences from the zero points
//! are halves of words, two for each instruction that extracts them; the rounded high word of a product times
//! `m 2^(32-s)`, plus `Z_y`, is the code before it is limited. 16 bits hold it, because `m / 2^s` is below a
//! half, so two codes are limited at once. Four elements take 17 instructions beside loads and stores: 4
//! extract differences, 4 multiply them, 4 multiply by `m`, 2 make pairs of codes, 2 limit these, 1 makes
//! them bytes.
//!
//! One pixel that multiplies several gives each channel a factor, `C = m (q_b - Z_b) 2^(23-s)`. The loop goes
//! through the pixels of four channels and takes 4.0 instructions an element. `SMLAWx` adds the bits of
//! `C (q_a - Z_a)` from bit 16 on to the zero point and a half, of which bit 7 is the unit; what is cut off
//! does not change the result of rounding down. A factor that 32 bits do not hold is limited: the code of an
//! element that is not 0 then is the least or the largest one in either case.

use mixq_format::{Bits, Multiply, Operands};

use crate::target::armv7em::check::check;

/// Elements that the loop over elements multiplies at once.
const UNIT: usize = 8;

/// Units that one call multiplies at most: 16 bits count two of them.
const MOST: usize = 2 << 16;

/// Channels that the loop over pixels multiplies at once.
const STRIP: usize = 4;

/// Bits of a factor of a channel below the unit of the output.
const FRACTION: u32 = 23;

/// The arguments of the loop over elements.
#[repr(C)]
struct Elements {
    /// `-Z_a` in both halves of a word, and `-Z_b`.
    zero_points: [u32; 2],
    /// `m 2^(32-s)`.
    multiplier: i32,
    /// `Z_y`, and in the upper half how many rounds follow the first one.
    output: u32,
}

/// The arguments of the loop over the pixels of four channels.
#[repr(C)]
struct Channels {
    factors: [i32; STRIP],
    /// `Z_y` and a half, in units of `2^-7`.
    constant: i32,
    /// `-Z_a` in both halves of a word.
    zero_point: u32,
}

/// Multiplies tensors of one shape.
///
/// # Panics
/// If a tensor has another width than 8 bits, the shapes differ, or the shift is below 16.
#[inline(never)]
pub(crate) fn by_element(operands: Operands<Multiply>) {
    let (table, _, arena) = operands.parts();
    let [a, b, output] = offsets(table);
    check(!table.by_channel() && table.shift >= 16);
    let elements = table.output.elements();
    let start = arena.as_mut_ptr();
    // Tensors begin at words of the arena.
    let units = if start.cast::<u32>().is_aligned() { elements / UNIT } else { 0 };
    let zero_points = [&table.a, &table.b].map(|tensor| pair(tensor.zero_point));
    let multiplier = table.multiplier.wrapping_shl(32 - table.shift);
    let zero_point = i32::from(table.output.zero_point);
    let mut done = 0;
    while done < units {
        let count = (units - done).min(MOST);
        let output_and_rounds = zero_point as u32 | (count.div_ceil(2) as u32 - 1) << 16;
        let arguments = Elements { zero_points, multiplier, output: output_and_rounds };
        let at = |offset: usize| start.wrapping_add(offset + UNIT * done);
        // SAFETY: reads and writes `count` units of each tensor. `Operands` proves that the tensors lie in
        // the arena and begin at multiples of 4 in it, which is aligned. The output may be an input: all
        // pointers are derived from one pointer to the arena.
        unsafe { multiply_elements(&arguments, count, at(a), at(b), at(output)) };
        done += count;
    }
    for index in units * UNIT..elements {
        let product = difference(arena[a + index], table.a.zero_point)
            * difference(arena[b + index], table.b.zero_point);
        let rounded = (((table.multiplier * product) >> (table.shift - 1)) + 1) >> 1;
        arena[output + index] = (rounded + zero_point).clamp(0, 255) as u8;
    }
}

/// Multiplies each pixel of a tensor by one pixel.
///
/// # Panics
/// If a tensor has another width than 8 bits, or no pixel multiplies several.
#[inline(never)]
pub(crate) fn by_channel(operands: Operands<Multiply>) {
    let (table, _, arena) = operands.parts();
    let [a, b, output] = offsets(table);
    check(table.by_channel() && Multiply::SHIFTS.contains(&table.shift));
    let (pixels, channels) = (table.output.pixels(), usize::from(table.output.channels));
    let constant = (i32::from(table.output.zero_point) << 7) + (1 << 6);
    let factor = |code: u8| {
        let product = table.multiplier.wrapping_mul(difference(code, table.b.zero_point));
        product.saturating_mul(1 << (FRACTION - table.shift))
    };
    let strips = channels / STRIP;
    for strip in 0..strips {
        let first = strip * STRIP;
        let factors = [0, 1, 2, 3].map(|channel| factor(arena[b + first + channel]));
        let arguments = Channels { factors, constant, zero_point: pair(table.a.zero_point) };
        let from = arena.as_mut_ptr().wrapping_add(a + first);
        let distance = output.wrapping_sub(a);
        // SAFETY: reads and writes four channels of each pixel. `Operands` proves that the tensors lie in the
        // arena. The output may be the input: both pointers are derived from one pointer to the arena.
        unsafe { multiply_channels(&arguments, from, channels, pixels, distance) };
    }
    for channel in strips * STRIP..channels {
        let factor = factor(arena[b + channel]);
        for index in (channel..pixels * channels).step_by(channels) {
            let code = difference(arena[a + index], table.a.zero_point);
            let scaled = (i64::from(factor) * i64::from(code)) >> 16;
            arena[output + index] = ((scaled as i32 + constant) >> 7).clamp(0, 255) as u8;
        }
    }
}

/// Bytes from the start of the arena to both factors and to the product.
///
/// # Panics
/// If a tensor has another width than 8 bits.
#[inline(always)]
fn offsets(table: &Multiply) -> [usize; 3] {
    let tensors = [&table.a, &table.b, &table.output];
    check(tensors.iter().all(|tensor| tensor.bits == Bits::B8));
    tensors.map(|tensor| tensor.offset as usize)
}

#[inline(always)]
fn difference(code: u8, zero_point: u8) -> i32 {
    i32::from(code) - i32::from(zero_point)
}

/// The negated zero point in both halves of a word.
#[inline(always)]
fn pair(zero_point: u8) -> u32 {
    let half = u32::from((zero_point as u16).wrapping_neg());
    half << 16 | half
}

/// # Safety
/// `units` pairs of words, at least one, may be read at `a` and `b`, and written at `output`. They begin at
/// words.
#[unsafe(naked)]
unsafe extern "C" fn multiply_elements(
    arguments: *const Elements,
    units: usize,
    a: *const u8,
    b: *const u8,
    output: *mut u8,
) {
    naked_asm!(
        "push {{r4-r11, lr}}",
        "ldr r12, [sp, #36]",
        "ldm r0, {{r4-r7}}",
        // Two units a round; an odd number begins with the second one. The upper half of r7 counts rounds:
        // that half of a sum is not looked at.
        "lsls r1, r1, #31",
        "bmi 3f",
        "2:",
        ".irp entry, 0, 1",
        ".if \\entry",
        "3:",
        ".endif",
        "ldrd r8, r9, [r2], #8",
        "ldrd r10, r11, [r3], #8",
        // Elements 0 and 2, then 1 and 3.
        "uxtab16 r0, r4, r8",
        "uxtab16 r8, r4, r8, ror #8",
        "uxtab16 r1, r5, r10",
        "uxtab16 r10, r5, r10, ror #8",
        "smulbb lr, r0, r1",
        "smultt r0, r0, r1",
        "smulbb r1, r8, r10",
        "smultt r8, r8, r10",
        "smmlar lr, lr, r6, r7",
        "smmlar r0, r0, r6, r7",
        "smmlar r1, r1, r6, r7",
        "smmlar r8, r8, r6, r7",
        "pkhbt lr, lr, r0, lsl #16",
        "pkhbt r1, r1, r8, lsl #16",
        "usat16 lr, #8, lr",
        "usat16 r1, #8, r1",
        "orr r8, lr, r1, lsl #8",
        // Elements 4 and 6, then 5 and 7.
        "uxtab16 r0, r4, r9",
        "uxtab16 r9, r4, r9, ror #8",
        "uxtab16 r1, r5, r11",
        "uxtab16 r11, r5, r11, ror #8",
        "smulbb lr, r0, r1",
        "smultt r0, r0, r1",
        "smulbb r1, r9, r11",
        "smultt r9, r9, r11",
        "smmlar lr, lr, r6, r7",
        "smmlar r0, r0, r6, r7",
        "smmlar r1, r1, r6, r7",
        "smmlar r9, r9, r6, r7",
        "pkhbt lr, lr, r0, lsl #16",
        "pkhbt r1, r1, r9, lsl #16",
        "usat16 lr, #8, lr",
        "usat16 r1, #8, r1",
        "orr r9, lr, r1, lsl #8",
        "strd r8, r9, [r12], #8",
        ".endr",
        "subs r7, r7, #0x10000",
        "bcs 2b",
        "pop {{r4-r11, pc}}",
    )
}

/// `distance` is that from `first`, the first of four channels, to where the product of this element goes;
/// `channels` are the bytes from one pixel to the next.
///
/// # Safety
/// A word may be read at `first` and written at `distance` from it, and at the same place of `pixels` pixels,
/// of which there is at least one.
#[unsafe(naked)]
unsafe extern "C" fn multiply_channels(
    arguments: *const Channels,
    first: *mut u8,
    channels: usize,
    pixels: usize,
    distance: usize,
) {
    naked_asm!(
        "push {{r4-r11, lr}}",
        "ldr r12, [sp, #36]",
        "ldm r0, {{r4-r9}}",
        "add lr, r12, r2",
        // Four pixels a round. Other numbers begin with a later one; an odd number (N) with the second one of
        // a pair, as if there were one before.
        "lsls r0, r3, #31",
        "add r3, r3, #3",
        "lsr r3, r3, #2",
        "bmi 7f",
        "bcs 5f",
        "2:",
        ".irp pair, 0, 1",
        ".if \\pair",
        "5:",
        ".endif",
        ".irp pixel, 0, 1",
        ".if \\pixel",
        ".if \\pair",
        "6:",
        ".else",
        "4:",
        ".endif",
        "ldr r10, [r1, r2]",
        ".else",
        "ldr r10, [r1]",
        ".endif",
        // Channels 0 and 2, then 1 and 3.
        "uxtab16 r11, r9, r10",
        "uxtab16 r10, r9, r10, ror #8",
        "smlawb r0, r4, r11, r8",
        "smlawt r11, r6, r11, r8",
        "usat r0, #8, r0, asr #7",
        "usat r11, #8, r11, asr #7",
        "orr r0, r0, r11, lsl #16",
        "smlawb r11, r5, r10, r8",
        "smlawt r10, r7, r10, r8",
        "usat r11, #8, r11, asr #7",
        "usat r10, #8, r10, asr #7",
        "orr r0, r0, r11, lsl #8",
        "orr r0, r0, r10, lsl #24",
        ".if \\pixel",
        "str r0, [r1, lr]",
        ".else",
        "str r0, [r1, r12]",
        ".endif",
        ".endr",
        "add r1, r1, r2, lsl #1",
        ".endr",
        "subs r3, r3, #1",
        "bne 2b",
        "pop {{r4-r11, pc}}",
        "7:",
        "sub r1, r1, r2",
        "bcs 4b",
        "b 6b",
    )
}
