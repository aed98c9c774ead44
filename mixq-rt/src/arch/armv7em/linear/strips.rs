//! The strips of a layer, multiplied with its elements.

use core::ptr::{null, null_mut};

use mixq_format::layout::{ALIGNMENT, STRIP};
use mixq_format::{Bits, Linear, Requant};

use super::super::Tables;
use super::super::widen::WidenRow;
use super::{Call, Loops};
use crate::check::check;

/// Elements of a loop's round.
const ROUND: usize = 16;

/// The strips of a layer, and elements that they are multiplied with.
pub(crate) struct Strips<'a> {
    loops: &'a Loops,
    call: Call<'a>,
    memory: &'a mut [u32],
    /// So many were unpacked last.
    elements: usize,
}

impl<'a> Strips<'a> {
    /// Those of a layer, whose elements are unpacked to `memory`. Fields are taken out after `interval` elements or fewer.
    ///
    /// # Panics
    /// If there are no tables in the parameters, or the loops are for other layers.
    #[inline(always)]
    pub(crate) fn new(
        table: &Linear,
        parameters: &'a [u8],
        loops: &'a Loops,
        interval: usize,
        memory: &'a mut [u32],
    ) -> Strips<'a> {
        let Linear { input, output, weight_bits, requant, .. } = table;
        let sums = loops.finished == Bits::B32;
        check(
            *weight_bits == loops.weight_bits && input.bits.count() == loops.widen.bits && interval >= ROUND,
        );
        check(sums || (output.bits == loops.finished && requant.fraction == Requant::FRACTION));
        let call = Call {
            output: null_mut(),
            tables: Tables::new(requant, output, parameters),
            finish: loops.finish,
            weights: null(),
            weights_end: null(),
            x: memory.as_ptr(),
            interval: 2 * (interval & !(ROUND - 1)),
        };
        Strips { loops, call, memory, elements: 0 }
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

    /// Unpacks so many codes, from one on that begins a byte; answers their sum.
    ///
    /// # Panics
    /// If there are fewer codes, or they are no whole rounds, or there is no room.
    #[inline(never)]
    pub(crate) fn widen(&mut self, codes: &[u8], first: usize, elements: usize) -> i32 {
        let WidenRow { run, bits } = self.loops.widen;
        let (start, bytes) = (first * bits / 8, elements * bits / 8);
        check(
            elements > 0
                && elements.is_multiple_of(ROUND)
                && elements <= (2 * self.memory.len()).min(1 << 16)
                && start + bytes <= codes.len(),
        );
        self.elements = elements;
        // SAFETY: reads so many bytes, in whole words, and writes two elements a word; asserted above.
        let sum = unsafe { run(codes.as_ptr().add(start), self.memory.as_mut_ptr(), bytes / 4) };
        self.call.tables.input_sum = sum;
        sum
    }

    /// Adds `sum(q_x s_w)` over the unpacked elements to the sums of a strip.
    ///
    /// # Panics
    /// If these loops make codes, or there are fewer weights, or they are not aligned.
    #[inline(always)]
    pub(crate) fn add(&mut self, weights: &[u8], sums: &mut [i32; STRIP]) {
        check(!self.make_codes());
        self.call.output = sums.as_mut_ptr().cast();
        // SAFETY: a strip's sums.
        unsafe { self.run(weights, 1) }
    }

    /// Writes the codes of the first strips of a layer, of the unpacked elements.
    ///
    /// # Panics
    /// If these loops make none, or there are fewer weights, or they are not aligned, or the output is smaller, or the layer has fewer channels or
    /// one multiplier for all.
    #[inline(always)]
    pub(crate) fn codes(&mut self, weights: &[u8], strips: usize, output: &mut [u8]) {
        let Strips { loops, call, .. } = self;
        // Eight codes take as many bytes as one has bits.
        let bytes = strips * loops.finished.count();
        check(
            loops.finished != Bits::B32
                && call.tables.has_multipliers_of(strips * STRIP)
                && bytes <= output.len(),
        );
        call.output = output.as_mut_ptr();
        // SAFETY: so many bytes, and tables of so many channels.
        unsafe { self.run(weights, strips) }
    }

    /// Multiplies strips.
    ///
    /// # Safety
    /// `finish` may write so many strips, and read their tables.
    ///
    /// # Panics
    /// If there are fewer weights, or they are not aligned, or no elements or strips.
    #[inline(never)]
    unsafe fn run(&mut self, weights: &[u8], strips: usize) {
        let Strips { loops, call, memory, elements } = self;
        // Eight weights take as many bytes as one has bits.
        let bytes = strips * *elements * loops.weight_bits.count();
        let weights = weights.as_ptr_range();
        check(
            bytes > 0
                && strips <= usize::from(u16::MAX) / STRIP
                && bytes <= weights.end.addr() - weights.start.addr()
                && weights.start.addr().is_multiple_of(ALIGNMENT as usize),
        );
        call.weights = weights.start;
        call.weights_end = weights.start.wrapping_add(bytes);
        // SAFETY: the loop reads all weights, which are asserted above, and elements, in whole rounds, which were unpacked; what `finish` does,
        // see above.
        unsafe { (loops.run)(memory.as_ptr().wrapping_add(*elements / 2), call) };
    }

    /// Puts in place of the sums of channels from one on their codes or logits; `input_sum` is that of all elements.
    ///
    /// # Panics
    /// If there are no such channels.
    #[inline(always)]
    pub(crate) fn requantise(&mut self, channel: usize, sums: &mut [i32], input_sum: i32) {
        self.call.tables.requantise::<1>(channel, sums.as_chunks_mut().0, 1, input_sum);
    }
}
