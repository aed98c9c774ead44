//! What kernels ask of their arguments. All panic in the same place: a message and a line for each would be a
//! good part of an image.

use mixq_format::Add;

/// Bytes of an arena, and of the weights of a filter, at most: 256 MiB where addresses have 32 bits. Then a
/// word holds the number of their bits.
pub(crate) const MOST_BYTES: usize = (usize::MAX >> 4) + 1;

/// Pixels of the largest window whose codes are averaged: twice their sum and their number fit 32 bits.
pub(crate) const MOST_AVERAGED: usize = (1 << 23) - 1;

/// Asserts what is so for tables, parameters and arena of one network.
///
/// # Panics
/// If it is not.
#[inline(always)]
pub(crate) fn check(holds: bool) {
    if !holds {
        refuse()
    }
}

/// Panics: tables, parameters and arena are not those of one network.
#[cold]
#[inline(never)]
pub(crate) fn refuse() -> ! {
    panic!("tables, parameters and arena are not those of one network")
}

/// Whether `bytes` bytes from an offset on lie in the first `length`. The offset comes from a table and may
/// have any value: a sum with it could leave a word, so there is none.
#[inline(always)]
pub(crate) fn within(length: usize, offset: u32, bytes: usize) -> bool {
    bytes <= length && offset as usize <= length - bytes
}

/// Whether `length` bytes hold `count` things (at least one) of `bytes` bytes each that begin `pitch` bytes
/// apart.
// In 64 bits: 32 do not hold the product.
#[cfg(armv7em)]
#[inline(always)]
pub(crate) fn hold(length: usize, count: usize, pitch: usize, bytes: usize) -> bool {
    (count - 1) as u64 * pitch as u64 + bytes as u64 <= length as u64
}

/// Asserts that sums of codes by these multipliers fit 32 bits.
///
/// # Panics
/// If they may not, or nothing is shifted.
#[inline(always)]
pub(crate) fn check_sum(layer: &Add) {
    let small = |multiplier: i32| multiplier.unsigned_abs() < 1 << 22;
    check(small(layer.multiplier_a) && small(layer.multiplier_b) && (1..=31).contains(&layer.shift));
}

/// What comes after the first bytes.
///
/// # Panics
/// If there are fewer.
#[cfg(armv7em)]
#[inline(always)]
pub(crate) fn after(bytes: &[u8], start: usize) -> &[u8] {
    match bytes.get(start..) {
        Some(rest) => rest,
        None => refuse(),
    }
}
