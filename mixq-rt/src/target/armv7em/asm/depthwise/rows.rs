//! The loop over the rows of two channels.

use core::mem::{MaybeUninit, offset_of};

use super::channel::Channel;
use super::convolve::Convolve;
use super::load::Load;
use super::{ROW, ROW_BYTES};

/// Three rows of both channels, two elements a word.
pub(super) type Rows = [[[u32; ROW / 2]; 2]; 3];

/// What the loop over rows works with.
#[repr(C)]
pub(super) struct State {
    pub(super) pair: MaybeUninit<Pair>,
    pub(super) line_bytes: usize,
    pub(super) height: usize,
    pub(super) pixel_bytes: usize,
    /// Of a code, in both halves.
    pub(super) mask: u32,
    /// A pixel of padding, whatever its width.
    pub(super) padding: u32,
    /// Where a row's first pixel goes.
    pub(super) to: *mut u16,
    /// The ring's oldest slot: that of the window's first row.
    pub(super) slot: usize,
    /// Rows from one output to the next.
    pub(super) stride: usize,
    pub(super) out_line_bytes: usize,
    pub(super) convolve: Convolve,
    /// Bytes from the first channel's to the second's.
    pub(super) second_out: usize,
    // Not to be made elsewhere and copied, which takes as much of the stack again.
    pub(super) channels: MaybeUninit<[Channel; 2]>,
    pub(super) rows: MaybeUninit<Rows>,
}

/// A channel and its neighbour.
#[repr(C)]
pub(super) struct Pair {
    /// First pixel of the next row, in the first channel's byte.
    pub(super) from: *const u8,
    /// Its number; the rows of the padding above come before 0.
    pub(super) row: usize,
    /// Pixels of a row, times 256, plus the bits below the first channel in its byte.
    pub(super) pixels: usize,
    pub(super) load: Load,
    /// Row of output, in the first channel's byte.
    pub(super) out: *mut u8,
    /// Rows of output that are left.
    pub(super) lines: usize,
    /// Whether there is a second channel.
    pub(super) second: usize,
}

/// Computes `lines` (at least 1) rows of output, each after the rows of input that its windows see first;
/// three before the first row.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn run(state: *mut State) {
    naked_asm!(
        "push {{r0, r4-r11, lr}}",
        "mov r9, r0",
        "mov r10, #3",
        "2:",
        "ldr r11, [r9, #{slot}]",
        "3:",
        "ldrd r0, r4, [r9, #{from}]",
        "ldrd r2, r5, [r9, #{line_bytes}]",
        "cmp r4, r5",
        "add r2, r2, r0",
        "add r3, r4, #1",
        "strd r2, r3, [r9, #{from}]",
        "ldrd r2, r8, [r9, #{pixel_bytes}]",
        "ldrd r3, r4, [r9, #{pixels}]",
        "ldr r1, [r9, #{to}]",
        // Above and below, the same pixel again and again.
        "itt hs",
        "addhs r0, r9, #{padding}",
        "movhs r2, #0",
        "rsb r5, r11, r11, lsl #3",
        "add r1, r1, r5, lsl #4",
        "blx r4",
        "subs r11, r11, #1",
        "it lt",
        "movlt r11, #2",
        "subs r10, r10, #1",
        "bne 3b",
        "str r11, [r9, #{slot}]",
        "ldr r0, [r9, #{second}]",
        "cbz r0, 4f",
        "ldr r3, [r9, #{out}]",
        "ldrd r4, r5, [r9, #{convolve}]",
        "add r0, r9, #{rows} + {row_bytes}",
        "add r1, r9, #{second_channel}",
        "rsb r2, r11, #2",
        "add r3, r3, r5",
        "blx r4",
        "ldr r9, [sp]",
        "ldr r11, [r9, #{slot}]",
        "4:",
        "ldr r4, [r9, #{convolve}]",
        "ldr r3, [r9, #{out}]",
        "ldr r5, [r9, #{out_line_bytes}]",
        "add r0, r9, #{rows}",
        "add r1, r9, #{channels}",
        "rsb r2, r11, #2",
        "add r5, r5, r3",
        "str r5, [r9, #{out}]",
        "blx r4",
        "ldr r9, [sp]",
        "ldr r4, [r9, #{lines}]",
        "ldr r10, [r9, #{stride}]",
        "subs r4, r4, #1",
        "str r4, [r9, #{lines}]",
        "bne 2b",
        "pop {{r0, r4-r11, pc}}",
        from = const offset_of!(State, pair) + offset_of!(Pair, from),
        pixels = const offset_of!(State, pair) + offset_of!(Pair, pixels),
        out = const offset_of!(State, pair) + offset_of!(Pair, out),
        lines = const offset_of!(State, pair) + offset_of!(Pair, lines),
        second = const offset_of!(State, pair) + offset_of!(Pair, second),
        line_bytes = const offset_of!(State, line_bytes),
        pixel_bytes = const offset_of!(State, pixel_bytes),
        padding = const offset_of!(State, padding),
        to = const offset_of!(State, to),
        slot = const offset_of!(State, slot),
        stride = const offset_of!(State, stride),
        out_line_bytes = const offset_of!(State, out_line_bytes),
        convolve = const offset_of!(State, convolve),
        channels = const offset_of!(State, channels),
        second_channel = const offset_of!(State, channels) + size_of::<Channel>(),
        rows = const offset_of!(State, rows),
        row_bytes = const ROW_BYTES,
    )
}
