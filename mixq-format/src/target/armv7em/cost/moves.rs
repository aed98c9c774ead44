//! Rearrangements.

use super::super::super::cost::Counts;
use super::super::{Moves, Runs, runs};
use super::pieces::P;
use crate::{Bits, LOOPS, Rearrange, Rest};

/// Bytes of a round of the loop that writes zero points.
const FILLED: usize = 32;

pub(super) fn rearrange(layer: &Rearrange) -> Counts {
    let mut counts = super::counts();
    if layer.rest == Rest::Zero {
        counts.add(P::RearrangeZero as usize, 1);
        counts.add(P::RearrangeZeroRound as usize, layer.output.bytes() / FILLED);
        counts.add(P::RearrangeZeroByte as usize, layer.output.bytes() % FILLED);
    }
    match Moves::of(layer) {
        Some(Moves::Interleave) => interleave(&mut counts, layer),
        Some(Moves::Runs) | None => {
            counts.add(P::Rearrange as usize, 1);
            runs(layer)
                .iter()
                .flatten()
                .filter(|runs| runs.bytes > 0)
                .for_each(|runs| copy(&mut counts, runs));
        }
    }
    counts
}

fn interleave(counts: &mut Counts, layer: &Rearrange) {
    let [rows, columns, pixels, channels, _] = layer.counts.map(usize::from);
    let (calls, bits) = (rows * columns, layer.input.bits.count());
    counts.add(P::Interleave as usize, 1);
    counts.add(P::InterleaveCall as usize, calls);
    counts.add(P::InterleavePixel as usize, calls * pixels);
    let (bytes, rest) = (channels * bits / 8, channels * bits / 8 % 4);
    let words = bytes / 4;
    counts.add(P::InterleaveRound as usize, calls * pixels * words.div_ceil(2));
    counts.add(P::InterleaveWord as usize, calls * pixels * words);
    let last = usize::from(rest > 0);
    counts.add(P::InterleaveRest as usize, calls * pixels * last);
    let swaps = match layer.input.bits {
        Bits::B2 => 2,
        Bits::B4 => 1,
        Bits::B8 | Bits::B32 => 0,
    };
    counts.add(P::InterleaveSwap as usize, calls * pixels * (words + last) * swaps);
}

fn copy(counts: &mut Counts, runs: &Runs) {
    let [calls, rounds, lines, all] = [2, 3, 4, LOOPS]
        .map(|loops: usize| -> usize { runs.loops[..loops].iter().map(|each| each.count).product() });
    counts.add(P::RearrangeCalls as usize, 1);
    counts.add(P::RearrangeCall as usize, calls);
    counts.add(P::RearrangeRound as usize, rounds);
    counts.add(P::RearrangeLine as usize, lines);
    let run = match (runs.bytes, runs.bytes % 8) {
        (1 | 2, _) => P::RearrangeRunOfBytes,
        (3, _) => P::RearrangeRunOf3,
        (_, 0) => P::RearrangeRun,
        (_, 1..=4) => P::RearrangeRunAndWord,
        _ => P::RearrangeRunAndWords,
    };
    counts.add(run as usize, all);
    counts.add(P::RearrangeWords as usize, all * (runs.bytes / 8));
}
