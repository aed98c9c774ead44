//! Random layers with constants.

use mixq_rt::format::{Bits, Constants, Layer, Multiply, Operation};

use crate::numbers::Numbers;
use crate::unweighted::tensors;

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
            let (limit, least) = if numbers.once_in(4) { ((1 << 22) - 1, 1) } else { (1 << 21, 10) };
            let mut multiplier = || numbers.within(-limit, limit) as i32;
            (multiplier(), multiplier(), numbers.within(least, 31) as u32)
        }
        Operation::Product => {
            let shift = numbers.within((*Multiply::SHIFTS.start()).into(), (*Multiply::SHIFTS.end()).into());
            let limit = (1 << 15) - 1;
            (numbers.within(-limit, limit) as i32, 0, shift as u32)
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
