//! What the loops over blocks of weights find on their stack, and how they begin, go on and end.

use core::mem::offset_of;

use super::super::PIXELS;
use super::super::widen::Run;
use super::finish::Finish;

/// What a loop is given: it copies it into its [`Stack`].
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Frame {
    /// Weights of the first block; `skip` before them, if anything is skipped.
    pub(super) weights: *const u8,
    /// The patch.
    pub(super) x: *const u32,
    /// Bytes from where a block ends to where the next one's weights begin.
    pub(super) skip: usize,
    /// The end of the last whole unit, in the patch.
    pub(super) stop: *const u32,
    /// Elements of the last, incomplete unit; on the stack the address of the code for them.
    pub(super) tail: usize,
    /// The sums of the elements of this chunk, negated, by pixel.
    pub(super) sums: *const i32,
    /// Zero points of the next block's weights, where they are not read with these.
    pub(super) zero_points: *const u8,
    /// Bytes from a block's zero points to the next one's.
    pub(super) zero_points_step: usize,
    /// Bytes from the lower channel's zero point to the upper one's.
    pub(super) zero_points_distance: usize,
    /// Bytes of the unrolled loop that are skipped at first, plus 1; on the stack the address of its entry.
    pub(super) entry: usize,
    /// Where the last block ends.
    pub(super) end: *const u8,
    /// Zero point of the output.
    pub(super) zero_point: u32,
    /// Where the next block's codes of the first pixel go.
    pub(super) out: *mut u8,
    /// Bytes from a pixel to the next.
    pub(super) pitch: usize,
    /// What makes codes of chunks that are added up.
    pub(super) added: Finish,
    /// What a block's sums go to.
    pub(super) chunk_end: Finish,
    /// Accumulators of the next block, where sums are stored.
    pub(super) accumulators: *mut [i32; PIXELS],
    /// Patch bytes between two extractions of the lower fields.
    pub(super) interval: usize,
    /// As `entry`, for all intervals but the first.
    pub(super) entry_again: usize,
    /// Where the lower fields are extracted first, in the patch.
    pub(super) first_stop: *const u32,
    /// Both channels' fields of a pair of elements.
    pub(super) mask: u32,
    /// How blocks begin; on the stack the address where they do.
    pub(super) begin: Begin,
    /// Whether the last block made half a byte.
    pub(super) half: usize,
    /// `zero_points` of the first block.
    pub(super) first_zero_points: *const u8,
    /// What the first pixel of the next group sees.
    pub(super) from: *const u8,
    /// As [`Fill`](super::Fill) has it.
    pub(super) size: usize,
    /// Bytes from what a pixel sees to what the next one does.
    pub(super) from_pitch: usize,
    /// Fills the patch with what the pixels of the next group see.
    pub(super) fill: Run,
    /// Groups of pixels; the patch is filled for the first one.
    pub(super) groups: usize,
    /// Offset of zero points that are stored without that of their weights; 0 for 8 bits.
    pub(super) offset: usize,
}

/// What a loop has on its stack, below the registers that it saves: what no register is left for.
#[repr(C)]
pub(super) struct Stack {
    pub(super) frame: Frame,
    /// Of packed weights: the sums of the lower channel, by pixel, that are taken out already.
    pub(super) lower: [i32; PIXELS],
    /// Halves of bytes, by pixel, that wait for the other half.
    pub(super) halves: [u32; PIXELS],
    /// Of packed weights: where the loop goes on after the last whole unit.
    pub(super) packed_end: usize,
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

// What `begin` copies.
const _: () = assert!(size_of::<Frame>() == (11 + 12 + 7) * 4);

// What one instruction reads or writes.
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

// Begins a block: r4 and r5 are the zero points of its lower and its upper channel, then r8 to r11 the sums
// of the codes, negated. `$offset` offsets zero points that are not stored so.
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
    ldr r8, [sp, #Frame.end]
    cmp lr, r8
    it ne
    ldrne pc, [sp, #Frame.begin]
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
    frame_asm!(
        "ldr r4, [sp, #Frame.groups]",
        "subs r4, r4, #1",
        "beq 2f",
        "str r4, [sp, #Frame.groups]",
        // The last pixel's codes end where those of the next group begin.
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
