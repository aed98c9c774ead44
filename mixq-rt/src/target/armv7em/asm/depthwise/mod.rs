//! Depthwise convolution with a window of 3x3 or less: two channels side by side, from rings of three widened rows of
//! the input.
//!
//! Two columns of a row are a word; the three weights of a row are two words, `(w0, w1)` and `(w1, w2)`: a
//! row of the window is one `SMLAD` and one `SMLABT`, or `SMLATB` and `SMLAD` for the column to the right.
//! Both channels' codes come from one load of the input. What depends on the widths is called by pointers,
//! once a row.

mod channel;
mod convolve;
mod load;
mod rows;

use core::mem::MaybeUninit;

use mixq_format::{Bits, Depthwise, Operands};

use super::{Parts, split};
use crate::target::armv7em::check::check;
use channel::{Channel, Channels, SmallWindows, small_windows};
use convolve::{Convolve, convolve};
use load::{Loads, fill, loads};
use rows::{Pair, State, run};

/// Elements of a row, with its padding.
const ROW: usize = 28;
const ROW_BYTES: usize = 2 * ROW;
/// A row of both channels.
const SLOT_BYTES: usize = 2 * ROW_BYTES;
// In two instructions.
const _: () = assert!(SLOT_BYTES == 7 << 4);

/// Columns of output that the rows have room for, whose windows begin `stride` (1 or 2) elements apart: four
/// elements each.
const fn columns(stride: usize) -> usize {
    if stride == 1 { ROW - 4 } else { (ROW - 4) / 2 }
}

const _: () = assert!((columns(1) - 1) + 3 < ROW && 2 * (columns(2) - 1) + 3 < ROW);

/// What depends on the widths.
pub(crate) struct Loops {
    loads: Loads,
    convolve: Convolve,
    /// Bits of a code of the output.
    codes: usize,
    weight_bits: Bits,
    small: Option<SmallWindows>,
}

impl Loops {
    /// For `x`-bit input, `w`-bit weights and `y`-bit output; `odd`: of an odd number of channels; `small`: of
    /// windows that are smaller than 3x3.
    ///
    /// # Panics
    /// If there are none.
    pub(crate) const fn of(x: usize, w: usize, y: usize, odd: bool, small: bool) -> Loops {
        let (x, y, weight_bits) = (super::bits(x).count(), super::bits(y).count(), super::bits(w));
        let small = if small { Some(small_windows as SmallWindows) } else { None };
        Loops { loads: loads(x, odd), convolve: convolve(y), codes: y, weight_bits, small }
    }
}

/// Executes a layer: columns of the output, as many as the rows have room for, after columns; codes below 8
/// bits go below what their bytes hold already.
///
/// # Panics
/// If `loops` are for other codes, or the window is another one, or the loops do not take a shift.
#[inline(never)]
pub(crate) fn execute(operands: Operands<Depthwise>, loops: &Loops) {
    let Parts { layer, input, output, .. } = split(operands, [0; 2]);
    let table = layer.table();
    let Depthwise { input: x, output: y, window, .. } = table;
    let Loops { loads, convolve, codes, weight_bits, small } = *loops;
    let (stride, lines) = (usize::from(window.stride_width), usize::from(y.height));
    check(
        stride <= 2
            && x.bits.count() == loads.bits
            && y.bits.count() == codes
            && table.weight_bits == weight_bits
            && (x.channels.is_multiple_of(2) || loads.odd),
    );
    let mut channels = Channels::new(layer, small);
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
            // SAFETY: of each row whose number is below the height, the loop reads one byte of each pixel, or
            // two bytes where two channels of 8 bits are. Elements go between the padding of a slot. Each
            // window reads four of them, beginning with an even one, up to `needed`, which is below `ROW`. Of
            // each output's pixel a byte is read and written. The tensors are whole.
            unsafe { run(&raw mut state) };
        }
        first += count;
    }
}
