//! What the loops over blocks of weights find on their stack, and how they begin, go on and end.

use core::arch::naked_asm;

use super::super::PIXELS;
use super::finish::Finish;
use super::super::widen::Run;

/// What a loop is given: it copies it onto its stack, below the registers that it saves, and finds there what
/// no register is left for, at these offsets.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Frame {
    /// 0: of the first block; less `skip`, if anything is skipped.
    pub(super) weights: *const u8,
    /// 4.
    pub(super) x: *const u32,
    /// 8: bytes from where a block ends to where the next one's weights begin.
    pub(super) skip: usize,
    /// 12: after the last whole unit.
    pub(super) stop: *const u32,
    /// 16: elements of the last, incomplete unit; then where they are taken.
    pub(super) tail: usize,
    /// 20: of the elements of this chunk, negated, by pixel.
    pub(super) sums: *const i32,
    /// 24: of the next block's weights, where they are not read with these.
    pub(super) zero_points: *const u8,
    /// 28: bytes from a block's zero points to the next one's.
    pub(super) zero_points_step: usize,
    /// 32: bytes from the lower channel's zero point to the upper one's.
    pub(super) zero_points_distance: usize,
    /// 36: bytes of the unrolled loop that are skipped at first, and 1; then the address where it is entered.
    pub(super) entry: usize,
    /// 40: where the last block ends.
    pub(super) end: *const u8,
    /// 44: of the output.
    pub(super) zero_point: u32,
    /// 48: where the next block's codes of the first pixel go.
    pub(super) out: *mut u8,
    /// 52: bytes from a pixel to the next.
    pub(super) pitch: usize,
    /// 56: what makes codes of chunks that are added up.
    pub(super) added: Finish,
    /// 60: what a block's sums go to.
    pub(super) chunk_end: Finish,
    /// 64: of the next block, where they are stored.
    pub(super) accumulators: *mut [i32; PIXELS],
    /// 68: bytes of the patch from one time that lower fields are taken out to the next.
    pub(super) interval: usize,
    /// 72: as `entry`, for an interval that is not the first.
    pub(super) entry_again: usize,
    /// 76: where lower fields are taken out for the first time.
    pub(super) first_stop: *const u32,
    /// 80: both channels' fields of a pair of elements.
    pub(super) mask: u32,
    /// 84: then the address where a block begins.
    pub(super) begin: Begin,
    /// 88: whether the last block made half a byte.
    pub(super) half: usize,
    /// 92: `zero_points` of the first block.
    pub(super) first_zero_points: *const u8,
    /// 96: what the first pixel of the next group sees.
    pub(super) from: *const u8,
    /// 100: as [`Fill`](super::Fill) has it.
    pub(super) size: usize,
    /// 104: bytes from what a pixel sees to what the next one does.
    pub(super) from_pitch: usize,
    /// 108: fills the patch with what the pixels of the next group see.
    pub(super) fill: Run,
    /// 112: of pixels; the patch is filled for the first one.
    pub(super) groups: usize,
    /// 116: of zero points that are not stored with that of their weights; 0 for 8 bits.
    pub(super) offset: usize,
    // 152: where packed sums go at the end. 120 to 135: sums of lower fields. 136 to 151: halves of bytes.
}

/// How blocks begin.
#[derive(Clone, Copy)]
#[repr(u32)]
pub(super) enum Begin {
    /// Zero points, then the weights.
    Usual = 0,
    /// There is something to skip, or zero points are elsewhere.
    Slow = 1,
    /// There may be something to skip; zero points are among the weights.
    Inside = 2,
}

/// Units of an unrolled loop: a power of two, few where code is worth more than time.
pub(super) const fn units(most: usize) -> usize {
    if cfg!(small) { 2 } else { most }
}

// 156 bytes on the stack, 30 words of them given.
const _: () = assert!(size_of::<Frame>() == 120 || cfg!(not(target_pointer_width = "32")));

// In an instruction of `again`.
const _: () = assert!(PIXELS == 4);

// Saves registers and takes the frame: then all but r0 may be used. Blocks begin at `2:`, at `1:` or, where
// the loop knows zero points that are inside, at `9:`.
macro_rules! begin {
    () => {
        begin!(@ "cmp r2, #0\nit ne\nadrne.w r1, 1f")
    };
    (inside) => {
        begin!(@ "cmp r2, #1\nit eq\nadreq.w r1, 1f\nit hi\nadrhi.w r1, 9f")
    };
    (@ $choose:literal) => {
        concat!(
        "
    push {{r4-r11, lr}}
    sub sp, sp, #156
    mov r9, sp
    ldm r0!, {{r1-r8, r10-r12}}
    stm r9!, {{r1-r8, r10-r12}}
    ldm r0!, {{r1-r8, r10-r12, lr}}
    stm r9!, {{r1-r8, r10-r12, lr}}
    ldm r0, {{r1-r7}}
    stm r9, {{r1-r7}}
    ldr r2, [sp, #84]
    adr.w r1, 2f
",
            $choose,
            "
    add r1, r1, #1
    str r1, [sp, #84]
    ldr r2, [sp, #36]
    adr.w r1, 5f
    add r2, r2, r1
    str r2, [sp, #36]
"
        )
    };
}

// Begins a block: r4 and r5 are the zero points of its lower and its upper channel, then r8 to r11 the sums
// of the codes, negated. `$offset` offsets zero points that are not stored so.
macro_rules! block {
    ($offset:literal) => {
        concat!(
            "
    .p2align 2
1:  ldr r8, [sp, #8]
    ldrd r6, r7, [sp, #24]
    add lr, lr, r8
    ldr r8, [sp, #32]
    ldrsb r4, [r6]
    ldrsb r5, [r6, r8]
    add r6, r6, r7
    str r6, [sp, #24]
",
            $offset,
            "
    b 3f
    .p2align 2
2:  ldrsb r4, [lr], #1
    ldrsb r5, [lr], #1
3:  ldr r8, [sp, #20]
    ldm r8, {{r8-r11}}
"
        )
    };
}

// A pair of weights by a pair of elements: added to a sum, or the first of it.
macro_rules! multiply_add {
    ($sum:literal, $weights:literal, $elements:literal) => {
        concat!("smlad ", $sum, ", ", $weights, ", ", $elements, ", ", $sum, "\n")
    };
}

macro_rules! multiply {
    ($sum:literal, $weights:literal, $elements:literal) => {
        concat!("smuad ", $sum, ", ", $weights, ", ", $elements, "\n")
    };
}

// The next block, or the next group if there is none.
macro_rules! next {
    () => {
        "
    ldr r8, [sp, #40]
    cmp lr, r8
    it ne
    ldrne pc, [sp, #84]
    b.w {again}
"
    };
}

/// Fills the patch for the next group of pixels, and begins with the first block again; or returns, if there
/// is none.
///
/// # Safety
/// Only to be jumped to by a loop whose frame lies on the stack.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn again() {
    naked_asm!(
        "ldr r4, [sp, #112]",
        "subs r4, r4, #1",
        "beq 2f",
        "str r4, [sp, #112]",
        // The last pixel's codes end where those of the next group begin.
        "ldrd r8, r9, [sp, #48]",
        "add r8, r8, r9, lsl #1",
        "add r8, r8, r9",
        "str r8, [sp, #48]",
        "ldr r1, [sp, #4]",
        "ldr r5, [sp, #20]",
        "ldrd r6, r0, [sp, #92]",
        "ldrd r2, r3, [sp, #100]",
        "ldr r9, [sp, #108]",
        "str r6, [sp, #24]",
        "add r6, r0, r3, lsl #2",
        "str r6, [sp, #96]",
        "mov r6, #0",
        "mov r7, #0",
        "strd r6, r7, [r5]",
        "strd r6, r7, [r5, #8]",
        "str r6, [sp, #88]",
        "mov r4, #4",
        "push {{r4, r5}}",
        "blx r9",
        "add sp, sp, #8",
        "ldr lr, [sp]",
        "ldr pc, [sp, #84]",
        "2:",
        "add sp, sp, #156",
        "pop {{r4-r11, pc}}",
    )
}

pub(super) use {begin, block, multiply, multiply_add, next};
