//! Stored sums of output channels become codes or logits.

use mixq_format::Tensor;

use super::super::asm::conv::{Filters, Scratch};
use super::super::asm::layer::Weighted;
use super::super::asm::{PIXELS, Tables};
use crate::target::tensor::PixelWriter;

/// The functions that make codes or logits of stored sums. There are two, called one after the other, so that
/// only one of their frames is on the stack at a time. `T`: the layer's table.
// Pointers: kernels that make codes in their loops do not link them.
pub(in super::super) struct Sums<T> {
    /// Replaces the sums of channels, from the given one on, by their codes or logits, for this number of
    /// pixels.
    requantise: fn(&Filters<T>, usize, &mut [[i32; PIXELS]], usize),
    /// Writes the codes or logits of channels, from the given one on, to the output pixels.
    write: fn(&Tensor, usize, &[[i32; PIXELS]], &mut [u8]),
}

impl<T: Weighted> Sums<T> {
    pub(in super::super) const fn new() -> Sums<T> {
        Sums { requantise, write }
    }

    /// Makes codes or logits of the sums of `count` output channels, from `channel` on, for `size` pixels,
    /// with which `output` begins.
    #[inline(always)]
    pub(in super::super) fn finish(
        &self,
        filters: &Filters<T>,
        scratch: &mut Scratch,
        [channel, count]: [usize; 2],
        size: usize,
        output: &mut [u8],
    ) {
        let of_channels = scratch.accumulators(count);
        (self.requantise)(filters, channel, of_channels, size);
        let [_, tensor] = filters.layer.table().tensors();
        let output = &mut output[..size * tensor.pixel_bytes()];
        (self.write)(tensor, channel, of_channels, output);
    }
}

/// See [`Sums::requantise`].
fn requantise<T: Weighted>(filters: &Filters<T>, channel: usize, sums: &mut [[i32; PIXELS]], count: usize) {
    // The loop has already subtracted the zero points of the weights: the sum of the input is given as 0.
    Tables::new(filters.layer).requantise(channel, sums, count, 0);
}

/// See [`Sums::write`].
fn write(output: &Tensor, channel: usize, sums: &[[i32; PIXELS]], pixels: &mut [u8]) {
    for (pixel, bytes) in pixels.chunks_mut(output.pixel_bytes()).enumerate() {
        let mut writer = PixelWriter::new(&mut bytes[output.bits.row_bytes(channel)..], output.bits);
        for sums in sums {
            push(&mut writer, sums[pixel]);
        }
        writer.finish();
    }
}

// Not inlined: the compiler would copy it into each unrolled round of the loop.
#[inline(never)]
fn push(writer: &mut PixelWriter, value: i32) {
    writer.push(value);
}
