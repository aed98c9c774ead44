//! Multiplies the strips of a layer by the elements of its input.

use core::ops::Range;
use core::ptr::{null, null_mut};

use mixq_format::target::armv7em::{ALIGNMENT, STRIP};
use mixq_format::{Bits, Linear, Requant};

use super::super::widen::WidenRow;
use super::super::{Layer, Tables};
use super::{Call, Loops};
use crate::target::armv7em::check::{check, refuse};

/// Elements that one round of a loop multiplies, at most.
const ROUND: usize = 16;

/// The strips of a layer, and the elements that they are multiplied by.
pub(crate) struct Strips<'a> {
    loops: &'a Loops,
    call: Call<'a>,
    memory: &'a mut [u32],
    input: &'a [u8],
    /// The weights that were not multiplied yet, and all parameters behind them.
    weights: &'a [u8],
    /// Elements in `memory`, as they were widened last.
    elements: usize,
}

impl<'a> Strips<'a> {
    /// The strips of a layer, whose elements are widened to `memory`. The loops extract fields after at most
    /// `interval` elements.
    ///
    /// # Panics
    /// If the loops are for other widths or another fraction, or `interval` is less than a round.
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

    /// Elements that `memory` has room for, in whole rounds.
    pub(crate) fn room(&self) -> usize {
        (2 * self.memory.len()) & !(ROUND - 1)
    }

    /// Widens `elements` elements of the input to `memory`, beginning with `first`, which begins a byte.
    /// Returns the sum of their codes.
    ///
    /// # Panics
    /// If the input has fewer elements, if `elements` is not a number of whole rounds, or `memory` has no
    /// room.
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
        // SAFETY: reads `bytes` bytes of the input, which are whole words, and writes a word of `memory` for
        // two elements: checked above.
        let sum = unsafe { run(input.as_ptr().add(start), memory.as_mut_ptr(), bytes / 4) };
        call.tables.input_sum = sum;
        sum
    }

    /// Adds `sum(q_x s_w)` over the widened elements to the sums of the next strip.
    ///
    /// # Panics
    /// If the loops make codes, if the parameters end before the strip's weights, or these are not aligned.
    #[inline(always)]
    pub(crate) fn add(&mut self, sums: &mut [i32; STRIP]) {
        check(!self.make_codes());
        self.call.output = sums.as_mut_ptr().cast();
        // SAFETY: `finish` adds to the sums of one strip, which `sums` holds; it reads no tables.
        unsafe { self.run(1) }
    }

    /// Writes the codes of the layer's first strips. The widened elements must be all elements.
    ///
    /// # Panics
    /// If the loops do not make codes; if the parameters end before the strips' weights, or these are not
    /// aligned; if the output is too small; if the layer has fewer channels, or one multiplier for all.
    #[inline(always)]
    pub(crate) fn codes(&mut self, strips: usize, output: &mut [u8]) {
        // Eight codes take as many bytes as one has bits.
        let bytes = strips * self.loops.finished.count();
        check(self.make_codes() && bytes <= output.len());
        self.call.tables.take(strips * STRIP);
        self.call.output = output.as_mut_ptr();
        // SAFETY: `finish` writes `bytes` bytes, which `output` has, and reads the tables of the strips'
        // channels, which `take` has checked.
        unsafe { self.run(strips) }
    }

    /// Multiplies the next strips.
    ///
    /// # Safety
    /// `finish` may write the results of `strips` strips at `call.output`, and read the tables of their
    /// channels.
    ///
    /// # Panics
    /// If the parameters end before the strips' weights, if these are not aligned, or there are no elements
    /// or strips.
    #[inline(never)]
    unsafe fn run(&mut self, strips: usize) {
        check(strips <= usize::from(u16::MAX) / STRIP);
        // Eight weights take as many bytes as one has bits.
        let weights = self.take(strips * self.elements * self.loops.weight_bits.count());
        let Strips { loops, call, memory, elements, .. } = self;
        let Range { start, end } = weights.as_ptr_range();
        check(start != end && start.addr().is_multiple_of(ALIGNMENT as usize));
        (call.weights, call.weights_end) = (start, end);
        // SAFETY: the loop reads `weights`, and the elements that `widen` has written: whole rounds of both.
        // The caller promises what `finish` accesses.
        unsafe { (loops.run)(memory.as_ptr().wrapping_add(*elements / 2), call) };
    }

    /// The sums of the next channel, and of all codes of the input. The channel comes after the last whole
    /// strip: its weights are as in the artifact.
    ///
    /// # Panics
    /// If the parameters end before the channel's weights.
    #[inline(always)]
    pub(crate) fn plain(&mut self, elements: usize) -> (i32, i32) {
        let filter = self.take(elements * self.loops.weight_bits.count() / 8);
        (self.loops.plain)(self.input, filter)
    }

    /// Takes the next bytes of the weights.
    #[inline(never)]
    fn take(&mut self, bytes: usize) -> &'a [u8] {
        self.weights.split_off(..bytes).unwrap_or_else(|| refuse())
    }

    /// Replaces the sums of channels, beginning with `channel`, by their codes or logits. `input_sum` is the
    /// sum of the codes of all elements.
    ///
    /// # Panics
    /// If the layer does not have these channels.
    #[inline(always)]
    pub(crate) fn requantise(&mut self, channel: usize, sums: &mut [i32], input_sum: i32) {
        self.call.tables.requantise::<1>(channel, sums.as_chunks_mut().0, 1, input_sum);
    }
}
