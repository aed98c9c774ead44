//! Pools, additions, layers with constants, multiplications and elementwise layers.

use super::super::super::cost::{Counts, axis};
use super::pieces::P;
use crate::{Add, Bits, Constants, Elementwise, Multiply, Operation, Pool, Tensor};

/// Pixels of the windows by fields of words or bytes.
pub(super) fn pool(pool: &Pool, words: bool, max: bool) -> Counts {
    let Pool { input, output, window } = pool;
    let mut counts = super::counts();
    let size = if words { 4 } else { 1 };
    let calls_of_pixel = input.pixel_bytes().div_ceil(2 * size);
    let fields = 8 / input.bits.count();
    let pixels = output.pixels();
    let sum = |vertical, size, outputs| -> usize {
        axis(window, vertical, size, outputs).iter().map(|taps| taps.count()).sum()
    };
    let rows = sum(true, input.height, output.height);
    let columns = sum(false, input.width, output.width);
    let [field, line, tap] = match (max, words) {
        (true, true) => [P::MaxWords, P::MaxWordsRow, P::MaxWordsTap],
        (true, false) => [P::MaxBytes, P::MaxBytesRow, P::MaxBytesTap],
        (false, true) => [P::AverageWords, P::AverageWordsRow, P::AverageWordsTap],
        (false, false) => [P::AverageBytes, P::AverageBytesRow, P::AverageBytesTap],
    };
    counts.add(P::Pool as usize, 1);
    counts.add(P::PoolRow as usize, output.height.into());
    counts.add(P::PoolPixel as usize, pixels);
    counts.add(P::PoolCall as usize, pixels * calls_of_pixel);
    let each = calls_of_pixel * fields;
    counts.add(field as usize, pixels * each);
    counts.add(line as usize, rows * usize::from(output.width) * each);
    counts.add(tap as usize, rows * columns * each);
    counts
}

pub(super) fn add(add: &Add) -> Counts {
    let mut counts = super::counts();
    counts.add(P::Add as usize, 1);
    join(&mut counts, P::AddUnit, [add.a.bits, add.b.bits], &add.output);
    counts
}

pub(super) fn constants(table: &Constants) -> Counts {
    let mut counts = super::counts();
    counts.add(P::Constants as usize, 1);
    let unit = match table.operation {
        Operation::Sum => P::AddUnit,
        Operation::Product => P::ProductUnit,
    };
    join(&mut counts, unit, [table.input.bits, table.weight_bits], &table.output);
    counts
}

/// Units of four elements of two inputs.
fn join(counts: &mut Counts, unit: P, inputs: [Bits; 2], output: &Tensor) {
    let bits = [inputs[0], inputs[1], output.bits].map(Bits::count);
    let (pixels, channels) = (output.pixels(), usize::from(output.channels));
    let narrowest = bits.into_iter().min().unwrap_or(8);
    let seamless = (channels * narrowest).is_multiple_of(8);
    let (rows, elements) = if seamless { (1, pixels * channels) } else { (pixels, channels) };
    let rest = elements % 4;
    // Each row has a unit of what is left, maybe of nothing.
    let units = rows * (elements / 4 + 1);
    counts.add(P::AddRow as usize, rows);
    counts.add(unit as usize, units);
    let copied: usize = bits.iter().map(|bits| (bits * rest).div_ceil(8)).sum();
    counts.add(P::AddCopied as usize, rows * copied);
    let wide = bits[0] == 8 && bits[1] == 8;
    counts.add(P::AddTable as usize, if wide { 0 } else { units });
    for bits in inputs {
        match bits {
            Bits::B4 => counts.add(P::AddRead4 as usize, units),
            Bits::B2 => counts.add(P::AddRead2 as usize, units),
            Bits::B8 | Bits::B32 => {}
        }
    }
    match output.bits {
        Bits::B4 => counts.add(P::AddWrite4 as usize, units),
        Bits::B2 => counts.add(P::AddWrite2 as usize, units),
        Bits::B8 | Bits::B32 => {}
    }
}

pub(super) fn multiply(multiply: &Multiply) -> Counts {
    let mut counts = super::counts();
    let (pixels, channels) = (multiply.output.pixels(), usize::from(multiply.output.channels));
    if multiply.by_channel() {
        counts.add(P::Scale as usize, 1);
        counts.add(P::ScaleStrip as usize, channels / 4);
        counts.add(P::ScaleUnit as usize, pixels * (channels / 4));
        counts.add(P::ScaleRound as usize, pixels.div_ceil(4) * (channels / 4));
        counts.add(P::ScaleChannel as usize, channels % 4);
        counts.add(P::ScaleCode as usize, pixels * (channels % 4));
    } else {
        counts.add(P::Multiply as usize, 1);
        counts.add(P::MultiplyUnit as usize, pixels * channels / 8);
        counts.add(P::MultiplyRound as usize, (pixels * channels / 8).div_ceil(2));
        counts.add(P::MultiplyCode as usize, pixels * channels % 8);
    }
    counts
}

/// Bytes of a round of the loop.
const ROUND: usize = 16;

pub(super) fn elementwise(table: &Elementwise) -> Counts {
    let mut counts = super::counts();
    let Elementwise { input, output, .. } = table;
    if input.bits != output.bits {
        change_width(&mut counts, table);
        return counts;
    }
    let bytes = output.bytes();
    counts.add(P::Elementwise as usize, 1);
    if output.bits != Bits::B8 {
        counts.add(P::ElementwiseExpand as usize, 1);
    }
    counts.add(P::ElementwiseRound as usize, bytes / ROUND);
    counts.add(P::ElementwiseTwoRounds as usize, (bytes / ROUND).div_ceil(2));
    counts.add(P::ElementwiseByte as usize, bytes % ROUND);
    if !(usize::from(output.channels) * output.bits.count()).is_multiple_of(8) {
        counts.add(P::ElementwisePixel as usize, output.pixels());
    }
    counts
}

/// Of functions whose output has another width.
fn change_width(counts: &mut Counts, Elementwise { input, output, .. }: &Elementwise) {
    let (bytes, rest) = (input.bytes(), input.bytes() % ROUND);
    let [x, y] = [input, output].map(|tensor| tensor.bits.count());
    let round = if x > y {
        counts.add(P::Narrower as usize, 1);
        counts.add(P::NarrowerExpand as usize, usize::from(x == 4));
        counts.add(P::NarrowerByte as usize, rest);
        counts.add(P::NarrowerOutput as usize, rest * y / x);
        if x == 2 * y { P::NarrowerHalves } else { P::NarrowerQuarters }
    } else {
        counts.add(P::Wider as usize, 1);
        counts.add(P::WiderExpand as usize, usize::from(y == 2 * x));
        counts.add(P::WiderPairs as usize, usize::from(x == 2));
        counts.add(P::WiderByte as usize, rest);
        counts.add(P::WiderOutput as usize, rest * y / x);
        if y == 2 * x { P::WiderBytes } else { P::WiderNibbles }
    };
    counts.add(round as usize, bytes / ROUND);
}
