//! Depthwise convolutions: grids without gaps between taps; of each, strips of columns, of two channels at a
//! time, a row after the other.

use super::super::super::cost::Counts;
use super::pieces::P;
use crate::{Bits, Depthwise, GroupedConv, Tensor, Window};

/// Columns of output that the widened rows have room for.
const fn columns(stride: usize) -> usize {
    if stride == 1 { 24 } else { 12 }
}

pub(super) fn tally(depthwise: &Depthwise) -> Counts {
    let Depthwise { input, output, window, .. } = depthwise;
    let axis = |size: u16, pad: u16, outputs: u16| Axis {
        size: size.into(),
        pad: pad.into(),
        outputs: outputs.into(),
    };
    let y = axis(input.height, window.pad_top, output.height);
    let x = axis(input.width, window.pad_left, output.width);
    let mut layer = Layer::new(input, output, window, 1);
    layer.counts.add(P::Depthwise as usize, 1);
    layer.grid(&y, &x);
    layer.counts
}

/// Of convolutions whose filters see one channel each.
pub(super) fn grouped(grouped: &GroupedConv) -> Counts {
    let GroupedConv { input, output, window, dilation_height, dilation_width, .. } = grouped;
    let mut layer = Layer::new(input, output, window, grouped.group_filters());
    layer.counts.add(P::GroupedDepthwise as usize, 1);
    let of_rows = [window.stride_height, window.pad_top, *dilation_height, input.height, output.height];
    let of_columns = [window.stride_width, window.pad_left, *dilation_width, input.width, output.width];
    for y in Axis::all(of_rows) {
        for x in Axis::all(of_columns) {
            layer.counts.add(P::Grid as usize, 1);
            let strips = x.outputs.div_ceil(columns(window.stride_width.into()));
            layer.counts.add(P::FilterPair as usize, strips * usize::from(output.channels).div_ceil(2));
            layer.grid(&y, &x);
        }
    }
    layer.counts
}

/// Rows or columns of a grid: of the input, of padding before these, and of the output.
struct Axis {
    size: usize,
    pad: usize,
    outputs: usize,
}

impl Axis {
    /// Those of all grids.
    fn all(sizes: [u16; 5]) -> impl Iterator<Item = Axis> {
        let [stride, padding, dilation, size, outputs] = sizes.map(usize::from);
        (0..dilation.min(outputs)).map(move |from| {
            let start = from * stride;
            let pad = padding.saturating_sub(start).div_ceil(dilation);
            let first = start + pad * dilation - padding;
            let size = size.saturating_sub(first).div_ceil(dilation);
            Axis { size, pad, outputs: (outputs - from).div_ceil(dilation) }
        })
    }
}

struct Layer<'a> {
    counts: Counts,
    input: &'a Tensor,
    output: &'a Tensor,
    window: &'a Window,
    /// Filters of a channel.
    multiplier: usize,
}

impl<'a> Layer<'a> {
    fn new(input: &'a Tensor, output: &'a Tensor, window: &'a Window, multiplier: usize) -> Layer<'a> {
        let mut counts = super::counts();
        if !(usize::from(output.channels) * output.bits.count()).is_multiple_of(8) {
            counts.add(P::ClearedByte as usize, output.bytes());
        }
        Layer { counts, input, output, window, multiplier }
    }

    /// Pairs of output channels that see two channels, and others.
    fn pairs(&self) -> [usize; 2] {
        let all = usize::from(self.output.channels);
        let apart = |first: &usize| first / self.multiplier < (first + 1) / self.multiplier;
        let two = match self.multiplier {
            // An odd channel at the end is not counted as one that is alone.
            1 => all.div_ceil(2),
            _ => (0..all - 1).step_by(2).filter(apart).count(),
        };
        [two, all.div_ceil(2) - two]
    }

    fn grid(&mut self, y: &Axis, x: &Axis) {
        let pairs = self.pairs();
        let Layer { counts, input, output, window, .. } = self;
        let stride = usize::from(window.stride_width);
        let (lines, all) = (y.outputs, usize::from(output.channels));
        let loads = match input.bits {
            Bits::B4 => [P::LoadFour4, P::LoadOne4],
            Bits::B2 => [P::LoadFour2, P::LoadOne2],
            Bits::B8 | Bits::B32 => [P::LoadFour8, P::LoadOne8],
        };
        // As many instructions as for two channels of 2 bits.
        let loads_of_one = [P::LoadFour2, P::LoadOne2];
        let [two, one] = match output.bits {
            Bits::B8 => [P::TwoOutputs8, P::OneOutput8],
            _ => [P::TwoOutputs, P::OneOutput],
        };
        let small = usize::from(window.taps() < 9);
        let mut first = 0;
        while first < x.outputs {
            let count = columns(stride).min(x.outputs - first);
            let (from, needed) = (first * stride, (count - 1) * stride + 3);
            let begin = from.saturating_sub(x.pad);
            let pixels = (from + needed).saturating_sub(x.pad).min(x.size).saturating_sub(begin);
            let singles = if stride == 1 { count % 2 } else { count };
            counts.add(P::Strip as usize, 1);
            counts.add(P::Channel as usize, all);
            counts.add(P::SmallWindow as usize, small * all);
            counts.add(P::SmallWindowRow as usize, small * all * usize::from(window.kernel_height));
            counts.add(P::SmallWindowTap as usize, small * all * window.taps());
            let rows = 3 + (lines - 1) * usize::from(window.stride_height);
            for (pairs, [load4, load1]) in pairs.into_iter().zip([loads, loads_of_one]) {
                counts.add(P::ChannelPair as usize, pairs);
                counts.add(P::LoadRow as usize, pairs * rows);
                counts.add(load4 as usize, pairs * rows * (pixels / 4));
                counts.add(load1 as usize, pairs * rows * (pixels % 4));
                counts.add(P::Line as usize, pairs * lines);
            }
            counts.add(P::SecondLine as usize, all / 2 * lines);
            counts.add(P::ConvolveRow as usize, all * lines);
            counts.add(two as usize, all * lines * ((count - singles) / 2));
            counts.add(one as usize, all * lines * singles);
            first += count;
        }
    }
}
