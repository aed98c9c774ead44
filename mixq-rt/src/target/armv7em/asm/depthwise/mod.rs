//! Depthwise convolution with a window of at most 3x3. Two neighbouring output channels are computed at once.
//! For each of them, a ring of three slots holds the last three rows of the input, 16 bits an element.
//!
//! A word holds two columns of a row. The three weights of a row are two words, `(w0, w1)` and `(w1, w2)`.
//! For an even column, a row of the window is one `SMLAD` and one `SMLABT`; for the odd column to the right
//! of it, one `SMLATB` and one `SMLAD`. One load reads the codes of both channels. The functions that depend
//! on the widths are called by pointers, once a row.
//!
//! With gaps between taps, there are several [`Grid`]s: each of them is computed as a convolution without
//! gaps, whose rows and pixels lie farther apart. Where a channel has several filters, the ring holds the
//! channels that two filters see, which may be the same one.

mod channel;
mod convolve;
mod grid;
mod load;
mod rows;

use core::mem::MaybeUninit;

use mixq_format::{Bits, Operands};

use super::{Parts, split};
use crate::target::armv7em::check::check;
use channel::{Channel, Channels, SmallWindows, small_windows};
use convolve::{Convolve, convolve};
use grid::{ByChannel, Grid};
use load::{Loads, fill, loads, loads_of_filters};
use rows::{Pair, State, run};

/// Elements of a row, with its padding.
const ROW: usize = 28;
const ROW_BYTES: usize = 2 * ROW;
/// Bytes of a slot: a row of both channels.
const SLOT_BYTES: usize = 2 * ROW_BYTES;
// `run` multiplies by 7 and by 2^4.
const _: () = assert!(SLOT_BYTES == 7 << 4);

/// Columns of output that the rows have room for. The windows begin `stride` (1 or 2) elements apart, and the
/// loop reads four elements of each.
const fn columns(stride: usize) -> usize {
    if stride == 1 { ROW - 4 } else { (ROW - 4) / 2 }
}

const _: () = assert!((columns(1) - 1) + 3 < ROW && 2 * (columns(2) - 1) + 3 < ROW);

/// The functions that depend on the widths.
pub(crate) struct Loops<T> {
    loads: Loads,
    convolve: Convolve,
    /// Bits of a code of the output.
    codes: usize,
    weight_bits: Bits,
    small: Option<SmallWindows<T>>,
}

impl<T: ByChannel> Loops<T> {
    /// The functions for `x`-bit input, `w`-bit weights and `y`-bit output. `odd`: for an odd number of
    /// channels. `small`: for windows that are smaller than 3x3.
    ///
    /// # Panics
    /// If a width is not 8, 4 or 2.
    pub(crate) const fn of(x: usize, w: usize, y: usize, odd: bool, small: bool) -> Loops<T> {
        Loops::with_loads(loads(super::bits(x).count(), odd), w, y, small)
    }

    /// The same for any number of filters, of which several may see the same channel.
    ///
    /// # Panics
    /// If a width is not 8, 4 or 2.
    pub(crate) const fn of_filters(x: usize, w: usize, y: usize, small: bool) -> Loops<T> {
        Loops::with_loads(loads_of_filters(super::bits(x).count()), w, y, small)
    }

    const fn with_loads(loads: Loads, w: usize, y: usize, small: bool) -> Loops<T> {
        let (codes, weight_bits) = (super::bits(y).count(), super::bits(w));
        let small = if small { Some(small_windows as SmallWindows<T>) } else { None };
        Loops { loads, convolve: convolve(codes), codes, weight_bits, small }
    }
}

/// Executes a layer. It computes as many columns of a grid at once as the rows have room for, in all
/// channels, and then the next columns.
///
/// # Panics
/// If `loops` are for other widths or other windows, or filters see several channels, or a shift is not one
/// of [`SHIFTS`](mixq_format::target::armv7em::SHIFTS).
#[inline(never)]
pub(crate) fn execute<T: ByChannel>(operands: Operands<T>, loops: &Loops<T>) {
    let Parts { layer, input, output, .. } = split(operands, [0; 2]);
    let table = layer.table();
    let ([x, y], window) = (table.tensors(), table.window());
    let Loops { loads, convolve, codes, weight_bits, small } = *loops;
    check(
        window.stride_width <= 2
            && x.bits.count() == loads.bits
            && y.bits.count() == codes
            && table.weight_bits() == weight_bits
            && (y.channels.is_multiple_of(2) || loads.odd)
            && table.sees_one_channel(),
    );
    let mut channels = Channels::new(layer, small);
    if !(usize::from(y.channels) * codes).is_multiple_of(8) {
        // No code is written to the bits after a pixel's last code.
        output.fill(0);
    }
    let [rows, columns] = table.dilation();
    let (pixel_bytes, step) = (x.pixel_bytes(), y.pixel_bytes());
    let [line_bytes, out_line_bytes] = [usize::from(x.width) * pixel_bytes, usize::from(y.width) * step];
    let padding = u32::from(x.zero_point);
    let mut state = State {
        pair: MaybeUninit::uninit(),
        line_bytes: line_bytes.wrapping_mul(rows),
        height: 0,
        pixel_bytes: pixel_bytes.wrapping_mul(columns),
        mask: ((1 << loads.bits) - 1) * 0x0001_0001,
        padding: match loads.bits {
            8 => padding,
            4 => padding * 0x11,
            _ => padding * 0x55,
        } * 0x0101_0101,
        to: core::ptr::null_mut(),
        slot: 0,
        stride: window.stride_height.into(),
        out_line_bytes: out_line_bytes.wrapping_mul(rows),
        convolve,
        second_out: codes / 8,
        channels: MaybeUninit::uninit(),
        rows: MaybeUninit::uninit(),
    };
    let [rows, columns] = table.grids();
    for row in 0..rows {
        for column in 0..columns {
            let grid = table.grid([row, column]);
            let from = grid.y.first * line_bytes + grid.x.first * pixel_bytes;
            let to = row * out_line_bytes + column * step;
            state.height = grid.y.size;
            let (input, output) = (input.as_ptr().wrapping_add(from), output.as_mut_ptr().wrapping_add(to));
            // SAFETY: input and output are those of the layer, of which the grid is a part.
            unsafe { strips(&mut state, &mut channels, loops, &grid, input, output) };
        }
    }
}

/// Computes a grid, whose first pixels of input and output lie at these places.
///
/// # Safety
/// All is of a layer that [`execute`] has checked.
// Inlined into its one caller: one stack frame less.
#[inline(always)]
unsafe fn strips<T: ByChannel>(
    state: &mut State,
    channels: &mut Channels<T>,
    loops: &Loops<T>,
    grid: &Grid,
    input: *const u8,
    output: *mut u8,
) {
    let table = channels.table();
    let ([x_tensor, y_tensor], multiplier) = (table.tensors(), table.multiplier());
    let padding = u32::from(x_tensor.zero_point);
    let (stride, all) = (usize::from(table.window().stride_width), usize::from(y_tensor.channels));
    let (width, out_width) = (grid.x.size, grid.x.outputs);
    let mut first = 0;
    while first < out_width {
        let count = columns(stride).min(out_width - first);
        // The windows see `needed` columns: `padding_left` columns of padding, then `pixels` columns of the
        // input from `first_column` on, then padding. `from` counts columns from the start of the padding.
        let (from, needed) = (first * stride, (count - 1) * stride + 3);
        let pad = grid.x.pad;
        let (padding_left, first_column) = (pad.saturating_sub(from), from.saturating_sub(pad));
        let pixels = (from + needed).saturating_sub(pad).min(width).saturating_sub(first_column);
        // SAFETY: `state.rows` may be written.
        unsafe { fill(state.rows.as_mut_ptr(), padding * 0x0001_0001) };
        state.to = state.rows.as_mut_ptr().cast::<u16>().wrapping_add(padding_left);
        let singles = if stride == 1 { count % 2 } else { count };
        let pairs = (count - singles) / 2;
        channels.counts = [((pairs as i32) << 8) - 256, ((singles as i32) << 8) - 256];
        let corner = first_column
            .wrapping_mul(state.pixel_bytes)
            .wrapping_sub(grid.y.pad.wrapping_mul(state.line_bytes));
        // From the last channel to the first: see `convolve`.
        let mut channel = all.next_multiple_of(2);
        while channel > 0 {
            channel -= 2;
            // Read again for each pair: copies of all these values would take more of the stack.
            let Loops { loads, codes, .. } = again(loops);
            // The input channels that both see.
            let (seen, next) = (channel / multiplier, (channel + 1) / multiplier);
            let (bit, values) = (seen * loads.bits, state.channels.as_mut_ptr().cast::<Channel>());
            let second = !loads.odd || channel + 1 < all;
            for index in 0..1 + usize::from(second) {
                // SAFETY: the layer has both channels, and `state.channels` has memory for both.
                unsafe {
                    channels.write(channel + index, values.wrapping_add(index));
                    channels.write_weights(channel + index, values.wrapping_add(index));
                }
            }
            state.pair.write(Pair {
                from: input.wrapping_add(corner).wrapping_add(bit / 8),
                row: 0usize.wrapping_sub(grid.y.pad),
                pixels: (pixels << 8) + bit % 8,
                load: if second && next > seen { loads.pair } else { loads.single },
                out: output.wrapping_add(first * channels.step + channel * *codes / 8),
                lines: grid.y.outputs,
                second: second.into(),
            });
            // SAFETY: the loop reads rows of the input whose number is below the height: in each of `pixels`
            // pixels the byte that holds the channels' codes, or two bytes for two 8-bit channels. It writes
            // `pixels` elements to each slot, after the padding on the left. A window reads four elements,
            // from an even one on, up to element `needed` at most, which is below `ROW`. The loop reads and
            // writes a byte of each output pixel and channel. `split` gives whole tensors, so that all these
            // bytes exist.
            unsafe { run(&raw mut *state) };
        }
        first += count;
    }
}

/// The same reference; the compiler does not know that, and reads all behind it again.
#[inline(always)]
#[expect(clippy::pointers_in_nomem_asm_block, reason = "nothing is executed that could read memory")]
fn again<T>(value: &T) -> &T {
    let mut at: *const T = value;
    // SAFETY: no instruction, which changes nothing. (`black_box` would take a word of the stack.)
    unsafe {
        core::arch::asm!("/* {0} */", inlateout(reg) at, options(pure, nomem, nostack, preserves_flags));
        &*at
    }
}
