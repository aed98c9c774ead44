//! Depthwise convolution.

use mixq_format::layout::armv7em_requantises;
use mixq_format::{Bits, Depthwise};

use crate::arch::armv7em::depthwise::{Channel, Place, ROW, Rows};
use crate::tensor::split;

/// Executes a depthwise convolution with `X`-bit input and `W`-bit weights, windows of 3x3; any width of codes as output.
///
/// # Panics
/// For layers that [`armv7em_takes`](mixq_format::layout::armv7em_takes) does not take.
#[inline(always)]
pub fn depthwise<const X: usize, const W: usize>(table: &Depthwise, parameters: &[u8], arena: &mut [u8]) {
    execute(table, parameters, arena);
}

#[inline(never)]
fn execute(table: &Depthwise, parameters: &[u8], arena: &mut [u8]) {
    let (input, output) = split(arena, &table.input, &table.output);
    let channels = usize::from(table.output.channels);
    let windows = (table.window.kernel_height, table.window.kernel_width) == (3, 3);
    assert!(windows && armv7em_requantises(&table.requant, channels, parameters), "others are portable");
    if table.output.bits != Bits::B8 {
        output.fill(0);
    }
    let mut memory = [[0; ROW / 2]; 3];
    let mut rows = Rows(&mut memory);
    for channel in 0..channels {
        let values = channel_values(table, parameters, channel);
        let view = View {
            table,
            input,
            channel: &values,
            from: Place::new(channel, table.input.bits.count()),
            to: Place::new(channel, table.output.bits.count()),
        };
        // Columns that fit the rows.
        let columns = (ROW - 4) / usize::from(table.window.stride_width);
        let width = usize::from(table.output.width);
        for first in (0..width).step_by(columns) {
            view.columns(&mut rows, output, first, columns.min(width - first));
        }
    }
}

/// Weights and multiplier of a channel, raised by the fraction: a weight less its zero point has 9 bits, and fits a half with 7 more.
#[inline(never)]
fn channel_values(table: &Depthwise, parameters: &[u8], channel: usize) -> Channel {
    let requant = &table.requant;
    let word = |offset: u32, entry: usize| {
        let bytes = &parameters[offset as usize + 4 * entry..];
        i32::from_le_bytes(*bytes.first_chunk().expect("a table lies in the parameters"))
    };
    let byte = |offset: u32, entry: usize| parameters[offset as usize + entry];
    let entry = channel * usize::from(requant.multiplier_step);
    let zero_point = byte(requant.weight_zero_point, channel * usize::from(requant.zero_point_step)) as i8;

    let bits = table.weight_bits.count();
    let row_bytes = table.weight_bits.row_bytes(table.input.channels.into());
    let place = Place::new(channel, bits);
    let above = 32 - bits as u32;
    let mut taps = parameters[table.weights as usize + place.byte..].chunks(row_bytes).map(|row| {
        let code = i32::from(row[0]) >> place.shift << above >> above;
        // In the units of the bias: still 16 bits.
        ((code - i32::from(zero_point)) << requant.fraction) as u32 & 0xffff
    });
    let mut weights = [[0; 2]; 5];
    for row in &mut weights[..3] {
        let mut tap = || taps.next().unwrap_or_default();
        let [a, b, c] = [tap(), tap(), tap()];
        *row = [a | b << 16, b | c << 16];
    }
    (weights[3], weights[4]) = (weights[0], weights[1]);
    Channel {
        weights,
        bias: word(requant.bias, channel),
        multiplier: word(requant.multiplier, entry),
        shift: u32::from(byte(requant.shift, entry)) - 32,
        zero_point: table.output.zero_point,
    }
}

/// One channel.
struct View<'a> {
    table: &'a Depthwise,
    input: &'a [u8],
    channel: &'a Channel,
    from: Place,
    to: Place,
}

impl View<'_> {
    /// Computes some columns of the output.
    #[inline(never)]
    fn columns(&self, rows: &mut Rows, output: &mut [u8], first: usize, count: usize) {
        let (window, input) = (&self.table.window, &self.table.input);
        let (stride, width) = (usize::from(window.stride_width), usize::from(input.width));
        // What the windows see: padding, input, padding; an element more than the last window.
        let needed = (count - 1) * stride + 4;
        let origin = first * stride;
        let pad = usize::from(window.pad_left);
        let left = pad.saturating_sub(origin).min(needed);
        let begin = origin + left - pad;
        let inside = width.saturating_sub(begin).min(needed - left);
        let parts = [left, inside, needed - left - inside];

        let (from_bytes, to_bytes) = (input.pixel_bytes(), self.table.output.pixel_bytes());
        let (height, pad) = (usize::from(input.height), usize::from(window.pad_top));
        // Rows count from the first of the padding.
        let mut loaded = 0usize;
        let mut slot = 0;
        let (mut top, mut top_slot) = (0, 0);
        for line in output.chunks_mut(usize::from(self.table.output.width) * to_bytes) {
            if loaded < top {
                (loaded, slot) = (top, top_slot);
            }
            while loaded < top + 3 {
                let row = loaded.wrapping_sub(pad);
                if row < height {
                    let pixels = &self.input[(row * width + begin) * from_bytes..];
                    rows.load(slot, pixels, from_bytes, &self.from, parts, input.zero_point.into());
                } else {
                    rows.load(slot, &[], 0, &self.from, [needed, 0, 0], input.zero_point.into());
                }
                loaded += 1;
                slot = if slot == 2 { 0 } else { slot + 1 };
            }
            rows.convolve(
                self.channel,
                top_slot,
                [stride, count],
                &mut line[first * to_bytes..],
                to_bytes,
                &self.to,
            );
            top += usize::from(window.stride_height);
            top_slot = (top_slot + usize::from(window.stride_height)) % 3;
        }
    }
}
