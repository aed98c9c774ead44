//! The safe door of the inner loops over blocks of weights.

use mixq_format::Conv;
use mixq_format::layout::{BLOCK, Blocks, Proof};

use super::widen::widen_for;
use super::{Finish, PIXELS, Scratch, Widen, bytes, finish, nibbles, packed};

/// What a loop is given: it copies it onto its stack, below the registers that it saves, and finds there what no
/// register is left for, at these offsets.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Frame {
    /// 0: of the next block.
    weights: *const u8,
    /// 4.
    x: *const u32,
    /// 8: bytes of the unrolled loop that are skipped at first, and 1; then the address where it is entered.
    entry: usize,
    /// 12: after the last whole unit.
    stop: *const u32,
    /// 16: elements of the last, incomplete unit; then where they are taken.
    tail: usize,
    /// 20: of the elements of this chunk, negated, by pixel.
    sums: *const i32,
    /// 24: of the next block's weights.
    zero_points: *const u8,
    /// 28.
    zero_point_step: usize,
    /// 32: of the next block.
    biases: *const u8,
    /// 36: where all blocks are done.
    biases_end: *const u8,
    /// 40: from a block's biases to those of the multipliers, less the block's.
    multipliers: usize,
    /// 44.
    shifts: *const u8,
    /// 48: of the output.
    zero_point: u32,
    /// 52: where the next block's codes of the first pixel go.
    out: *mut u8,
    /// 56: bytes from a pixel to the next.
    pitch: usize,
    /// 60: what makes codes.
    finish: Finish,
    /// 64: what a block's sums go to.
    chunk_end: Finish,
    /// 68: of the next block, where they are stored.
    accumulators: *mut [i32; PIXELS],
    /// 72.
    block_bytes: usize,
    /// 76: bytes of the patch from one time that lower fields are taken out to the next.
    interval: usize,
    /// 80: as `entry`, for an interval that is not the first.
    entry_again: usize,
    /// 84: whether the last block wrote half a byte.
    half: usize,
    /// 88: where lower fields are taken out for the first time.
    first_stop: *const u32,
    // 92: where a block begins. 96: where packed sums go at the end. 100 to 115: sums of lower fields.
}

// 116 bytes on the stack, 23 words of them given.
const _: () = assert!(size_of::<Frame>() == 92 || cfg!(not(target_pointer_width = "32")));

// Saves registers and takes the frame: then all but r0 may be used.
macro_rules! begin {
    () => {
        "
    push {{r4-r11, lr}}
    sub sp, sp, #116
    mov r9, sp
    ldm r0!, {{r1-r8, r10-r12}}
    stm r9!, {{r1-r8, r10-r12}}
    ldm r0, {{r1-r8, r10-r12, lr}}
    stm r9, {{r1-r8, r10-r12, lr}}
    adr.w r1, 2f
    add r1, r1, #1
    str r1, [sp, #92]
    ldr r2, [sp, #8]
    adr.w r1, 5f
    add r2, r2, r1
    str r2, [sp, #8]
"
    };
}

macro_rules! leave {
    () => {
        "
    add sp, sp, #116
    pop {{r4-r11, pc}}
"
    };
}

pub(super) use {begin, leave};

/// What depends on the widths.
pub(crate) struct Kernels {
    run: unsafe extern "C" fn(*const Frame),
    /// Units of the unrolled loop, and bytes of its code for one.
    unrolled: [usize; 2],
    pub(crate) blocks: Blocks,
    pub(crate) widen: Widen,
}

impl Kernels {
    /// For `x`-bit input and `w`-bit weights.
    pub(crate) const fn of(x: usize, w: usize) -> Kernels {
        let (run, unrolled): (unsafe extern "C" fn(*const Frame), _) = match (x, w) {
            (_, 8) => (bytes::multiply, bytes::UNROLLED),
            (8, 4) => (nibbles::multiply, nibbles::UNROLLED),
            (_, 4) => (packed::multiply_4, packed::UNROLLED_4),
            _ => (packed::multiply_2, packed::UNROLLED_2),
        };
        let blocks = Blocks::of(super::bits(x), super::bits(w));
        Kernels { run, unrolled, blocks, widen: widen_for(x) }
    }
}

/// The filters of a layer, and what becomes of their sums.
pub(crate) struct Filters<'a> {
    pub(crate) kernels: &'a Kernels,
    pub(crate) blocks: &'a Blocks,
    pub(crate) parameters: &'a [u8],
    pub(crate) filter_bytes: usize,
    pub(crate) table: &'a Conv,
    /// Of the output: whole blocks.
    pub(crate) channels: usize,
    /// If codes can be made of the sums in the loops.
    pub(crate) finish: Option<Finish>,
    pub(crate) proof: Proof,
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
    /// Whether codes are made: these are the last elements, and there is a `finish`.
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

impl Filters<'_> {
    /// A call that is prepared for nothing.
    #[inline(never)]
    pub(crate) fn call(&self) -> Call {
        let null = core::ptr::null();
        let frame = Frame {
            weights: null,
            x: null.cast(),
            entry: 0,
            stop: null.cast(),
            tail: 0,
            sums: null.cast(),
            zero_points: null,
            zero_point_step: 0,
            biases: null,
            biases_end: null,
            multipliers: 0,
            shifts: null,
            zero_point: 0,
            out: null.cast_mut(),
            pitch: 0,
            finish: finish::store,
            chunk_end: finish::store,
            accumulators: null.cast_mut().cast(),
            block_bytes: 0,
            interval: 0,
            entry_again: 0,
            half: 0,
            first_stop: null.cast(),
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
        let Filters { kernels, blocks, parameters, filter_bytes, table, .. } = *self;
        let (weights, requant) = (table.weights as usize, &table.requant);
        let Chunk { channel, count, element, elements, codes } = chunk;
        let Blocks { unit, weight_bits, .. } = *blocks;
        let bits = weight_bits.count();
        assert!(count > 0 && channel % 4 + count % BLOCK == 0 && channel + count <= self.channels);
        assert!(elements <= self.proof.chunk.into() && (element + elements) * bits <= 8 * filter_bytes);
        let last = channel + count;
        let step = usize::from(requant.zero_point_step);
        let zero_points = requant.weight_zero_point as usize;
        assert!(weights + last * filter_bytes <= parameters.len());
        assert!(zero_points + (last - 1) * step < parameters.len());

        let units = elements / unit;
        let [unrolled, bytes_of_unit] = kernels.unrolled;
        // The first interval is what is left by the others, and the unrolled loop is entered where what is left by its rounds begins.
        let interval = usize::from(self.proof.interval) / unit;
        let first = if units == 0 { 0 } else { (units - 1) % interval + 1 };
        let entry = |units: usize| match units {
            0 => unrolled * bytes_of_unit + 1,
            _ => units.wrapping_neg() % unrolled * bytes_of_unit + 1,
        };
        let from = |offset: usize| parameters.as_ptr().wrapping_add(offset);
        let bias = requant.bias as usize + 4 * channel;
        call.chunk = chunk;
        call.stops = [units, first].map(|units| units * unit * Scratch::ELEMENT_BYTES);
        call.bytes = [0; 2];
        let frame = &mut call.frame;
        frame.weights = from(weights + channel * filter_bytes + element * BLOCK * bits / 8);
        frame.entry = entry(first);
        frame.tail = blocks.tail(elements);
        frame.zero_points = from(zero_points + channel * step);
        frame.zero_point_step = step;
        frame.biases = from(bias);
        frame.biases_end = from(bias + 4 * count);
        frame.chunk_end = if element == 0 { finish::store } else { finish::add_and_store };
        frame.block_bytes = BLOCK * filter_bytes;
        frame.interval = interval * unit * Scratch::ELEMENT_BYTES;
        frame.entry_again = entry(interval);
        if let Some(finish) = self.finish.filter(|_| codes) {
            frame.multipliers = (requant.multiplier as usize).wrapping_sub(requant.bias as usize + 8);
            frame.shifts = from(requant.shift as usize + channel);
            frame.zero_point = self.table.output.zero_point.into();
            frame.finish = finish;
            frame.chunk_end = if element == 0 { finish } else { finish::add_and_finish };
            let row_bytes = |channels| self.table.output.bits.row_bytes(channels);
            call.bytes = [row_bytes(channel), row_bytes(last)];
        }
    }
}

impl Call {
    /// Whether all is done by this call: it makes codes of all elements for all channels.
    #[inline(always)]
    pub(crate) fn is_all_of(&self, filters: &Filters, elements: usize) -> bool {
        self.chunk.codes && self.chunk.elements == elements && self.chunk.count == filters.channels
    }

    /// Multiplies the patch, and writes codes to four pixels, `pitch` bytes apart (0: to one), or stores sums or adds to them.
    ///
    /// # Panics
    /// If the patch holds other elements, or there are fewer pixels or accumulators.
    #[inline(always)]
    pub(crate) fn run(&mut self, scratch: &mut Scratch, pixels: &mut [u8], pitch: usize) {
        let Call { frame, chunk, stops, bytes, run } = self;
        let [first, end] = *bytes;
        assert!(scratch.elements() == chunk.elements && (PIXELS - 1) * pitch + end <= pixels.len());
        let (x, accumulators, sums) =
            scratch.parts(if chunk.codes && chunk.element == 0 { 0 } else { chunk.count });
        frame.x = x;
        frame.stop = x.wrapping_byte_add(stops[0]);
        frame.first_stop = x.wrapping_byte_add(stops[1]);
        frame.sums = sums;
        frame.accumulators = accumulators;
        frame.out = pixels.as_mut_ptr().wrapping_add(first);
        frame.pitch = pitch;
        // SAFETY: the loop reads the elements' weights of each block and an entry of each table, which are among the parameters, the patch, and
        // the sums; it writes the blocks' codes into the pixels or their sums to the accumulators. All asserted here and by `Filters::call`;
        // the tables' ends by `finish`.
        unsafe { run(frame) }
    }
}
