//! What layers cost with the portable kernels: how often each piece of them is executed. Compilers make other
//! code of them for each processor: the figures are a model of it.

use super::super::cost::{Counts, Execution, Piece, Tally, axis, pieces};
use crate::target::{Steps, stripes};
use crate::{Bits, Conv, Depthwise, GroupedConv, Layer, Linear, Requant, Rule, Tensor, Window};

mod figures;
mod unweighted;
use figures::{FIGURES, P};
use unweighted::{add, constants, elementwise, multiply, pool, prelu, rearrange, resize};

/// Elements of a chunk.
const CHUNK: usize = 8;

/// Cycles of an instruction of portable kernels on a Cortex-M4, about.
const CYCLES: f64 = 1.45;

/// What differs by the instruction set.
#[derive(Clone, Copy)]
enum Set {
    Armv6m = 0,
    Armv7m = 1,
    Armv7em = 2,
    Riscv = 3,
}

impl Set {
    fn of(rust_target: &str) -> Set {
        if rust_target.starts_with("riscv") {
            Set::Riscv
        } else if rust_target.starts_with("thumbv6m") || rust_target.starts_with("thumbv8m.base") {
            Set::Armv6m
        } else if rust_target.starts_with("thumbv7em") {
            Set::Armv7em
        } else {
            Set::Armv7m
        }
    }

    /// Output channels that are requantised at once, and elements that are unpacked at once.
    fn block_and_segment(self) -> (usize, usize) {
        match self {
            Set::Armv7em => (4, 32),
            Set::Armv6m | Set::Armv7m | Set::Riscv => (8, 64),
        }
    }
}

pub(in super::super) fn tally(layer: &Layer, execution: &Execution<'_>) -> Tally {
    of_set(layer, execution.parameters, Set::of(execution.rust_target))
}

/// The tallies of a whole network.
pub(in super::super) fn tallies(
    rust_target: &str,
    steps: Steps<'_>,
    parameters: &[u8],
    _: u32,
) -> Vec<Tally> {
    let of_layer = |layer: &Layer| of_set(layer, Some(parameters), Set::of(rust_target));
    (0..steps.layers.len()).map(|index| stripes::tally(steps, index, of_layer)).collect()
}

/// For a layer that the kernels for ARMv7E-M do not take. On ARMv8-M the code is that of processors without
/// DSP.
pub(in super::super) fn fallback(layer: &Layer, execution: &Execution<'_>) -> Tally {
    Tally { has_cycles: true, ..tally(layer, execution) }
}

fn of_set(layer: &Layer, parameters: Option<&[u8]>, set: Set) -> Tally {
    // As `Requantiser::needs_input_sum` has it.
    let sums_input = layer.requant().is_some_and(|requant| {
        let count = requant.zero_points(layer.output().channels.into());
        let of_layer =
            |all: &[u8]| all[requant.weight_zero_point as usize..][..count].iter().any(|z| *z != 0);
        parameters.is_none_or(of_layer)
    });
    let mut counts = Counts::new(FIGURES.len());
    match layer {
        Layer::Conv(layer) => conv(&mut counts, layer, sums_input, set),
        Layer::Depthwise(layer) => depthwise(&mut counts, layer),
        Layer::Linear(layer) => linear(&mut counts, layer, sums_input, set),
        Layer::AveragePool(layer) => pool(&mut counts, layer, P::AverageTap8),
        Layer::MaxPool(layer) => pool(&mut counts, layer, P::MaxTap8),
        Layer::Add(layer) => add(&mut counts, layer),
        Layer::Multiply(layer) => multiply(&mut counts, layer),
        Layer::Elementwise(layer) => elementwise(&mut counts, layer),
        Layer::Prelu(layer) => prelu(&mut counts, layer),
        Layer::Rearrange(layer) => rearrange(&mut counts, layer),
        Layer::Resize(layer) => resize(&mut counts, layer),
        Layer::GroupedConv(layer) => grouped(&mut counts, layer, sums_input, set),
        Layer::Constants(layer) => constants(&mut counts, layer),
    }
    counts.add(P::WideCode as usize, wide_codes(layer, parameters));
    let piece = |(name, figures): &(&'static str, &[f64])| {
        let instructions = figures[set as usize];
        Piece { name, instructions, cycles: instructions * CYCLES }
    };
    let pieces = FIGURES.iter().map(piece).collect();
    Tally { kernels: super::TARGET.name, pieces, counts: counts.0, has_cycles: false }
}

/// Codes or logits whose shift is below a word, so that more than the high word of a product decides: none,
/// if shifts are not known.
fn wide_codes(layer: &Layer, parameters: Option<&[u8]>) -> usize {
    let (Some(requant), Some(parameters)) = (layer.requant(), parameters) else { return 0 };
    let (output, count) = (layer.output(), requant.multipliers(layer.output().channels.into()));
    if count == 0 {
        return 0;
    }
    let shifts = &parameters[requant.shift as usize..][..count];
    shifts.iter().filter(|shift| **shift < 32).count() * output.elements() / count
}

/// The piece for a width, of three that follow one another: for 8, 4 and 2 bits.
fn by_bits(first: P, bits: Bits) -> usize {
    first as usize + narrow(bits)
}

fn narrow(bits: Bits) -> usize {
    match bits {
        Bits::B8 | Bits::B32 => 0,
        Bits::B4 => 1,
        Bits::B2 => 2,
    }
}

/// The piece for two widths, of nine.
fn by_both(first: P, x: Bits, w: Bits) -> usize {
    first as usize + 3 * narrow(x) + narrow(w)
}

/// Codes or logits that are made of sums, `calls` times of some at once.
fn codes(counts: &mut Counts, output: &Tensor, requant: &Requant, calls: usize, codes: usize) {
    counts.add(P::Codes as usize, calls);
    let (code, steps) = match requant.rule {
        Rule::Multiplier => (P::Code, 0),
        Rule::Thresholds16 => (P::Thresholds16, output.bits.count()),
        Rule::Thresholds32 => (P::Thresholds32, output.bits.count()),
    };
    counts.add(code as usize, codes);
    counts.add(P::Step as usize, steps * codes);
    if requant.rule == Rule::Multiplier && requant.multiplier_step == 1 {
        counts.add(P::OwnMultiplier as usize, codes);
    }
    match output.bits {
        Bits::B32 => counts.add(P::WriteLogit as usize, codes),
        bits => counts.add(by_bits(P::Write8, bits), codes),
    }
}

fn conv(counts: &mut Counts, layer: &Conv, sums_input: bool, set: Set) {
    let Conv { input, output, window, weight_bits, requant, .. } = layer;
    let (block, segment) = set.block_and_segment();
    let (channels, filters) = (usize::from(input.channels), usize::from(output.channels));
    let tap = weight_bits.row_bytes(channels) * 8 / weight_bits.count();
    let taps = window.taps();
    let pairs = usize::from(output.height) * usize::from(output.width).div_ceil(2);
    let blocks = filters.div_ceil(block);
    let pixels = output.pixels();
    // Segments of a filter.
    let segments = match segment / tap {
        0 => taps * tap.div_ceil(segment),
        fitting => taps.div_ceil(fitting),
    };
    let times = if segments == 1 { 1 } else { blocks };
    counts.add(P::Conv as usize, 1);
    counts.add(P::Pair as usize, pairs);
    counts.add(P::Block as usize, pairs * blocks);
    counts.add(P::Unpack as usize, pixels * segments * times);
    let sum = |vertical, size, outputs| -> usize {
        axis(window, vertical, size, outputs).iter().map(|taps| taps.count()).sum()
    };
    let seen = sum(true, input.height, output.height) * sum(false, input.width, output.width);
    let padded = pixels * taps - seen;
    counts.add(P::Tap as usize, times * seen * tap.div_ceil(segment));
    let (whole, rest) = (channels / CHUNK, channels % CHUNK);
    counts.add(by_bits(P::UnpackChunk8, input.bits), times * seen * whole);
    counts.add(by_bits(P::UnpackRest8, input.bits), times * seen * rest);
    counts.add(P::PaddedTap as usize, times * padded);
    counts.add(P::PaddedElement as usize, times * padded * channels);
    if sums_input {
        counts.add(P::InputSum as usize, pairs * taps * tap);
    }
    counts.add(P::Dots as usize, pairs * blocks * segments);
    counts.add(P::Filter as usize, pairs * filters * segments);
    // Chunks of all segments of a filter.
    let chunks = match segment / tap {
        0 => taps * tap.div_ceil(CHUNK),
        fitting => {
            let (full, left) = (taps / fitting, taps % fitting);
            full * (fitting * tap).div_ceil(CHUNK) + (left * tap).div_ceil(CHUNK)
        }
    };
    // Elements of the last chunks that no weight belongs to.
    counts.add(P::Unused as usize, pairs * times * (chunks * CHUNK - taps * tap));
    counts.add(by_both(P::Dot88, input.bits, *weight_bits), pairs * filters * chunks);
    codes(counts, output, requant, pixels * blocks, pixels * filters);
}

fn depthwise(counts: &mut Counts, layer: &Depthwise) {
    let Depthwise { input, output, window, weight_bits, requant, .. } = layer;
    let (channels, taps) = (usize::from(input.channels), window.taps());
    let groups = channels.div_ceil(CHUNK);
    let pixels = output.pixels();
    let sum = |vertical, size, outputs| -> usize {
        axis(window, vertical, size, outputs).iter().map(|taps| taps.count()).sum()
    };
    let rows = sum(true, input.height, output.height) * usize::from(output.width);
    let seen = sum(true, input.height, output.height) * sum(false, input.width, output.width);
    let of_taps = taps.div_ceil(9);
    counts.add(P::Depthwise as usize, 1);
    counts.add(P::DepthwiseGroup as usize, groups);
    counts.add(P::DepthwiseRow as usize, groups * usize::from(output.height));
    counts.add(P::DepthwisePixel as usize, groups * pixels);
    let unpacked = if of_taps == 1 { groups * taps } else { groups * pixels * taps };
    counts.add(by_bits(P::DepthwiseUnpack8, *weight_bits), unpacked);
    counts.add(P::DepthwiseWindowRow as usize, groups * rows * of_taps);
    counts.add(P::DepthwiseSkipped as usize, groups * seen * (of_taps - 1));
    counts.add(by_bits(P::DepthwiseTap8, input.bits), groups * seen);
    partial(counts, input, seen);
    if input.zero_point != 0 {
        counts.add(P::DepthwisePad as usize, groups * pixels * of_taps * taps);
        counts.add(P::DepthwisePadded as usize, groups * (pixels * taps - seen));
    }
    codes(counts, output, requant, pixels * groups, pixels * channels);
}

fn linear(counts: &mut Counts, layer: &Linear, sums_input: bool, set: Set) {
    let Linear { input, output, weight_bits, requant, .. } = layer;
    let (block, _) = set.block_and_segment();
    let (channels, outputs) = (usize::from(input.channels), usize::from(output.channels));
    let seamless = [input.bits, *weight_bits].iter().all(|bits| (channels * bits.count()).is_multiple_of(8));
    let (rows, elements) = if seamless { (1, input.elements()) } else { (input.pixels(), channels) };
    counts.add(P::Linear as usize, 1);
    counts.add(P::LinearOutput as usize, outputs);
    counts.add(P::LinearRow as usize, outputs * rows);
    counts.add(by_both(P::LinearChunk88, input.bits, *weight_bits), outputs * rows * (elements / CHUNK));
    counts.add(by_both(P::LinearRest88, input.bits, *weight_bits), outputs * rows * (elements % CHUNK));
    if sums_input {
        counts.add(P::LinearSumRow as usize, input.pixels());
        counts.add(by_bits(P::LinearSum8, input.bits), input.elements());
    }
    codes(counts, output, requant, outputs.div_ceil(block), outputs);
}

/// Chunks that the last channels of a pixel do not fill: these are copied.
fn partial(counts: &mut Counts, input: &Tensor, pixels: usize) {
    let bytes = input.pixel_bytes() % input.bits.count();
    if bytes > 0 {
        counts.add(P::PartialChunk as usize, pixels);
        counts.add(P::PartialByte as usize, pixels * bytes);
    }
}

fn grouped(counts: &mut Counts, layer: &GroupedConv, sums_input: bool, set: Set) {
    let GroupedConv { input, output, window, weight_bits, requant, .. } = layer;
    let (block, segment) = set.block_and_segment();
    let (channels, filters, pixels) = (layer.group_channels(), layer.group_filters(), output.pixels());
    let blocks = usize::from(layer.groups) * filters.div_ceil(block);
    // Taps that see the input, along both axes.
    let seen = |outputs: u16, stride: u16, pad: u16, kernel: u16, dilation: u16, size: u16| -> usize {
        let origin = |output: u16| i64::from(output) * i64::from(stride) - i64::from(pad);
        let inside = |place: &i64| (0..i64::from(size)).contains(place);
        let taps = |output| (0..kernel).map(move |tap| origin(output) + i64::from(tap) * i64::from(dilation));
        (0..outputs).map(|output| taps(output).filter(inside).count()).sum()
    };
    let Window { kernel_height, kernel_width, stride_height, stride_width, pad_top, pad_left } = *window;
    let rows =
        seen(output.height, stride_height, pad_top, kernel_height, layer.dilation_height, input.height);
    let columns = seen(output.width, stride_width, pad_left, kernel_width, layer.dilation_width, input.width);
    let taps = pixels * window.taps();
    let segments = channels.div_ceil(segment);
    counts.add(P::Grouped as usize, 1);
    counts.add(P::GroupedPixel as usize, pixels);
    counts.add(P::GroupedBlock as usize, pixels * blocks);
    counts.add(P::GroupedTap as usize, blocks * taps);
    counts.add(P::GroupedSeen as usize, blocks * rows * columns);
    counts.add(P::GroupedSegment as usize, blocks * taps * segments);
    counts.add(by_bits(P::GroupedCode8, input.bits), blocks * rows * columns * channels);
    counts.add(P::GroupedPadded as usize, blocks * (taps - rows * columns) * channels);
    counts.add(P::GroupedSum as usize, if sums_input { blocks * taps * channels } else { 0 });
    let outputs = usize::from(output.channels);
    counts.add(P::GroupedOutput as usize, pixels * outputs);
    counts.add(P::GroupedFilter as usize, outputs * taps * segments);
    counts.add(by_bits(P::GroupedDot8, *weight_bits), outputs * taps * channels);
    codes(counts, output, requant, pixels * blocks, pixels * outputs);
}
