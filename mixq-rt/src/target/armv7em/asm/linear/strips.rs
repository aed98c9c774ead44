//! The strips of a layer, multiplied with its elements.

use core::ops::Range;
use core::ptr::{null, null_mut};

use mixq_format::target::armv7em::{ALIGNMENT, STRIP};
use mixq_format::{Bits, Linear, Requant};

use super::super::widen::WidenRow;
use super::super::{Layer, Tables};
use super::{Call, Loops};
use crate::target::armv7em::check::{check, refuse};

/// Elements of a loop's round.
const ROUND: usize = 16;

/// The strips of a layer, and elements that they are multiplied with.
pub(crate) struct Strips<'a> {
    loops: &'a Loops,
    call: Call<'a>,
    memory: &'a mut [u32],
    input: &'a [u8],
    /// Those that were not multiplied yet.
    weights: &'a [u8],
    /// So many were unpacked last.
    elements: usize,
}

impl<'a> Strips<'a> {
    /// Those of a layer, whose elements are unpacked to `memory`. Fields are taken out after `interval`
    /// elements or fewer.
    ///
    /// # Panics
    /// If the loops are for other layers.
    #[inline(always)]
    pub(crate) fn new(
        layer: Layer<'a, Linear>,
        loops: &'a Loops,
        interval: usize,
        input: &'a [u8],
        memory: &'a mut [u32],
    ) -> Strips<'a> {
        let Linear { input: x, output: y, weights, weight_bits, requant } = layer.table();
        let weights = layer.parameters().get(*weights as usize..).unwrap_or_else(|| refuse());
        check(*weight_bits == loops.weight_bits && x.bits.count() == loops.widen.bits && interval >= ROUND);
        if loops.finished != Bits::B32 {
            check(y.bits == loops.finished && requant.fraction == Requant::FRACTION);
        }
        let call = Call {
            output: null_mut(),
            tables: Tables::new(layer),
            finish: loops.finish,
            weights: null(),
            weights_end: null(),
            x: memory.as_ptr(),
            interval: 2 * (interval & !(ROUND - 1)),
        };
        Strips { loops, call, memory, input, weights, elements: 0 }
    }

    /// Whether the loops make codes.
    #[inline(always)]
    pub(crate) fn make_codes(&self) -> bool {
        self.loops.finished != Bits::B32
    }

    /// Elements that there is room for.
    pub(crate) fn room(&self) -> usize {
        (2 * self.memory.len()) & !(ROUND - 1)
    }

    /// Unpacks `elements` elements, beginning with `first`, which begins a byte; returns the sum of their
    /// codes.
    ///
    /// # Panics
    /// If there are fewer, or they are no whole rounds, or there is no room.
    #[inline(never)]
    pub(crate) fn widen(&mut self, first: usize, elements: usize) -> i32 {
        let Strips { loops, call, memory, input, .. } = self;
        let WidenRow { run, bits } = loops.widen;
        let (start, bytes) = (first * bits / 8, elements * bits / 8);
        check(
            elements > 0
                && elements.is_multiple_of(ROUND)
                && elements <= (2 * memory.len()).min(1 << 16)
                && start + bytes <= input.len(),
        );
        self.elements = elements;
        // SAFETY: reads `bytes` bytes, in whole words, and writes two elements a word; checked above.
        let sum = unsafe { run(input.as_ptr().add(start), memory.as_mut_ptr(), bytes / 4) };
        call.tables.input_sum = sum;
        sum
    }

    /// Adds `sum(q_x s_w)` over the unpacked elements to the sums of the next strip.
    ///
    /// # Panics
    /// If these loops make codes, or there are no weights, or they are not aligned.
    #[inline(always)]
    pub(crate) fn add(&mut self, sums: &mut [i32; STRIP]) {
        check(!self.make_codes());
        self.call.output = sums.as_mut_ptr().cast();
        // SAFETY: a strip's sums.
        unsafe { self.run(1) }
    }

    /// Writes the codes of the first strips of a layer, of the unpacked elements.
    ///
    /// # Panics
    /// If these loops make none, or there are fewer weights, or they are not aligned, or the output is
    /// smaller, or the layer has fewer channels or one multiplier for all.
    #[inline(always)]
    pub(crate) fn codes(&mut self, strips: usize, output: &mut [u8]) {
        // Eight codes take as many bytes as one has bits.
        let bytes = strips * self.loops.finished.count();
        check(self.make_codes() && bytes <= output.len());
        self.call.tables.take(strips * STRIP);
        self.call.output = output.as_mut_ptr();
        // SAFETY: the slices hold these bytes, and the tables of these channels.
        unsafe { self.run(strips) }
    }

    /// Multiplies strips.
    ///
    /// # Safety
    /// `finish` may write `strips` strips, and read their tables.
    ///
    /// # Panics
    /// If there are fewer weights, or they are not aligned, or no elements or strips.
    #[inline(never)]
    unsafe fn run(&mut self, strips: usize) {
        check(strips <= usize::from(u16::MAX) / STRIP);
        // Eight weights take as many bytes as one has bits.
        let weights = self.take(strips * self.elements * self.loops.weight_bits.count());
        let Strips { loops, call, memory, elements, .. } = self;
        let Range { start, end } = weights.as_ptr_range();
        check(start != end && start.addr().is_multiple_of(ALIGNMENT as usize));
        (call.weights, call.weights_end) = (start, end);
        // SAFETY: the loop reads all weights, which are asserted above, and elements, in whole rounds, which
        // were unpacked; what `finish` does, see above.
        unsafe { (loops.run)(memory.as_ptr().wrapping_add(*elements / 2), call) };
    }

    /// All codes of the input, and the weights of the next channel, which fills no strip, as they are in the
    /// artifact.
    ///
    /// # Panics
    /// If there are no weights.
    #[inline(always)]
    pub(crate) fn plain(&mut self, elements: usize) -> (&'a [u8], &'a [u8]) {
        (self.input, self.take(elements * self.loops.weight_bits.count() / 8))
    }

    #[inline(never)]
    fn take(&mut self, bytes: usize) -> &'a [u8] {
        self.weights.split_off(..bytes).unwrap_or_else(|| refuse())
    }

    /// Replaces the sums of channels, beginning with `channel`, by their codes or logits; `input_sum` is that
    /// of all elements.
    ///
    /// # Panics
    /// If there are no such channels.
    #[inline(always)]
    pub(crate) fn requantise(&mut self, channel: usize, sums: &mut [i32], input_sum: i32) {
        self.call.tables.requantise::<1>(channel, sums.as_chunks_mut().0, 1, input_sum);
    }
}
