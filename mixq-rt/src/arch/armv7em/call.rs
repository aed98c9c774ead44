//! The safe door of the inner loops over blocks of weights.

use mixq_format::Conv;
use mixq_format::layout::{BLOCK, Blocks, Proof, RECORD, Records, Windows};

use super::finish::{Ends, Left, ends};
use super::frame::{Begin, Frame};
use super::nine::nine_for;
use super::stage::{Unpack, unpack};
use super::widen::widen_for;
use super::{Fill, Nine, PIXELS, Scratch, Widen, bytes, nibbles, packed};

/// What depends on the widths.
pub(crate) struct Kernels {
    run: unsafe extern "C" fn(*const Frame),
    /// Units of the unrolled loop, and bytes of its code for one.
    unrolled: [usize; 2],
    /// Both channels' fields of a pair of elements, where one half holds both.
    mask: u32,
    pub(crate) blocks: Blocks,
    pub(crate) widen: Widen,
    /// Unpacks codes to a byte each before they are widened as such.
    pub(crate) unpack: Option<Unpack>,
    /// Widens windows of 3x3 on three channels.
    pub(crate) nine: Option<Nine>,
    ends: Ends,
}

impl Kernels {
    /// For `x`-bit input, `w`-bit weights and codes of `y` bits (0: sums) whose zero point is 0 or not, of biases with so
    /// many bits below a unit.
    pub(crate) const fn of(
        x: usize,
        windows: Windows,
        w: usize,
        y: usize,
        zero: bool,
        fraction: u8,
    ) -> Kernels {
        let unpack = match windows {
            Windows::Codes => Some(unpack as Unpack),
            _ => None,
        };
        let x = if unpack.is_some() { 8 } else { x };
        let nine = matches!(windows, Windows::Nine);
        let (run, unrolled, mask, left): (unsafe extern "C" fn(*const Frame), _, _, _) = match (x, w) {
            (_, 8) => (bytes::multiply, bytes::UNROLLED, 0, Left::Bytes),
            (8, 4) => (nibbles::multiply, nibbles::UNROLLED, 0, Left::Nibbles),
            (_, 4) => (packed::multiply_4, packed::UNROLLED_4, packed::MASK_4, Left::Units),
            _ => (packed::multiply_2, packed::UNROLLED_2, packed::MASK_2, Left::Units),
        };
        let blocks = Blocks { nine, ..Blocks::of(super::bits(x), super::bits(w)) };
        Kernels {
            run,
            unrolled,
            mask,
            blocks,
            widen: widen_for(x),
            unpack,
            nine: if nine { Some(nine_for(x)) } else { None },
            ends: ends(left, y, zero, fraction),
        }
    }
}

/// The filters of a layer, and what becomes of their sums.
#[derive(Clone, Copy)]
pub(crate) struct Filters<'a> {
    pub(crate) kernels: &'a Kernels,
    pub(crate) table: &'a Conv,
    pub(crate) parameters: &'a [u8],
    pub(crate) proof: &'a Proof,
}

/// Which sums are made.
#[derive(Clone, Copy, PartialEq, Eq)]
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
pub(crate) struct More<'a> {
    pub(crate) fill: Fill,
    /// What the first of these pixels sees begins here.
    pub(crate) codes: &'a [u8],
    /// Bytes to what the next one does.
    pub(crate) pitch: usize,
    pub(crate) groups: usize,
}

impl Filters<'_> {
    /// Of the output: whole blocks.
    #[inline(always)]
    pub(crate) fn channels(&self) -> usize {
        self.table.output.channels.into()
    }

    /// A call that is prepared for nothing.
    #[inline(never)]
    pub(crate) fn call(&self) -> Call {
        let null = core::ptr::null();
        let store = self.kernels.ends.store;
        let frame = Frame {
            weights: null,
            x: null.cast(),
            entry: 0,
            stop: null.cast(),
            tail: 0,
            sums: null.cast(),
            zero_points: null,
            zero_points_step: 0,
            zero_points_distance: 0,
            skip: 0,
            end: null,
            zero_point: self.table.output.zero_point.into(),
            out: null.cast_mut(),
            pitch: 0,
            added: store,
            chunk_end: store,
            accumulators: null.cast_mut().cast(),
            interval: 0,
            entry_again: 0,
            first_stop: null.cast(),
            mask: self.kernels.mask,
            begin: Begin::Usual,
            half: 0,
            first_zero_points: null,
            from: null,
            size: 0,
            from_pitch: 0,
            fill: self.kernels.widen.loop_of_words(),
            groups: 1,
            offset: 0,
        };
        let chunk = Chunk { channel: 0, count: 0, element: 0, elements: 0, codes: false };
        Call { frame, run: self.kernels.run, chunk, stops: [0; 2], bytes: [0; 2] }
    }

    /// Prepares to multiply a chunk.
    ///
    /// # Panics
    /// If there are no such filters or elements, or they are more than the proof allows.
    #[inline(always)]
    pub(crate) fn prepare(&self, call: &mut Call, chunk: Chunk) {
        if call.chunk != chunk {
            self.prepare_another(call, chunk);
        }
    }

    #[inline(never)]
    fn prepare_another(&self, call: &mut Call, chunk: Chunk) {
        let Filters { kernels, table, parameters, proof } = *self;
        let Conv { input, window, requant, .. } = table;
        let Chunk { channel, count, element, elements, codes } = chunk;
        let blocks = Blocks::of_conv(table);
        let Blocks { unit, weight_bits, .. } = blocks;
        let bits = weight_bits.count();
        let taps = usize::from(window.kernel_height) * usize::from(window.kernel_width);
        let filter_bytes = taps * weight_bits.row_bytes(input.channels.into());
        assert!(count > 0 && channel % 4 + count % BLOCK == 0 && channel + count <= self.channels());
        assert!(elements <= proof.chunk.into() && (element + elements) * bits <= 8 * filter_bytes);
        let records = match kernels.ends.codes {
            Some(_) => Records::of(table),
            None => {
                let stride = BLOCK * filter_bytes;
                Records { stride, zero_points: 0, inside: false, elements, weights: 0 }
            }
        };
        let Records { stride, inside, .. } = records;
        let elements = if kernels.nine.is_some() { records.elements } else { elements };
        let first = table.weights as usize + channel / BLOCK * stride;
        assert!(first + count / BLOCK * stride <= parameters.len());
        let from = |offset: usize| parameters.as_ptr().wrapping_add(offset);

        let frame = &mut call.frame;
        let step = usize::from(requant.zero_point_step);
        (frame.zero_points, frame.zero_points_step, frame.zero_points_distance) = if records.zero_points > 0 {
            (from(first), stride, 1)
        } else {
            let zero_points = requant.weight_zero_point as usize;
            assert!(zero_points + (channel + count - 1) * step < parameters.len());
            (from(zero_points + channel * step), BLOCK * step, step)
        };
        frame.first_zero_points = frame.zero_points;
        frame.offset = if records.zero_points > 0 { 0 } else { blocks.zero_point_offset(0) as usize };
        // Where the weights of the chunk begin, and how far the loop goes from there on.
        let weights = first + records.zero_points + element * BLOCK * bits / 8;
        let length = blocks.bytes(elements) + if codes { RECORD } else { 0 };
        frame.skip = stride - length;
        frame.begin = match inside {
            true => Begin::Inside,
            false if frame.skip == records.zero_points && frame.skip > 0 => Begin::Usual,
            false => Begin::Slow,
        };
        frame.weights = from(weights.wrapping_sub(frame.skip));
        frame.end = from(weights + (count / BLOCK - 1) * stride + length);

        let units = elements / unit;
        let [unrolled, bytes_of_unit] = kernels.unrolled;
        // The first interval is what is left by the others, and the unrolled loop is entered where what is left by its rounds begins.
        let interval = usize::from(proof.interval) / unit;
        let first = if units == 0 { 0 } else { (units - 1) % interval + 1 };
        // Where zero points are inside, a block begins with its first unit.
        let entered = if inside { first - 1 } else { first };
        let entry = |units: usize| match units {
            0 => unrolled * bytes_of_unit + 1,
            _ => units.wrapping_neg() % unrolled * bytes_of_unit + 1,
        };
        frame.entry = entry(entered);
        frame.entry_again = entry(interval);
        frame.interval = interval * unit * Scratch::ELEMENT_BYTES;
        frame.tail = blocks.tail(elements);
        call.chunk = chunk;
        call.stops = [units, first].map(|units| units * unit * Scratch::ELEMENT_BYTES);
        call.bytes = [0; 2];
        frame.chunk_end = if element == 0 { kernels.ends.store } else { kernels.ends.add_and_store };
        if let Some(ends) = kernels.ends.codes.filter(|_| codes) {
            frame.added = ends.added;
            frame.chunk_end = if element == 0 { ends.finish } else { ends.add_and_finish };
            let row_bytes = |channels| table.output.bits.row_bytes(channels);
            call.bytes = [row_bytes(channel), row_bytes(channel + count)];
        }
    }
}

impl Call {
    /// Whether all is done by this call: it makes codes of all elements for all channels.
    #[inline(always)]
    pub(crate) fn is_all_of(&self, filters: &Filters, elements: usize) -> bool {
        self.chunk.codes && self.chunk.elements == elements && self.chunk.count == filters.channels()
    }

    /// Multiplies the patch, and writes codes to four pixels, `pitch` bytes apart (0: to one), or stores sums or adds to them. Then does the same with
    /// more groups, if this call [is all](Self::is_all_of).
    ///
    /// # Panics
    /// If the patch holds other elements or will, or there are fewer pixels, accumulators or codes.
    #[inline(always)]
    pub(crate) fn run(
        &mut self,
        scratch: &mut Scratch,
        pixels: &mut [u8],
        pitch: usize,
        more: Option<More<'_>>,
    ) {
        assert!(scratch.elements() == self.chunk.elements);
        assert!((PIXELS - 1) * pitch + self.bytes[1] <= pixels.len());
        self.place(scratch, pitch);
        let Call { frame, chunk, bytes, .. } = self;
        frame.out = pixels.as_mut_ptr().wrapping_add(bytes[0]);
        frame.groups = 1;
        if let Some(More { fill, codes, pitch: from_pitch, groups }) = more {
            assert!(chunk.codes && *bytes == [0, pitch] && groups > 0);
            assert!((groups + 1) * PIXELS * pitch <= pixels.len());
            assert!((groups * PIXELS - 1) * from_pitch + fill.bytes <= codes.len());
            assert!(fill.elements.min(scratch.chunk()) >= chunk.elements && fill.elements <= scratch.room());
            (frame.from, frame.from_pitch) = (codes.as_ptr(), from_pitch);
            (frame.fill, frame.size) = (fill.run, fill.size);
            frame.groups += groups;
        }
        // SAFETY: the loop reads the elements' weights of each block, its zero points and its record, which are among the parameters, the patch, and
        // the sums; it writes the blocks' codes into the pixels or their sums to the accumulators. All asserted here, by `place` and by `Filters::prepare`.
        // For more groups it writes words of the patch that are asserted to be there, and the sums, and reads what is asserted to be among the codes.
        unsafe { (self.run)(&self.frame) }
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
