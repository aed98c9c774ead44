//! Widens windows whose taps lie apart: because filters see some of the channels, or with gaps.

use super::PIXELS;
use super::widen::{pair, sum, word};
use crate::target::armv7em::check::check;

/// The taps of windows that lie in the input, and where their codes go.
pub(crate) struct Taps {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    /// Output pixels.
    pub(crate) count: usize,
    /// Words of codes of a tap.
    pub(crate) words: usize,
    /// Bytes of input from a tap to the next one in its row, and to the one below it.
    pub(crate) distance: [usize; 2],
    /// Bytes of input from the window of a pixel to the window of the next one.
    pub(crate) pitch: usize,
    /// Elements of the patch from a row to the next.
    pub(crate) row_elements: usize,
}

/// How the loop goes over the taps of some pixels.
#[repr(C)]
pub(crate) struct Steps {
    rows: usize,
    columns: usize,
    words: usize,
    /// Bytes of input from the end of a tap's codes to the next tap.
    after_tap: usize,
    /// Bytes of input from there, after the last tap of a row, to the first one of the next row.
    after_row: usize,
    /// Bytes of the patch from the end of a row to the next row.
    patch_after_row: usize,
    pitch: usize,
    /// Pixels.
    count: usize,
    /// Bytes of input from the first to the last one that the loop reads.
    bytes: usize,
    /// Elements of the patch from the first to the last one that the loop writes: an even number.
    elements: usize,
}

impl Steps {
    /// Of no pixel.
    #[inline(always)]
    pub(crate) fn none() -> Steps {
        let [rows, columns, words, after_tap, after_row, patch_after_row, pitch] = [0; 7];
        let [count, bytes, elements] = [0; 3];
        Steps { rows, columns, words, after_tap, after_row, patch_after_row, pitch, count, bytes, elements }
    }

    /// Over taps, where a word has `word` codes.
    ///
    /// # Panics
    /// If there are no taps, or if elements are not in pairs.
    #[inline(always)]
    pub(crate) fn new(taps: &Taps, word: usize) -> Steps {
        let Taps { rows, columns, count, words, distance: [tap, row], pitch, row_elements } = *taps;
        check(rows > 0 && columns > 0 && words > 0 && count > 0);
        // In 64 bits, because 32 bits may not hold the products.
        let last = |count: usize, step: usize| (count - 1) as u64 * step as u64;
        let bytes = last(rows, row) + last(columns, tap) + last(count, pitch) + 4 * words as u64;
        let of_row = (columns * words) as u64 * word as u64;
        let elements = last(rows, row_elements) + of_row;
        check(bytes < 1 << 31 && elements < 1 << 16 && words < 1 << 16 && elements.is_multiple_of(2));
        Steps {
            rows,
            columns,
            words,
            after_tap: tap.wrapping_sub(4 * words),
            after_row: row.wrapping_sub(columns.wrapping_mul(tap)),
            patch_after_row: row_elements.wrapping_sub(of_row as usize).wrapping_mul(2 * PIXELS),
            pitch,
            count,
            bytes: bytes as usize,
            elements: elements as usize,
        }
    }

    /// Makes them steps of no pixel.
    #[inline(always)]
    pub(crate) fn clear(&mut self) {
        self.count = 0;
    }

    /// Pixels whose windows they go over.
    #[inline(always)]
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Taps of a window that they go over.
    #[inline(always)]
    pub(crate) fn taps(&self) -> usize {
        if self.count == 0 { 0 } else { self.rows * self.columns }
    }
}

/// A loop over the taps of the windows of some pixels. Its arguments: the codes of the first tap; where the
/// first pair of elements goes; the steps; the number of pixels, at least 1; the first pixel's sum, from
/// which the loop subtracts the codes.
type Run = unsafe extern "C" fn(*const u8, *mut u32, &Steps, usize, *mut i32);

/// Widens windows of one width of codes.
pub(crate) struct WidenWindow {
    run: Run,
}

impl WidenWindow {
    /// For `x`-bit codes.
    pub(crate) const fn of(x: usize) -> WidenWindow {
        let run: Run = match x {
            8 => window8,
            4 => window4,
            _ => window2,
        };
        WidenWindow { run }
    }

    /// Widens taps of the windows of pixels, from `pixel` on. They become elements of the patch from
    /// `element` on. `codes` begins with the first tap of the first window.
    ///
    /// # Panics
    /// If `codes` has not all these taps, or the patch has no room for them.
    #[inline(always)]
    pub(super) fn run(
        &self,
        codes: &[u8],
        patch: &mut [u32],
        sums: &mut [i32; PIXELS],
        [pixel, element]: [usize; 2],
        steps: &Steps,
    ) {
        // No overflow: a patch has fewer elements than 16 bits hold.
        check(steps.count > 0 && pixel + steps.count <= PIXELS && steps.bytes <= codes.len());
        check(element < 1 << 16 && (element / 2 + steps.elements / 2) * PIXELS <= patch.len());
        let to = patch.as_mut_ptr().wrapping_add(element / 2 * PIXELS + pixel);
        let sums = sums.as_mut_ptr().wrapping_add(pixel);
        // SAFETY: reads the words of each tap of each pixel's window. For each pixel and each pair of
        // elements that these words hold, writes a word of the patch; for each pixel, a sum. All checked
        // above. Steps with pixels are made by `Steps::new` alone, which has computed where they lead.
        unsafe { (self.run)(codes.as_ptr(), to, steps, steps.count, sums) };
    }
}

macro_rules! window {
    ($name:ident, $mask:literal, $bits:tt) => {
        #[unsafe(naked)]
        unsafe extern "C" fn $name(
            codes: *const u8,
            to: *mut u32,
            steps: &Steps,
            count: usize,
            sums: *mut i32,
        ) {
            naked_asm!(
                "push {{r4-r11, lr}}",
                concat!("mov r11, #", $mask),
                "1:",
                "mov r4, r0",
                "mov r5, r1",
                "mov r9, #0",
                "ldr r8, [r2, #{rows}]",
                "2:",
                "ldr r7, [r2, #{columns}]",
                "3:",
                "ldr r6, [r2, #{words}]",
                "ldr lr, [r2, #{after_tap}]",
                "4:",
                "ldr r10, [r4], #4",
                word!($bits, "r5", "16"),
                "subs r6, r6, #1",
                "bne 4b",
                "add r4, r4, lr",
                "subs r7, r7, #1",
                "bne 3b",
                "ldrd r6, lr, [r2, #{after_row}]",
                "add r4, r4, r6",
                "add r5, r5, lr",
                "subs r8, r8, #1",
                "bne 2b",
                sum!($bits),
                "ldr r4, [sp, #36]",
                "ldr r5, [r2, #{pitch}]",
                "ldr r6, [r4]",
                "add r0, r0, r5",
                "sub r6, r6, r9",
                "str r6, [r4], #4",
                "str r4, [sp, #36]",
                "add r1, r1, #4",
                "subs r3, r3, #1",
                "bne 1b",
                "pop {{r4-r11, pc}}",
                rows = const core::mem::offset_of!(Steps, rows),
                columns = const core::mem::offset_of!(Steps, columns),
                words = const core::mem::offset_of!(Steps, words),
                after_tap = const core::mem::offset_of!(Steps, after_tap),
                after_row = const core::mem::offset_of!(Steps, after_row),
                pitch = const core::mem::offset_of!(Steps, pitch),
            )
        }
    };
}

// One instruction of the loop reads both.
const _: () =
    assert!(core::mem::offset_of!(Steps, patch_after_row) == core::mem::offset_of!(Steps, after_row) + 4);

window!(window8, "0", 8);
window!(window4, "0x000f000f", 4);
window!(window2, "0x00030003", 2);
