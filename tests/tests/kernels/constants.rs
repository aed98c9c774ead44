//! Random layers with constants. The device has no kernels of its own for them.

use mixq_rt::format::{Bits, Constants, Layer, Multiply, Operation};

use crate::numbers::Numbers;
use crate::prelu::tensors;

/// A sum or a product with any constants, at any offset of the parameters, and an arena with its input.
pub fn constants(numbers: &mut Numbers, parameters: &mut [u8], arena: &mut [u8]) -> Layer {
    let [input, output] = tensors(numbers, arena);
    let (weights, weight_bits) = (numbers.within(0, 9) as usize, numbers.one_of(&Bits::QUANTISED));
    let bytes = input.pixels() * weight_bits.row_bytes(input.channels.into());
    numbers.fill(&mut parameters[weights..weights + bytes]);
    let half = 1i64 << (weight_bits.count() - 1);
    let operation = numbers.one_of(&[Operation::Sum, Operation::Product]);
    let (multiplier, multiplier_constant, shift) = match operation {
        Operation::Sum => {
            let mut multiplier = || numbers.within(-(1 << 21), 1 << 21) as i32;
            (multiplier(), multiplier(), numbers.within(10, 31) as u32)
        }
        Operation::Product => {
            let shift = numbers.within((*Multiply::SHIFTS.start()).into(), (*Multiply::SHIFTS.end()).into());
            (numbers.within(0, (1 << 15) - 1) as i32, 0, shift as u32)
        }
    };
    Layer::Constants(Constants {
        input,
        output,
        weights: weights as u32,
        weight_bits,
        weight_zero_point: numbers.within(-half, half - 1) as i8,
        operation,
        multiplier,
        multiplier_constant,
        shift,
    })
}
