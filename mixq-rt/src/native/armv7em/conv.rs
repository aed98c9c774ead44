//! Standard convolutions: blocks of output channels times groups of four pixels.

use core::ops::Range;

use mixq_format::Conv;
use mixq_format::layout::{Blocks, Plan};

use super::source::Source;
use super::{requantise, split, with_memory};
use crate::arch::armv7em::{Call, Chunk, Filters, Kernels, PIXELS, Scratch, Tables, finish};
use crate::tensor::PixelWriter;

/// Executes a convolution with `X`-bit input and `W`-bit weights; any width of output.
#[inline(always)]
pub fn conv<const X: usize, const W: usize>(table: &Conv, parameters: &[u8], arena: &mut [u8], plan: Plan) {
    with_memory(&plan, Blocks::of_conv(table).nine, |own| {
        execute(table, parameters, arena, &plan, const { &Kernels::of(X, W) }, own)
    });
}

#[inline(never)]
fn execute(
    table: &Conv,
    parameters: &[u8],
    arena: &mut [u8],
    plan: &Plan,
    kernels: &Kernels,
    own: &mut [u32],
) {
    let widths = [table.weight_bits.count(), table.input.bits.count()];
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
            finish: finish(&table.requant, &table.output, parameters),
            proof: plan.proof,
        },
        source: &source,
    };
    let (input, output, memory) = split(arena, [&table.input, &table.output], plan, own);
    let most = plan.proof.chunk.into();
    let sums = layer.filters.finish.is_none();
    let mut scratch = Scratch::new(memory, layer.source.room(), most, layer.source.staged(), sums);
    let mut call = layer.filters.call();
    layer.filters.prepare(&mut call, layer.chunk(&scratch, 0, 0));
    // Groups of four pixels, the last ones moved back to be four; of one, where there are fewer.
    let pixels = table.output.pixels();
    let size = if pixels < PIXELS { 1 } else { PIXELS };
    for first in (0..pixels).step_by(size) {
        let first = first.min(pixels - size);
        layer.group(&mut scratch, &mut call, input, first..first + size, output);
    }
}

struct Layer<'a> {
    source: &'a Source<'a>,
    filters: Filters<'a>,
}

impl Layer<'_> {
    /// The elements from one on that fit the scratch, and the channels from one on that can be multiplied with them.
    #[inline(always)]
    fn chunk(&self, scratch: &Scratch, channel: usize, element: usize) -> Chunk {
        let Layer { source, filters } = self;
        let elements = scratch.chunk().min(source.elements - element);
        // The sums need no memory if they become codes at once.
        let codes = filters.finish.is_some() && element + elements == source.elements;
        let count = filters.channels - channel;
        let count = if codes && element == 0 { count } else { count.min(scratch.channels()) };
        Chunk { channel, count, element, elements, codes }
    }

    /// Computes a group of output pixels; `call` is prepared for one of its chunks, most often the only one.
    #[inline(always)]
    fn group(
        &self,
        scratch: &mut Scratch,
        call: &mut Call,
        input: &[u8],
        group: Range<usize>,
        output: &mut [u8],
    ) {
        let Layer { source, filters } = self;
        let bytes = filters.table.output.pixel_bytes();
        let pitch = if group.len() == 1 { 0 } else { bytes };
        let pixels = &mut output[group.start * bytes..group.end * bytes];
        if call.is_all_of(filters, source.elements) {
            source.fill(scratch, input, group.start, group.len(), 0);
            call.run(scratch, pixels, pitch);
            return;
        }
        let mut channel = 0;
        while channel < filters.channels {
            let mut element = 0;
            let mut count = 0;
            while element < source.elements {
                let chunk = self.chunk(scratch, channel, element);
                source.fill(scratch, input, group.start, group.len(), element);
                filters.prepare(call, chunk);
                call.run(scratch, pixels, pitch);
                count = chunk.count;
                element += chunk.elements;
            }
            if filters.finish.is_none() {
                let sums = scratch.accumulators(count);
                self.write(channel, sums, group.len(), pixels);
            }
            channel += count;
        }
    }

    /// Writes codes or logits of some output channels, of their sums by pixel, by any tables.
    #[inline(never)]
    fn write(&self, channel: usize, sums: &mut [[i32; PIXELS]], count: usize, pixels: &mut [u8]) {
        let Filters { table: Conv { requant, output, .. }, parameters, .. } = self.filters;
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
}

/// Apart: no copy for each way that the loop is unrolled.
#[inline(never)]
pub(super) fn push(writer: &mut PixelWriter, value: i32) {
    writer.push(value);
}
