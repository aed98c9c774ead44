//! Fully connected layers: strips of eight channels, and channels that fill none.

use super::super::super::cost::Counts;
use super::super::{LEAST_SCRATCH, STACK_OF_LINEAR, STRIP};
use super::Known;
use super::conv::Memory;
use super::pieces::P;
use crate::{Bits, Linear};

/// How a layer uses this number of bytes; the sets are the bits of codes that are made strip by strip.
pub(super) fn memory(linear: &Linear, known: &Known, scratch_bytes: usize) -> Memory {
    let elements = linear.input.elements();
    let most = (2 * elements).max(LEAST_SCRATCH);
    let on_the_stack = scratch_bytes < most.min(STACK_OF_LINEAR);
    let bytes = if on_the_stack { STACK_OF_LINEAR } else { scratch_bytes };
    let room = (bytes / 2) & !15;
    let codes = if 2 * elements <= bytes { known.codes } else { 0 };
    let chunk = if codes > 0 { elements } else { elements.min(known.proof.chunk.into()).min(room) };
    Memory { chunk, sets: codes, on_the_stack }
}

pub(super) fn tally(linear: &Linear, known: &Known, scratch_bytes: usize) -> Counts {
    let Linear { input, output, weight_bits, .. } = linear;
    let mut counts = super::counts();
    let memory = memory(linear, known, scratch_bytes);
    let (elements, channels) = (input.elements(), usize::from(output.channels));
    let strips = channels / STRIP;
    counts.add(P::Linear as usize, 1);
    counts.add(P::LinearOnTheStack as usize, memory.on_the_stack.into());
    let chunks = elements.div_ceil(memory.chunk.max(1));
    let word = match input.bits {
        Bits::B4 => P::RowWord4,
        Bits::B2 => P::RowWord2,
        Bits::B8 | Bits::B32 => P::RowWord8,
    };
    let nibbles = matches!((input.bits, weight_bits), (Bits::B8, Bits::B4));
    let [strip, round, interval] = match weight_bits {
        Bits::B4 if nibbles => [P::StripNibbles, P::RoundNibbles, P::FieldsNibbles],
        Bits::B4 => [P::Strip4, P::Round4, P::Fields4],
        Bits::B2 => [P::Strip2, P::Round2, P::Fields2],
        Bits::B8 | Bits::B32 => [P::Strip8, P::Round8, P::Fields8],
    };
    let taken_out = usize::from(known.proof.interval) & !15;
    let of_round = if matches!(weight_bits, Bits::B2) { 16 } else { 8 };
    for chunk in 0..chunks {
        let size = memory.chunk.min(elements - chunk * memory.chunk);
        let widened = if chunks == 1 { strips.min(1) } else { strips };
        counts.add(P::WidenRow as usize, widened);
        counts.add(word as usize, widened * size * input.bits.count() / 32);
        counts.add(strip as usize, strips);
        counts.add(round as usize, strips * size.div_ceil(of_round));
        counts.add(interval as usize, strips * size.div_ceil(taken_out.max(16)));
    }
    match memory.sets {
        0 => {
            counts.add(P::AddSums as usize, strips * chunks);
            counts.add(P::StripSums as usize, strips);
            counts.add(P::Requantise as usize, strips * STRIP);
            counts.add(P::Put as usize, channels);
        }
        8 => counts.add(P::StripCodes8 as usize, strips),
        4 => counts.add(P::StripCodes4 as usize, strips),
        _ => counts.add(P::StripCodes2 as usize, strips),
    }
    let rest = channels % STRIP;
    counts.add(P::PlainChannel as usize, rest);
    counts.add(P::Requantise as usize, rest);
    counts.add(P::PlainElement as usize, rest * elements);
    // Codes and weights of less than a byte are taken out of bytes.
    counts.add(P::PlainCode4 as usize, if input.bits == Bits::B4 { rest * elements } else { 0 });
    match weight_bits {
        Bits::B4 => counts.add(P::PlainWeight4 as usize, rest * elements),
        Bits::B2 => counts.add(P::PlainWeight2 as usize, rest * elements),
        Bits::B8 | Bits::B32 => {}
    }
    counts
}
