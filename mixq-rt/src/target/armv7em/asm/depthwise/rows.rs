//! The loop over the rows of two channels.

use core::mem::{MaybeUninit, offset_of};

use super::channel::Channel;
use super::convolve::Convolve;
use super::load::Load;
use super::{ROW, ROW_BYTES};

/// The three slots of both channels' rings, two elements a word.
pub(super) type Rows = [[[u32; ROW / 2]; 2]; 3];

/// The state of the loop over rows.
#[repr(C)]
pub(super) struct State {
    pub(super) pair: MaybeUninit<Pair>,
    /// Bytes of a row of the input.
    pub(super) line_bytes: usize,
    /// Rows of the input.
    pub(super) height: usize,
    /// Bytes of a pixel of the input.
    pub(super) pixel_bytes: usize,
    /// Mask of a code, in both halves.
    pub(super) mask: u32,
    /// Codes that are the input's zero point, in all bytes: read in place of pixels above and below the
    /// input.
    pub(super) padding: u32,
    /// Where the first pixel of a row goes in slot 0.
    pub(super) to: *mut u16,
    /// The slot of the window's first row, which is the oldest one: the next row replaces it.
    pub(super) slot: usize,
    /// Rows of input from one row of output to the next.
    pub(super) stride: usize,
    /// Bytes of a row of the output.
    pub(super) out_line_bytes: usize,
    pub(super) convolve: Convolve,
    /// Bytes from the first channel's codes to the second's, in the output.
    pub(super) second_out: usize,
    // Written in place: a copy from another place would take as much of the stack again.
    pub(super) channels: MaybeUninit<[Channel; 2]>,
    pub(super) rows: MaybeUninit<Rows>,
}

/// The state of the loop for a pair of channels.
#[repr(C)]
pub(super) struct Pair {
    /// The byte of the first channel's code, in the first pixel of the next row of input.
    pub(super) from: *const u8,
    /// Number of that row. Rows of padding above the input have wrapped numbers, -1 and so on.
    pub(super) row: usize,
    /// Pixels of a row, times 256, plus the bits below the first channel's code in its byte.
    pub(super) pixels: usize,
    pub(super) load: Load,
    /// The byte of the first channel's code, in the first pixel of the next row of output.
    pub(super) out: *mut u8,
    /// Rows of output that are still to be computed.
    pub(super) lines: usize,
    /// 1 if there is a second channel, else 0.
    pub(super) second: usize,
}

/// Computes `lines` (at least 1) rows of output. Before each of them, unpacks the rows of input that its
/// windows see and those before did not: three rows before the first row of output, then `stride` rows.
///
/// # Safety
/// The pointers in `state` are those of a layer that is checked: see [`execute`](super::execute).
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
        // For a row above or below the input: reads `padding` as every pixel, because pixels have 0 bytes.
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
