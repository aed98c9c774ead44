//! Random resizes. The device has no kernel of its own for them.

use mixq_rt::format::{Axis, Between, Bits, Layer, Resize};

use crate::numbers::Numbers;
use crate::unweighted::{channels, place, tensor};

/// A resize to any positions, also far beyond the input, and an arena with both tensors.
pub fn resize(numbers: &mut Numbers, arena: &mut [u8]) -> Layer {
    let bits = numbers.one_of(&[Bits::B8, Bits::B4, Bits::B2]);
    let channels = channels(numbers);
    let any = |numbers: &mut Numbers| {
        let size = [numbers.within(1, 9) as u16, numbers.within(1, 9) as u16];
        tensor(numbers, size, channels, bits)
    };
    let (mut input, mut output) = (any(numbers), any(numbers));
    output.zero_point = input.zero_point;
    let end = place(numbers, [&mut input, &mut output]);
    numbers.fill(&mut arena[..end + 8]);
    let mut axis = || Axis {
        first: numbers.within(-40, 40) as i32,
        step: numbers.within(0, 60) as u32,
        unit: numbers.within(1, 40) as u32,
    };
    let (rows, columns) = (axis(), axis());
    let between = numbers.one_of(&[Between::Interpolated, Between::Before]);
    Layer::Resize(Resize { input, output, rows, columns, between })
}
