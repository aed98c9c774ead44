//! Wrong bytes.

use fastrand::Rng;

/// Sizes at which readers go wrong: around nothing, one, and the ends of types.
const SIZES: [u64; 14] = [
    0,
    1,
    2,
    0x7f,
    0xff,
    0x100,
    0x7fff,
    0xffff,
    0x1_0000,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_fffe,
    0xffff_ffff,
    u64::MAX,
];

/// Makes up to `most` mutations, at least one: single bits and bytes, numbers, and pieces that are lost or
/// stand twice.
pub fn bytes(rng: &mut Rng, bytes: &mut Vec<u8>, most: usize) {
    for _ in 0..rng.usize(1..=most.max(1)) {
        if bytes.is_empty() {
            return;
        }
        let at = rng.usize(..bytes.len());
        let end = bytes.len().min(at + rng.usize(..64));
        match rng.u8(..10) {
            0 | 1 => bytes[at] ^= 1 << rng.u8(..8),
            2 => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][rng.usize(..5)],
            3 => bytes[at] = rng.u8(..),
            4 => number_at(rng, bytes, at),
            5 => {
                let near = at.min(rng.usize(..64));
                number_at(rng, bytes, near);
            }
            6 => drop(bytes.drain(at..end)),
            7 => {
                let piece = bytes[at..end].to_vec();
                let to = rng.usize(..=bytes.len());
                bytes.splice(to..to, piece);
            }
            8 => bytes[at..end].fill([0, 0xff][rng.usize(..2)]),
            _ if rng.u8(..3) == 0 => bytes.truncate(at),
            // At the end stand checksums and directories.
            _ => {
                let back = rng.usize(..bytes.len().min(300));
                let last = bytes.len() - 1;
                bytes[last - back] = rng.u8(..);
            }
        }
    }
}

/// Writes a size that readers may go wrong at, in 1 to 8 bytes of either order, as far as there is room.
pub fn number_at(rng: &mut Rng, bytes: &mut [u8], at: usize) {
    let value = SIZES[rng.usize(..SIZES.len())];
    let width = [1, 2, 4, 8][rng.usize(..4)];
    let mut digits = value.to_le_bytes();
    if rng.bool() {
        digits[..width].reverse();
    }
    for (byte, digit) in bytes[at..].iter_mut().zip(&digits[..width]) {
        *byte = *digit;
    }
}

/// The beginning of one and the end of another.
pub fn splice(rng: &mut Rng, one: &[u8], other: &[u8]) -> Vec<u8> {
    let (head, tail) = (rng.usize(..=one.len()), rng.usize(..=other.len()));
    [&one[..head], &other[tail..]].concat()
}
