//! Products of tensors of 8 bits.

use mixq_format::{Multiply, Operands};

use super::asm::multiply::{by_channel, by_element};

/// Executes a multiplication that this set takes; see [`Multiply`] for where the output may lie.
/// `BY_CHANNEL`: whether one pixel multiplies several. For other multiplications there is
/// [`portable::multiply`](crate::target::portable::multiply).
///
/// # Panics
/// If a tensor has another width than 8 bits, `BY_CHANNEL` is not that of the layer, or the shift of a layer
/// without it is below 16.
#[inline(always)]
pub fn multiply<const BY_CHANNEL: bool>(operands: Operands<Multiply>) {
    if BY_CHANNEL { by_channel(operands) } else { by_element(operands) }
}
