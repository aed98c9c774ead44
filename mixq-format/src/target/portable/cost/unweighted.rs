//! Layers without weights.

use super::{CHUNK, Counts, P, axis, by_bits, by_both, partial};
use crate::{Add, Bits, Constants, Elementwise, Multiply, Operation, Pool, Prelu, Rearrange, Resize, Rest};

/// `tap` is the first of three pieces.
pub(super) fn pool(counts: &mut Counts, layer: &Pool, tap: P) {
    let Pool { input, output, window } = layer;
    let channels = usize::from(input.channels);
    let groups = channels.div_ceil(CHUNK);
    let sum = |vertical, size, outputs| -> usize {
        axis(window, vertical, size, outputs).iter().map(|taps| taps.count()).sum()
    };
    let rows = sum(true, input.height, output.height) * usize::from(output.width);
    let seen = sum(true, input.height, output.height) * sum(false, input.width, output.width);
    counts.add(P::Pool as usize, 1);
    counts.add(P::PoolPixel as usize, output.pixels());
    match tap {
        P::MaxTap8 => counts.add(P::MaxGroup as usize, output.pixels() * groups),
        _ => {
            counts.add(by_bits(P::AverageGroup8, input.bits), output.pixels() * groups);
            // Where division is a function, it takes longer for a larger mean. The means of the empty lanes
            // after the last channel are 0.
            counts.add(by_bits(P::AverageCode8, input.bits), output.pixels() * channels);
        }
    }
    partial(counts, input, seen);
    counts.add(P::PoolRow as usize, groups * rows);
    counts.add(by_bits(tap, input.bits), groups * seen);
    counts.add(P::PoolCode as usize, output.pixels() * channels);
}

pub(super) fn add(counts: &mut Counts, layer: &Add) {
    let elements = layer.output.elements();
    counts.add(P::Add as usize, 1);
    counts.add(P::AddPixel as usize, layer.output.pixels());
    match layer.output.bits {
        Bits::B32 => counts.add(P::AddLogit as usize, elements),
        bits => counts.add(by_bits(P::AddCode8, bits), elements),
    }
}

pub(super) fn multiply(counts: &mut Counts, layer: &Multiply) {
    let output = &layer.output;
    counts.add(P::Multiply as usize, 1);
    counts.add(P::MultiplyPixel as usize, output.pixels());
    counts.add(by_bits(P::MultiplyCode8, output.bits), output.elements());
}

pub(super) fn prelu(counts: &mut Counts, layer: &Prelu) {
    let output = &layer.output;
    counts.add(P::Prelu as usize, 1);
    counts.add(P::PreluPixel as usize, output.pixels());
    counts.add(by_bits(P::PreluCode8, output.bits), output.elements());
}

pub(super) fn constants(counts: &mut Counts, layer: &Constants) {
    let output = &layer.output;
    let code = match layer.operation {
        Operation::Sum => P::SumCode8,
        Operation::Product => P::ProductCode8,
    };
    counts.add(P::Constants as usize, 1);
    counts.add(P::ConstantsPixel as usize, output.pixels());
    counts.add(by_bits(code, output.bits), output.elements());
}

pub(super) fn elementwise(counts: &mut Counts, layer: &Elementwise) {
    let Elementwise { input, output, .. } = layer;
    let channels = usize::from(output.channels);
    // If no pixel ends inside a byte, all pixels are one row.
    let seamless = [input, output].iter().all(|t| (channels * t.bits.count()).is_multiple_of(8));
    counts.add(P::Elementwise as usize, 1);
    counts.add(P::ElementwiseRow as usize, if seamless { 1 } else { output.pixels() });
    counts.add(by_both(P::ElementwiseCode88, input.bits, output.bits), output.elements());
}

pub(super) fn rearrange(counts: &mut Counts, layer: &Rearrange) {
    counts.add(P::Rearrange as usize, 1);
    if layer.rest == Rest::Zero {
        counts.add(P::RearrangeZero as usize, layer.output.bytes());
    }
    let runs: usize =
        layer.counts[..layer.counts.len() - 1].iter().map(|count| usize::from(*count)).product();
    counts.add(P::RearrangeRun as usize, runs);
    match layer.run_bytes() {
        Some(bytes) => counts.add(P::RearrangeByte as usize, runs * bytes),
        None => {
            counts.add(P::RearrangeCode as usize, runs * usize::from(layer.counts[layer.counts.len() - 1]))
        }
    }
}

pub(super) fn resize(counts: &mut Counts, layer: &Resize) {
    let (pixels, channels) = (layer.output.pixels(), usize::from(layer.output.channels));
    counts.add(P::Resize as usize, 1);
    counts.add(P::ResizeRow as usize, layer.output.height.into());
    counts.add(P::ResizePixel as usize, pixels);
    counts.add(by_bits(P::ResizeChunk8, layer.input.bits), pixels * channels.div_ceil(CHUNK));
    counts.add(P::ResizeCode as usize, pixels * channels);
    // Each of the four corners.
    partial(counts, &layer.input, 4 * pixels);
}
