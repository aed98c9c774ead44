//! From how elements move to the loops of the kernel.

use mixq_format::{LOOPS, Positions, Rest, Tensor};

use super::Rearrange;

/// A loop: how often it runs, and how far it moves in input and output, in bits.
#[derive(Clone, Copy)]
struct Loop {
    count: usize,
    from: usize,
    to: usize,
}

/// One round.
const ONCE: Loop = Loop { count: 1, from: 0, to: 0 };

impl Rearrange {
    /// The table of a layer that moves elements from `input` to `output`. With `keeps` the output holds what
    /// an earlier layer wrote.
    ///
    /// # Panics
    /// If a size exceeds 65,535, or bits of a tensor 32 bits: graphs keep these bounds, and the arena does.
    pub fn table(&self, input: Tensor, output: Tensor, keeps: bool) -> mixq_format::Rearrange {
        let bits = input.bits.count();
        // Pixels, and their rows, in bits.
        let pixel = |tensor: &Tensor| 8 * tensor.pixel_bytes();
        let row = |tensor: &Tensor| usize::from(tensor.width) * pixel(tensor);
        let (x, y) = (&input, &output);
        let size = usize::from;
        let of = |count: usize, from: usize, to: usize| Loop { count, from, to };
        let pixels = [of(size(x.height), row(x), row(y)), of(size(x.width), pixel(x), pixel(y))];
        let channels = |count: usize| of(count, bits, bits);
        let (loops, first) = match *self {
            Rearrange::Join { first } => {
                ([ONCE, ONCE, pixels[0], pixels[1], channels(size(x.channels))], [0, first * bits])
            }
            Rearrange::Slice { first, channels: count } => {
                ([ONCE, ONCE, pixels[0], pixels[1], channels(count)], [first * bits, 0])
            }
            Rearrange::Shuffle { groups } => {
                let each = size(x.channels) / groups;
                let (inner, outer) = (of(groups, each * bits, bits), of(each, bits, groups * bits));
                ([ONCE, pixels[0], pixels[1], outer, inner], [0, 0])
            }
            Rearrange::Pad { padding: [top, _, left, _] } => {
                let first = top * row(y) + left * pixel(y);
                ([ONCE, ONCE, pixels[0], pixels[1], channels(size(x.channels))], [0, first])
            }
            Rearrange::Spread { stride: [down, right] } => {
                let rows = of(size(x.height), row(x), down * row(y));
                let columns = of(size(x.width), pixel(x), right * pixel(y));
                ([ONCE, ONCE, rows, columns, channels(size(x.channels))], [0, 0])
            }
            Rearrange::Upsample { factor: [down, right] } => {
                let rows = [of(size(x.height), row(x), down * row(y)), of(down, 0, row(y))];
                let columns = [of(size(x.width), pixel(x), right * pixel(y)), of(right, 0, pixel(y))];
                ([rows[0], rows[1], columns[0], columns[1], channels(size(x.channels))], [0, 0])
            }
            Rearrange::DepthToSpace { block } => (blocks(y, x, block, bits), [0, 0]),
            Rearrange::SpaceToDepth { block } => {
                let turned = |Loop { count, from, to }| Loop { count, from: to, to: from };
                (blocks(x, y, block, bits).map(turned), [0, 0])
            }
            Rearrange::Reshape if x.channels <= y.channels => {
                let (joined, few) = (size(y.channels / x.channels), size(x.channels) * bits);
                let rows = of(size(y.height), size(y.width) * joined * pixel(x), row(y));
                let columns = of(size(y.width), joined * pixel(x), pixel(y));
                ([ONCE, rows, columns, of(joined, pixel(x), few), channels(size(x.channels))], [0, 0])
            }
            Rearrange::Reshape => {
                let (parts, few) = (size(x.channels / y.channels), size(y.channels) * bits);
                let rows = of(size(x.height), row(x), size(x.width) * parts * pixel(y));
                let columns = of(size(x.width), pixel(x), parts * pixel(y));
                ([ONCE, rows, columns, of(parts, few, pixel(y)), channels(size(y.channels))], [0, 0])
            }
            Rearrange::Transpose { order } => {
                let from = order.map(|axis| [row(x), pixel(x), bits][axis]);
                let [height, width, depth] = [size(y.height), size(y.width), size(y.channels)];
                let rows = of(height, from[0], row(y));
                ([ONCE, ONCE, rows, of(width, from[1], pixel(y)), of(depth, from[2], bits)], [0, 0])
            }
        };
        let loops = merged(loops);
        // Bits between the last element of a pixel and the next pixel: kernels write 0 there.
        let gaps = pixel(y) > size(y.channels) * bits;
        let rest = match self {
            _ if keeps => Rest::Kept,
            Rearrange::Pad { .. } | Rearrange::Spread { .. } => Rest::Zero,
            _ if gaps => Rest::Zero,
            _ => Rest::Anything,
        };
        let positions = |first: usize, stride: fn(&Loop) -> usize| Positions {
            first: narrow(first),
            strides: loops.each_ref().map(|each| narrow(stride(each))),
        };
        mixq_format::Rearrange {
            input,
            output,
            counts: loops.map(|each| u16::try_from(each.count).expect("the graph bounds every axis")),
            rest,
            from: positions(first[0], |each| each.from),
            to: positions(first[1], |each| each.to),
        }
    }
}

fn narrow(bits: usize) -> u32 {
    u32::try_from(bits).expect("an arena has fewer bits")
}

/// From the channels of `deep` to the blocks of pixels of `wide`.
fn blocks(wide: &Tensor, deep: &Tensor, block: usize, bits: usize) -> [Loop; LOOPS] {
    let pixel = |tensor: &Tensor| 8 * tensor.pixel_bytes();
    let row = |tensor: &Tensor| usize::from(tensor.width) * pixel(tensor);
    let channels = usize::from(wide.channels);
    let of = |count: usize, from: usize, to: usize| Loop { count, from, to };
    [
        of(deep.height.into(), row(deep), block * row(wide)),
        of(block, block * channels * bits, row(wide)),
        of(deep.width.into(), pixel(deep), block * pixel(wide)),
        of(block, channels * bits, pixel(wide)),
        of(channels, bits, bits),
    ]
}

/// The same loops with as few of more than one round as can be: a loop whose rounds follow one another in
/// input and output is part of the loop around it.
fn merged(loops: [Loop; LOOPS]) -> [Loop; LOOPS] {
    let mut merged: Vec<Loop> = Vec::new();
    for inner in loops.into_iter().filter(|each| each.count > 1) {
        match merged.last_mut() {
            Some(outer)
                if outer.from == inner.count * inner.from
                    && outer.to == inner.count * inner.to
                    && outer.count * inner.count <= usize::from(u16::MAX) =>
            {
                *outer = Loop { count: outer.count * inner.count, ..inner };
            }
            _ => merged.push(inner),
        }
    }
    let mut padded = [ONCE; LOOPS];
    padded[LOOPS - merged.len()..].copy_from_slice(&merged);
    padded
}
