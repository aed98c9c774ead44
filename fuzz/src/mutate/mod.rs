//! What goes wrong with bytes, texts and headers.

mod bytes;
mod json;
mod text;

pub use bytes::{bytes, number_at, splice};
pub use json::header;
pub use text::text;

use fastrand::Rng;

/// One of several.
///
/// # Panics
/// If there is none.
pub fn one<'a, T: ?Sized>(rng: &mut Rng, of: &[&'a T]) -> &'a T {
    of[rng.usize(..of.len())]
}

/// Whether something happens once in so many times.
pub fn once_in(rng: &mut Rng, times: u32) -> bool {
    rng.u32(..times) == 0
}
