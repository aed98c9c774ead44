//! What kernels ask of the plan and of their const parameters, which [`Operands`](mixq_format::Operands) does
//! not prove. All panic in the same place: a message and a line for each would be a good part of an image.

/// Asserts what is so for the plan and the kernel of one layer.
///
/// # Panics
/// If it is not.
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

/// Whether `bytes` bytes from an offset on lie in the first `length`. The offset comes from a table and may
/// have any value: a sum with it could leave a word, so there is none.
#[inline(always)]
pub(crate) fn within(length: usize, offset: u32, bytes: usize) -> bool {
    bytes <= length && offset as usize <= length - bytes
}

/// Whether `length` bytes hold `count` things (at least one) of `bytes` bytes each that begin `pitch` bytes
/// apart.
// In 64 bits: 32 do not hold the product.
#[inline(always)]
pub(crate) fn hold(length: usize, count: usize, pitch: usize, bytes: usize) -> bool {
    (count - 1) as u64 * pitch as u64 + bytes as u64 <= length as u64
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
