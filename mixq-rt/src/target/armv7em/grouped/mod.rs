//! Convolutions in groups of channels, with gaps between the taps of their windows. As in other convolutions,
//! blocks of two output channels are multiplied by four output pixels; for each group of channels, a patch
//! is filled with what its filters see.

mod fill;
mod source;
mod together;

use core::ops::Range;

use mixq_format::target::armv7em::{Division, LEAST_SCRATCH, Phase, Plan, Windows, of_group, without_gaps};
use mixq_format::{GroupedConv, Operands};

use super::asm::PIXELS;
use super::asm::conv::{Call, Chunk, FillGroup, Kernels, Ready, Scratch};
use super::asm::row::WidenRow;
use super::asm::window::{Views, WidenWindow};
use super::conv::Given;
use super::conv::memory::{Memory, between, last, separate};
use super::conv::sums::Sums;
use crate::target::armv7em::check::{check, refuse};
use fill::{Fill, What, staged, words};
use source::Source;

/// Executes a convolution in groups, with `X`-bit input and `W`-bit weights.
///
/// * `Y`, `FRACTION`, `ZERO`: as in [`conv`](super::conv()).
/// * `WORDS`: whether the codes of a group fill whole words
///   ([`windows_of`](mixq_format::target::armv7em::windows_of)).
///
/// # Panics
/// If the table has other widths, another fraction or zero point, or groups that the kernel does not take; if
/// blocks with tables beside the weights reach beyond the parameters; if the plan's memory reaches beyond the
/// arena or into a tensor.
#[inline(always)]
pub fn grouped_conv<
    const X: usize,
    const W: usize,
    const Y: usize,
    const FRACTION: u8,
    const ZERO: bool,
    const WORDS: bool,
>(
    operands: Operands<GroupedConv>,
    plan: &Plan,
) {
    let GroupedConv { output, requant, .. } = operands.table();
    assert!(Y == 0 || (Y == output.bits.count() && FRACTION == requant.fraction));
    assert!(!ZERO || output.zero_point == 0);
    let instance = const {
        let windows = if WORDS { Windows::PixelWords } else { Windows::PixelBytes };
        &Instance {
            kernels: Kernels::of(X, windows, W, Y, ZERO, FRACTION, false),
            window: WidenWindow::of(X),
            row: WidenRow::of(X),
            pixels: FillGroup::of(X),
            fill: if WORDS { words } else { staged },
            together: if WORDS && Y > 0 { Some(together::phase) } else { None },
            windows,
            sums: if Y == 0 { Some(Sums::new()) } else { None },
        }
    };
    let given = &mut Given { operands, plan, instance };
    if plan.scratch_bytes as usize >= LEAST_SCRATCH && !plan.joined {
        execute(given, &mut [])
    } else {
        on_the_stack(given)
    }
}

/// The functions that the const parameters of [`grouped_conv`] choose.
struct Instance {
    kernels: Kernels,
    window: WidenWindow,
    row: WidenRow,
    pixels: FillGroup,
    fill: Fill,
    /// Executes a phase whose patch holds all elements, if it can be filled for one group of channels after
    /// the other without Rust between.
    together: Option<PhaseFn>,
    windows: Windows,
    sums: Option<Sums<GroupedConv>>,
}

/// Executes a phase of the output pixels that are left, and takes its pixels off them.
type PhaseFn = fn(&mut Given<GroupedConv, Instance>, &mut [u32], &mut Range<usize>);

/// Executes a layer in memory on the stack.
// A function of its own, so that only layers that need this memory take it from the stack.
#[inline(never)]
fn on_the_stack(given: &mut Given<GroupedConv, Instance>) {
    execute(given, &mut [0; LEAST_SCRATCH / 4]);
}

/// Executes a layer in the given memory; if that is empty, in the plan's part of the arena. It works where
/// there is most room: see [`Phase`].
// Inlined: one stack frame less.
#[inline(always)]
fn execute(given: &mut Given<GroupedConv, Instance>, own: &mut [u32]) {
    let mut left = 0..given.operands.table().output.pixels();
    while !left.is_empty() {
        match given.instance.together {
            Some(together) if is_whole(given, own, left.clone()) => together(given, own, &mut left),
            _ => phase(given, own, &mut left),
        }
    }
}

/// What a phase works on.
struct Begun<'a> {
    layer: super::asm::layer::Layer<'a, GroupedConv>,
    /// The pixels that `input` and `output` begin with.
    starts: [usize; 2],
    input: &'a [u8],
    output: &'a mut [u8],
    /// Where patches lie, and where accumulators may lie.
    scratch: [&'a mut [u32]; 2],
    /// Its output pixels.
    pixels: Range<usize>,
}

/// Begins a phase of the output pixels that are left, and takes its pixels off them.
// Inlined: a stack frame would be 190 B.
#[inline(always)]
fn begin_phase<'a>(
    given: &'a mut Given<GroupedConv, Instance>,
    own: &'a mut [u32],
    left: &mut Range<usize>,
) -> Begun<'a> {
    let (plan, instance) = (given.plan, given.instance);
    let bytes_given = if own.is_empty() { plan.scratch_bytes as usize } else { size_of_val(own) };
    let phase = choose(given.operands.table(), instance, plan, bytes_given, left.clone());
    let Memory { layer, input, output, memory, apart, begin } = if plan.joined {
        between(given.operands.reborrow(), own, &phase)
    } else {
        separate(given, own, &phase)
    };
    let scratch = [last(memory, phase.bytes), last(apart, phase.apart_bytes)];
    *left = phase.rest(left.clone());
    Begun { layer, starts: [phase.input.start, begin], input, output, scratch, pixels: phase.pixels }
}

/// Executes a phase of the output pixels that are left, and takes its pixels off them.
#[inline(never)]
fn phase(given: &mut Given<GroupedConv, Instance>, own: &mut [u32], left: &mut Range<usize>) {
    let (plan, instance) = (given.plan, given.instance);
    let Begun { layer, starts: [input_start, begin], input, output, scratch: [memory, apart], pixels } =
        begin_phase(given, own, left);
    let source = &Source::new(layer, &plan.proof, instance, input, input_start);
    let table = layer.table();
    check(instance.kernels.blocks.weight_bits == table.weight_bits);
    check(instance.kernels.widen.bits == table.input.bits.count());
    let scratch = &mut divide(table, instance, plan, memory, apart);
    let call = &mut None;
    let what = &mut What { pixels: [0, 1], group: 0, element: 0, view: Views::NONE };
    let layer = &mut Layer { source, scratch, call, what };
    let (all, bytes) = (table.output.pixels(), table.output.pixel_bytes());
    let size = if all < PIXELS { 1 } else { PIXELS };
    let Range { start: mut first, end } = pixels;
    while first < end {
        // The last group of pixels begins earlier, if it would have fewer than others.
        first = first.min(all - size);
        let Some(output) = output.get_mut(first.wrapping_sub(begin).wrapping_mul(bytes)..) else { refuse() };
        layer.what.pixels = [first, size];
        layer.pixels(output);
        first += size;
    }
}

/// Whether the patch of the next phase holds all elements.
#[inline(never)]
fn is_whole(given: &Given<GroupedConv, Instance>, own: &[u32], left: Range<usize>) -> bool {
    let (plan, instance, table) = (given.plan, given.instance, given.operands.table());
    let bytes_given = if own.is_empty() { plan.scratch_bytes as usize } else { size_of_val(own) };
    let phase = choose(table, instance, plan, bytes_given, left);
    let chunk = division(table, instance, plan).chunk(phase.bytes, phase.apart_bytes > 0);
    chunk >= table.window.taps() * table.group_channels()
}

/// See [`Phase::divided`].
// Not inlined: its stack frame is gone when the layer is executed.
#[inline(never)]
fn choose(table: &GroupedConv, instance: &Instance, plan: &Plan, given: usize, left: Range<usize>) -> Phase {
    Phase::divided(&without_gaps(table), &division(table, instance, plan), false, plan, given, left)
}

/// Divides memory into patch, stage and accumulators.
#[inline(never)]
fn divide<'a>(
    table: &GroupedConv,
    instance: &Instance,
    plan: &Plan,
    memory: &'a mut [u32],
    apart: &'a mut [u32],
) -> Scratch<'a> {
    Scratch::new(memory, apart, &division(table, instance, plan), instance.windows.staged())
}

#[inline(always)]
fn division(table: &GroupedConv, instance: &Instance, plan: &Plan) -> Division {
    let most = plan.proof.chunk.into();
    let division = Division::of(&of_group(table), instance.windows, most, instance.sums.is_some());
    Division { channels: table.group_filters(), ..division }
}

/// The state while a layer is executed.
struct Layer<'a> {
    source: &'a Source<'a>,
    scratch: &'a mut Scratch<'a>,
    /// The call that was prepared last.
    call: &'a mut Option<Call>,
    what: &'a mut What,
}

// Some methods are not inlined, so that the stack frame of one is gone when the next is called.
impl Layer<'_> {
    /// Computes output pixels. `output` begins with them.
    #[inline(always)]
    fn pixels(&mut self, output: &mut [u8]) {
        let (filters, size) = (self.source.filters.layer.table().group_filters(), self.what.pixels[1]);
        let mut channel = 0;
        for group in 0..self.source.filters.layer.table().groups.into() {
            let end = channel + filters;
            let mut is_filled = false;
            self.what.group = group;
            while channel < end {
                let count = self.channels([channel, end], is_filled, output);
                if self.source.instance.sums.is_some() {
                    self.finish(channel, count, size, output);
                }
                is_filled = self.scratch.elements() == self.source.elements;
                channel += count;
            }
        }
    }

    /// Computes codes or sums of some output channels of a group, which are given by the first one and the
    /// group's end; returns their number. `is_filled`: whether the patch holds all that they see.
    #[inline(always)]
    fn channels(&mut self, [channel, end]: [usize; 2], is_filled: bool, output: &mut [u8]) -> usize {
        let pitch = match self.what.pixels[1] {
            1 => 0,
            _ => self.source.filters.layer.table().output.pixel_bytes(),
        };
        let mut element = 0;
        loop {
            if !is_filled {
                self.what.element = element;
                (self.source.instance.fill)(self.source, self.scratch, self.what);
            }
            match self.call {
                Some(call) if call.chunk().element == element && call.chunk().count == end - channel => {
                    if call.chunk().channel != channel {
                        self.source.filters.shift(call, channel);
                    }
                }
                _ => self.prepare([channel, end], element),
            }
            let Some(&Chunk { count, elements, .. }) = self.call.as_ref().map(Call::chunk) else { refuse() };
            self.ready(output, pitch).run();
            element += elements;
            if element == self.source.elements {
                return count;
            }
        }
    }

    /// Readies the prepared call.
    #[inline(never)]
    fn ready<'s>(&'s mut self, output: &'s mut [u8], pitch: usize) -> Ready<'s> {
        let Some(call) = self.call else { refuse() };
        call.ready(self.scratch, output, pitch, &None)
    }

    /// Makes codes or logits of the sums of some output channels.
    #[inline(never)]
    fn finish(&mut self, channel: usize, count: usize, size: usize, output: &mut [u8]) {
        let Some(sums) = &self.source.instance.sums else { return };
        sums.finish(&self.source.filters, self.scratch, [channel, count], size, output);
    }

    /// Prepares the call for a chunk that begins with `channel` and `element`: as many elements as the patch
    /// holds, and as many channels up to `end` as there are accumulators for.
    #[inline(never)]
    fn prepare(&mut self, [channel, end]: [usize; 2], element: usize) {
        let Layer { source, scratch, call, .. } = self;
        let elements = scratch.chunk().min(source.elements - element);
        // Sums that become codes at once need no accumulators.
        let codes = source.instance.sums.is_none() && element + elements == source.elements;
        let count = end - channel;
        let count = if codes && element == 0 { count } else { count.min(scratch.channels()) };
        source.filters.prepare(call, Chunk { channel, count, element, elements, codes });
    }
}
