//! Phases whose patch holds all that the filters of a group of channels see of four output pixels. What they
//! see is found once for all groups: of each group the same taps, and the same padding.

use core::ops::Range;

use mixq_format::GroupedConv;

use super::super::asm::PIXELS;
use super::super::asm::conv::{Call, Chunk, Groups, Pixels, Scratch, Seen};
use super::super::asm::row::Row;
use super::super::asm::window::Views;
use super::super::conv::Given;
use super::fill::pad;
use super::source::Source;
use super::{Begun, Instance, begin_phase, divide};
use crate::target::armv7em::check::{after, check, refuse};

/// Executes a phase of the output pixels that are left, and takes its pixels off them.
#[inline(never)]
pub(super) fn phase(given: &mut Given<GroupedConv, Instance>, own: &mut [u32], left: &mut Range<usize>) {
    let (plan, instance) = (given.plan, given.instance);
    let Begun { layer, starts: [input_start, begin], input, output, scratch: [memory, apart], pixels } =
        begin_phase(given, own, left);
    let source = &Source::new(layer, &plan.proof, instance, input, input_start);
    let table = layer.table();
    check(instance.kernels.blocks.weight_bits == table.weight_bits);
    check(instance.kernels.widen.bits == table.input.bits.count());
    let scratch = &mut divide(table, instance, plan, memory, apart);
    let mut call = None;
    prepare(source, &mut call);
    let Some(call) = &mut call else { refuse() };
    if source.seamless {
        return alone(source, scratch, call, (output, begin), pixels);
    }
    let (mut views, mut row) = (Views::NONE, Row::NONE);
    let (all, bytes) = (table.output.pixels(), table.output.pixel_bytes());
    let size = if all < PIXELS { 1 } else { PIXELS };
    let pitch = if size == 1 { 0 } else { bytes };
    let Range { start: mut first, end } = pixels;
    while first < end {
        // The last group of pixels begins earlier, if it would have fewer than others.
        first = first.min(all - size);
        let Some(output) = output.get_mut(first.wrapping_sub(begin).wrapping_mul(bytes)..) else { refuse() };
        let seen = if see_row(source, scratch, first, &mut row) {
            Seen::Row(&instance.row, &row)
        } else {
            see(source, scratch, [first, size], &mut views);
            Seen::Views(&instance.window, &views)
        };
        let groups = &Groups { seen, padding: scratch.sums(), codes: source.input, bytes: source.before(1) };
        source.filters.run_groups(call, scratch, output, pitch, groups);
        first += size;
    }
}

/// Prepares the call for the first group of channels.
#[inline(never)]
fn prepare(source: &Source, call: &mut Option<Call>) {
    let count = source.filters.layer.table().group_filters();
    let chunk = Chunk { channel: 0, count, element: 0, elements: source.elements, codes: true };
    source.filters.prepare(call, chunk);
}

/// Executes a phase whose output pixels see one pixel each: one group of channels after the other, each for
/// all output pixels. `output` begins with pixel `begin`.
// Inlined: one stack frame less.
#[inline(always)]
fn alone(
    source: &Source,
    scratch: &mut Scratch,
    call: &mut Call,
    (output, begin): (&mut [u8], usize),
    pixels: Range<usize>,
) {
    let GroupedConv { input, output: to, groups, .. } = source.filters.layer.table();
    let (all, bytes) = (to.pixels(), to.pixel_bytes());
    let size = if all < PIXELS { 1 } else { PIXELS };
    let pitches = [input.pixel_bytes(), if size == 1 { 0 } else { bytes }];
    for group in 0..(*groups).into() {
        if group > 0 {
            source.filters.shift(call, group * call.chunk().count);
        }
        let Range { start: mut first, end } = pixels.clone();
        while first < end {
            // The last group of pixels begins earlier, if it would have fewer than others.
            first = first.min(all - size);
            let count = if size == 1 { 1 } else { ((end - first) / PIXELS).max(1) * PIXELS };
            let codes = after(source.input, source.offset(0, first).wrapping_add(source.before(group)));
            let fill = source.instance.pixels;
            let Some(output) = output.get_mut(first.wrapping_sub(begin).wrapping_mul(bytes)..) else {
                refuse()
            };
            source.filters.run_pixels(call, scratch, output, &Pixels { fill, codes, pitches, count });
            first += count;
        }
    }
}

/// Finds what some output pixels see, which are given by the first one and their number, and fills the patch
/// with what they see of the padding. Neighbouring pixels whose windows lie in the input have one view; each
/// other pixel has its own.
#[inline(never)]
fn see(source: &Source, scratch: &mut Scratch, [first, count]: [usize; 2], views: &mut Views<PIXELS>) {
    let patch = &mut scratch.begin(source.elements).0;
    views.clear();
    let mut pixel = 0;
    while pixel < count {
        let place = source.place(first + pixel);
        let inside = source.inside(place, count - pixel);
        let pixels = inside.max(1);
        let seen = add_view(source, place, [pixel, pixels], views);
        if inside == 0 {
            pad(source, patch, pixel, seen);
        }
        pixel += pixels;
    }
}

/// Finds what four output pixels see, from the first one on, if they are one row of windows with three
/// columns, and fills the patch with what they see of the padding. Returns whether they are.
#[inline(never)]
fn see_row(source: &Source, scratch: &mut Scratch, first: usize, row: &mut Row) -> bool {
    let patch = &mut scratch.begin(source.elements).0;
    let Some(seen) = source.see_row(source.place(first), row) else { return false };
    let taps = source.filters.layer.table().window.taps();
    for (pixel, seen) in seen.into_iter().enumerate() {
        if seen < taps {
            pad(source, patch, pixel, seen);
        }
    }
    true
}

/// See [`Source::see`].
// Not inlined: its stack frame is gone when padding is filled.
#[inline(never)]
fn add_view(source: &Source, place: [usize; 2], pixels: [usize; 2], views: &mut Views<PIXELS>) -> usize {
    source.see(place, pixels, views)
}
