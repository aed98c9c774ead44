//! Standard convolutions: blocks of output channels times groups of four pixels.

use mixq_format::layout::{
    Blocks, LEAST_SCRATCH, LEAST_SCRATCH_OF_NINE, LEAST_SCRATCH_OF_NINE_AND_SUMS, Plan,
};
use mixq_format::{Conv, Tensor};

use super::source::Source;
use super::{split, with_memory};
use crate::arch::armv7em::{Chunk, Filters, Kernels, PIXELS, Scratch, Tables};
use crate::tensor::PixelWriter;

/// Executes a convolution with `X`-bit input and `W`-bit weights. `Y` are the bits of the output if
/// [`armv7em_records`](mixq_format::layout::armv7em_records) has it that tables stand beside the weights; 0, for any width, if they do not.
/// `FRACTION` is that of the tables. `ZERO`: whether the output's zero point is 0. `UNPACKED`: whether codes are
/// [unpacked](Blocks::of_conv) to a byte each.
#[inline(always)]
pub fn conv<
    const X: usize,
    const W: usize,
    const Y: usize,
    const FRACTION: u8,
    const ZERO: bool,
    const UNPACKED: bool,
>(
    table: &Conv,
    parameters: &[u8],
    arena: &mut [u8],
    plan: &Plan,
) {
    let Conv { output, requant, .. } = table;
    assert!(Y == 0 || (Y == output.bits.count() && FRACTION == requant.fraction));
    assert!(!ZERO || output.zero_point == 0);
    assert!(UNPACKED == Blocks::unpacked(table));
    // Named here, where it is known whether there are sums: firmware without such layers does not hold what they need.
    let sums = const { if Y == 0 { Some(&Sums { requantise, write }) } else { None } };
    let work = |own: &mut [u32]| {
        execute(
            table,
            parameters,
            arena,
            plan,
            const { &Kernels::of(X, UNPACKED, W, Y, ZERO, FRACTION) },
            sums,
            own,
        );
    };
    match Blocks::of_conv(table).nine {
        true if Y == 0 => with_memory::<{ LEAST_SCRATCH_OF_NINE_AND_SUMS / 4 }>(plan, work),
        true => with_memory::<{ LEAST_SCRATCH_OF_NINE / 4 }>(plan, work),
        false => with_memory::<{ LEAST_SCRATCH / 4 }>(plan, work),
    }
}

/// What becomes of the sums of some output channels from one on, by pixel. One after the other: neither's frame is below the other's.
struct Sums {
    /// Codes or logits of so many pixels, by any tables.
    requantise: fn(&Filters, usize, &mut [[i32; PIXELS]], usize),
    /// To the pixels.
    write: fn(&Tensor, usize, &[[i32; PIXELS]], &mut [u8]),
}

#[inline(never)]
fn execute(
    table: &Conv,
    parameters: &[u8],
    arena: &mut [u8],
    plan: &Plan,
    kernels: &Kernels,
    sums: Option<&Sums>,
    own: &mut [u32],
) {
    let blocks = Blocks::of_conv(table);
    let widths = [table.weight_bits.count(), blocks.input_bits()];
    assert!(widths == [kernels.blocks.weight_bits.count(), kernels.widen.bits]);
    let source = Source::new(table, kernels);
    let filters = Filters {
        kernels,
        blocks: &source.blocks,
        parameters,
        filter_bytes: source.filter_bytes,
        table,
        channels: table.output.channels.into(),
        proof: plan.proof,
    };
    let (input, output, memory) = split(arena, [&table.input, &table.output], plan, own);
    let mut scratch =
        Scratch::new(memory, source.room(), plan.proof.chunk.into(), source.staged(), sums.is_some());
    let mut call = filters.call();
    // The elements from one on that fit the scratch, and the channels from one on that can be multiplied with them.
    let chunk = |scratch: &Scratch, channel: usize, element: usize| {
        let elements = scratch.chunk().min(source.elements - element);
        // The sums need no memory if they become codes at once.
        let codes = sums.is_none() && element + elements == source.elements;
        let count = filters.channels - channel;
        let count = if codes && element == 0 { count } else { count.min(scratch.channels()) };
        Chunk { channel, count, element, elements, codes }
    };
    filters.prepare(&mut call, chunk(&scratch, 0, 0));
    // Groups of four pixels, the last ones moved back to be four; of one, where there are fewer.
    let pixels = table.output.pixels();
    let (size, bytes) = (if pixels < PIXELS { 1 } else { PIXELS }, table.output.pixel_bytes());
    let pitch = if size == 1 { 0 } else { bytes };
    let all = call.is_all_of(&filters, source.elements);
    let mut first = 0;
    while first < pixels {
        first = first.min(pixels - size);
        if let Some(groups) = source.groups(first).filter(|_| all) {
            let output = &mut output[first * bytes..][..groups.pixels * bytes];
            call.run_groups(&mut scratch, groups.fill, &input[groups.from..], groups.pitch, output);
            first += groups.pixels;
            continue;
        }
        let output = &mut output[first * bytes..][..size * bytes];
        // Most often one chunk, for which the call is prepared.
        let mut channel = 0;
        while channel < filters.channels {
            let (mut element, mut count) = (0, 0);
            while element < source.elements {
                let chunk = chunk(&scratch, channel, element);
                source.fill(&mut scratch, input, first, size, element);
                filters.prepare(&mut call, chunk);
                call.run(&mut scratch, output, pitch);
                count = chunk.count;
                element += chunk.elements;
            }
            if let Some(sums) = sums {
                let of_channels = scratch.accumulators(count);
                (sums.requantise)(&filters, channel, of_channels, size);
                (sums.write)(&table.output, channel, of_channels, output);
            }
            channel += count;
        }
        first += size;
    }
}

fn requantise(filters: &Filters, channel: usize, sums: &mut [[i32; PIXELS]], count: usize) {
    let Filters { table: Conv { requant, output, .. }, parameters, .. } = filters;
    // The weights' zero points are in the sums.
    Tables::new(requant, output, parameters).requantise(channel, sums, count, 0);
}

fn write(output: &Tensor, channel: usize, sums: &[[i32; PIXELS]], pixels: &mut [u8]) {
    for (pixel, bytes) in pixels.chunks_mut(output.pixel_bytes()).enumerate() {
        let mut writer = PixelWriter::new(&mut bytes[output.bits.row_bytes(channel)..], output.bits);
        for sums in sums {
            push(&mut writer, sums[pixel]);
        }
        writer.finish();
    }
}

/// Apart: no copy for each way that the loop is unrolled.
#[inline(never)]
pub(super) fn push(writer: &mut PixelWriter, value: i32) {
    writer.push(value);
}
