//! The stack of the loops over blocks of weights, and the code with which all these loops begin and end.

use core::mem::offset_of;

use super::super::PIXELS;
use super::super::widen::Run;
use super::finish::Finish;

/// The arguments of a loop. The loop copies them to its [`Stack`].
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Frame {
    /// `skip` bytes before the chunk's weights of the first block.
    pub(super) weights: *const u8,
    /// The patch.
    pub(super) x: *const u32,
    /// Bytes from the last byte that the loop reads of a block to the chunk's weights of the next block.
    pub(super) skip: usize,
    /// Where the last whole unit ends in the patch.
    pub(super) stop: *const u32,
    /// Stored elements of the last, incomplete unit. The loop replaces their number by the address of the
    /// code that multiplies them.
    pub(super) tail: usize,
    /// The sum of the chunk's codes, negated, for each pixel.
    pub(super) sums: *const i32,
    /// Zero points of the next block, where the loop does not read them from the block's first bytes.
    pub(super) zero_points: *const u8,
    /// Bytes from a block's zero points to the next one's.
    pub(super) zero_points_step: usize,
    /// Bytes from the lower channel's zero point to the upper one's.
    pub(super) zero_points_distance: usize,
    /// Bytes of code of the unrolled loop that the first round skips, plus 1, which is the Thumb bit. The
    /// loop adds its own address, so that this is where it is entered.
    pub(super) entry: usize,
    /// Where the loop stops reading the last block.
    pub(super) end: *const u8,
    /// Zero point of the output.
    pub(super) zero_point: u32,
    /// Where the codes of the next block go, in the first pixel.
    pub(super) out: *mut u8,
    /// Bytes from an output pixel to the next; 0 if the group has one pixel.
    pub(super) pitch: usize,
    /// Makes codes of sums that several chunks were added up to.
    pub(super) added: Finish,
    /// Takes the sums of a block.
    pub(super) chunk_end: Finish,
    /// Accumulators of the next block, where sums are stored.
    pub(super) accumulators: *mut [i32; PIXELS],
    /// Bytes of the patch between two extractions of the lower fields.
    pub(super) interval: usize,
    /// As `entry`, for all intervals but the first.
    pub(super) entry_again: usize,
    /// Where the lower fields are extracted for the first time, in the patch.
    pub(super) first_stop: *const u32,
    /// Mask of the weights of one pair of elements, for both channels. 0 if no half holds both channels.
    pub(super) mask: u32,
    /// How a block begins. The loop replaces it by the address of the code that begins a block.
    pub(super) begin: Begin,
    /// 1 if the lower halves of bytes wait in [`Stack::halves`], else 0.
    pub(super) half: usize,
    /// `zero_points` of the first block.
    pub(super) first_zero_points: *const u8,
    /// The codes that the first pixel of the next group sees.
    pub(super) from: *const u8,
    /// [`Fill::size`](super::Fill): what `fill` takes.
    pub(super) size: usize,
    /// Bytes of input from the window of one pixel to the window of the next one.
    pub(super) from_pitch: usize,
    /// Fills the patch with the codes that the pixels of the next group see.
    pub(super) fill: Run,
    /// Groups of pixels to compute. The patch is filled for the first of them.
    pub(super) groups: usize,
    /// Added to zero points that the loop reads from a table: the offset of the weights. 0 for 8-bit weights,
    /// and for zero points that stand before the weights, because these are stored with their offset.
    pub(super) offset: usize,
}

impl Frame {
    /// Moves on by bytes of blocks and of zero points. Back, too: then they wrap.
    #[inline(always)]
    pub(super) fn shift(&mut self, [weights, zero_points]: [usize; 2]) {
        self.weights = self.weights.wrapping_add(weights);
        self.end = self.end.wrapping_add(weights);
        self.zero_points = self.zero_points.wrapping_add(zero_points);
    }
}

/// The stack of a loop, below the saved registers: values that no register is free for.
#[repr(C)]
pub(super) struct Stack {
    pub(super) frame: Frame,
    /// For packed weights: the lower channel's sums so far, by pixel, as they were extracted.
    pub(super) lower: [i32; PIXELS],
    /// For 2-bit codes: lower halves of bytes, by pixel, that wait for the upper halves.
    pub(super) halves: [u32; PIXELS],
    /// For packed weights: the address where the loop goes on after the last whole unit.
    pub(super) packed_end: usize,
}

/// How blocks begin.
#[derive(Clone, Copy)]
#[repr(u32)]
pub(super) enum Begin {
    /// A block begins with its zero points. Its weights follow, and no bytes are skipped between.
    Usual = 0,
    /// The loop skips `skip` bytes before the weights, and reads zero points at `zero_points`.
    Slow = 1,
    /// The zero points are among the weights.
    Inside = 2,
}

/// Units of an unrolled loop: a power of two, `most` or, where code size counts more than time, two.
pub(super) const fn units(most: usize) -> usize {
    if cfg!(small) { 2 } else { most }
}

// `begin` copies the frame as 11, 12 and 7 words.
const _: () = assert!(size_of::<Frame>() == (11 + 12 + 7) * 4);

// One instruction reads or writes both fields of each of these pairs.
const _: () = assert!(
    offset_of!(Frame, skip) == offset_of!(Frame, x) + 4
        && offset_of!(Frame, zero_points_step) == offset_of!(Frame, zero_points) + 4
        && offset_of!(Frame, pitch) == offset_of!(Frame, out) + 4
        && offset_of!(Frame, entry_again) == offset_of!(Frame, interval) + 4
        && offset_of!(Frame, mask) == offset_of!(Frame, first_stop) + 4
        && offset_of!(Frame, from) == offset_of!(Frame, first_zero_points) + 4
        && offset_of!(Frame, from_pitch) == offset_of!(Frame, size) + 4
);

// `naked_asm!` of a function whose stack begins with a `Stack`: in its lines `Frame.out` is the offset of the
// field `out`, and so on; `Frame.size_of` is the size of all.
macro_rules! frame_asm {
    (@fields [$($body:tt)*] [$($given:ident)*] [$($own:ident)*]) => {
        naked_asm!(
            $(concat!(".set Frame.", stringify!($given), ", {", stringify!($given), "}"),)*
            $(concat!(".set Frame.", stringify!($own), ", {", stringify!($own), "}"),)*
            ".set Frame.size_of, {size_of}",
            $($body)*
            $($given = const core::mem::offset_of!(
                $crate::target::armv7em::asm::conv::frame::Stack, frame.$given
            ),)*
            $($own = const core::mem::offset_of!($crate::target::armv7em::asm::conv::frame::Stack, $own),)*
            size_of = const size_of::<$crate::target::armv7em::asm::conv::frame::Stack>(),
        )
    };
    ($($body:tt)*) => {
        $crate::target::armv7em::asm::conv::frame::frame_asm!(
            @fields [$($body)*]
            [weights x skip stop tail sums zero_points zero_points_step zero_points_distance entry end
             zero_point out pitch added chunk_end accumulators interval entry_again first_stop mask begin half
             first_zero_points from size from_pitch fill groups offset]
            [lower halves packed_end]
        )
    };
}

// `again` adds three distances of pixels, and clears four sums.
const _: () = assert!(PIXELS == 4);

// Saves registers, copies the frame to the stack, and makes addresses of `begin` and `entry`. Blocks begin at
// `2:` (`Begin::Usual`), at `1:` (`Slow`) or at `9:` (`Inside`, only in loops that take it).
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
    sub sp, sp, #Frame.size_of
    mov r9, sp
    ldm r0!, {{r1-r8, r10-r12}}
    stm r9!, {{r1-r8, r10-r12}}
    ldm r0!, {{r1-r8, r10-r12, lr}}
    stm r9!, {{r1-r8, r10-r12, lr}}
    ldm r0, {{r1-r7}}
    stm r9, {{r1-r7}}
    ldr r2, [sp, #Frame.begin]
    adr.w r1, 2f
",
            $choose,
            "
    add r1, r1, #1
    str r1, [sp, #Frame.begin]
    ldr r2, [sp, #Frame.entry]
    adr.w r1, 5f
    add r2, r2, r1
    str r2, [sp, #Frame.entry]
"
        )
    };
}

// Begins a block. Loads the zero points of its lower and upper channel to r4 and r5, and the negated sums of
// the codes of four pixels to r8 to r11. `$offset`: instructions that add the offset of the weights to zero
// points that are stored without it.
macro_rules! block {
    ($offset:literal) => {
        concat!(
            "
    .p2align 2
1:  ldr r8, [sp, #Frame.skip]
    ldrd r6, r7, [sp, #Frame.zero_points]
    add lr, lr, r8
    ldr r8, [sp, #Frame.zero_points_distance]
    ldrsb r4, [r6]
    ldrsb r5, [r6, r8]
    add r6, r6, r7
    str r6, [sp, #Frame.zero_points]
",
            $offset,
            "
    b 3f
    .p2align 2
2:  ldrsb r4, [lr], #1
    ldrsb r5, [lr], #1
3:  ldr r8, [sp, #Frame.sums]
    ldm r8, {{r8-r11}}
"
        )
    };
}

// Multiplies a pair of weights by a pair of elements, and adds both products to a sum.
macro_rules! multiply_add {
    ($sum:literal, $weights:literal, $elements:literal) => {
        concat!("smlad ", $sum, ", ", $weights, ", ", $elements, ", ", $sum, "\n")
    };
}

// As `multiply_add`, but the products begin the sum.
macro_rules! multiply {
    ($sum:literal, $weights:literal, $elements:literal) => {
        concat!("smuad ", $sum, ", ", $weights, ", ", $elements, "\n")
    };
}

// Goes on with the next block; after the last block, with the next group.
macro_rules! next {
    () => {
        "
    ldr r8, [sp, #Frame.end]
    cmp lr, r8
    it ne
    ldrne pc, [sp, #Frame.begin]
    b.w {again}
"
    };
}

/// Fills the patch for the next group of pixels, and begins with the first block again. After the last group,
/// returns from the loop.
///
/// # Safety
/// Only a loop whose [`Stack`] lies at `sp` may jump here.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn again() {
    frame_asm!(
        "ldr r4, [sp, #Frame.groups]",
        "subs r4, r4, #1",
        "beq 2f",
        "str r4, [sp, #Frame.groups]",
        // `out` is the end of the first pixel: the next group begins three pixels later.
        "ldrd r8, r9, [sp, #Frame.out]",
        "add r8, r8, r9, lsl #1",
        "add r8, r8, r9",
        "str r8, [sp, #Frame.out]",
        "ldr r1, [sp, #Frame.x]",
        "ldr r5, [sp, #Frame.sums]",
        "ldrd r6, r0, [sp, #Frame.first_zero_points]",
        "ldrd r2, r3, [sp, #Frame.size]",
        "ldr r9, [sp, #Frame.fill]",
        "str r6, [sp, #Frame.zero_points]",
        "add r6, r0, r3, lsl #2",
        "str r6, [sp, #Frame.from]",
        "mov r6, #0",
        "mov r7, #0",
        "strd r6, r7, [r5]",
        "strd r6, r7, [r5, #8]",
        "str r6, [sp, #Frame.half]",
        "mov r4, #4",
        "push {{r4, r5}}",
        "blx r9",
        "add sp, sp, #8",
        "ldr lr, [sp, #Frame.weights]",
        "ldr pc, [sp, #Frame.begin]",
        "2:",
        "add sp, sp, #Frame.size_of",
        "pop {{r4-r11, pc}}",
    )
}

pub(super) use {begin, block, frame_asm, multiply, multiply_add, next};
