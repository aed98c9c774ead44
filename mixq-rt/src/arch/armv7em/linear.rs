//! Fully connected layers: eight output channels at once, one pixel.
//!
//! The weights are unpacked as beside four pixels, see [`bytes`](super::bytes), [`nibbles`](super::nibbles), [`packed`](super::packed).

use core::arch::naked_asm;

use mixq_format::layout::{BLOCK, Blocks, STRIP};

use super::widen::{WidenRow, widen_row_for};

/// Output channels that are computed at once.
pub(crate) const CHANNELS: usize = BLOCK * STRIP;

/// Elements of a loop's round.
const ROUND: usize = 16;

/// What depends on the widths.
pub(crate) struct Loops {
    /// Takes: weights, codes, their end, sums by channel, bytes of codes from one time that lower fields are taken out to the next.
    run: unsafe extern "C" fn(*const u8, *const u32, *const u32, *mut [i32; CHANNELS], usize),
    /// What is added to the weights of the lower and the upper channel of a block.
    pub(crate) offsets: [i32; BLOCK],
    pub(crate) blocks: Blocks,
    pub(crate) widen: WidenRow,
}

impl Loops {
    /// For `x`-bit input and `w`-bit weights.
    pub(crate) const fn of(x: usize, w: usize) -> Loops {
        let (run, offsets): (unsafe extern "C" fn(_, _, _, _, _), _) = match (x, w) {
            (_, 8) => (bytes, [128, 0]),
            (8, 4) => (nibbles, [8, 8]),
            (_, 4) => (packed_4, [8, 0]),
            _ => (packed_2, [2, 0]),
        };
        let blocks = Blocks::of(super::bits(x), super::bits(w));
        Loops { run, offsets, blocks, widen: widen_row_for(x) }
    }

    /// Calls `each` with the number of a strip and `sum(q_x (s_w + offset))` over widened elements, by channel. The elements' weights of a strip
    /// begin `strip_bytes` after those of the strip before; lower fields are taken out every `interval` elements.
    ///
    /// # Panics
    /// If a strip has fewer weights, or the elements are no whole rounds.
    #[inline(always)]
    pub(crate) fn strips(
        &self,
        weights: &[u8],
        strip_bytes: usize,
        x: &[u32],
        interval: usize,
        mut each: impl FnMut(usize, &mut [i32; CHANNELS]),
    ) {
        let elements = 2 * x.len();
        assert!(elements > 0 && elements.is_multiple_of(ROUND) && interval >= ROUND);
        assert!(elements * self.blocks.weight_bits.count() / 8 * CHANNELS <= strip_bytes);
        let interval_bytes = 2 * (interval & !(ROUND - 1));
        let range = x.as_ptr_range();
        for (index, strip) in weights.chunks_exact(strip_bytes).enumerate() {
            let mut sums = [0; CHANNELS];
            // SAFETY: the loop reads the elements' weights of eight channels, and all of `x`, in whole rounds; asserted above.
            unsafe { (self.run)(strip.as_ptr(), range.start, range.end, &mut sums, interval_bytes) };
            each(index, &mut sums);
        }
    }
}

macro_rules! begin {
    () => {
        "
    push {{r2-r11, lr}}
    mov lr, r0
    mov r12, r1
    mov r0, #0
    mov r1, #0
    mov r2, #0
    mov r3, #0
"
    };
}

// The sums of the lower channels are in r0 to r3, those of the upper ones in r4 to r7.
macro_rules! end {
    () => {
        "
    ldr r8, [sp, #4]
    strd r0, r4, [r8]
    strd r1, r5, [r8, #8]
    strd r2, r6, [r8, #16]
    strd r3, r7, [r8, #24]
    pop {{r2-r11, pc}}
"
    };
}

macro_rules! round {
    () => {
        "
    ldr r8, [sp]
    cmp r12, r8
    bne.w 2b
"
    };
}

// Two elements of a block: r8 = its word.
macro_rules! bytes_of {
    ($lower:literal, $upper:literal, $x:literal) => {
        concat!(
            "
    ldr r8, [lr], #4
    smlad ",
            $upper,
            ", r8, ",
            $x,
            ", ",
            $upper,
            "
    uxtb16 r8, r8
    smlad ",
            $lower,
            ", r8, ",
            $x,
            ", ",
            $lower,
            "
"
        )
    };
}

#[unsafe(naked)]
unsafe extern "C" fn bytes(
    weights: *const u8,
    x: *const u32,
    end: *const u32,
    sums: *mut [i32; CHANNELS],
    interval: usize,
) {
    naked_asm!(
        begin!(),
        "mov r4, #0",
        "mov r5, #0",
        "mov r6, #0",
        "mov r7, #0",
        "2:",
        ".rept 4",
        "ldrd r10, r11, [r12], #8",
        bytes_of!("r0", "r4", "r10"),
        bytes_of!("r1", "r5", "r10"),
        bytes_of!("r2", "r6", "r10"),
        bytes_of!("r3", "r7", "r10"),
        bytes_of!("r0", "r4", "r11"),
        bytes_of!("r1", "r5", "r11"),
        bytes_of!("r2", "r6", "r11"),
        bytes_of!("r3", "r7", "r11"),
        ".endr",
        round!(),
        "sub r4, r4, r0",
        "sub r5, r5, r1",
        "sub r6, r6, r2",
        "sub r7, r7, r3",
        "asr r4, r4, #8",
        "asr r5, r5, #8",
        "asr r6, r6, #8",
        "asr r7, r7, #8",
        end!(),
    )
}

// Four elements of a block.
macro_rules! nibbles_of {
    ($lower:literal, $upper:literal) => {
        concat!(
            "
    ldr r8, [lr], #4
    uxtb16 r9, r8
    uxtb16 r8, r8, ror #8
    smlad ",
            $upper,
            ", r9, r10, ",
            $upper,
            "
    and r9, r9, #0x000f000f
    smlad ",
            $lower,
            ", r9, r10, ",
            $lower,
            "
    smlad ",
            $upper,
            ", r8, r11, ",
            $upper,
            "
    and r8, r8, #0x000f000f
    smlad ",
            $lower,
            ", r8, r11, ",
            $lower,
            "
"
        )
    };
}

#[unsafe(naked)]
unsafe extern "C" fn nibbles(
    weights: *const u8,
    x: *const u32,
    end: *const u32,
    sums: *mut [i32; CHANNELS],
    interval: usize,
) {
    naked_asm!(
        begin!(),
        "mov r4, #0",
        "mov r5, #0",
        "mov r6, #0",
        "mov r7, #0",
        "2:",
        ".rept 4",
        "ldrd r10, r11, [r12], #8",
        nibbles_of!("r0", "r4"),
        nibbles_of!("r1", "r5"),
        nibbles_of!("r2", "r6"),
        nibbles_of!("r3", "r7"),
        ".endr",
        round!(),
        "sub r4, r4, r0",
        "sub r5, r5, r1",
        "sub r6, r6, r2",
        "sub r7, r7, r3",
        "asr r4, r4, #4",
        "asr r5, r5, #4",
        "asr r6, r6, #4",
        "asr r7, r7, #4",
        end!(),
    )
}

// A word of a block's weights; r6 = the mask.
macro_rules! packed_of {
    (4, $sum:literal) => {
        concat!(
            "
    ldr r4, [lr], #4
    and r5, r6, r4
    smlad ",
            $sum,
            ", r5, r8, ",
            $sum,
            "
    and r5, r6, r4, ror #8
    smlad ",
            $sum,
            ", r5, r9, ",
            $sum,
            "
"
        )
    };
    (2, $sum:literal) => {
        concat!(
            "
    ldr r4, [lr], #4
    and r5, r6, r4
    smlad ",
            $sum,
            ", r5, r8, ",
            $sum,
            "
    and r5, r6, r4, ror #4
    smlad ",
            $sum,
            ", r5, r9, ",
            $sum,
            "
    and r5, r6, r4, ror #8
    smlad ",
            $sum,
            ", r5, r10, ",
            $sum,
            "
    and r5, r6, r4, ror #12
    smlad ",
            $sum,
            ", r5, r11, ",
            $sum,
            "
"
        )
    };
}

macro_rules! packed {
    ($name:ident, $bits:tt, $units:literal, $load:literal, $mask:literal, $s:literal) => {
        #[unsafe(naked)]
        unsafe extern "C" fn $name(
            weights: *const u8,
            x: *const u32,
            end: *const u32,
            sums: *mut [i32; CHANNELS],
            interval: usize,
        ) {
            // The fifth argument is above the eleven registers; the sums of the lower fields below them.
            naked_asm!(
                begin!(),
                "sub sp, sp, #16",
                "strd r0, r0, [sp]",
                "strd r0, r0, [sp, #8]",
                concat!("movw r6, #", $mask),
                concat!("movt r6, #", $mask),
                "3:",
                // The end of the next interval.
                "ldr r4, [sp, #60]",
                "ldr r7, [sp, #16]",
                "add r4, r4, r12",
                "cmp r4, r7",
                "it lo",
                "movlo r7, r4",
                "2:",
                concat!(".rept ", $units),
                $load,
                packed_of!($bits, "r0"),
                packed_of!($bits, "r1"),
                packed_of!($bits, "r2"),
                packed_of!($bits, "r3"),
                ".endr",
                "cmp r12, r7",
                "bne.w 2b",
                "ldm sp, {{r8-r11}}",
                concat!("ubfx r4, r0, #0, #", $s),
                concat!("ubfx r5, r1, #0, #", $s),
                "add r8, r8, r4",
                "add r9, r9, r5",
                concat!("ubfx r4, r2, #0, #", $s),
                concat!("ubfx r5, r3, #0, #", $s),
                "add r10, r10, r4",
                "add r11, r11, r5",
                concat!("bfc r0, #0, #", $s),
                concat!("bfc r1, #0, #", $s),
                concat!("bfc r2, #0, #", $s),
                concat!("bfc r3, #0, #", $s),
                "stm sp, {{r8-r11}}",
                "ldr r4, [sp, #16]",
                "cmp r12, r4",
                "bne.w 3b",
                concat!("asr r4, r0, #", $s),
                concat!("asr r5, r1, #", $s),
                concat!("asr r6, r2, #", $s),
                concat!("asr r7, r3, #", $s),
                "pop {{r0-r3}}",
                end!(),
            )
        }
    };
}

packed!(packed_4, 4, 4, "ldrd r8, r9, [r12], #8", "0xF00F", "12");
packed!(packed_2, 2, 2, "ldm r12!, {{r8-r11}}", "0xC003", "14");
