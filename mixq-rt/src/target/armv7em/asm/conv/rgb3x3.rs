//! Widens windows of 3x3 on three channels, as a first layer has them on an image. Each window is widened
//! whole.
//!
//! The patch has a 28th element after the 27 elements of a window: their sum, negated. Where zero points
//! stand among the weights ([`Records`](mixq_format::target::armv7em::Records)), the loop multiplies them by
//! this element.

use mixq_format::target::armv7em::{RGB3X3_ELEMENTS, RGB3X3_WITH_ZERO_POINT};

use super::super::PIXELS;
use super::super::widen::Run;
use super::Fill;
use crate::target::armv7em::check::{check, hold};

/// Output pixels whose windows are widened at once.
pub(crate) const PAIR: usize = 2;

/// Elements of a patch.
pub(super) const ELEMENTS: usize = RGB3X3_WITH_ZERO_POINT;

// 16 bits hold the 28th element.
const _: () = assert!(RGB3X3_ELEMENTS * 255 < 1 << 15);

/// Bytes of each of three staged rows. The windows of a pair of pixels are one or two columns apart, so that
/// they see at most five input pixels of three bytes in a row.
pub(crate) const STAGED_ROW: usize = 16;

/// Widens the windows for one width of codes.
#[derive(Clone, Copy)]
pub(crate) struct Rgb3x3 {
    /// Takes an even number of output pixels.
    run: Run,
    /// Bytes of a row of a window.
    row_bytes: usize,
}

/// The function for `x`-bit codes, and the bytes that it reads of a row.
pub(super) const fn rgb3x3_for(x: usize) -> Rgb3x3 {
    let (run, row_bytes): (Run, _) = match x {
        8 => (rgb3x3_8bit, 9),
        4 => (rgb3x3_4bit, 6),
        _ => (rgb3x3_2bit, 3),
    };
    Rgb3x3 { run, row_bytes }
}

impl Rgb3x3 {
    /// Fills a patch from an image whose rows are `row` bytes apart.
    #[inline(always)]
    pub(crate) fn fill(&self, row: usize) -> Fill {
        Fill { run: self.run, size: row, bytes: 2 * row + self.row_bytes, elements: ELEMENTS }
    }

    /// Widens the windows of the output pixels `pixel` and `pixel + 1`. `codes` begins with the first window.
    /// The windows are `pitch` bytes apart, and the rows of each window are `row` bytes apart.
    ///
    /// # Panics
    /// If the windows do not lie in `codes`, or the patch has no room for their elements.
    #[inline(always)]
    pub(super) fn run(
        &self,
        codes: &[u8],
        patch: &mut [u32],
        sums: &mut [i32; PIXELS],
        pixel: usize,
        [row, pitch]: [usize; 2],
    ) {
        check(pixel + PAIR <= PIXELS && codes.len() > pitch);
        check(hold(codes.len() - pitch, 3, row, self.row_bytes));
        check(ELEMENTS / 2 * PIXELS <= patch.len());
        let (to, sums) = (patch.as_mut_ptr().wrapping_add(pixel), sums.as_mut_ptr().wrapping_add(pixel));
        // SAFETY: reads `row_bytes` bytes of each of three rows of both windows, which lie in `codes`. Writes
        // two words of each of 14 groups of four words, which lie in the patch, and two sums. All checked
        // above.
        unsafe { (self.run)(codes.as_ptr(), to, row, pitch, PAIR, sums) };
    }
}

// Widens eight codes of a row of both windows to four pairs of elements. r0 and r6 are the codes; their sums
// are added to r12 and lr.
macro_rules! words {
    ($($offset:literal, $even:literal, $odd:literal;)*) => {
        concat!($(
            "
    ldr r8, [r0, #", $offset, "]
    ldr r9, [r6, #", $offset, "]
    usada8 r12, r8, r11, r12
    usada8 lr, r9, r11, lr
    uxtb16 r4, r8
    uxtb16 r5, r9
    strd r4, r5, [r1, #", $even, "]
    uxtb16 r8, r8, ror #8
    uxtb16 r9, r9, ror #8
    strd r8, r9, [r1, #", $odd, "]
"
        ),*)
    };
}

/// Takes two pixels in each round.
#[unsafe(naked)]
unsafe extern "C" fn rgb3x3_8bit(
    codes: *const u8,
    to: *mut u32,
    row: usize,
    pitch: usize,
    count: usize,
    sums: *mut i32,
) {
    naked_asm!(
        "push {{r4-r11, lr}}",
        "mov r11, #0",
        "2:",
        "add r6, r0, r3",
        "mov r12, #0",
        "mov lr, #0",
        words!("0", "0", "16"; "4", "32", "48";),
        "ldrb r7, [r0, #8]",
        "ldrb r10, [r6, #8]",
        "add r0, r0, r2",
        "add r6, r6, r2",
        words!("0", "64", "80"; "4", "96", "112";),
        // One pair of elements: the last codes of the first two rows.
        "ldrb r8, [r0, #8]",
        "ldrb r9, [r6, #8]",
        "orr r7, r7, r8, lsl #16",
        "orr r10, r10, r9, lsl #16",
        "strd r7, r10, [r1, #192]",
        "usada8 r12, r7, r11, r12",
        "usada8 lr, r10, r11, lr",
        "add r0, r0, r2",
        "add r6, r6, r2",
        words!("0", "128", "144"; "4", "160", "176";),
        "ldrb r8, [r0, #8]",
        "ldrb r9, [r6, #8]",
        "add r12, r12, r8",
        "add lr, lr, r9",
        "rsb r12, r12, #0",
        "rsb lr, lr, #0",
        "orr r8, r8, r12, lsl #16",
        "orr r9, r9, lr, lsl #16",
        "strd r8, r9, [r1, #208]",
        "ldrd r4, r5, [sp, #36]",
        "strd r12, lr, [r5], #8",
        "str r5, [sp, #40]",
        "sub r0, r0, r2, lsl #1",
        "add r0, r0, r3, lsl #1",
        "add r1, r1, #8",
        "subs r4, r4, #2",
        "str r4, [sp, #36]",
        "bne.w 2b",
        "pop {{r4-r11, pc}}",
    )
}

// Widens the codes at bit `$shift` of both halves of r8 to a pair of elements, and adds them to r7.
macro_rules! pair {
    ($to:literal, $shift:literal) => {
        concat!("and r9, r11, r8, lsr #", $shift, "\nstr r9, [r1, #", $to, "]\nusada8 r7, r9, r10, r7\n")
    };
    ($to:literal) => {
        concat!("and r9, r11, r8\nstr r9, [r1, #", $to, "]\nusada8 r7, r9, r10, r7\n")
    };
}

// Widens the three channels of two pixels that lie in the halves of r8. The channels are `$step` bits apart;
// `$twice` is twice as much.
macro_rules! channels {
    ($first:literal, $second:literal, $third:literal, $step:literal, $twice:literal) => {
        concat!(pair!($first), pair!($second, $step), pair!($third, $twice))
    };
}

// Loads the first two pixels of a row to the halves of r8, and the third pixel to `$third`.
macro_rules! load {
    (4, $third:literal) => {
        concat!("\nldr r8, [r6]\nldrh ", $third, ", [r6, #4]\nadd r6, r6, r2\n")
    };
    (2, $third:literal) => {
        concat!("\nldrh r8, [r6]\nldrb ", $third, ", [r6, #2]\nadd r6, r6, r2\norr r8, r8, r8, lsl #8\n")
    };
}

macro_rules! rgb3x3 {
    ($name:ident, $bits:tt, $step:literal, $twice:literal, $pair:literal, $mask:literal) => {
        #[unsafe(naked)]
        unsafe extern "C" fn $name(
            codes: *const u8,
            to: *mut u32,
            row: usize,
            pitch: usize,
            count: usize,
            sums: *mut i32,
        ) {
            naked_asm!(
                "push {{r4-r11, lr}}",
                "ldrd r4, r5, [sp, #36]",
                concat!("mov r11, #", $pair),
                "mov r10, #0",
                "2:",
                "mov r6, r0",
                "mov r7, #0",
                load!($bits, "r12"),
                channels!("0", "16", "32", $step, $twice),
                load!($bits, "lr"),
                channels!("48", "64", "80", $step, $twice),
                "orr r12, r12, lr, lsl #16",
                load!($bits, "lr"),
                channels!("96", "112", "128", $step, $twice),
                // The third pixels of the first two rows, then the third pixel of the last row.
                "mov r8, r12",
                channels!("144", "160", "176", $step, $twice),
                concat!("and r8, lr, #", $mask),
                concat!("ubfx r9, lr, #", $step, ", #", $step),
                "orr r8, r8, r9, lsl #16",
                "str r8, [r1, #192]",
                "usada8 r7, r8, r10, r7",
                concat!("ubfx r9, lr, #", $twice, ", #", $step),
                "add r7, r7, r9",
                "rsb r7, r7, #0",
                "orr r9, r9, r7, lsl #16",
                "str r9, [r1, #208]",
                "str r7, [r5], #4",
                "add r0, r0, r3",
                "add r1, r1, #4",
                "subs r4, r4, #1",
                "bne 2b",
                "pop {{r4-r11, pc}}",
            )
        }
    };
}

rgb3x3!(rgb3x3_4bit, 4, "4", "8", "0x000f000f", "15");
rgb3x3!(rgb3x3_2bit, 2, "2", "4", "0x00030003", "3");
