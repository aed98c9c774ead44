//! Widens what the filters of a group of channels see of four output pixels: the taps of their windows lie
//! apart, because filters see some of the channels, or with gaps.

use core::mem::offset_of;

use super::PIXELS;
use super::widen::{pair, sum, word};
use crate::target::armv7em::check::{check, refuse};

/// The taps of the windows of neighbouring output pixels that lie in the input. They are the same for each of
/// the pixels.
pub(crate) struct Taps {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    /// The first of the pixels, among the four, and their number.
    pub(crate) pixels: [usize; 2],
    /// Bytes from the start of the input to the first tap's codes, in the first group of channels.
    pub(crate) from: usize,
    /// The first element that the taps become: an even number.
    pub(crate) element: usize,
}

/// The distances of taps, the same in all views of a layer.
pub(crate) struct Distances {
    /// Words of codes of a tap.
    pub(crate) words: usize,
    /// Codes of a word.
    pub(crate) word: usize,
    /// Bytes of input from a tap to the next one in its row.
    pub(crate) tap: usize,
    /// Bytes of input from a tap to the one below it.
    pub(crate) row: usize,
    /// Bytes of input from the window of a pixel to the window of the next one.
    pub(crate) pitch: usize,
    /// Elements of the patch from a row of taps to the next.
    pub(crate) row_elements: usize,
}

/// Taps, as the loop goes over them.
#[derive(Clone, Copy)]
#[repr(C)]
struct View {
    /// Bytes from the first code of a group to the first tap.
    from: usize,
    /// The first pair of elements.
    pair: u16,
    /// Pairs of elements of the patch from the end of a row to the next row.
    pairs_after_row: u16,
    rows: u8,
    columns: u8,
    /// The first pixel.
    pixel: u8,
    /// Pixels.
    count: u8,
}

impl View {
    const NONE: View = View { from: 0, pair: 0, pairs_after_row: 0, rows: 0, columns: 0, pixel: 0, count: 0 };
}

/// What the filters of any group of channels see of four output pixels: at most `N` views.
#[repr(C)]
pub(crate) struct Views<const N: usize> {
    /// Words of codes of a tap.
    words: usize,
    /// Bytes of input from the end of a tap's codes to the next tap of the row.
    after_tap: usize,
    /// Bytes of input from the window of a pixel to the window of the next one.
    pitch: usize,
    /// Bytes of input from a tap to the one below it.
    row: usize,
    /// Bytes of `list` that have a view.
    used: usize,
    /// A view for each run of pixels that see the same taps.
    list: [View; N],
    /// Bytes from the first code of a group to the last one that the loop reads.
    bytes: usize,
    /// Elements of the patch up to the last one that the loop writes.
    elements: usize,
}

// The loop reads five words by one instruction, then the list.
const _: () = assert!(offset_of!(Views<1>, used) == 16 && offset_of!(Views<1>, list) == 20);

impl<const N: usize> Views<N> {
    /// Of no pixel.
    pub(crate) const NONE: Views<N> = Views {
        words: 0,
        after_tap: 0,
        pitch: 0,
        row: 0,
        used: 0,
        list: [View::NONE; N],
        bytes: 0,
        elements: 0,
    };

    /// Makes them views of no pixel.
    #[inline(always)]
    pub(crate) fn clear(&mut self) {
        (self.used, self.bytes, self.elements) = (0, 0, 0);
    }

    /// Pixels of the first view; 0, if there is none.
    #[inline(always)]
    pub(crate) fn count(&self) -> usize {
        if self.used == 0 { 0 } else { self.list[0].count.into() }
    }

    /// Taps of a window of the first view; 0, if there is none.
    #[inline(always)]
    pub(crate) fn taps(&self) -> usize {
        if self.used == 0 { 0 } else { usize::from(self.list[0].rows) * usize::from(self.list[0].columns) }
    }

    /// Adds taps that some pixels see.
    ///
    /// # Panics
    /// If there are no taps, or taps have no words; if there are too many of both, or of views.
    #[inline(always)]
    pub(crate) fn add(&mut self, taps: &Taps, distances: &Distances) {
        let Taps { rows, columns, pixels: [pixel, count], from, element } = *taps;
        let Distances { words, word, tap, row, pitch, row_elements } = *distances;
        check(rows > 0 && columns > 0 && count > 0 && pixel + count <= PIXELS);
        check(rows < 256 && columns < 256 && words > 0 && words < 1 << 16 && word.is_multiple_of(2));
        // In 64 bits, because 32 bits may not hold the products.
        let last = |count: usize, step: usize| (count - 1) as u64 * step as u64;
        let bytes = last(rows, row) + last(columns, tap) + last(count, pitch);
        let bytes = from as u64 + bytes + 4 * words as u64;
        let of_row = (columns * words) as u64 * word as u64;
        let elements = element as u64 + last(rows, row_elements) + of_row;
        check(bytes < 1 << 31 && elements < 1 << 16 && of_row <= row_elements as u64);
        self.bytes = self.bytes.max(bytes as usize);
        self.elements = self.elements.max(elements as usize);
        let Some(view) = self.list.get_mut(self.used / size_of::<View>()) else { refuse() };
        *view = View {
            from,
            pair: (element / 2) as u16,
            pairs_after_row: ((row_elements - of_row as usize) / 2) as u16,
            rows: rows as u8,
            columns: columns as u8,
            pixel: pixel as u8,
            count: count as u8,
        };
        self.used += size_of::<View>();
        (self.words, self.after_tap, self.pitch, self.row) = (words, tap.wrapping_sub(4 * words), pitch, row);
    }

    /// Bytes from the first code of a group to the last one that the loop reads.
    #[inline(always)]
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Elements of the patch that the loop writes, or that lie before these.
    #[inline(always)]
    pub(super) fn elements(&self) -> usize {
        self.elements
    }
}

/// Widens views of codes of one width.
pub(crate) struct WidenWindow {
    run: Run,
}

/// A loop over views. Its arguments: the codes of a group of channels; the patch; the views; the sums of the
/// four pixels, from which it subtracts the codes.
type Run = unsafe extern "C" fn(*const u8, *mut u32, *const Views<1>, *mut i32);

impl WidenWindow {
    /// For `x`-bit codes.
    pub(crate) const fn of(x: usize) -> WidenWindow {
        let run: Run = match x {
            8 => views8,
            4 => views4,
            _ => views2,
        };
        WidenWindow { run }
    }

    /// Widens what a group of channels sees, and subtracts it from the sums. `codes` begins with the codes of
    /// the group.
    ///
    /// # Panics
    /// If `codes` has not all that the views see, or the patch has no room for it.
    #[inline(always)]
    pub(super) fn run<const N: usize>(
        &self,
        codes: &[u8],
        patch: &mut [u32],
        sums: &mut [i32; PIXELS],
        views: &Views<N>,
    ) {
        check(views.bytes <= codes.len() && views.elements.div_ceil(2) * PIXELS <= patch.len());
        // SAFETY: the views lie in the codes and the patch: checked above.
        unsafe { self.widen(codes.as_ptr(), patch.as_mut_ptr(), views, sums.as_mut_ptr()) };
    }

    /// The same without checks.
    ///
    /// # Safety
    /// [`Views::bytes`] bytes may be read from `codes` on, and the patch of [`Views::elements`] elements and
    /// the sums of four pixels may be read and written.
    #[inline(always)]
    pub(super) unsafe fn widen<const N: usize>(
        &self,
        codes: *const u8,
        patch: *mut u32,
        views: &Views<N>,
        sums: *mut i32,
    ) {
        // SAFETY: reads the words of each tap of each view, writes a word of the patch for each pair of
        // elements that these words hold, and changes sums: the caller allows it. Only `Views::add` makes
        // views, and knows where they lead. However many views there are, they lie at the same place.
        unsafe { (self.run)(codes, patch, core::ptr::from_ref(views).cast(), sums) };
    }
}

// On the stack: codes, patch, words of a tap, pitch, bytes from a tap to the one below, the end of the views,
// the sums, the next pixel's sum, and the pixels that are left.
macro_rules! views {
    ($name:ident, $mask:literal, $bits:tt) => {
        #[unsafe(naked)]
        unsafe extern "C" fn $name(codes: *const u8, to: *mut u32, views: *const Views<1>, sums: *mut i32) {
            naked_asm!(
                "push {{r4-r11, lr}}",
                concat!("mov r11, #", $mask),
                // r4: words, lr: bytes after a tap, r6: pitch, r7: bytes of a row, r8: the end of the views.
                "ldm r2!, {{r4-r8}}",
                "mov lr, r5",
                "add r8, r8, r2",
                "sub sp, sp, #36",
                "mov r9, r3",
                "stm sp, {{r0, r1, r4, r6-r9}}",
                "b 6f",
                "1:",
                "ldrd r0, r1, [sp]",
                "ldrh r5, [r2, #{pair}]",
                "ldrb r6, [r2, #{pixel}]",
                "ldrb r7, [r2, #{count}]",
                "ldr r4, [r2, #{from}]",
                "add r1, r1, r5, lsl #4",
                "add r1, r1, r6, lsl #2",
                "add r6, r9, r6, lsl #2",
                "add r0, r0, r4",
                "strd r6, r7, [sp, #28]",
                "5:",
                "mov r3, r0",
                "mov r5, r1",
                "mov r9, #0",
                "ldrb r8, [r2, #{rows}]",
                "2:",
                "mov r4, r3",
                "ldrb r7, [r2, #{columns}]",
                "3:",
                "ldr r6, [sp, #8]",
                "4:",
                "ldr r10, [r4], #4",
                word!($bits, "r5", "16"),
                "subs r6, r6, #1",
                "bne 4b",
                "add r4, r4, lr",
                "subs r7, r7, #1",
                "bne 3b",
                "ldr r6, [sp, #16]",
                "ldrh r10, [r2, #{pairs_after_row}]",
                "add r3, r3, r6",
                "add r5, r5, r10, lsl #4",
                "subs r8, r8, #1",
                "bne 2b",
                sum!($bits),
                "ldrd r4, r7, [sp, #28]",
                "ldr r5, [sp, #12]",
                "ldr r6, [r4]",
                "add r0, r0, r5",
                "add r1, r1, #4",
                "sub r6, r6, r9",
                "str r6, [r4], #4",
                "subs r7, r7, #1",
                "strd r4, r7, [sp, #28]",
                "bne 5b",
                "add r2, r2, #{view}",
                "6:",
                "ldrd r8, r9, [sp, #20]",
                "cmp r2, r8",
                "bne 1b",
                "add sp, sp, #36",
                "pop {{r4-r11, pc}}",
                from = const offset_of!(View, from),
                pair = const offset_of!(View, pair),
                pairs_after_row = const offset_of!(View, pairs_after_row),
                rows = const offset_of!(View, rows),
                columns = const offset_of!(View, columns),
                pixel = const offset_of!(View, pixel),
                count = const offset_of!(View, count),
                view = const size_of::<View>(),
            )
        }
    };
}

views!(views8, "0", 8);
views!(views4, "0x000f000f", 4);
views!(views2, "0x00030003", 2);
