//! Standard convolutions: blocks of output channels times groups of four pixels.

use mixq_format::Conv;
use mixq_format::layout::{Blocks, Plan};

use super::source::Source;
use super::{requantise, split, with_memory};
use crate::arch::armv7em::{Call, Chunk, Filters, Kernels, PIXELS, Scratch, Tables};
use crate::tensor::PixelWriter;

/// Executes a convolution with `X`-bit input and `W`-bit weights. `Y` are the bits of the output if
/// [`armv7em_records`](mixq_format::layout::armv7em_records) has it that tables stand beside the weights; 0, for any width, if they do not. `ZERO`: whether the output's zero point
/// is 0. `UNPACKED`: whether codes are [unpacked](Blocks::of_conv) to a byte each.
#[inline(always)]
pub fn conv<const X: usize, const W: usize, const Y: usize, const ZERO: bool, const UNPACKED: bool>(
    table: &Conv,
    parameters: &[u8],
    arena: &mut [u8],
    plan: Plan,
) {
    assert!(Y == 0 || Y == table.output.bits.count());
    assert!(!ZERO || table.output.zero_point == 0);
    assert!(UNPACKED == Blocks::unpacked(table));
    // Named here, where it is known whether there is anything to write: firmware without such layers does not hold it.
    let write = const { if Y == 0 { Some(write as Write) } else { None } };
    with_memory(&plan, Blocks::of_conv(table).nine, |own| {
        execute(table, parameters, arena, &plan, const { &Kernels::of(X, UNPACKED, W, Y, ZERO) }, write, own)
    });
}

/// Writes codes or logits of some output channels from one on, of their sums by pixel, to so many pixels.
type Write = fn(&Filters, usize, &mut [[i32; PIXELS]], usize, &mut [u8]);

#[inline(never)]
fn execute(
    table: &Conv,
    parameters: &[u8],
    arena: &mut [u8],
    plan: &Plan,
    kernels: &Kernels,
    write: Option<Write>,
    own: &mut [u32],
) {
    let blocks = Blocks::of_conv(table);
    let widths = [table.weight_bits.count(), blocks.input_bits()];
    assert!(widths == [kernels.blocks.weight_bits.count(), kernels.widen.bits]);
    let source = Source::new(table, kernels);
    let layer = Layer {
        filters: Filters {
            kernels,
            blocks: &source.blocks,
            parameters,
            filter_bytes: source.filter_bytes,
            table,
            channels: table.output.channels.into(),
            proof: plan.proof,
        },
        source: &source,
        write,
    };
    let (input, output, memory) = split(arena, [&table.input, &table.output], plan, own);
    let most = plan.proof.chunk.into();
    let sums = write.is_some();
    let mut scratch = Scratch::new(memory, layer.source.room(), most, layer.source.staged(), sums);
    let mut call = layer.filters.call();
    layer.filters.prepare(&mut call, layer.chunk(&scratch, 0, 0));
    // Groups of four pixels, the last ones moved back to be four; of one, where there are fewer.
    let pixels = table.output.pixels();
    let (size, bytes) = (if pixels < PIXELS { 1 } else { PIXELS }, table.output.pixel_bytes());
    let pitch = if size == 1 { 0 } else { bytes };
    let all = call.is_all_of(&layer.filters, source.elements);
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
        if all {
            source.fill(&mut scratch, input, first, size, 0);
            call.run(&mut scratch, output, pitch);
        } else {
            layer.chunks(&mut scratch, &mut call, input, [first, size], output);
        }
        first += size;
    }
}

struct Layer<'a> {
    source: &'a Source<'a>,
    filters: Filters<'a>,
    write: Option<Write>,
}

impl Layer<'_> {
    /// The elements from one on that fit the scratch, and the channels from one on that can be multiplied with them.
    #[inline(always)]
    fn chunk(&self, scratch: &Scratch, channel: usize, element: usize) -> Chunk {
        let Layer { source, filters, .. } = self;
        let elements = scratch.chunk().min(source.elements - element);
        // The sums need no memory if they become codes at once.
        let codes = self.write.is_none() && element + elements == source.elements;
        let count = filters.channels - channel;
        let count = if codes && element == 0 { count } else { count.min(scratch.channels()) };
        Chunk { channel, count, element, elements, codes }
    }

    /// Computes a group of output pixels, some elements after the other, and some channels.
    #[inline(always)]
    fn chunks(
        &self,
        scratch: &mut Scratch,
        call: &mut Call,
        input: &[u8],
        [first, size]: [usize; 2],
        pixels: &mut [u8],
    ) {
        let Layer { source, filters, .. } = self;
        let pitch = if size == 1 { 0 } else { filters.table.output.pixel_bytes() };
        let mut channel = 0;
        while channel < filters.channels {
            let mut element = 0;
            let mut count = 0;
            while element < source.elements {
                let chunk = self.chunk(scratch, channel, element);
                source.fill(scratch, input, first, size, element);
                filters.prepare(call, chunk);
                call.run(scratch, pixels, pitch);
                count = chunk.count;
                element += chunk.elements;
            }
            if let Some(write) = self.write {
                write(filters, channel, scratch.accumulators(count), size, pixels);
            }
            channel += count;
        }
    }
}

/// By any tables.
#[inline(never)]
fn write(filters: &Filters, channel: usize, sums: &mut [[i32; PIXELS]], count: usize, pixels: &mut [u8]) {
    let Filters { table: Conv { requant, output, .. }, parameters, .. } = filters;
    let tables = Tables::new(requant, output, parameters);
    for (pixel, bytes) in pixels.chunks_mut(output.pixel_bytes()).enumerate().take(count) {
        // The weights' zero points are in the sums.
        let of_pixel = &mut sums.as_flattened_mut()[pixel..];
        requantise(&tables, channel, of_pixel, PIXELS, 0);
        let mut writer = PixelWriter::new(&mut bytes[output.bits.row_bytes(channel)..], output.bits);
        for sums in sums.iter() {
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
