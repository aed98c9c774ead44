//! Depthwise convolution with a window of 3x3: two channels side by side, from rings of three widened rows of the input.
//!
//! Two columns of a row are a word; the three weights of a row are two words, `(w0, w1)` and `(w1, w2)`: a row of the window is
//! one `SMLAD` and one `SMLABT`, or `SMLATB` and `SMLAD` for the column to the right. Both channels' codes come from one load of the
//! input. What depends on the widths is called by pointers, once a row.

mod channel;
mod convolve;
mod load;

use core::arch::naked_asm;
use core::mem::{MaybeUninit, offset_of};

use mixq_format::Depthwise;

use super::split;
use crate::check::check;
use channel::{Channel, Channels};
use convolve::{Convolve, convolve};
use load::{Load, Loads, fill, loads};

/// Elements of a row, with its padding.
const ROW: usize = 28;
const ROW_BYTES: usize = 2 * ROW;
/// A row of both channels.
const SLOT_BYTES: usize = 2 * ROW_BYTES;
// In two instructions.
const _: () = assert!(SLOT_BYTES == 7 << 4);

/// Columns of output that the rows have room for, whose windows begin `stride` (1 or 2) elements apart: four elements each.
const fn columns(stride: usize) -> usize {
    if stride == 1 { ROW - 4 } else { (ROW - 4) / 2 }
}

const _: () = assert!((columns(1) - 1) + 3 < ROW && 2 * (columns(2) - 1) + 3 < ROW);

/// Three rows of both channels, two elements a word.
type Rows = [[[u32; ROW / 2]; 2]; 3];

/// What the loop over rows works with.
#[repr(C)]
struct State {
    pair: MaybeUninit<Pair>,
    line_bytes: usize,
    height: usize,
    pixel_bytes: usize,
    /// Of a code, in both halves.
    mask: u32,
    /// A pixel of padding, whatever its width.
    padding: u32,
    /// Where a row's first pixel goes.
    to: *mut u16,
    /// The ring's oldest slot: that of the window's first row.
    slot: usize,
    /// Rows from one output to the next.
    stride: usize,
    out_line_bytes: usize,
    convolve: Convolve,
    /// Bytes from the first channel's to the second's.
    second_out: usize,
    // Not to be made elsewhere and copied, which takes as much of the stack again.
    channels: MaybeUninit<[Channel; 2]>,
    rows: MaybeUninit<Rows>,
}

/// A channel and its neighbour.
#[repr(C)]
struct Pair {
    /// First pixel of the next row, in the first channel's byte.
    from: *const u8,
    /// Its number; the rows of the padding above come before 0.
    row: usize,
    /// Pixels of a row, times 256, plus the bits below the first channel in its byte.
    pixels: usize,
    load: Load,
    /// Row of output, in the first channel's byte.
    out: *mut u8,
    /// Rows of output that are left.
    lines: usize,
    /// Whether there is a second channel.
    second: usize,
}

/// What depends on the widths.
pub(crate) struct Loops {
    loads: Loads,
    convolve: Convolve,
    /// Bits of a code of the output.
    codes: usize,
}

impl Loops {
    /// For `x`-bit input and `y`-bit output; `odd`: of an odd number of channels.
    pub(crate) const fn of(x: usize, y: usize, odd: bool) -> Loops {
        Loops { loads: loads(x, odd), convolve: convolve(y), codes: y }
    }
}

/// Executes a layer: columns of the output, as many as the rows have room for, after columns; codes below 8 bits go below what their bytes hold
/// already.
///
/// # Panics
/// If `loops` are for other codes, or the window is another one, or tables, tensors or weights are not where they should be.
#[inline(never)]
pub(crate) fn execute(table: &Depthwise, loops: &Loops, parameters: &[u8], arena: &mut [u8]) {
    let Depthwise { input: x, output: y, window, .. } = table;
    let Loops { loads, convolve, codes } = *loops;
    let (stride, lines) = (usize::from(window.stride_width), usize::from(y.height));
    check(
        (window.kernel_height, window.kernel_width) == (3, 3)
            && (stride == 1 || stride == 2)
            && window.stride_height > 0
            && x.bits.count() == loads.bits
            && y.bits.count() == codes
            && lines > 0
            && y.channels > 0
            && (x.channels.is_multiple_of(2) || loads.odd),
    );
    let mut channels = Channels::new(table, parameters);
    let (input, output, _) = split(arena, x, y, [0; 2]);
    let all = usize::from(y.channels);
    if !(all * codes).is_multiple_of(8) {
        // The bits after the last code.
        output.fill(0);
    }
    let (width, out_width) = (usize::from(x.width), usize::from(y.width));
    let (pixel_bytes, step) = (x.pixel_bytes(), y.pixel_bytes());
    let line_bytes = width * pixel_bytes;
    let padding = u32::from(x.zero_point);
    let mut state = State {
        pair: MaybeUninit::uninit(),
        line_bytes,
        height: x.height.into(),
        pixel_bytes,
        mask: ((1 << loads.bits) - 1) * 0x0001_0001,
        padding: match loads.bits {
            8 => padding,
            4 => padding * 0x11,
            _ => padding * 0x55,
        } * 0x0101_0101,
        to: core::ptr::null_mut(),
        slot: 0,
        stride: window.stride_height.into(),
        out_line_bytes: out_width * step,
        convolve,
        second_out: codes / 8,
        channels: MaybeUninit::uninit(),
        rows: MaybeUninit::uninit(),
    };
    let mut first = 0;
    while first < out_width {
        let count = columns(stride).min(out_width - first);
        // What the windows see, from the padding on: padding, pixels, padding.
        let (from, needed) = (first * stride, (count - 1) * stride + 3);
        let pad = usize::from(window.pad_left);
        let (left, begin) = (pad.saturating_sub(from), from.saturating_sub(pad));
        let pixels = (from + needed).saturating_sub(pad).min(width).saturating_sub(begin);
        // SAFETY: writes the rows.
        unsafe { fill(state.rows.as_mut_ptr(), padding * 0x0001_0001) };
        state.to = state.rows.as_mut_ptr().cast::<u16>().wrapping_add(left);
        let singles = if stride == 1 { count % 2 } else { count };
        let pairs = (count - singles) / 2;
        channels.counts = [((pairs as i32) << 8) - 256, ((singles as i32) << 8) - 256];
        let corner = begin
            .wrapping_mul(pixel_bytes)
            .wrapping_sub(usize::from(window.pad_top).wrapping_mul(line_bytes));
        // The last channel first, as codes are put into their bytes.
        let mut channel = all.next_multiple_of(2);
        while channel > 0 {
            channel -= 2;
            let (bit, values) = (channel * loads.bits, state.channels.as_mut_ptr().cast::<Channel>());
            let second = !loads.odd || channel + 1 < all;
            // SAFETY: channels of the layer, for which there is memory.
            unsafe {
                if second {
                    channels.write(channel + 1, values.wrapping_add(1));
                }
                channels.write(channel, values);
            }
            state.pair.write(Pair {
                from: input.as_ptr().wrapping_add(corner).wrapping_add(bit / 8),
                row: 0usize.wrapping_sub(window.pad_top.into()),
                pixels: (pixels << 8) + bit % 8,
                load: if second { loads.pair } else { loads.single },
                out: output.as_mut_ptr().wrapping_add(first * step + channel * codes / 8),
                lines,
                second: second.into(),
            });
            // SAFETY: where a row's number is below the height, the loop reads the code's byte of so many pixels as the row has from there
            // on, or two bytes where two channels of 8 bits are. Elements go between the padding of a slot, where each window reads four
            // from an even one on, as far as `needed`, which is below `ROW`; of each output's pixel a byte is read and written. The tensors
            // are whole.
            unsafe { run(&raw mut state) };
        }
        first += count;
    }
}

/// Computes `lines` (at least 1) rows of output, each after the rows of input that its windows see first; three before the first row.
#[unsafe(naked)]
unsafe extern "C" fn run(state: *mut State) {
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
