//! Widens what the filters of a group of channels see of four neighbouring output pixels, through windows of
//! three columns with a stride of 1. Together the windows see six columns. What two or three windows see is
//! read and unpacked once, and stored for each of them.

use core::mem::offset_of;

use super::PIXELS;
use super::window::Distances;
use crate::target::armv7em::check::check;

/// Columns of a window.
pub(crate) const COLUMNS: usize = 3;

/// Columns that four neighbouring windows see: those that are numbered 0 to 5 here.
pub(crate) const SEEN: usize = COLUMNS + PIXELS - 1;

/// Where the taps of the windows lie. The taps of a layer have the same [`Distances`].
pub(crate) struct Taps {
    /// Rows that lie in the input: at least one.
    pub(crate) rows: usize,
    /// Bytes from the start of the input to the codes of column 1 in the first of the rows, in the first
    /// group of channels.
    pub(crate) from: usize,
    /// Whether column 0 and column 5 lie in the input. All others do.
    pub(crate) ends: [bool; 2],
    /// The element that the first tap of the first of the rows becomes: an even number.
    pub(crate) element: usize,
}

/// Four neighbouring windows, as the loop goes over them.
#[repr(C)]
pub(crate) struct Row {
    /// Bytes from the first code of a group to column 1.
    from: usize,
    /// Bytes from a column to the next one.
    column: usize,
    /// Bytes of the patch before the first tap.
    to: usize,
    /// Bytes of the patch from a tap to the next one.
    tap: usize,
    /// Words of codes of a column, at least one.
    words: usize,
    /// Bytes of input from behind the codes of a row to the next row.
    row: usize,
    /// Bytes of the patch from behind the elements of a tap to the same tap of the next row.
    next: usize,
    rows: usize,
    /// Bit 0: whether there is a column 0. Bit 1: whether there is a column 5.
    ends: usize,
    /// Bytes from the first code of a group to the last one that the loop reads.
    bytes: usize,
    /// Elements of the patch up to the last one that the loop writes.
    elements: usize,
}

// The loop reads nine words by one instruction.
const _: () = assert!(offset_of!(Row, ends) == 32 && SEEN == 6);

impl Row {
    /// Of no pixel.
    pub(crate) const NONE: Row = Row {
        from: 0,
        column: 0,
        to: 0,
        tap: 0,
        words: 0,
        row: 0,
        next: 0,
        rows: 0,
        ends: 0,
        bytes: 0,
        elements: 0,
    };

    /// The windows of four pixels.
    ///
    /// # Panics
    /// If there are no rows, or taps have no words; if there are too many of both; if column 0 would begin
    /// before the input.
    #[inline(always)]
    pub(crate) fn of(taps: &Taps, distances: &Distances) -> Row {
        let Taps { rows, from, ends: [first, last], element } = *taps;
        let Distances { words, word, tap: column, row, row_elements, .. } = *distances;
        check(rows > 0 && rows < 256 && words > 0 && words < 1 << 16 && word.is_multiple_of(2));
        check(!first || from >= column);
        // In 64 bits, because 32 bits may not hold the products.
        let last_row = |step: usize| (rows - 1) as u64 * step as u64;
        let columns = (SEEN - 3 + usize::from(last)) as u64;
        let bytes = from as u64 + last_row(row) + columns * column as u64 + 4 * words as u64;
        let of_tap = words * word;
        let elements = element as u64 + last_row(row_elements) + (COLUMNS * of_tap) as u64;
        check(bytes < 1 << 31 && elements < 1 << 16 && COLUMNS * of_tap <= row_elements);
        // An element of the patch has a half of a word for each pixel.
        let in_patch = |elements: usize| elements * 2 * PIXELS;
        Row {
            from,
            column,
            to: in_patch(element),
            tap: in_patch(of_tap),
            words,
            row: row.wrapping_sub(4 * words),
            next: in_patch(row_elements - of_tap),
            rows,
            ends: usize::from(first) | usize::from(last) << 1,
            bytes: bytes as usize,
            elements: elements as usize,
        }
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

/// Widens four neighbouring windows of codes of one width.
pub(crate) struct WidenRow {
    run: Run,
}

/// A loop over four windows. Its arguments: the codes of a group of channels; the patch; the windows; the
/// sums of the four pixels, from which it subtracts the codes.
type Run = unsafe extern "C" fn(*const u8, *mut u32, *const Row, *mut i32);

impl WidenRow {
    /// For `x`-bit codes.
    pub(crate) const fn of(x: usize) -> WidenRow {
        let run: Run = match x {
            8 => row8,
            4 => row4,
            _ => row2,
        };
        WidenRow { run }
    }

    /// Widens what a group of channels sees, and subtracts it from the sums. `codes` begins with the codes of
    /// the group.
    ///
    /// # Safety
    /// [`Row::bytes`] bytes may be read from `codes` on, and the patch of [`Row::elements`] elements and the
    /// sums of four pixels may be read and written.
    #[inline(always)]
    pub(super) unsafe fn widen(&self, codes: *const u8, patch: *mut u32, row: &Row, sums: *mut i32) {
        // SAFETY: reads the words of each column that lies in the input, writes a word of the patch for each
        // tap of these and each pair of elements, and changes sums: the caller allows it. Only `Row::of`
        // makes windows, and knows where they lead.
        unsafe { (self.run)(codes, patch, row, sums) };
    }
}

// Stores one word of codes for the windows that see its column. r10: the word, r11: the mask of packed codes.
// `$load`: where the word is read. `$at`: 4 bytes for each column before this one, and 4. `$tap`: the pointer
// to a tap, `$sum`: the sum of the window whose tap that is. The pointers to the taps begin 4, 8 and 12 bytes
// before these, so that `$at` is the same for all taps of a column, and the last store of a word moves all of
// them to the next word.
macro_rules! column {
    (8, $load:literal, $at:literal, $next:literal, $($tap:literal $sum:literal)*) => {
        concat!(
            "\nldr r10, ", $load, "\nuxtb16 r12, r10",
            $("\nusada8 ", $sum, ", r10, r11, ", $sum,)*
            "\nuxtb16 r10, r10, ror #8",
            $("\nstr r12, [", $tap, ", #", $at, "]",)*
            $("\nstr r10, [", $tap, ", #16 + ", $at, "]", $next,)*
            "\n"
        )
    };
    (4, $load:literal, $at:literal, $next:literal, $($tap:literal $sum:literal)*) => {
        concat!(
            "\nldr r10, ", $load, "\nand lr, r11, r10",
            $("\nstr lr, [", $tap, ", #", $at, "]",)*
            column!(@ "4", "16", $at, "", $($tap)*),
            column!(@ "8", "32", $at, "", $($tap)*),
            column!(@ "12", "48", $at, $next, $($tap)*),
            $("uadd16 ", $sum, ", ", $sum, ", lr\n",)*
        )
    };
    (2, $load:literal, $at:literal, $next:literal, $($tap:literal $sum:literal)*) => {
        concat!(
            "\nldr r10, ", $load, "\nand lr, r11, r10",
            $("\nstr lr, [", $tap, ", #", $at, "]",)*
            column!(@ "2", "16", $at, "", $($tap)*),
            column!(@ "4", "32", $at, "", $($tap)*),
            column!(@ "6", "48", $at, "", $($tap)*),
            column!(@ "8", "64", $at, "", $($tap)*),
            column!(@ "10", "80", $at, "", $($tap)*),
            column!(@ "12", "96", $at, "", $($tap)*),
            column!(@ "14", "112", $at, $next, $($tap)*),
            $("uadd16 ", $sum, ", ", $sum, ", lr\n",)*
        )
    };
    // A pair of packed codes, and its place.
    (@ $shift:literal, $pair:literal, $at:literal, $next:literal, $($tap:literal)*) => {
        concat!(
            "\nand r12, r11, r10, lsr #", $shift,
            $("\nstr r12, [", $tap, ", #", $pair, " + ", $at, "]", $next,)*
            "\nuadd16 lr, lr, r12\n"
        )
    };
}

// Counts a word. Packed codes leave no register for the number of words.
macro_rules! count {
    (8) => {
        "subs lr, lr, #1"
    };
    ($bits:tt) => {
        "ldr r12, [sp, #24]\nsubs r12, r12, #1\nstr r12, [sp, #24]"
    };
}

// Begins to count the words of a row, whose number is in r10.
macro_rules! begin {
    (8) => {
        "mov lr, r10"
    };
    ($bits:tt) => {
        "str r10, [sp, #24]"
    };
}

// Makes one sum of the sums in the halves of a register.
macro_rules! sum {
    (8, $sum:literal) => {
        ""
    };
    ($bits:tt, $sum:literal) => {
        concat!("uxth r10, ", $sum, "\nadd ", $sum, ", r10, ", $sum, ", lsr #16")
    };
}

// On the stack: where a word begins, by the columns that there are; words, rows that are left, `row` and
// `next` of the windows, the sums, and for packed codes the words that are left.
macro_rules! row {
    ($name:ident, $mask:literal, $bits:tt) => {
        #[unsafe(naked)]
        unsafe extern "C" fn $name(codes: *const u8, to: *mut u32, row: *const Row, sums: *mut i32) {
            naked_asm!(
                "push {{r4-r11, lr}}",
                "sub sp, sp, #28",
                "str r3, [sp, #20]",
                // r4: from, r5: column, r6: to, r7: tap, r8: words, r9: row, r10: next, r11: rows, r12: ends.
                "ldm r2, {{r4-r12}}",
                "adr.w lr, 8f",
                "lsls r12, r12, #31",
                "it mi",
                "adrmi.w lr, 7f",
                "bcc 2f",
                "adr.w lr, 9f",
                "it mi",
                "adrmi.w lr, 6f",
                "2:",
                "add lr, lr, #1",
                "strd lr, r8, [sp]",
                "str r11, [sp, #8]",
                "strd r9, r10, [sp, #12]",
                // r0, r1: columns 0 and 3; r2: from a column to the next; r3 to r5: taps.
                "add r0, r0, r4",
                "sub r0, r0, r5",
                "mov r2, r5",
                "add r3, r1, r6",
                "add r4, r3, r7",
                "add r5, r4, r7",
                "sub r3, r3, #4",
                "sub r4, r4, #8",
                "sub r5, r5, #12",
                "add r1, r2, r2, lsl #1",
                "add r1, r1, r0",
                "mov r10, r8",
                // r6 to r9: sums.
                "mov r6, #0",
                "mov r7, #0",
                "mov r8, #0",
                "mov r9, #0",
                concat!("mov r11, #", $mask),
                begin!($bits),
                "ldr pc, [sp]",
                ".p2align 2",
                "6:",
                column!($bits, "[r1, r2, lsl #1]", "24", "", "r5" "r9"),
                ".p2align 2",
                "7:",
                column!($bits, "[r0]", "4", "", "r3" "r6"),
                ".p2align 2",
                "8:",
                column!($bits, "[r0, r2]", "8", "", "r3" "r7" "r4" "r6"),
                column!($bits, "[r0, r2, lsl #1]", "12", "", "r3" "r8" "r4" "r7" "r5" "r6"),
                column!($bits, "[r1, r2]", "20", "", "r4" "r9" "r5" "r8"),
                column!($bits, "[r1], #4", "16", "!", "r3" "r9" "r4" "r8" "r5" "r7"),
                "add r0, r0, #4",
                count!($bits),
                "it ne",
                "ldrne pc, [sp]",
                "ldrd r10, r12, [sp, #12]",
                "add r0, r0, r10",
                "add r1, r1, r10",
                "add r3, r3, r12",
                "add r4, r4, r12",
                "add r5, r5, r12",
                "ldrd r10, r12, [sp, #4]",
                begin!($bits),
                "subs r12, r12, #1",
                "str r12, [sp, #8]",
                "it ne",
                "ldrne pc, [sp]",
                sum!($bits, "r6"),
                sum!($bits, "r7"),
                sum!($bits, "r8"),
                sum!($bits, "r9"),
                "ldr r12, [sp, #20]",
                "ldm r12, {{r0-r3}}",
                "sub r0, r0, r6",
                "sub r1, r1, r7",
                "sub r2, r2, r8",
                "sub r3, r3, r9",
                "stm r12, {{r0-r3}}",
                "add sp, sp, #28",
                "pop {{r4-r11, pc}}",
                ".p2align 2",
                "9:",
                column!($bits, "[r1, r2, lsl #1]", "24", "", "r5" "r9"),
                "b.w 8b",
            )
        }
    };
}

row!(row8, "0", 8);
row!(row4, "0x000f000f", 4);
row!(row2, "0x00030003", 2);
