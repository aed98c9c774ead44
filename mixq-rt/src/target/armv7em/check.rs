//! Checks of the plan and of the const parameters of a kernel, which [`Operands`](mixq_format::Operands) does
//! not check. All checks panic in the same place: a message and a line number for each would take much flash.

/// Asserts a condition that holds if plan and kernel are those of the layer.
///
/// # Panics
/// If the condition does not hold.
#[inline(always)]
pub(crate) fn check(holds: bool) {
    if !holds {
        refuse()
    }
}

/// Panics: plan and kernel are not those of the layer.
#[cold]
#[inline(never)]
pub(crate) fn refuse() -> ! {
    panic!("plan and kernel are not those of the layer")
}

/// Whether `bytes` bytes that begin at `offset` lie in a slice of `length` bytes. The offset may have any
/// value, so that `offset + bytes` could overflow: the function compares a difference.
#[inline(always)]
pub(crate) fn within(length: usize, offset: u32, bytes: usize) -> bool {
    bytes <= length && offset as usize <= length - bytes
}

/// Whether a slice of `length` bytes holds `count` items (at least one) of `bytes` bytes each, which begin
/// `pitch` bytes apart.
// In 64 bits, because 32 bits may not hold the product.
#[inline(always)]
pub(crate) fn hold(length: usize, count: usize, pitch: usize, bytes: usize) -> bool {
    (count - 1) as u64 * pitch as u64 + bytes as u64 <= length as u64
}

/// The bytes of a slice from `start` on.
///
/// # Panics
/// If the slice has fewer than `start` bytes.
#[inline(always)]
pub(crate) fn after(bytes: &[u8], start: usize) -> &[u8] {
    match bytes.get(start..) {
        Some(rest) => rest,
        None => refuse(),
    }
}
