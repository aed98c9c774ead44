//! What goes wrong with bytes, texts and headers.

mod bytes;
mod json;
mod text;

pub use bytes::{bytes, number_at, splice};
pub use json::header;
pub use text::{mutate_text, text};

use fastrand::Rng;

/// Mutates bytes once, of which a fuzzing engine knows only that they are bytes.
pub type Engine<'a> = &'a mut dyn FnMut(&mut Vec<u8>);

/// Makes another case of one that is compressed: mutates what is in it, or the compressed bytes.
pub fn within(
    rng: &mut Rng,
    mut case: Vec<u8>,
    engine: Engine,
    unpack: fn(&[u8]) -> Option<Vec<u8>>,
    pack: fn(&[u8]) -> Vec<u8>,
    mutate: fn(&mut Rng, Vec<u8>, Engine) -> Vec<u8>,
) -> Vec<u8> {
    if !once_in(rng, 4)
        && let Some(unpacked) = unpack(&case)
    {
        return pack(&mutate(rng, unpacked, engine));
    }
    engine(&mut case);
    case
}

/// One of several.
///
/// # Panics
/// If there is none.
pub fn one<'a, T: ?Sized>(rng: &mut Rng, of: &[&'a T]) -> &'a T {
    of[rng.usize(..of.len())]
}

/// True once in this number of calls, at random.
pub fn once_in(rng: &mut Rng, times: u32) -> bool {
    rng.u32(..times) == 0
}
