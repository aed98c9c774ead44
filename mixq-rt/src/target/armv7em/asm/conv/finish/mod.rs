//! The functions that make codes of the sums of a block, or store the sums. r0 to r3 hold the sums of the
//! lower channel, one for each pixel, and r4 to r7 the sums of the upper channel.
//!
//! The loops over blocks jump to these functions. The functions jump back for the next block, or return from
//! the loop.

mod codes;
mod sums;

use mixq_format::Requant;

/// A function that takes the sums of a block.
pub(crate) type Finish = unsafe extern "C" fn();

/// The factor by which a loop leaves the upper channel's sums too large.
#[derive(Clone, Copy)]
pub(super) enum UpperSums {
    /// The sums times 2^8.
    Bytes,
    /// The sums times 2^4.
    Nibbles,
    /// The sums times 1.
    Units,
}

/// The functions that a loop may jump to with the sums of a block.
pub(crate) struct Exits {
    /// Makes codes of the sums of a chunk that has all elements. `None` if the kernel stores sums.
    pub(super) codes: Option<Finish>,
    /// For sums of several chunks, and for sums that are stored. `None` if one chunk has all elements.
    pub(super) chunks: Option<Chunks>,
}

/// The functions for sums over the elements of one chunk.
pub(super) struct Chunks {
    /// Stores the sums of the first chunk.
    pub(super) store: Finish,
    /// Adds the sums of a later chunk to the stored sums.
    pub(super) add_and_store: Finish,
    /// Adds the stored sums to the sums of the last chunk, and goes on to `added`.
    pub(super) add_and_finish: Finish,
    /// Makes codes of the sums over all elements.
    pub(super) added: Option<Finish>,
}

/// The functions for a loop that leaves `upper`, and for codes of `y` bits (0: the loop stores sums). `zero`:
/// whether the output's zero point is 0. `fraction`: bits of the biases below a unit. `whole`: whether one
/// chunk has all elements.
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

/// The function that makes codes of the sums that a loop leaves. `None` if there is none for these
/// parameters.
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
