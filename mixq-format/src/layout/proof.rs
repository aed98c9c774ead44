//! How far the kernels for ARMv7E-M may go before a sum could leave its field, from the weights as they are.

use super::{BLOCK, armv7em_blocks};
use crate::{Bits, Layer};

/// What is safe whatever the input is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Elements that may be multiplied before the sums of a block are taken apart: a multiple of 16.
    pub chunk: u16,
    /// Elements until the sums of a lower channel have to be taken out of those of two channels in one half: whole units of weights and
    /// words of input.
    pub interval: u16,
}

// Sixteen elements are safe for any weights.
const _: () = assert!(255 * 255 * 16 < 1 << 23 && 255 * 2 * 16 < (1 << (31 - 14)) - 1);
const _: () = assert!(15 * 15 * 16 < 1 << 12 && 255 * 3 * 16 < 1 << 14);

/// What is safe for a layer whose weights [`armv7em`](super::armv7em) rearranges; `None` for others.
///
/// With codes of at most `q`, sums over `n` consecutive elements of a filter have to keep
///
/// * for 8-bit weights: `q sum|w - Z|` of the upper channel below 2^23: it is multiplied by 2^8 in an accumulator of 32 bits (`q sum|w|` in
///   fully connected layers, where the zero point comes later);
/// * for 4-bit weights beside 8-bit input: `q sum(w + 8)` of the upper channel below 2^26, as it is multiplied by 2^4, and the lower one
///   beside it;
/// * for two channels in a half, the upper one shifted by `s` (12, or 14 for 2-bit weights): `q sum(w + half)` of the lower one
///   below 2^s from one time that it is taken out to the next, and `q sum|w|` of the upper one below 2^(31 - s) - 1.
///
/// # Panics
/// If `parameters` are not those of the layer.
pub fn proof(layer: &Layer, parameters: &[u8]) -> Option<Proof> {
    let blocks = armv7em_blocks(layer)?;
    let (offset, rows, columns, bits) = layer.weights()?;
    let requant = layer.requant()?;
    let filters = usize::from(layer.output().channels);
    let elements = rows / filters * columns;
    let row_bytes = bits.row_bytes(columns);
    let filter = |channel: usize, offset_of_weights: i64| Filter {
        rows: &parameters[offset as usize + channel * (rows / filters) * row_bytes..],
        row_bytes,
        columns,
        elements,
        bits,
        offset: offset_of_weights,
    };
    let code = i64::from(layer.inputs().0.bits.max_code());
    let half = i64::from(bits.max_code() / 2 + 1);
    let shift = if bits == Bits::B4 { 12 } else { 14 };
    let limit = match bits {
        Bits::B8 => 1 << 23,
        _ if blocks.nibbles() => 1 << 26,
        _ => (1 << (31 - shift)) - 1,
    };
    // All filters: one is left that is in no block, which does no harm.
    let safe = |channel: usize, offset: i64, count: usize, limit: i64| {
        (channel..filters).step_by(BLOCK).all(|channel| code * filter(channel, offset).largest(count) < limit)
    };
    let upper = |count: usize| match bits {
        Bits::B8 => (1..filters).step_by(BLOCK).all(|channel| {
            let entry = channel * usize::from(requant.zero_point_step);
            let zero_point = match layer {
                Layer::Linear(_) => 0,
                _ => parameters[requant.weight_zero_point as usize + entry] as i8,
            };
            code * filter(channel, -i64::from(zero_point)).largest(count) < limit
        }),
        _ => safe(1, if blocks.nibbles() { half } else { 0 }, count, limit),
    };
    let mut chunk = elements.next_multiple_of(16).min(1 << 13);
    while chunk > 16 && !upper(chunk) {
        chunk = (chunk / 2).next_multiple_of(16);
    }
    let step = blocks.unit.max(blocks.word);
    let mut interval = chunk.next_multiple_of(step);
    if bits != Bits::B8 && !blocks.nibbles() {
        // If the elements are not whole words, neither are those of the first interval: the elements of a word are not in their order.
        let whole = (elements - elements % blocks.unit).is_multiple_of(step);
        let apart = match (blocks.nine, whole) {
            (true, _) => elements,
            (_, true) => 0,
            _ => step,
        };
        let safe = |interval: usize| safe(0, half, interval + apart, 1 << shift);
        if !safe(interval) {
            // Between one step, which is 16 elements at most, and what is not safe.
            let (mut low, mut high) = (1, interval / step);
            while high - low > 1 {
                let middle = (low + high) / 2;
                if safe(middle * step) { low = middle } else { high = middle }
            }
            interval = low * step;
        }
    }
    Some(Proof { chunk: chunk as u16, interval: interval as u16 })
}

/// The weights of an output channel.
struct Filter<'a> {
    rows: &'a [u8],
    row_bytes: usize,
    columns: usize,
    elements: usize,
    bits: Bits,
    /// Added to each.
    offset: i64,
}

impl Filter<'_> {
    /// `|w + offset|`.
    fn magnitude(&self, element: usize) -> i64 {
        let bit = element % self.columns * self.bits.count();
        let above = 32 - self.bits.count();
        let byte = self.rows[element / self.columns * self.row_bytes + bit / 8];
        let weight = i32::from(byte >> (bit % 8)) << above >> above;
        (i64::from(weight) + self.offset).abs()
    }

    /// The sum of the magnitudes of `count` consecutive weights, at most.
    fn largest(&self, count: usize) -> i64 {
        let (mut sum, mut largest) = (0, 0);
        for element in 0..self.elements {
            sum += self.magnitude(element);
            if element >= count {
                sum -= self.magnitude(element - count);
            }
            largest = sum.max(largest);
        }
        largest
    }
}
