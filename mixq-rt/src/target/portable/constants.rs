//! Sum or product of a tensor and constants.

use mixq_format::{Constants, Operands, Operation};

use super::write::{self, Codes, divided};

/// Executes a layer with constants, of any widths; see [`Constants`] for where the output may lie.
#[inline(always)]
pub fn constants(operands: Operands<Constants>) {
    let (layer, parameters, arena) = operands.parts();
    execute(layer, parameters, arena);
}

#[inline(never)]
fn execute(layer: &Constants, parameters: &[u8], arena: &mut [u8]) {
    let Constants { output, multiplier, multiplier_constant, shift, .. } = layer;
    let input = Codes::new(&layer.input);
    let bits = layer.weight_bits.count();
    let row_bytes = layer.weight_bits.row_bytes(layer.input.channels.into());
    let codes = &parameters[layer.weights as usize..];
    let constant = |pixel: usize, channel: usize| {
        let bit = channel * bits;
        let byte = i32::from(codes[pixel * row_bytes + bit / 8]);
        // To the upper end of the word and back, which extends the sign.
        ((byte << (32 - bits - bit % 8)) >> (32 - bits)) - i32::from(layer.weight_zero_point)
    };
    // No overflow: see the rules of the format.
    write::codes(output, arena, |arena, pixel, channel| {
        let (x, constant) = (input.get(arena, pixel, channel), constant(pixel, channel));
        let value = match layer.operation {
            Operation::Sum => {
                multiplier.wrapping_mul(x).wrapping_add(multiplier_constant.wrapping_mul(constant))
            }
            Operation::Product => multiplier.wrapping_mul(x * constant),
        };
        divided(value, *shift) + i32::from(output.zero_point)
    });
}
