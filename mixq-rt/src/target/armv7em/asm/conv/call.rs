//! Safe calls of the inner loops over blocks of weights.

use core::marker::PhantomData;

use mixq_format::target::armv7em::{BLOCK, Proof, RECORD, RGB3X3_WITH_ZERO_POINT};

use super::super::layer::Filtered;
use super::super::{Layer, PIXELS};
use super::frame::{Begin, Frame};
use super::{Fill, Kernels, Scratch};
use crate::target::armv7em::check::{check, hold, refuse};

/// The filters of a layer, the loops that multiply them, and how many elements may be multiplied at once.
pub(crate) struct Filters<'a, T> {
    pub(crate) kernels: &'a Kernels,
    pub(crate) layer: Layer<'a, T>,
    pub(crate) proof: &'a Proof,
}

/// A range of output channels and a range of elements. One call multiplies the weights of both.
#[derive(Clone, Copy)]
pub(crate) struct Chunk {
    /// First output channel: a multiple of 4.
    pub(crate) channel: usize,
    /// Number of output channels: a multiple of [`BLOCK`], at least one block.
    pub(crate) count: usize,
    /// First element of each filter.
    pub(crate) element: usize,
    /// Number of elements.
    pub(crate) elements: usize,
    /// Whether the call makes codes of the sums. The kernels must make codes, and the elements must be the
    /// last ones.
    pub(crate) codes: bool,
}

/// A prepared call of a loop. [`Call::ready`] completes its frame.
pub(crate) struct Call {
    pub(super) frame: Frame,
    pub(super) run: unsafe extern "C" fn(*const Frame),
    chunk: Chunk,
    /// Bytes of the patch up to the end of the last whole unit, and up to the first extraction of lower
    /// fields.
    stops: [usize; 2],
    /// Where the chunk's codes lie in an output pixel: their first byte, and the byte after the last one.
    pub(super) bytes: [usize; 2],
}

/// Whole groups of output pixels. They follow the group whose patch is filled; the loop fills the patch for
/// each of them.
pub(crate) struct MoreGroups<'a> {
    pub(crate) fill: Fill,
    /// The input, from the first code that the first of these pixels sees.
    pub(crate) codes: &'a [u8],
    /// Bytes of input from the window of one pixel to the window of the next one.
    pub(crate) pitch: usize,
    /// Number of groups: at least one, and no more than the output has.
    pub(crate) groups: usize,
}

/// Bytes that hold this number of bits.
// `div_ceil` takes twice as much code.
#[inline(always)]
fn whole_bytes(bits: usize) -> usize {
    (bits + 7) >> 3
}

impl<T> Clone for Filters<'_, T> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Filters<'_, T> {}

impl<T: Filtered> Filters<'_, T> {
    /// Output channels of the layer.
    #[inline(always)]
    pub(crate) fn channels(&self) -> usize {
        let [_, output] = self.layer.table().tensors();
        output.channels.into()
    }

    /// Writes the call that multiplies a chunk to `call`.
    ///
    /// # Panics
    /// If the layer does not have these filters or elements, or the proof does not allow so many elements.
    // Written to `call`, not returned: a copy of it would take much stack.
    #[inline(never)]
    pub(crate) fn prepare(&self, call: &mut Option<Call>, chunk: Chunk) {
        let Filters { kernels, layer, proof } = *self;
        let (table, parameters) = (layer.table(), layer.parameters());
        let (window, requant, [_, output]) = (table.window(), table.requant(), table.tensors());
        let channels = table.filter_channels();
        let Chunk { channel, count, element, elements, codes } = chunk;
        let bits = kernels.blocks.weight_bits.count();
        // The exponent: a unit has `2^unit` elements.
        let unit = kernels.unit;
        let own_zero_points = usize::from(requant.zero_point_step);
        let taps = window.taps();
        let filter_bytes = taps * whole_bytes(channels * bits);
        let exits = &kernels.exits;
        // The layout of blocks: see `Records`.
        let has_records = exits.codes.is_some();
        check(kernels.rgb3x3.is_none() || (taps, window.kernel_height, channels) == (9, 3, 3));
        let stride = BLOCK * filter_bytes + if has_records { BLOCK * own_zero_points + RECORD } else { 0 };
        let inside = kernels.inside && own_zero_points > 0;
        let before = if has_records && !inside { BLOCK * own_zero_points } else { 0 };

        check(count > 0 && channel % 4 + count % BLOCK == 0 && channel + count <= self.channels());
        check(elements <= proof.chunk.into() && (element + elements) * bits <= 8 * filter_bytes);
        // `Operands` proves that the parameters hold the weights. It does not prove that they hold blocks
        // with records, which are longer: the const parameters alone say that a layer has records. In 64
        // bits, because 32 bits may not hold the sum.
        let end = u64::from(table.weights()) + ((channel + count) / BLOCK) as u64 * stride as u64;
        check(end <= parameters.len() as u64);
        let first = table.weights() as usize + channel / BLOCK * stride;
        let from = |offset: usize| parameters.as_ptr().wrapping_add(offset);
        let (zero_points, zero_points_step, zero_points_distance) = if before > 0 {
            (first, stride, 1)
        } else {
            let zero_points = requant.weight_zero_point as usize;
            (zero_points + channel * own_zero_points, BLOCK * own_zero_points, own_zero_points)
        };

        // Where the chunk's weights begin in the first block, and how many bytes of a block the loop reads
        // from there on.
        let elements = if inside { RGB3X3_WITH_ZERO_POINT } else { elements.max(kernels.stored) };
        let (units, rest) = (elements >> unit, elements & ((1 << unit) - 1));
        let tail = if rest > 0 && kernels.tail > 0 { kernels.tail } else { rest };
        let weights = first + before + element * BLOCK * bits / 8;
        let length = 4 * units + whole_bytes(BLOCK * bits * tail) + if codes { RECORD } else { 0 };
        let skip = stride - length;

        // The units may not fill the last interval: the first interval is the shorter one. They may not fill
        // the last round of the unrolled loop: the loop is entered partway, and the first round is the
        // shorter one. Where no half holds both channels, nothing is extracted, and there is one interval
        // only.
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
        // `channel` is a multiple of 4, so that its code begins a byte.
        let bits_until = |channels: usize| channels * output.bits.count();
        let bytes =
            if codes { [bits_until(channel) / 8, whole_bytes(bits_until(channel + count))] } else { [0; 2] };
        let null = core::ptr::null();
        let frame = Frame {
            weights: from(weights.wrapping_sub(skip)),
            x: null,
            // Where zero points are among the weights, the first unit is multiplied before the loop.
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

impl<T: Filtered> Filters<'_, T> {
    /// Bytes from a block to the next one.
    #[inline(always)]
    pub(super) fn stride(&self) -> usize {
        let table = self.layer.table();
        let bits = self.kernels.blocks.weight_bits.count();
        let filter_bytes = table.window().taps() * whole_bytes(table.filter_channels() * bits);
        let own_zero_points = usize::from(table.requant().zero_point_step);
        let records = if self.kernels.exits.codes.is_some() { BLOCK * own_zero_points + RECORD } else { 0 };
        BLOCK * filter_bytes + records
    }

    /// Moves a call that these filters have prepared to as many output channels, from `channel` on.
    ///
    /// # Panics
    /// If the layer does not have these filters.
    #[inline(never)]
    pub(crate) fn shift(&self, call: &mut Call, channel: usize) {
        let Call { frame, chunk, bytes, .. } = call;
        let (table, parameters) = (self.layer.table(), self.layer.parameters());
        check(channel.is_multiple_of(4) && channel + chunk.count <= self.channels());
        let stride = self.stride();
        let end = u64::from(table.weights()) + ((channel + chunk.count) / BLOCK) as u64 * stride as u64;
        check(end <= parameters.len() as u64);
        // Back, too: then it wraps.
        let blocks = (channel / BLOCK).wrapping_sub(chunk.channel / BLOCK);
        let weights = blocks.wrapping_mul(stride);
        let zero_points = blocks.wrapping_mul(frame.zero_points_step);
        frame.shift([weights, zero_points]);
        frame.first_zero_points = frame.zero_points;
        chunk.channel = channel;
        if chunk.codes {
            let [_, output] = table.tensors();
            let bits = output.bits.count();
            *bytes = [channel * bits / 8, whole_bytes((channel + chunk.count) * bits)];
        }
    }
}

/// A call with a complete frame: its loop may be run.
// `Call::ready` does not run the loop itself, so that its stack frame is gone when the loop takes its own.
pub(crate) struct Ready<'a> {
    call: &'a Call,
    /// The frame points to the scratch, the output pixels and the codes of the input.
    memory: PhantomData<&'a mut [u8]>,
}

impl Ready<'_> {
    /// Groups of pixels that the loop computes, at least one.
    #[inline(always)]
    pub(crate) fn groups(&self) -> usize {
        self.call.frame.groups
    }

    /// Executes the loop.
    #[inline(always)]
    pub(crate) fn run(self) {
        // SAFETY: the loop reads weights, zero points and records of the chunk's blocks; `Filters::prepare`
        // checked that the parameters hold these. It reads the patch and its sums, and writes codes to the
        // output pixels or sums to the accumulators; `Call::ready` and `Call::place` checked these. For more
        // groups it reads codes of the input, and writes the patch and its sums; `Call::ready` checked that
        // there are as many codes, and that the patch has room.
        unsafe { (self.call.run)(&self.call.frame) }
    }
}

impl Call {
    /// The chunk that the call multiplies.
    #[inline(always)]
    pub(crate) fn chunk(&self) -> &Chunk {
        &self.chunk
    }

    /// Completes the frame. The loop multiplies the patch. Then it writes codes to four output pixels that
    /// are `pitch` bytes apart (0: the group has one pixel), or stores sums, or adds to stored sums. With
    /// `more`, it does the same for more groups: then the chunk must make codes of all elements and all
    /// channels.
    ///
    /// # Panics
    /// If the patch holds a different number of elements, or `more` fills it with fewer elements; if there
    /// are too few output pixels, accumulators or input codes.
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
        // No overflow: a tensor has all these pixels, and 32 bits hold their number.
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

    /// Writes the addresses of patch, sums and accumulators to the frame, and the distance of output pixels.
    ///
    /// # Panics
    /// If there are fewer accumulators than channels.
    #[inline(always)]
    pub(super) fn place(&mut self, scratch: &mut Scratch, pitch: usize) {
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
