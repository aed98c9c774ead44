//! Standard convolutions: blocks of output channels times groups of four pixels.

use core::ops;

use mixq_format::Conv;
use mixq_format::layout::Plan;

use super::source::Source;
use super::{requantise, split, with_memory};
use crate::arch::armv7em::{Chunk, Filters, Kernels, PIXELS, Scratch, Tables, finish};
use crate::tensor::PixelWriter;

/// Executes a convolution with `X`-bit input and `W`-bit weights; any width of output.
#[inline(always)]
pub fn conv<const X: usize, const W: usize>(table: &Conv, parameters: &[u8], arena: &mut [u8], plan: Plan) {
    with_memory(&plan, |own| execute(table, parameters, arena, &plan, const { &Kernels::of(X, W) }, own));
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
            blocks: source.blocks,
            parameters,
            weights: table.weights as usize,
            filter_bytes: source.filter_bytes,
            requant: &table.requant,
            output: &table.output,
            channels: table.output.channels.into(),
            finish: finish(&table.requant, &table.output, parameters),
            proof: plan.proof,
        },
        source,
    };
    let (input, output, memory) = split(arena, [&table.input, &table.output], plan, own);
    let most = plan.proof.chunk.into();
    let sums = layer.filters.finish.is_none();
    let mut scratch = Scratch::new(memory, layer.source.elements, most, layer.source.staged(), sums);
    if layer.source.elements > scratch.chunk() || layer.filters.finish.is_none() {
        layer.in_parts(&mut scratch, input, output);
    } else {
        layer.at_once(&mut scratch, input, output);
    }
}

/// Calls `each` with groups of four pixels, the last ones moved back to be four; of one pixel, where there are fewer.
#[inline(always)]
fn groups(pixels: usize, mut each: impl FnMut(ops::Range<usize>)) {
    let size = if pixels < PIXELS { 1 } else { PIXELS };
    for first in (0..pixels).step_by(size) {
        let first = first.min(pixels - size);
        each(first..first + size);
    }
}

struct Layer<'a> {
    source: Source<'a>,
    filters: Filters<'a>,
}

impl Layer<'_> {
    /// All elements and channels of each group.
    #[inline(never)]
    fn at_once(&self, scratch: &mut Scratch, input: &[u8], output: &mut [u8]) {
        let Layer { source, filters } = self;
        let mut call = filters.call(Chunk {
            channel: 0,
            count: filters.channels,
            element: 0,
            elements: source.elements,
            codes: true,
        });
        groups(filters.output.pixels(), |group| {
            let (pixels, pitch) = self.target(&group, output);
            source.fill(scratch, input, group.start, group.len(), 0);
            call.run(scratch, pixels, pitch);
        });
    }

    /// The bytes of a group of output pixels, and from one to the next.
    #[inline(always)]
    fn target<'a>(&self, group: &ops::Range<usize>, output: &'a mut [u8]) -> (&'a mut [u8], usize) {
        let bytes = self.filters.output.pixel_bytes();
        let pitch = if group.len() == 1 { 0 } else { bytes };
        (&mut output[group.start * bytes..group.end * bytes], pitch)
    }

    /// As many elements and channels of each group at once as there is room for; any tables.
    #[inline(never)]
    fn in_parts(&self, scratch: &mut Scratch, input: &[u8], output: &mut [u8]) {
        let Filters { channels, finish, .. } = &self.filters;
        let (all, most) = (self.source.elements, scratch.chunk());
        groups(self.filters.output.pixels(), |group| {
            let (pixels, pitch) = self.target(&group, output);
            for channel in (0..*channels).step_by(scratch.channels()) {
                let count = scratch.channels().min(channels - channel);
                for element in (0..all).step_by(most) {
                    let elements = most.min(all - element);
                    let codes = finish.is_some() && element + elements == all;
                    self.source.fill(scratch, input, group.start, group.len(), element);
                    let mut call = self.filters.call(Chunk { channel, count, element, elements, codes });
                    call.run(scratch, pixels, pitch);
                }
                if finish.is_none() {
                    let sums = scratch.accumulators(count);
                    self.write(channel, sums, group.len(), pixels);
                }
            }
        });
    }

    /// Writes codes or logits of some output channels, of their sums by pixel, by any tables.
    #[inline(never)]
    fn write(&self, channel: usize, sums: &mut [[i32; PIXELS]], count: usize, pixels: &mut [u8]) {
        let Filters { requant, output, parameters, .. } = self.filters;
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
fn push(writer: &mut PixelWriter, value: i32) {
    writer.push(value);
}
