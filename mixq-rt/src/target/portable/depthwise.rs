//! Depthwise convolution.

use core::slice::Chunks;

use mixq_format::{Depthwise, Operands};

use super::{for_each_pixel, loops};
use crate::target::Taps;
use crate::target::requant::{Requantiser, RuleFn};
use crate::target::tensor::{CHUNK, PixelWriter, chunk, row_bytes, split, weights};

/// Taps whose weights are unpacked at once: as many as a window of 3x3 has.
const GROUP: usize = 9;

/// Executes a depthwise convolution with `X`-bit input and `W`-bit weights, and any width of output. `rule`
/// is the rule that its table names.
///
/// # Panics
/// If the table has other widths.
#[inline(always)]
pub fn depthwise<const X: usize, const W: usize>(operands: Operands<Depthwise>, rule: RuleFn) {
    let (layer, parameters, arena) = operands.parts();
    execute(layer, rule, parameters, arena, accumulate::<X>, Group::unpack::<W>);
}

/// Computes eight channels of the whole output, then the next eight: thus the weights are unpacked only once,
/// unless the window has more taps than a group.
#[inline(never)]
fn execute(
    layer: &Depthwise,
    rule: RuleFn,
    parameters: &[u8],
    arena: &mut [u8],
    accumulate: fn(&View, &Group, &mut [i32; CHUNK]),
    unpack: fn(&mut Group, Chunks<u8>, usize),
) {
    let (input, output) = split(arena, &layer.input, &layer.output);
    let requant = Requantiser::new(&layer.requant, rule, &layer.output, parameters);
    let channels = usize::from(layer.input.channels);
    let taps = layer.window.taps();
    let weight_row = layer.weight_bits.row_bytes(channels);
    let weights = &parameters[layer.weights as usize..][..taps * weight_row];
    let chunk_bytes = layer.output.bits.row_bytes(CHUNK);

    for first in (0..channels).step_by(CHUNK) {
        let index = first / CHUNK;
        let lanes = CHUNK.min(channels - first);
        let mut group = Group { first: usize::MAX, weights: [[0; CHUNK]; GROUP], zero_points: [0; CHUNK] };
        for (lane, zero_point) in group.zero_points[..lanes].iter_mut().enumerate() {
            *zero_point = requant.weight_zero_point(first + lane) as i16;
        }
        for_each_pixel(&layer.window, &layer.input, &layer.output, output, |rows, columns, pixel| {
            let view = View { layer, input, index, rows, columns };
            let mut sums = [0; CHUNK];
            let mut tap = 0;
            while tap < taps {
                if group.first != tap {
                    group.first = tap;
                    unpack(&mut group, weights[tap * weight_row..].chunks(weight_row), index);
                }
                accumulate(&view, &group, &mut sums);
                if layer.input.zero_point != 0 {
                    view.pad(&group, &mut sums);
                }
                tap += GROUP;
            }
            let mut writer = PixelWriter::new(&mut pixel[index * chunk_bytes..], layer.output.bits);
            // The sums have the zero points of the weights already subtracted: the input's sum is given as 0.
            requant.write_all(&mut writer, first, &mut sums[..lanes], 0);
            writer.finish();
        });
    }
}

/// The weights of some consecutive taps, for eight channels.
struct Group {
    /// Number of the first tap; `usize::MAX` before any is unpacked.
    first: usize,
    /// `s_w - Z_w`.
    weights: [[i16; CHUNK]; GROUP],
    /// `Z_w` of each channel.
    zero_points: [i16; CHUNK],
}

impl Group {
    /// Unpacks chunk `index` of the weights of each of `taps`, of at most as many taps as a group has.
    #[inline(never)]
    fn unpack<const W: usize>(&mut self, taps: Chunks<u8>, index: usize) {
        let mut buffer = [0; W];
        for (to, row) in self.weights.iter_mut().zip(taps) {
            let codes = weights::<W>(chunk(row, index, &mut buffer));
            for ((to, code), zero_point) in to.iter_mut().zip(codes).zip(&self.zero_points) {
                *to = code as i16 - zero_point;
            }
        }
    }
}

/// The window of one output pixel, for a chunk of channels.
struct View<'a> {
    layer: &'a Depthwise,
    input: &'a [u8],
    /// Number of the chunk.
    index: usize,
    rows: Taps,
    columns: Taps,
}

/// Adds the products of the group's taps that meet the input.
#[inline(never)]
fn accumulate<const X: usize>(view: &View, group: &Group, result: &mut [i32; CHUNK]) {
    let mut sums = *result;
    let (input, columns) = (&view.layer.input, view.columns);
    let x_row = row_bytes::<X>(usize::from(input.channels));
    let mut buffer = [0; X];
    for row in 0..view.rows.count() {
        let pixel = (view.rows.first + row) * usize::from(input.width) + columns.first;
        let tap = (view.rows.start + row) * usize::from(view.layer.window.kernel_width) + columns.start;
        let mut x = &view.input[pixel * x_row..][..columns.count() * x_row];
        for tap in tap..tap + columns.count() {
            let (pixel, rest) = x.split_at(x_row);
            x = rest;
            if let Some(w) = group.weights.get(tap.wrapping_sub(group.first)) {
                loops::multiply_accumulate::<X>(&mut sums, chunk(pixel, view.index, &mut buffer), w);
            }
        }
    }
    *result = sums;
}

impl View<'_> {
    /// Adds the products of the group's taps that lie in the padding, whose codes are the input's zero point.
    #[inline(never)]
    fn pad(&self, group: &Group, sums: &mut [i32; CHUNK]) {
        let zero_point = i32::from(self.layer.input.zero_point);
        let width = usize::from(self.layer.window.kernel_width);
        for row in 0..usize::from(self.layer.window.kernel_height) {
            for column in 0..width {
                let padded = self.rows.see(row).is_none() || self.columns.see(column).is_none();
                let w = group.weights.get((row * width + column).wrapping_sub(group.first));
                if let (true, Some(w)) = (padded, w) {
                    for (sum, w) in sums.iter_mut().zip(w) {
                        *sum = sum.wrapping_add(zero_point * i32::from(*w));
                    }
                }
            }
        }
    }
}
