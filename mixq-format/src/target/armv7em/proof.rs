//! How many elements the kernels for ARMv7E-M may multiply before a sum could overflow its field.

use super::{BLOCK, blocks_of};
use crate::{Bits, Layer};

/// Numbers of elements that are safe with any input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Elements that a loop may multiply before it has to store the sums of a block: a multiple of 16.
    pub chunk: u16,
    /// Elements that a loop may multiply between two extractions of the sums that share an accumulator: whole
    /// units of weights, and whole words of input.
    pub interval: u16,
}

/// Elements that are safe with any weights: the smallest chunk and the smallest interval.
const LEAST: usize = 16;

// In this order: the upper channel with 8-bit and with 2-bit weights less a zero point; the lower channel
// with 4-bit weights; the fourth of four channels; the lower channel with 2-bit weights.
const _: () = assert!(255 * 255 * LEAST < 1 << 23);
const _: () = assert!(255 * 3 * LEAST < 1 << (31 - 14));
const _: () = assert!(15 * 15 * LEAST < 1 << 12);
const _: () = assert!(255 * 8 * LEAST < 1 << 19);
const _: () = assert!(255 * 3 * LEAST < 1 << 14);

/// The safe numbers of elements for a layer whose weights [`rearrange`](super::rearrange) changes; `None` for
/// other layers.
///
/// `q` is the largest code of the input. Sums over any consecutive elements of a filter, as many as a chunk
/// or an interval has, must fit their fields:
///
/// * An accumulator of 32 bits holds the upper channel's `sum(q_x (w - Z))` times `2^s`. Over a chunk, `q`
///   times the sum of all positive `w - Z` must be below `2^(31 - s)`, and so must `q` times the magnitude of
///   the sum of all negative ones. `s` is 8 for 8-bit weights, 4 for 4-bit weights with 8-bit input, and the
///   `s` of the last point for other weights. `Z` is 0 here for fully connected layers, which subtract it
///   later. Intermediate results may overflow: they wrap.
/// * With four channels of 4-bit weights in a half, the first point holds for the third channel, which is
///   shifted by 8, with `Z` of 0. The sum of the fourth channel, which is shifted by 12, must be below 2^19
///   over an interval. The sum of the second channel fits with any weights.
/// * With two channels in a half, the upper one is shifted by `s`: 12, or 14 for 2-bit weights. The lower
///   channel's `q sum(w + half)` must be below `2^s` over an interval; `half` is half the range of a weight.
///
/// # Panics
/// If `parameters` are not those of the layer.
pub fn proof(layer: &Layer, parameters: &[u8]) -> Option<Proof> {
    let blocks = blocks_of(layer)?;
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
    let code = i64::from(layer.first_input().bits.max_code());
    let half = i64::from(bits.max_code() / 2 + 1);
    let four = blocks.channels > BLOCK;
    let shift = match bits {
        Bits::B8 => 8,
        _ if four => 8,
        Bits::B4 if blocks.nibbles() => 4,
        Bits::B4 => 12,
        _ => 14,
    };
    // Whether the sums of every second channel from `channel` on are below the limit. The last channel may
    // belong to no block: then the check is only stricter than it must be.
    let safe = |channel: usize, offset: i64, count: usize, limit: i64| {
        (channel..filters).step_by(BLOCK).all(|channel| code * filter(channel, offset).largest(count) < limit)
    };
    let upper = |count: usize| {
        if four {
            return safe(0, 0, count, 1 << (31 - shift));
        }
        (1..filters).step_by(BLOCK).all(|channel| {
            let entry = channel * usize::from(requant.zero_point_step);
            let offset = match layer {
                Layer::Linear(_) => 0,
                _ => -i64::from(parameters[requant.weight_zero_point as usize + entry] as i8),
            };
            code * filter(channel, offset).largest(count) < 1 << (31 - shift)
        })
    };
    let mut chunk = elements.next_multiple_of(LEAST).min(1 << 13);
    while chunk > LEAST && !upper(chunk) {
        chunk = (chunk / 2).next_multiple_of(LEAST);
    }
    let step = blocks.unit.max(blocks.word);
    let mut interval = chunk.next_multiple_of(step);
    if bits != Bits::B8 && !blocks.nibbles() {
        // The elements of a word are not multiplied in their order. If an interval ends inside a word, its
        // elements lie among `apart` more elements. This happens if the elements are not whole words: then
        // the first interval is not, either.
        let whole = (elements - elements % blocks.unit).is_multiple_of(step);
        let apart = match (blocks.rgb3x3, whole) {
            (true, _) => elements,
            (_, true) => 0,
            _ => step,
        };
        let safe = |interval: usize| match four {
            true => safe(1, 0, interval, 1 << 19),
            false => safe(0, half, interval + apart, 1 << shift),
        };
        if !safe(interval) {
            // Searches between one step, which is safe because it is at most `LEAST` elements, and
            // `interval`, which is not safe.
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
    /// Added to each weight.
    offset: i64,
}

impl Filter<'_> {
    /// `w + offset`.
    fn weight(&self, element: usize) -> i64 {
        let bit = element % self.columns * self.bits.count();
        let above = 32 - self.bits.count();
        let byte = self.rows[element / self.columns * self.row_bytes + bit / 8];
        let weight = i32::from(byte >> (bit % 8)) << above >> above;
        i64::from(weight) + self.offset
    }

    /// The largest magnitude of the sum of all positive, or of all negative, weights among `count`
    /// consecutive ones.
    fn largest(&self, count: usize) -> i64 {
        let (mut sums, mut largest) = ([0, 0], 0);
        for element in 0..self.elements {
            let weight = self.weight(element);
            sums[usize::from(weight < 0)] += weight.abs();
            if element >= count {
                let weight = self.weight(element - count);
                sums[usize::from(weight < 0)] -= weight.abs();
            }
            largest = sums[0].max(sums[1]).max(largest);
        }
        largest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Conv, Linear, Requant, Rule, Tensor, Window};

    /// Pseudorandom numbers, the same in each run (xorshift).
    struct Numbers(u64);

    impl Numbers {
        fn below(&mut self, end: u64) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0 % end
        }
    }

    fn tensor(channels: usize, bits: Bits) -> Tensor {
        Tensor { height: 1, width: 1, channels: channels as u16, bits, zero_point: 0, offset: 0 }
    }

    /// Tables with eight zero points at `zero_point`, and eight shifts behind them.
    fn requant(zero_point: u32) -> Requant {
        Requant {
            bias: 0,
            multiplier: 0,
            shift: zero_point + 8,
            weight_zero_point: zero_point,
            rule: Rule::Multiplier,
            multiplier_step: 1,
            zero_point_step: 1,
            fraction: 0,
        }
    }

    /// A layer of eight filters of `elements` elements: its weights, and then its zero points.
    fn layer(linear: bool, elements: usize, x: Bits, w: Bits) -> Layer {
        let (input, output) = (tensor(elements, x), tensor(8, Bits::B32));
        let requant = requant((8 * w.row_bytes(elements)) as u32);
        if linear {
            return Layer::Linear(Linear { input, output, weights: 0, weight_bits: w, requant });
        }
        let window = Window {
            kernel_height: 1,
            kernel_width: 1,
            stride_height: 1,
            stride_width: 1,
            pad_top: 0,
            pad_left: 0,
        };
        Layer::Conv(Conv { input, output, window, weights: 0, weight_bits: w, requant })
    }

    /// In the simplest way: the largest magnitude of a sum over a run of `count` elements. Elements have the
    /// code `code` where weights have one sign, and 0 where they have the other.
    fn largest(weights: &[i64], count: usize, code: i64) -> i64 {
        let run = |first: usize, sign: i64| {
            let run = weights[first..].iter().take(count);
            run.map(|w| (sign * w).max(0) * code).sum()
        };
        (0..weights.len()).flat_map(|first| [run(first, 1), run(first, -1)]).max().unwrap_or(0)
    }

    #[test]
    fn nothing_leaves_its_field_within_what_is_proven() {
        let mut numbers = Numbers(88172645463325252);
        for round in 0..400 {
            let widths = [Bits::B2, Bits::B4, Bits::B8];
            let [x, w] = [(); 2].map(|()| widths[numbers.below(3) as usize]);
            let linear = round % 4 == 0;
            let elements =
                16 * (1 + numbers.below(40) as usize) + if linear { 0 } else { numbers.below(16) as usize };
            let layer = layer(linear, elements, x, w);
            let row_bytes = w.row_bytes(elements);
            // In a quarter of the rounds, all weights are the extreme ones.
            let extreme = numbers.below(4) == 0;
            let mut parameters: Vec<u8> = (0..8 * row_bytes)
                .map(|_| match extreme {
                    true if w == Bits::B8 => 0x80,
                    true => 0x77,
                    false => numbers.below(256) as u8,
                })
                .collect();
            let half = 1 << (w.count() - 1);
            let zero_points: Vec<i64> =
                (0..8).map(|_| numbers.below(2 * half) as i64 - half as i64).collect();
            parameters.extend(zero_points.iter().map(|z| *z as u8));
            parameters.extend([40; 8]);
            let proof = proof(&layer, &parameters).expect("the layer is rearranged");
            assert!(proof.chunk >= 16 && proof.interval >= 8 && proof.chunk.is_multiple_of(16));

            let code = i64::from(x.max_code());
            for filter in 0..8 {
                let row = &parameters[filter * row_bytes..];
                let weights: Vec<i64> = (0..elements)
                    .map(|element| {
                        let code = i64::from(row[element * w.count() / 8]) >> (element * w.count() % 8);
                        let code = code & i64::from(w.max_code());
                        if code >= half as i64 { code - 2 * half as i64 } else { code }
                    })
                    .collect();
                let raised = |offset: i64| weights.iter().map(|weight| weight + offset).collect::<Vec<_>>();
                let packed = w != Bits::B8 && !(x == Bits::B8 && w == Bits::B4);
                let shift = if w == Bits::B4 { 12 } else { 14 };
                if linear && (x, w) == (Bits::B8, Bits::B4) {
                    // Four channels in a half: the first three are offset, but not in their sums.
                    let shift = 4 * (filter % 4);
                    let count = if filter % 4 == 3 { proof.interval } else { proof.chunk };
                    let sum = largest(&weights, count.into(), code);
                    assert!(sum << shift < 1 << 31, "{x:?} {w:?} {elements}: {sum} in {proof:?}");
                } else if filter % 2 == 0 && packed {
                    let sum = largest(&raised(half as i64), proof.interval.into(), code);
                    assert!(sum < 1 << shift, "{x:?} {w:?} {elements}: {sum} in {proof:?}");
                } else if filter % 2 == 1 {
                    let offset = match (linear, w) {
                        (true, Bits::B4) if !packed => 8,
                        (true, _) => 0,
                        _ => -zero_points[filter],
                    };
                    let sum = largest(&raised(offset), proof.chunk.into(), code);
                    let factor = if packed { shift } else { w.count() };
                    assert!(sum << factor < 1 << 31, "{x:?} {w:?} {elements}: {sum} in {proof:?}");
                }
            }
        }
    }

    #[test]
    fn small_weights_go_further_than_extreme_ones() {
        let layer = layer(false, 512, Bits::B4, Bits::B4);
        let of = |byte: u8| {
            let mut parameters = vec![byte; 8 * 256];
            parameters.extend([0; 8]);
            parameters.extend([40; 8]);
            proof(&layer, &parameters).unwrap().interval
        };
        // 15 * 15 * 18 < 2^12, 15 * 8 * 34 < 2^12; whole words of eight elements.
        assert_eq!((of(0x77), of(0x00)), (16, 32));
    }
}
