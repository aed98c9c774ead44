//! Packed rows of 8-, 4- and 2-bit elements; the layout is in the documentation of [`mixq_format`].
//!
//! Eight elements of `BITS` bits are `BITS` whole bytes: the *chunk* that the kernels work on.

use core::slice::IterMut;

use mixq_format::{Bits, Tensor};

/// Elements of a chunk.
pub const CHUNK: usize = 8;

/// Bytes of a packed row of `elements` elements of `BITS` bits.
#[inline(always)]
pub const fn row_bytes<const BITS: usize>(elements: usize) -> usize {
    const { assert!(matches!(BITS, 2 | 4 | 8), "an element has 2, 4 or 8 bits") };
    (elements * BITS).div_ceil(8)
}

/// Element `index` of a packed row of unsigned codes.
///
/// # Panics
/// If the row has fewer bytes.
#[inline(always)]
pub fn code<const BITS: usize>(row: &[u8], index: usize) -> i32 {
    let bit = index * BITS;
    i32::from(row[bit / 8] >> (bit % 8)) & ((1 << BITS) - 1)
}

/// Element `index` of a packed row of signed weights (two's complement).
///
/// # Panics
/// If the row has fewer bytes.
#[inline(always)]
pub fn weight<const BITS: usize>(row: &[u8], index: usize) -> i32 {
    sign_extend::<BITS>(code::<BITS>(row, index))
}

/// The eight codes of a chunk.
#[inline(always)]
pub fn codes<const BITS: usize>(chunk: &[u8; BITS]) -> [i32; CHUNK] {
    // Written out, here and in the inner loops, so that shifts and masks are constants at every optimisation
    // level, also at "s" and "z".
    [
        code::<BITS>(chunk, 0),
        code::<BITS>(chunk, 1),
        code::<BITS>(chunk, 2),
        code::<BITS>(chunk, 3),
        code::<BITS>(chunk, 4),
        code::<BITS>(chunk, 5),
        code::<BITS>(chunk, 6),
        code::<BITS>(chunk, 7),
    ]
}

/// The eight signed weights of a chunk.
#[inline(always)]
pub fn weights<const BITS: usize>(chunk: &[u8; BITS]) -> [i32; CHUNK] {
    let [a, b, c, d, e, f, g, h] = codes(chunk);
    [
        sign_extend::<BITS>(a),
        sign_extend::<BITS>(b),
        sign_extend::<BITS>(c),
        sign_extend::<BITS>(d),
        sign_extend::<BITS>(e),
        sign_extend::<BITS>(f),
        sign_extend::<BITS>(g),
        sign_extend::<BITS>(h),
    ]
}

#[inline(always)]
fn sign_extend<const BITS: usize>(code: i32) -> i32 {
    (code << (32 - BITS)) >> (32 - BITS)
}

/// Chunk `index` of a packed row. If the row ends inside the chunk, the chunk is copied to `buffer`, and the
/// bytes of `buffer` behind the row's end stay as they are.
///
/// # Panics
/// If the chunk lies wholly beyond the row.
#[inline(always)]
pub fn chunk<'a, const BITS: usize>(
    row: &'a [u8],
    index: usize,
    buffer: &'a mut [u8; BITS],
) -> &'a [u8; BITS] {
    let rest = &row[index * BITS..];
    match rest.first_chunk() {
        Some(chunk) => chunk,
        None => {
            fill(buffer, rest);
            buffer
        }
    }
}

#[cold]
#[inline(never)]
fn fill(buffer: &mut [u8], bytes: &[u8]) {
    for (to, from) in buffer.iter_mut().zip(bytes) {
        *to = *from;
    }
}

/// The bytes of a layer's input and output.
///
/// # Panics
/// If the tensors overlap or reach beyond the arena.
#[inline(always)]
pub fn split<'a>(arena: &'a mut [u8], input: &Tensor, output: &Tensor) -> (&'a [u8], &'a mut [u8]) {
    let (from, to) = (input.range(), output.range());
    if from.end <= to.start {
        let (low, high) = arena.split_at_mut(to.start);
        (&low[from], &mut high[..to.end - to.start])
    } else {
        let (low, high) = arena.split_at_mut(from.start);
        (&high[..from.end - from.start], &mut low[to])
    }
}

/// Packs codes into bytes.
pub struct Packer {
    /// Bits of a code.
    width: u8,
    /// Bits of `byte` that hold codes.
    filled: u8,
    byte: u8,
}

impl Packer {
    /// Begins a row of codes of 8, 4 or 2 bits.
    #[inline(always)]
    pub const fn new(bits: Bits) -> Packer {
        Packer { width: bits as u8, filled: 0, byte: 0 }
    }

    /// Takes the row's next code. Returns a byte if the code completes it.
    #[inline(always)]
    pub fn push(&mut self, code: i32) -> Option<u8> {
        self.byte |= (code as u8) << self.filled;
        self.filled += self.width;
        if self.filled < 8 {
            return None;
        }
        self.filled = 0;
        Some(core::mem::take(&mut self.byte))
    }

    /// Ends the row. Returns its last byte if that is not complete; bits after the last code are 0.
    #[inline(always)]
    pub fn finish(self) -> Option<u8> {
        (self.filled > 0).then_some(self.byte)
    }
}

/// Writes one pixel of a tensor, element by element: packed codes, or logits in the byte order of
/// the target.
pub struct PixelWriter<'a> {
    bytes: IterMut<'a, u8>,
    bits: Bits,
    packer: Packer,
}

impl<'a> PixelWriter<'a> {
    /// Begins a pixel that is written to the bytes `pixel`.
    #[inline(always)]
    pub fn new(pixel: &'a mut [u8], bits: Bits) -> PixelWriter<'a> {
        PixelWriter { bytes: pixel.iter_mut(), bits, packer: Packer::new(bits) }
    }

    /// Writes the next element: a code of the tensor's width, or a logit.
    #[inline(always)]
    pub fn push(&mut self, value: i32) {
        if self.bits == Bits::B32 {
            let bytes = core::mem::take(&mut self.bytes).into_slice();
            if let Some((logit, rest)) = bytes.split_first_chunk_mut() {
                *logit = value.to_ne_bytes();
                self.bytes = rest.iter_mut();
            }
        } else if let Some(byte) = self.packer.push(value) {
            self.put(byte);
        }
    }

    /// Writes the next elements: codes of the tensor's width, or logits.
    #[inline(always)]
    pub fn push_all(&mut self, values: &[i32]) {
        if self.bits == Bits::B8 {
            let bytes = core::mem::take(&mut self.bytes).into_slice();
            if let Some((codes, rest)) = bytes.split_at_mut_checked(values.len()) {
                for (value, to) in values.iter().zip(codes) {
                    *to = *value as u8;
                }
                self.bytes = rest.iter_mut();
            }
        } else if self.bits == Bits::B32 {
            let bytes = core::mem::take(&mut self.bytes).into_slice();
            let count = 4 * values.len();
            if let Some((logits, rest)) = bytes.split_at_mut_checked(count) {
                for (value, to) in values.iter().zip(logits.as_chunks_mut().0) {
                    *to = value.to_ne_bytes();
                }
                self.bytes = rest.iter_mut();
            }
        } else {
            values.iter().for_each(|value| self.push(*value));
        }
    }

    /// Ends the pixel; bits after its last element are 0.
    #[inline(always)]
    pub fn finish(self) {
        let PixelWriter { mut bytes, packer, .. } = self;
        if let (Some(byte), Some(to)) = (packer.finish(), bytes.next()) {
            *to = byte;
        }
    }

    #[inline(always)]
    fn put(&mut self, byte: u8) {
        if let Some(to) = self.bytes.next() {
            *to = byte;
        }
    }
}
