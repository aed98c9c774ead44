//! The safe door of the inner loops over blocks of weights.

use core::marker::PhantomData;

use mixq_format::Conv;
use mixq_format::target::armv7em::{BLOCK, Proof, RECORD, RGB3X3_WITH_ZERO_POINT};

use super::super::{Layer, PIXELS};
use super::frame::{Begin, Frame};
use super::{Fill, Kernels, Scratch};
use crate::target::armv7em::check::{check, hold, refuse};

/// The filters of a layer, and what becomes of their sums.
#[derive(Clone, Copy)]
pub(crate) struct Filters<'a> {
    pub(crate) kernels: &'a Kernels,
    pub(crate) layer: Layer<'a, Conv>,
    pub(crate) proof: &'a Proof,
}

/// Which sums are made.
#[derive(Clone, Copy)]
pub(crate) struct Chunk {
    /// First output channel: a multiple of 4.
    pub(crate) channel: usize,
    /// How many: a multiple of [`BLOCK`], at least one block.
    pub(crate) count: usize,
    /// First element.
    pub(crate) element: usize,
    /// How many.
    pub(crate) elements: usize,
    /// Whether codes are made: these are the last elements, and the kernels make codes.
    pub(crate) codes: bool,
}

/// A prepared call of a loop.
pub(crate) struct Call {
    frame: Frame,
    run: unsafe extern "C" fn(*const Frame),
    chunk: Chunk,
    /// Bytes of the patch that are in whole units, and until lower fields are taken out.
    stops: [usize; 2],
    /// First byte of a pixel that is written, and the first that is not.
    bytes: [usize; 2],
}

/// Whole groups of pixels that follow one whose patch is filled.
pub(crate) struct MoreGroups<'a> {
    pub(crate) fill: Fill,
    /// What the first of these pixels sees begins here.
    pub(crate) codes: &'a [u8],
    /// Bytes to what the next one does.
    pub(crate) pitch: usize,
    /// At least one, and no more than the output has.
    pub(crate) groups: usize,
}

/// Bytes that this number of bits takes.
// `div_ceil` takes twice as much code.
#[inline(always)]
fn whole_bytes(bits: usize) -> usize {
    (bits + 7) >> 3
}

impl Filters<'_> {
    /// Of the output: whole blocks.
    #[inline(always)]
    pub(crate) fn channels(&self) -> usize {
        self.layer.table().output.channels.into()
    }

    /// Prepares to multiply a chunk.
    ///
    /// # Panics
    /// If there are no such filters or elements, or they are more than the proof allows.
    // Written in place: a call is a good part of the stack.
    #[inline(never)]
    pub(crate) fn prepare(&self, call: &mut Option<Call>, chunk: Chunk) {
        let Filters { kernels, layer, proof } = *self;
        let (table, parameters) = (layer.table(), layer.parameters());
        let Conv { input, window, requant, output, .. } = table;
        let Chunk { channel, count, element, elements, codes } = chunk;
        let bits = kernels.blocks.weight_bits.count();
        // Of elements: a power of two.
        let unit = kernels.unit;
        let own_zero_points = usize::from(requant.zero_point_step);
        let taps = window.taps();
        let filter_bytes = taps * whole_bytes(usize::from(input.channels) * bits);
        let exits = &kernels.exits;
        // As `Records` has it.
        let has_records = exits.codes.is_some();
        check(kernels.rgb3x3.is_none() || (taps, window.kernel_height, input.channels) == (9, 3, 3));
        let stride = BLOCK * filter_bytes + if has_records { BLOCK * own_zero_points + RECORD } else { 0 };
        let inside = kernels.inside && own_zero_points > 0;
        let before = if has_records && !inside { BLOCK * own_zero_points } else { 0 };

        check(count > 0 && channel % 4 + count % BLOCK == 0 && channel + count <= self.channels());
        check(elements <= proof.chunk.into() && (element + elements) * bits <= 8 * filter_bytes);
        // The weights are in the parameters, but tables may be told to be beside weights where they are not. In
        // 64 bits: 32 may not hold the end of these.
        let end = u64::from(table.weights) + ((channel + count) / BLOCK) as u64 * stride as u64;
        check(end <= parameters.len() as u64);
        let first = table.weights as usize + channel / BLOCK * stride;
        let from = |offset: usize| parameters.as_ptr().wrapping_add(offset);
        let (zero_points, zero_points_step, zero_points_distance) = if before > 0 {
            (first, stride, 1)
        } else {
            let zero_points = requant.weight_zero_point as usize;
            (zero_points + channel * own_zero_points, BLOCK * own_zero_points, own_zero_points)
        };

        // Where the weights of the chunk begin, and how far the loop goes from there on.
        let elements = if inside { RGB3X3_WITH_ZERO_POINT } else { elements.max(kernels.stored) };
        let (units, left) = (elements >> unit, elements & ((1 << unit) - 1));
        let tail = if left > 0 && kernels.tail > 0 { kernels.tail } else { left };
        let weights = first + before + element * BLOCK * bits / 8;
        let length = 4 * units + whole_bytes(BLOCK * bits * tail) + if codes { RECORD } else { 0 };
        let skip = stride - length;

        // The first interval takes the remainder; the unrolled loop is entered partway for the same reason.
        // Where no half holds both channels, there is one interval only.
        let interval = if kernels.mask == 0 { units } else { usize::from(proof.interval) >> unit }.max(1);
        let first_units = if units == 0 { 0 } else { (units - 1) % interval + 1 };
        let [unrolled, bytes_of_unit] = kernels.unrolled;
        let entry = |units: usize| {
            let skipped = if units == 0 { unrolled } else { units.wrapping_neg() & (unrolled - 1) };
            skipped * bytes_of_unit + 1
        };
        let bytes_of_units = |units: usize| (units << unit) * Scratch::ELEMENT_BYTES;
        let stops = [bytes_of_units(units), bytes_of_units(first_units)];
        let chunk_end = match (&exits.chunks, exits.codes) {
            (_, Some(finish)) if codes && element == 0 => finish,
            (Some(chunks), _) if codes => chunks.add_and_finish,
            (Some(chunks), _) if element == 0 => chunks.store,
            (Some(chunks), _) => chunks.add_and_store,
            _ => refuse(),
        };
        let added = exits.chunks.as_ref().and_then(|chunks| chunks.added).unwrap_or(chunk_end);
        // The first of four channels begins a byte.
        let bits_until = |channels: usize| channels * output.bits.count();
        let bytes =
            if codes { [bits_until(channel) / 8, whole_bytes(bits_until(channel + count))] } else { [0; 2] };
        let null = core::ptr::null();
        let frame = Frame {
            weights: from(weights.wrapping_sub(skip)),
            x: null,
            // Where zero points are inside, a block begins with its first unit.
            entry: entry(first_units - usize::from(inside)),
            stop: null,
            tail,
            sums: null.cast(),
            zero_points: from(zero_points),
            zero_points_step,
            zero_points_distance,
            skip,
            end: from(weights + (count / BLOCK - 1) * stride + length),
            zero_point: output.zero_point.into(),
            out: null.cast_mut().cast(),
            pitch: 0,
            added,
            chunk_end,
            accumulators: null.cast_mut().cast(),
            interval: bytes_of_units(interval),
            entry_again: entry(interval),
            first_stop: null,
            mask: kernels.mask,
            begin: match inside {
                true => Begin::Inside,
                false if skip == before && skip > 0 => Begin::Usual,
                false => Begin::Slow,
            },
            half: 0,
            first_zero_points: from(zero_points),
            from: null.cast(),
            size: 0,
            from_pitch: 0,
            fill: kernels.widen.loop_of_words(),
            groups: 1,
            offset: if before > 0 { 0 } else { kernels.offset },
        };
        *call = Some(Call { frame, run: kernels.run, chunk, stops, bytes });
    }
}

/// A call whose loop has all that it reads and writes.
// Not run where it is readied: that function's frame is gone when the loop takes its own.
pub(crate) struct Ready<'a> {
    call: &'a Call,
    /// Scratch, pixels and codes.
    memory: PhantomData<&'a mut [u8]>,
}

impl Ready<'_> {
    /// Groups of pixels that are computed, at least one.
    #[inline(always)]
    pub(crate) fn groups(&self) -> usize {
        self.call.frame.groups
    }

    /// Executes the loop.
    #[inline(always)]
    pub(crate) fn run(self) {
        // SAFETY: the loop reads the elements' weights of each block, its zero points and its record, which
        // are among the parameters, the patch, and the sums; it writes the blocks' codes into the pixels or
        // their sums to the accumulators. All asserted by `Call::ready`, `Call::place` and
        // `Filters::prepare`. For more groups it writes words of the patch that are asserted to be there, and
        // the sums, and reads what is asserted to be among the codes.
        unsafe { (self.call.run)(&self.call.frame) }
    }
}

impl Call {
    /// What is multiplied.
    #[inline(always)]
    pub(crate) fn chunk(&self) -> &Chunk {
        &self.chunk
    }

    /// Readies the loop to multiply the patch, and to write codes to four pixels, `pitch` bytes apart (0: to
    /// one), or to store sums or add to them. Then to do the same with more groups, if it makes codes of all
    /// elements for all channels.
    ///
    /// # Panics
    /// If the patch holds other elements or will, or there are fewer pixels, accumulators or codes.
    #[inline(always)]
    pub(crate) fn ready<'a>(
        &'a mut self,
        scratch: &'a mut Scratch,
        pixels: &'a mut [u8],
        pitch: usize,
        more: &Option<MoreGroups<'a>>,
    ) -> Ready<'a> {
        let more_groups = more.as_ref().map_or(0, |more| more.groups);
        check(scratch.elements() == self.chunk.elements);
        // 32 bits hold the number of a tensor's pixels.
        check(hold(pixels.len(), (1 + more_groups) * PIXELS, pitch, self.bytes[1]));
        self.place(scratch, pitch);
        let Call { frame, chunk, bytes, .. } = self;
        frame.out = pixels.as_mut_ptr().wrapping_add(bytes[0]);
        frame.groups = 1 + more_groups;
        if let Some(MoreGroups { fill, codes, pitch: from_pitch, groups }) = *more {
            check(chunk.codes && *bytes == [0, pitch] && groups > 0);
            check(hold(codes.len(), groups * PIXELS, from_pitch, fill.bytes));
            check(fill.elements.min(scratch.chunk()) >= chunk.elements && fill.elements <= scratch.room());
            (frame.from, frame.from_pitch) = (codes.as_ptr(), from_pitch);
            (frame.fill, frame.size) = (fill.run, fill.size);
        }
        Ready { call: self, memory: PhantomData }
    }

    /// Says where the patch and the sums are, and how far apart pixels.
    ///
    /// # Panics
    /// If there are fewer accumulators than channels.
    #[inline(always)]
    fn place(&mut self, scratch: &mut Scratch, pitch: usize) {
        let Call { frame, chunk, stops, .. } = self;
        let (x, accumulators, sums) =
            scratch.parts(if chunk.codes && chunk.element == 0 { 0 } else { chunk.count });
        frame.x = x;
        frame.stop = x.wrapping_byte_add(stops[0]);
        frame.first_stop = x.wrapping_byte_add(stops[1]);
        frame.sums = sums;
        frame.accumulators = accumulators;
        frame.pitch = pitch;
    }
}
