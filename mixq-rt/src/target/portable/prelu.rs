//! ReLU with a slope for each channel.

use mixq_format::{Operands, Prelu};

use super::write::{self, Codes, divided};

/// Executes a PReLU of any widths; see [`Prelu`] for where the output may lie.
#[inline(always)]
pub fn prelu(operands: Operands<Prelu>) {
    let (layer, parameters, arena) = operands.parts();
    execute(layer, parameters, arena);
}

#[inline(never)]
fn execute(layer: &Prelu, parameters: &[u8], arena: &mut [u8]) {
    let Prelu { input, output, slopes, multiplier, shift } = layer;
    let input = Codes::new(input);
    let (slopes, _) = parameters[*slopes as usize..].as_chunks();
    let slopes = &slopes[..usize::from(output.channels)];
    write::codes(output, arena, |arena, pixel, channel| {
        let value = input.get(arena, pixel, channel);
        let multiplier = if value < 0 { i32::from_le_bytes(slopes[channel]) } else { *multiplier };
        divided(multiplier.wrapping_mul(value), *shift) + i32::from(output.zero_point)
    });
}
