//! Standard convolutions: multiplies blocks of two output channels by groups of four output pixels.

pub(super) mod fill;
pub(super) mod memory;
mod runs;
mod source;
pub(super) mod sums;

use core::ops::Range;

use mixq_format::target::armv7em::{
    LEAST_SCRATCH, LEAST_SCRATCH_OF_RGB3X3, LEAST_SCRATCH_OF_RGB3X3_AND_SUMS, Phase, Plan, Windows,
};
use mixq_format::{Conv, Operands};

use super::asm::conv::{Call, Chunk, Kernels, MoreGroups, Ready, Scratch};
use super::asm::{PIXELS, Parts};
use super::split;
use crate::target::armv7em::check::{check, refuse};
use fill::{Fill, fill_for};
use memory::{Memory, between, last, separate};
use source::Source;
use sums::Sums;

pub(super) use source::inner;

/// Executes a convolution with `X`-bit input and `W`-bit weights.
///
/// * `Y`: the bits of the output, if the requantisation tables stand beside the weights
///   ([`has_records`](mixq_format::target::armv7em::has_records)); else 0, for any width of output.
/// * `FRACTION`: the fraction of the tables.
/// * `ZERO`: whether the output's zero point is known to be 0.
/// * `WINDOWS`: the number of the layer's [`Windows`].
/// * `WHOLE`: whether the scratch holds the windows of a group with all elements
///   ([`whole`](mixq_format::target::armv7em::whole)).
///
/// # Panics
/// If the table has other widths, another fraction or zero point, or an odd number of filters; if blocks with
/// tables beside the weights reach beyond the parameters; if the plan's memory reaches beyond the arena or
/// into a tensor.
#[inline(always)]
pub fn conv<
    const X: usize,
    const W: usize,
    const Y: usize,
    const FRACTION: u8,
    const ZERO: bool,
    const WINDOWS: u8,
    const WHOLE: bool,
>(
    operands: Operands<Conv>,
    plan: &Plan,
) {
    let Conv { output, requant, .. } = operands.table();
    assert!(Y == 0 || (Y == output.bits.count() && FRACTION == requant.fraction));
    assert!(!ZERO || output.zero_point == 0);
    let instance = const {
        let windows = Windows::from_number(WINDOWS);
        // Chosen by const parameters, so that firmware holds only the functions that its layers need.
        &Instance {
            kernels: Kernels::of(X, windows, W, Y, ZERO, FRACTION, WHOLE),
            windows,
            fill: fill_for(windows),
            execute: if WHOLE { whole } else { parts },
            sums: if Y == 0 { Some(Sums::new()) } else { None },
        }
    };
    let (least, on_the_stack): (_, OnTheStack) = match Windows::from_number(WINDOWS) {
        Windows::Rgb3x3 if Y == 0 => {
            (LEAST_SCRATCH_OF_RGB3X3_AND_SUMS, on_the_stack::<{ LEAST_SCRATCH_OF_RGB3X3_AND_SUMS / 4 }>)
        }
        Windows::Rgb3x3 => (LEAST_SCRATCH_OF_RGB3X3, on_the_stack::<{ LEAST_SCRATCH_OF_RGB3X3 / 4 }>),
        _ => (LEAST_SCRATCH, on_the_stack::<{ LEAST_SCRATCH / 4 }>),
    };
    let given = &mut Given { operands, plan, instance };
    let in_the_arena = plan.scratch_bytes as usize >= least && (WHOLE || !plan.joined);
    if in_the_arena { (instance.execute)(given, &mut []) } else { on_the_stack(given) }
}

/// The arguments with which a layer is executed. `T`: its table. `I`: the functions that are chosen for it.
// One pointer to all: as separate arguments they would be copied to the stack by each function.
pub(super) struct Given<'a, T, I> {
    pub(super) operands: Operands<'a, T>,
    pub(super) plan: &'a Plan,
    pub(super) instance: &'a I,
}

/// See [`on_the_stack`].
type OnTheStack = fn(&mut Given<Conv, Instance>);

/// Executes a layer in memory on the stack.
// A function of its own, so that only layers that need this memory take it from the stack.
#[inline(never)]
fn on_the_stack<const WORDS: usize>(given: &mut Given<Conv, Instance>) {
    (given.instance.execute)(given, &mut [0; WORDS]);
}

/// Executes a layer in the given memory; if that is empty, in the plan's part of the arena.
type Execute = fn(&mut Given<Conv, Instance>, &mut [u32]);

/// The functions that the const parameters of [`conv`] choose.
struct Instance {
    kernels: Kernels,
    windows: Windows,
    fill: Fill,
    execute: Execute,
    sums: Option<Sums<Conv>>,
}

/// Executes a layer whose patch holds all elements, and whose loop makes codes of all channels in one call.
#[inline(never)]
fn whole(given: &mut Given<Conv, Instance>, own: &mut [u32]) {
    let Given { plan, instance, .. } = *given;
    let Parts { layer, input, output, memory } = split(given.operands.reborrow(), plan, own);
    let pixels = layer.table().output.pixels();
    let source = &Source::new(layer, &plan.proof, instance, input, 0);
    execute(source, instance, [memory, &mut []], 0..pixels, output, 0, |layer, first, size, output| {
        let groups = layer.groups(first, size, output);
        let pixels = size + (groups.groups() - 1) * PIXELS;
        groups.run();
        pixels
    });
}

/// Executes a layer whose groups may take several calls: for chunks of elements, or of output channels. It
/// works where there is most room: see [`Phase`].
#[inline(never)]
fn parts(given: &mut Given<Conv, Instance>, own: &mut [u32]) {
    let mut left = 0..given.operands.table().output.pixels();
    while !left.is_empty() {
        phase(given, own, &mut left);
    }
}

/// Executes a phase of the output pixels that are left, and takes its pixels off them.
#[inline(never)]
fn phase(given: &mut Given<Conv, Instance>, own: &mut [u32], left: &mut Range<usize>) {
    let Given { plan, instance, .. } = *given;
    let table = given.operands.table();
    let bytes_given = if own.is_empty() { plan.scratch_bytes as usize } else { size_of_val(own) };
    // The phase is not kept: each word on the stack counts.
    let (layer, [input_start, begin], input, output, scratch, pixels) = {
        let phase = choose(table, instance, plan, bytes_given, left.clone());
        let Memory { layer, input, output, memory, apart, begin } = if plan.joined {
            between(given.operands.reborrow(), own, &phase)
        } else {
            separate(given, own, &phase)
        };
        let scratch = [last(memory, phase.bytes), last(apart, phase.apart_bytes)];
        *left = phase.rest(left.clone());
        (layer, [phase.input.start, begin], input, output, scratch, phase.pixels)
    };
    let source = &Source::new(layer, &plan.proof, instance, input, input_start);
    execute(source, instance, scratch, pixels, output, begin, |layer, first, size, output| {
        let channels = layer.source.filters.channels();
        let mut channel = 0;
        while channel < channels {
            let count = layer.channels(first, size, channel, output);
            if layer.instance.sums.is_some() {
                layer.finish(channel, count, size, output);
            }
            channel += count;
        }
        size
    });
}

/// See [`Phase::of`].
// Not inlined: its stack frame is gone when the layer is executed.
#[inline(never)]
fn choose(table: &Conv, instance: &Instance, plan: &Plan, given: usize, left: Range<usize>) -> Phase {
    Phase::of(table, instance.windows, plan, given, instance.sums.is_some(), left)
}

/// Executes the groups of a range of output pixels. `output` begins with pixel `begin`. `compute` takes the
/// group's first output pixel and its number of pixels, and the output from this pixel on. It finds the patch
/// filled with the group's first elements. It may compute further groups, and returns the number of pixels
/// that it has computed.
#[inline(always)]
fn execute(
    source: &Source,
    instance: &Instance,
    [memory, apart]: [&mut [u32]; 2],
    pixels: Range<usize>,
    output: &mut [u8],
    begin: usize,
    mut compute: impl FnMut(&mut Layer, usize, usize, &mut [u8]) -> usize,
) {
    let Instance { kernels, sums, .. } = instance;
    let table = source.filters.layer.table();
    check(kernels.blocks.weight_bits == table.weight_bits);
    let (bits, widened) = (table.input.bits.count(), kernels.widen.bits);
    // Codes are unpacked if, and only if, they are narrower than the codes that the kernel widens.
    check(bits <= widened && (bits < widened) == kernels.unpack.is_some());
    let mut scratch = source.scratch(memory, apart, sums.is_some());
    let mut call = None;
    let layer = &mut Layer { source, instance, scratch: &mut scratch, call: &mut call };
    layer.prepare(0, 0);
    let bytes = table.output.pixel_bytes();
    // Groups of four pixels; where a row has fewer than four, groups of one. If the last group of a row would
    // have fewer than four, it begins earlier, and some pixels are computed twice.
    let row = layer.source.row().max(1);
    let size = if row < PIXELS { 1 } else { PIXELS };
    let Range { start: mut first, end } = pixels;
    while first < end {
        first -= (first % row).saturating_sub(row - size);
        let Some(output) = output.get_mut((first - begin) * bytes..) else { refuse() };
        layer.fill(first, size, 0);
        first += compute(layer, first, size, output);
    }
}

/// The state while a layer is executed.
struct Layer<'a> {
    source: &'a Source<'a>,
    instance: &'a Instance,
    scratch: &'a mut Scratch<'a>,
    /// The call that was prepared last.
    call: &'a mut Option<Call>,
}

// Some methods are not inlined, so that the stack frame of one is gone when the next is called.
impl Layer<'_> {
    /// Readies the loop for the group that the patch is filled for, and for the groups after it for which the
    /// loop itself can fill the patch.
    #[inline(never)]
    fn groups<'s>(&'s mut self, first: usize, size: usize, output: &'s mut [u8]) -> Ready<'s> {
        let next = first + size;
        let table = self.source.filters.layer.table();
        let more = if size == 1 || next == table.output.pixels() { None } else { self.source.groups(next) };
        self.ready(output, if size == 1 { 0 } else { table.output.pixel_bytes() }, &more)
    }

    /// Computes codes or sums of some output channels of a group, beginning with `channel`; returns their
    /// number.
    #[inline(always)]
    fn channels(&mut self, first: usize, size: usize, channel: usize, output: &mut [u8]) -> usize {
        let pitch = if size == 1 { 0 } else { self.source.filters.layer.table().output.pixel_bytes() };
        let mut element = 0;
        loop {
            // At the first channel, the patch already holds the first elements. At a later channel, it still
            // holds them only if it holds all elements.
            if element > 0 || (channel > 0 && self.scratch.elements() != self.source.elements) {
                self.fill(first, size, element);
            }
            let is_this = |chunk: &Chunk| (chunk.channel, chunk.element) == (channel, element);
            if !self.call.as_ref().is_some_and(|call| is_this(call.chunk())) {
                self.prepare(channel, element);
            }
            let Some(&Chunk { count, elements, .. }) = self.call.as_ref().map(Call::chunk) else { refuse() };
            self.one(output, pitch).run();
            element += elements;
            if element == self.source.elements {
                return count;
            }
        }
    }

    /// Readies the prepared call for one group.
    #[inline(never)]
    fn one<'s>(&'s mut self, output: &'s mut [u8], pitch: usize) -> Ready<'s> {
        self.ready(output, pitch, &None)
    }

    /// Makes codes or logits of the sums of some output channels of a group.
    #[inline(never)]
    fn finish(&mut self, channel: usize, count: usize, size: usize, output: &mut [u8]) {
        let Some(sums) = &self.instance.sums else { return };
        sums.finish(&self.source.filters, self.scratch, [channel, count], size, output);
    }

    /// Fills the patch with elements of a group, beginning with `element`.
    #[inline(always)]
    fn fill(&mut self, first: usize, size: usize, element: usize) {
        (self.instance.fill)(self.source, self.scratch, first, size, element);
    }

    /// Prepares the call for a chunk that begins with `channel` and `element`: as many elements as the patch
    /// holds, and as many channels as there are accumulators for.
    #[inline(never)]
    fn prepare(&mut self, channel: usize, element: usize) {
        let Layer { source, instance, scratch, .. } = self;
        let elements = scratch.chunk().min(source.elements - element);
        // Sums that become codes at once need no accumulators: then the chunk has all remaining channels.
        let codes = instance.sums.is_none() && element + elements == source.elements;
        let count = source.filters.channels() - channel;
        let count = if codes && element == 0 { count } else { count.min(scratch.channels()) };
        source.filters.prepare(self.call, Chunk { channel, count, element, elements, codes });
    }

    /// Readies the prepared call for the patch, and for more groups.
    // Inlined: one stack frame less.
    #[inline(always)]
    fn ready<'s>(
        &'s mut self,
        output: &'s mut [u8],
        pitch: usize,
        more: &Option<MoreGroups<'s>>,
    ) -> Ready<'s> {
        let Some(call) = self.call else { refuse() };
        call.ready(self.scratch, output, pitch, more)
    }
}
