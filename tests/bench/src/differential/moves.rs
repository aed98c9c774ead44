//! Random layers that move elements.

use mixq_rt::format::{Bits, LOOPS, Layer, Positions, Rearrange, Rest, Tensor};

use crate::numbers::Numbers;
use crate::unweighted::{channels, place, tensor};

/// A rearrangement, and an arena with its tensors.
pub fn rearrange(numbers: &mut Numbers, arena: &mut [u8]) -> Layer {
    if numbers.once_in(3) { any(numbers, arena) } else { usual(numbers, arena) }
}

/// Any loops that keep within the tensors.
fn any(numbers: &mut Numbers, arena: &mut [u8]) -> Layer {
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

/// Channels that are joined to others, pixels that are padded or repeated, or a shuffle of channels.
fn usual(numbers: &mut Numbers, arena: &mut [u8]) -> Layer {
    let bits = numbers.one_of(&[Bits::B8, Bits::B8, Bits::B4, Bits::B2]);
    let [height, width] = [(); 2].map(|()| numbers.within(1, 6) as u16);
    let channels = if numbers.once_in(4) { numbers.within(60, 150) } else { numbers.within(1, 40) };
    let groups = numbers.one_of(&[2, 2, 2, 3, 4]);
    let kind = numbers.within(0, 3);
    let channels = if kind == 3 { groups * channels.min(40) } else { channels };
    // Channels or pixels beside those that are read, and beside those that are written.
    let [x, y] = [(); 2].map(|()| [0, 1].map(|_| numbers.within(0, 1) * numbers.within(0, 5)));
    let mut input = tensor(numbers, [height, width], channels, bits);
    let mut output = Tensor { zero_point: input.zero_point, ..input };
    let factor = [(); 2].map(|()| numbers.within(1, 2) as u16);
    match kind {
        0 => {
            input.channels += (x[0] + x[1]) as u16;
            output.channels += (y[0] + y[1]) as u16;
        }
        1 => [output.height, output.width] = [height + 2, width + y[0] as u16 + y[1] as u16],
        2 => [output.height, output.width] = [height * factor[0], width * factor[1]],
        _ => {}
    }
    let end = place(numbers, [&mut input, &mut output]);
    numbers.fill(&mut arena[..end + 8]);
    let bits = bits.count() as u32;
    let pixels = [&input, &output].map(|tensor| 8 * tensor.pixel_bytes() as u32);
    let rows = [pixels[0] * u32::from(input.width), pixels[1] * u32::from(output.width)];
    let [down, right] = factor.map(u32::from);
    let (mut counts, mut strides) =
        ([1, 1, height, width, channels as u16], [0, 1].map(|side| [0, 0, rows[side], pixels[side], bits]));
    let mut first = [0, 0];
    match kind {
        0 => first = [x[0] as u32 * bits, y[0] as u32 * bits],
        1 => first[1] = rows[1] + y[0] as u32 * pixels[1],
        2 => {
            counts = [height, factor[0], width, factor[1], channels as u16];
            strides[0] = [rows[0], 0, pixels[0], 0, bits];
            strides[1] = [down * rows[1], rows[1], right * pixels[1], pixels[1], bits];
        }
        _ => {
            let each = channels / groups;
            counts = [1, height, width, each as u16, groups as u16];
            strides[0] = [0, rows[0], pixels[0], bits, each as u32 * bits];
            strides[1] = [0, rows[1], pixels[1], groups as u32 * bits, bits];
        }
    }
    let [from, to] = [0, 1].map(|side| Positions { first: first[side], strides: strides[side] });
    let rest = numbers.one_of(&[Rest::Anything, Rest::Zero, Rest::Kept]);
    Layer::Rearrange(Rearrange { input, output, counts, rest, from, to })
}
