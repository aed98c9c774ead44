//! Standard convolution, with windows of any size.

use mixq_format::{Conv, Operands};

use super::patch::{ConvInput, Cursor, WindowPair};
use super::{BLOCK, Loops, Pair, SEGMENT};
use crate::target::Taps;
use crate::target::requant::{Requantiser, RuleFn};
use crate::target::tensor::{CHUNK, PixelWriter, split};

/// Executes a convolution with `X`-bit input and `W`-bit weights, and any width of output. `rule` is the rule
/// that its table names.
///
/// # Panics
/// If the table has other widths.
#[inline(always)]
pub fn conv<const X: usize, const W: usize>(operands: Operands<Conv>, rule: RuleFn) {
    let (layer, parameters, arena) = operands.parts();
    execute(layer, rule, parameters, arena, const { &Loops::of::<X, W>() });
}

#[inline(never)]
fn execute(layer: &Conv, rule: RuleFn, parameters: &[u8], arena: &mut [u8], loops: &Loops) {
    let (input, output) = split(arena, &layer.input, &layer.output);
    let (window, width) = (&layer.window, usize::from(layer.output.width));
    let requant = Requantiser::new(&layer.requant, rule, &layer.output, parameters);
    let needs_input_sum = requant.needs_input_sum(layer.output.channels);
    let source = ConvInput::new(layer, input, loops);
    let channels = usize::from(layer.output.channels);
    let filter_bytes = source.filter_bytes();
    let weights = &parameters[layer.weights as usize..];
    let pixel_bytes = layer.output.pixel_bytes();

    let mut codes = [Pair([0; 2]); SEGMENT];
    let mut elements = 0;
    for (y, row) in output.chunks_mut(width * pixel_bytes).enumerate() {
        let rows =
            Taps::new(y, window.stride_height, window.pad_top, window.kernel_height, layer.input.height);
        for (x, pixels) in row.chunks_mut(2 * pixel_bytes).enumerate() {
            let both = pixels.len() > pixel_bytes;
            // If the row has no second pixel, the window of the first one stands for it.
            let columns = [2 * x, 2 * x + usize::from(both)].map(|x| {
                Taps::new(x, window.stride_width, window.pad_left, window.kernel_width, layer.input.width)
            });
            let patch = WindowPair { source: &source, rows, columns, both };
            let (first, second) = pixels.split_at_mut(pixel_bytes);
            let mut writers = [first, second].map(|bytes| PixelWriter::new(bytes, layer.output.bits));
            let mut input_sums = [0i32; 2];
            // Whether `codes` holds all elements of the windows: then they are unpacked once for all
            // channels.
            let mut whole = false;
            for first in (0..channels).step_by(BLOCK) {
                let count = BLOCK.min(channels - first);
                let mut sums = [[0; BLOCK]; 2];
                let (mut cursor, mut from) = (Cursor::default(), first * filter_bytes);
                while from < (first + 1) * filter_bytes {
                    if !whole {
                        elements = patch.unpack(&mut cursor, &mut codes);
                        if needs_input_sum && first == 0 {
                            for pair in &codes[..elements] {
                                input_sums[0] += i32::from(pair.0[0]);
                                input_sums[1] += i32::from(pair.0[1]);
                            }
                        }
                    }
                    let bytes = source.weight_bytes(elements);
                    whole = bytes == filter_bytes;
                    let chunks = &codes.as_chunks().0[..elements.div_ceil(CHUNK)];
                    let sums = sums.each_mut().map(|sums| &mut sums[..count]);
                    (loops.dots)(chunks, &weights[from..], filter_bytes, sums);
                    from += bytes;
                }
                let pixels = 1 + usize::from(both);
                for ((writer, dots), sum) in writers.iter_mut().zip(&mut sums).zip(input_sums).take(pixels) {
                    requant.write_all(writer, first, &mut dots[..count], sum);
                }
            }
            writers.into_iter().for_each(PixelWriter::finish);
        }
    }
}
