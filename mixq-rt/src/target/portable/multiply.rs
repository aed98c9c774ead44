//! Product of two tensors.

use mixq_format::{Multiply, Operands};

use super::write::{self, Codes, divided};

/// Executes a multiplication of any widths; see [`Multiply`] for where the output may lie.
#[inline(always)]
pub fn multiply(operands: Operands<Multiply>) {
    let (layer, _, arena) = operands.parts();
    execute(layer, arena);
}

#[inline(never)]
fn execute(layer: &Multiply, arena: &mut [u8]) {
    let Multiply { output, multiplier, shift, .. } = layer;
    let (a, b) = (Codes::new(&layer.a), Codes::new(&layer.b));
    let b = if layer.by_channel() { b.everywhere() } else { b };
    write::codes(output, arena, |arena, pixel, channel| {
        // No overflow: see the rules of the format.
        let product = a.get(arena, pixel, channel) * b.get(arena, pixel, channel);
        divided(multiplier.wrapping_mul(product), *shift) + i32::from(output.zero_point)
    });
}
