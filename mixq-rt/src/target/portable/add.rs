//! Residual addition.

use mixq_format::{Add, Bits, Operands, Tensor};

use crate::target::requant::Range;
use crate::target::tensor::Packer;

/// Executes an addition of any widths; see [`Add`] for where the output may lie.
#[inline(always)]
pub fn add(operands: Operands<Add>) {
    let (layer, _, arena) = operands.parts();
    execute(layer, arena);
}

#[inline(never)]
fn execute(layer: &Add, arena: &mut [u8]) {
    let output = &layer.output;
    let range = Range::of(output.bits);
    for pixel in 0..output.pixels() {
        let a = Summand::new(&layer.a, layer.multiplier_a, pixel);
        let b = Summand::new(&layer.b, layer.multiplier_b, pixel);
        let mut to = output.offset as usize + pixel * output.pixel_bytes();
        let mut packer = Packer::new(output.bits);
        for channel in 0..usize::from(output.channels) {
            let sum = a.get(arena, channel).wrapping_add(b.get(arena, channel));
            // floor((sum + 2^(s-1)) / 2^s), in two steps: with a large `s`, 32 bits may not hold
            // `sum + 2^(s-1)`.
            let rounded = ((sum >> (layer.shift - 1)) + 1) >> 1;
            let value = range.clamp(rounded + i32::from(output.zero_point));
            if output.bits == Bits::B32 {
                arena[to..][..4].copy_from_slice(&value.to_ne_bytes());
                to += 4;
            } else if let Some(byte) = packer.push(value) {
                // The output may overwrite an input. A byte is written only after all its elements are
                // computed, and thus after they are read.
                arena[to] = byte;
                to += 1;
            }
        }
        if let Some(byte) = packer.finish() {
            arena[to] = byte;
        }
    }
}

/// A pixel of one of the tensors that are added.
struct Summand {
    /// Bytes from the start of the arena to the pixel.
    row: usize,
    bits: usize,
    zero_point: i32,
    multiplier: i32,
}

impl Summand {
    #[inline(always)]
    fn new(tensor: &Tensor, multiplier: i32, pixel: usize) -> Summand {
        Summand {
            row: tensor.offset as usize + pixel * tensor.pixel_bytes(),
            bits: tensor.bits.count(),
            zero_point: i32::from(tensor.zero_point),
            multiplier,
        }
    }

    /// `m (q - Z)` of a channel.
    #[inline(always)]
    fn get(&self, arena: &[u8], channel: usize) -> i32 {
        let bit = channel * self.bits;
        let code = i32::from(arena[self.row + bit / 8] >> (bit % 8)) & ((1 << self.bits) - 1);
        self.multiplier.wrapping_mul(code - self.zero_point)
    }
}
