//! Standard convolutions: blocks of output channels times groups of four pixels.

use core::ops::Range;

use mixq_format::{Bits, Conv};

use super::source::Source;
use crate::arch::armv7em::{Kernels, PIXELS, Scratch, Tables, accumulate, pack};
use crate::requant::{self, Requantiser};
use crate::tensor::{PixelWriter, split};

/// Executes a convolution with `X`-bit input and `W`-bit weights; any width of output.
#[inline(always)]
pub fn conv<const X: usize, const W: usize>(table: &Conv, parameters: &[u8], arena: &mut [u8]) {
    execute(table, parameters, arena, const { &Kernels::of(X, W) });
}

#[inline(never)]
fn execute(table: &Conv, parameters: &[u8], arena: &mut [u8], kernels: &Kernels) {
    assert!(
        table.weight_bits == kernels.blocks.weight_bits && table.input.bits.count() == kernels.widen.bits
    );
    let (input, output) = split(arena, &table.input, &table.output);
    let layer = Layer {
        source: Source::new(table, input, kernels),
        parameters,
        tables: Tables::new(&table.requant, &table.output, parameters),
    };
    let mut scratch = Scratch::new(layer.source.elements, layer.source.staged());
    let group_bytes = PIXELS * table.output.pixel_bytes();
    for (index, pixels) in output.chunks_mut(group_bytes).enumerate() {
        layer.group(&mut scratch, index * PIXELS, pixels);
    }
}

struct Layer<'a> {
    source: Source<'a>,
    parameters: &'a [u8],
    /// If the loop for four pixels takes them.
    tables: Option<Tables<'a>>,
}

impl Layer<'_> {
    /// Computes four output pixels, or fewer at the end.
    #[inline(always)]
    fn group(&self, scratch: &mut Scratch, first: usize, pixels: &mut [u8]) {
        let channels = usize::from(self.source.table.output.channels);
        let count = pixels.len() / self.source.table.output.pixel_bytes();
        if self.source.elements <= scratch.chunk() {
            self.fill(scratch, first, count, 0);
        }
        let mut channel = 0;
        while channel < channels {
            let filters = scratch.channels().min(channels - channel);
            if self.source.elements <= scratch.chunk() {
                self.multiply(scratch, channel, filters, 0);
            } else {
                self.multiply_chunks(scratch, [first, count], channel, filters);
            }
            self.write(scratch, [channel, filters], pixels);
            channel += filters;
        }
    }

    #[inline(always)]
    fn fill(&self, scratch: &mut Scratch, first: usize, count: usize, element: usize) {
        self.source.fill(scratch, first, count, element);
        scratch.end();
    }

    /// Multiplies all elements, a chunk at a time, with so many filters.
    #[inline(always)]
    fn multiply_chunks(
        &self,
        scratch: &mut Scratch,
        [first, count]: [usize; 2],
        channel: usize,
        filters: usize,
    ) {
        let mut element = 0;
        while element < self.source.elements {
            self.fill(scratch, first, count, element);
            self.multiply(scratch, channel, filters, element);
            element += scratch.chunk();
        }
    }

    /// Adds the patch, which begins with `element`, times `count` filters.
    #[inline(always)]
    fn multiply(&self, scratch: &mut Scratch, channel: usize, count: usize, element: usize) {
        let whole = count & !(self.source.kernels.blocks.channels - 1);
        if whole > 0 {
            self.multiply_blocks(scratch, channel, whole, element);
        }
        if whole < count {
            self.multiply_others(scratch, channel, whole..count, element);
        }
    }

    /// Filters in whole blocks.
    #[inline(never)]
    fn multiply_blocks(&self, scratch: &mut Scratch, channel: usize, count: usize, element: usize) {
        let Source { table, kernels, filter_bytes, .. } = self.source;
        let weights = &self.parameters[table.weights as usize + channel * filter_bytes..];
        accumulate(kernels, weights, filter_bytes, scratch, count, element);
    }

    /// Filters that are in no block.
    #[inline(never)]
    fn multiply_others(&self, scratch: &mut Scratch, channel: usize, others: Range<usize>, element: usize) {
        let source = &self.source;
        let filters = &self.parameters[source.table.weights as usize..];
        for other in others {
            let filter = &filters[(channel + other) * source.filter_bytes..];
            let weight = |index| source.weight(filter, element + index);
            scratch.dot(&source.kernels.blocks, weight, other, element == 0);
        }
    }

    /// Writes the codes or logits of some output channels.
    #[inline(always)]
    fn write(&self, scratch: &mut Scratch, [channel, count]: [usize; 2], pixels: &mut [u8]) {
        let output = &self.source.table.output;
        if let Some(tables) = &self.tables {
            tables.requantise(scratch, [channel, count], pixels);
            if output.bits != Bits::B8 {
                pack(output, scratch, [channel, count], pixels);
            }
        } else {
            self.write_unusual(scratch, channel..channel + count, pixels);
        }
    }

    #[inline(never)]
    fn write_unusual(&self, scratch: &mut Scratch, channels: Range<usize>, pixels: &mut [u8]) {
        let Conv { output, requant, .. } = self.source.table;
        let requant = Requantiser::new(requant, requant::multiplier, output, self.parameters);
        let begin = output.bits.row_bytes(channels.start);
        for (pixel, bytes) in pixels.chunks_mut(output.pixel_bytes()).enumerate() {
            let mut writer = PixelWriter::new(&mut bytes[begin..], output.bits);
            let sum = scratch.totals()[pixel];
            for (channel, accumulators) in channels.clone().zip(scratch.accumulators(channels.len())) {
                requant.write(&mut writer, channel, accumulators[pixel], sum);
            }
            writer.finish();
        }
    }
}
