//! What kernels ask of their arguments. All panic in the same place: a message and a line for each would be a good part of an image.

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

/// What comes after the first bytes.
///
/// # Panics
/// If there are fewer.
#[inline(always)]
pub(crate) fn after(bytes: &[u8], start: usize) -> &[u8] {
    match bytes.get(start..) {
        Some(rest) => rest,
        None => refuse(),
    }
}
