//! Depthwise convolutions: strips of columns, of two channels at a time, a row after the other.

use super::super::super::cost::Counts;
use super::pieces::P;
use crate::{Bits, Depthwise};

/// Columns of output that the widened rows have room for.
const fn columns(stride: usize) -> usize {
    if stride == 1 { 24 } else { 12 }
}

pub(super) fn tally(depthwise: &Depthwise) -> Counts {
    let Depthwise { input, output, window, .. } = depthwise;
    let mut counts = super::counts();
    let stride = usize::from(window.stride_width);
    let (lines, all) = (usize::from(output.height), usize::from(output.channels));
    let channel_pairs = all.div_ceil(2);
    let second = all / 2;
    let [load4, load1] = match input.bits {
        Bits::B4 => [P::LoadFour4, P::LoadOne4],
        Bits::B2 => [P::LoadFour2, P::LoadOne2],
        Bits::B8 | Bits::B32 => [P::LoadFour8, P::LoadOne8],
    };
    let [two, one] =
        if output.bits == Bits::B8 { [P::TwoOutputs8, P::OneOutput8] } else { [P::TwoOutputs, P::OneOutput] };
    counts.add(P::Depthwise as usize, 1);
    if !(all * output.bits.count()).is_multiple_of(8) {
        counts.add(P::ClearedByte as usize, output.bytes());
    }
    let (width, out_width) = (usize::from(input.width), usize::from(output.width));
    let pad = usize::from(window.pad_left);
    let small = usize::from(window.taps() < 9);
    let mut first = 0;
    while first < out_width {
        let count = columns(stride).min(out_width - first);
        let (from, needed) = (first * stride, (count - 1) * stride + 3);
        let begin = from.saturating_sub(pad);
        let pixels = (from + needed).saturating_sub(pad).min(width).saturating_sub(begin);
        let singles = if stride == 1 { count % 2 } else { count };
        let pairs = (count - singles) / 2;
        counts.add(P::Strip as usize, 1);
        counts.add(P::ChannelPair as usize, channel_pairs);
        counts.add(P::Channel as usize, all);
        counts.add(P::SmallWindow as usize, small * all);
        counts.add(P::SmallWindowRow as usize, small * all * usize::from(window.kernel_height));
        counts.add(P::SmallWindowTap as usize, small * all * window.taps());
        let rows = 3 + (lines - 1) * usize::from(window.stride_height);
        let loaded = channel_pairs * rows;
        counts.add(P::LoadRow as usize, loaded);
        counts.add(load4 as usize, loaded * (pixels / 4));
        counts.add(load1 as usize, loaded * (pixels % 4));
        counts.add(P::Line as usize, channel_pairs * lines);
        counts.add(P::SecondLine as usize, second * lines);
        counts.add(P::ConvolveRow as usize, all * lines);
        counts.add(two as usize, all * lines * pairs);
        counts.add(one as usize, all * lines * singles);
        first += count;
    }
    counts
}
