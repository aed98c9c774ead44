//! Functions of each element, by table.

use mixq_format::{Bits, Elementwise, Operands};

use crate::target::tensor::{Packer, code, row_bytes};

/// Executes an elementwise layer that reads `X`-bit codes and writes `Y`-bit codes; see [`Elementwise`] for
/// where the output may lie.
#[inline(always)]
pub fn elementwise<const X: usize, const Y: usize>(operands: Operands<Elementwise>) {
    let (layer, parameters, arena) = operands.parts();
    execute::<X, Y>(layer, parameters, arena);
}

#[inline(never)]
fn execute<const X: usize, const Y: usize>(layer: &Elementwise, parameters: &[u8], arena: &mut [u8]) {
    let bits = const {
        match Y {
            2 => Bits::B2,
            4 => Bits::B4,
            8 => Bits::B8,
            _ => panic!("a code has 8, 4 or 2 bits"),
        }
    };
    let Elementwise { input, output, codes } = layer;
    let codes = &parameters[*codes as usize..][..1 << X];
    let (pixels, channels) = (output.pixels(), usize::from(output.channels));
    // If no pixel ends inside a byte, all pixels are one row.
    let seamless = (channels * X).is_multiple_of(8) && (channels * Y).is_multiple_of(8);
    let (rows, elements) = if seamless { (1, pixels * channels) } else { (pixels, channels) };
    let (mut from, mut to) = (input.offset as usize, output.offset as usize);
    for _ in 0..rows {
        let mut packer = Packer::new(bits);
        for element in 0..elements {
            let read = code::<X>(&arena[from..], element);
            // The output may overwrite the input. A byte is written only after all its elements are read.
            if let Some(byte) = packer.push(codes[read as usize].into()) {
                arena[to] = byte;
                to += 1;
            }
        }
        if let Some(byte) = packer.finish() {
            arena[to] = byte;
            to += 1;
        }
        from += row_bytes::<X>(elements);
    }
}
