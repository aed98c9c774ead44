//! What becomes of the sums of a block: r0 to r3 are those of the lower channel, by pixel, r4 to r7 those of
//! the upper one.
//!
//! The functions here are jumped to by the loops over blocks, and go on to the next block or return from
//! there.

mod codes;
mod sums;

use mixq_format::Requant;

/// Where a block goes.
pub(crate) type Finish = unsafe extern "C" fn();

/// What a loop leaves of the upper channel's sums.
#[derive(Clone, Copy)]
pub(super) enum UpperSums {
    /// 2^8 times.
    Bytes,
    /// 2^4 times.
    Nibbles,
    /// Themselves.
    Units,
}

/// Where blocks go.
pub(crate) struct Exits {
    /// Where codes are made of the sums of a chunk that is all.
    pub(super) codes: Option<Finish>,
    /// Where chunks go that are not.
    pub(super) chunks: Option<Chunks>,
}

/// Where chunks go.
pub(super) struct Chunks {
    /// The sums of a first chunk.
    pub(super) store: Finish,
    /// Those of one that is neither the first nor the last.
    pub(super) add_and_store: Finish,
    /// Of the last of several chunks: adds the others, and goes on to `added`, where codes are made.
    pub(super) add_and_finish: Finish,
    pub(super) added: Option<Finish>,
}

/// For what a loop leaves, and codes of `y` bits (0: sums) whose zero point is 0 or not, of biases with so
/// many bits below a unit; `whole` if one chunk is all.
pub(super) const fn exits(upper: UpperSums, y: usize, zero: bool, fraction: u8, whole: bool) -> Exits {
    let (store, add_and_store, add_and_finish): (Finish, Finish, Finish) = match upper {
        UpperSums::Bytes => {
            (sums::store_of_bytes, sums::add_and_store_of_bytes, sums::add_and_finish_of_bytes)
        }
        UpperSums::Nibbles => {
            (sums::store_of_nibbles, sums::add_and_store_of_nibbles, sums::add_and_finish_of_nibbles)
        }
        UpperSums::Units => {
            (sums::store_of_units, sums::add_and_store_of_units, sums::add_and_finish_of_units)
        }
    };
    let added = finish(UpperSums::Units, y, zero, fraction);
    let chunks = if whole { None } else { Some(Chunks { store, add_and_store, add_and_finish, added }) };
    Exits { codes: finish(upper, y, zero, fraction), chunks }
}

/// What makes codes of what a loop leaves.
const fn finish(upper: UpperSums, y: usize, zero: bool, fraction: u8) -> Option<Finish> {
    Some(match (y, fraction, upper, zero) {
        (8, Requant::FRACTION, UpperSums::Bytes, true) => codes::bytes8_zero,
        (8, Requant::FRACTION, UpperSums::Bytes, false) => codes::bytes8,
        (8, Requant::FRACTION, UpperSums::Nibbles, true) => codes::nibbles8_zero,
        (8, Requant::FRACTION, UpperSums::Nibbles, false) => codes::nibbles8,
        (8, Requant::FRACTION, UpperSums::Units, true) => codes::units8_zero,
        (8, Requant::FRACTION, UpperSums::Units, false) => codes::units8,
        (8, Requant::COARSE_FRACTION, UpperSums::Bytes, true) => codes::bytes8_coarse_zero,
        (8, Requant::COARSE_FRACTION, UpperSums::Bytes, false) => codes::bytes8_coarse,
        (8, Requant::COARSE_FRACTION, UpperSums::Nibbles, true) => codes::nibbles8_coarse_zero,
        (8, Requant::COARSE_FRACTION, UpperSums::Nibbles, false) => codes::nibbles8_coarse,
        (8, Requant::COARSE_FRACTION, UpperSums::Units, true) => codes::units8_coarse_zero,
        (8, Requant::COARSE_FRACTION, UpperSums::Units, false) => codes::units8_coarse,
        (4, Requant::FRACTION, UpperSums::Bytes, true) => codes::bytes4_zero,
        (4, Requant::FRACTION, UpperSums::Bytes, false) => codes::bytes4,
        (4, Requant::FRACTION, UpperSums::Nibbles, true) => codes::nibbles4_zero,
        (4, Requant::FRACTION, UpperSums::Nibbles, false) => codes::nibbles4,
        (4, Requant::FRACTION, UpperSums::Units, true) => codes::units4_zero,
        (4, Requant::FRACTION, UpperSums::Units, false) => codes::units4,
        (2, Requant::FRACTION, UpperSums::Bytes, true) => codes::bytes2_zero,
        (2, Requant::FRACTION, UpperSums::Bytes, false) => codes::bytes2,
        (2, Requant::FRACTION, UpperSums::Nibbles, true) => codes::nibbles2_zero,
        (2, Requant::FRACTION, UpperSums::Nibbles, false) => codes::nibbles2,
        (2, Requant::FRACTION, UpperSums::Units, true) => codes::units2_zero,
        (2, Requant::FRACTION, UpperSums::Units, false) => codes::units2,
        _ => return None,
    })
}
