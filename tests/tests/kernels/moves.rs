//! Random layers that move elements. The device has no kernels of its own for them.

use mixq_rt::format::{Axis, Between, Bits, LOOPS, Layer, Positions, Rearrange, Resize, Rest, Tensor};

use crate::numbers::Numbers;
use crate::unweighted::{channels, place, tensor};

/// A rearrangement with any loops that keep within its tensors, and an arena with both.
pub fn rearrange(numbers: &mut Numbers, arena: &mut [u8]) -> Layer {
    let bits = numbers.one_of(&Bits::QUANTISED);
    let any = |numbers: &mut Numbers| {
        let size = [(); 2].map(|()| numbers.within(1, 9) as u16);
        let channels = channels(numbers);
        tensor(numbers, size, channels, bits)
    };
    let (mut input, mut output) = (any(numbers), any(numbers));
    output.zero_point = input.zero_point;
    let end = place(numbers, [&mut input, &mut output]);
    numbers.fill(&mut arena[..end + 8]);
    // Elements that each side still has room for.
    let elements = |tensor: &Tensor| 8 * tensor.bytes() / tensor.bits.count();
    let mut rooms = [elements(&input) as i64 - 1, elements(&output) as i64 - 1];
    let mut counts = [1; LOOPS];
    let mut sides = [Positions { first: 0, strides: [0; LOOPS] }; 2];
    let mut elements = output.elements() as i64;
    for index in (0..LOOPS).rev() {
        let count = numbers.within(1, elements.min(5));
        elements /= count;
        counts[index] = count as u16;
        for (side, room) in sides.iter_mut().zip(&mut rooms) {
            let most = if count > 1 { *room / (count - 1) } else { *room };
            let stride = if numbers.once_in(2) { most.min(1) } else { numbers.within(0, most) };
            side.strides[index] = stride as u32 * bits.count() as u32;
            *room -= (count - 1) * stride;
        }
    }
    for (side, room) in sides.iter_mut().zip(rooms) {
        side.first = numbers.within(0, room) as u32 * bits.count() as u32;
    }
    let [from, to] = sides;
    let rest = numbers.one_of(&[Rest::Anything, Rest::Zero, Rest::Kept]);
    Layer::Rearrange(Rearrange { input, output, counts, rest, from, to })
}

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
