//! Random additions, multiplications, pools and elementwise layers: every width, odd channels,
//! outputs in place, windows in the padding and beyond the input, windows of more pixels than 16 bits can
//! sum.

use mixq_rt::format::{Add, Bits, Elementwise, Layer, Multiply, Pool, Tensor, Window};

use crate::numbers::Numbers;

pub fn tensor(numbers: &mut Numbers, [height, width]: [u16; 2], channels: i64, bits: Bits) -> Tensor {
    let zero_point = numbers.within(0, bits.max_code().into()) as u8;
    Tensor { height, width, channels: channels as u16, bits, zero_point, offset: 0 }
}

pub fn channels(numbers: &mut Numbers) -> i64 {
    match numbers.within(0, 2) {
        0 => numbers.within(1, 20),
        1 => numbers.within(1, 80),
        _ => 16 * numbers.within(1, 4),
    }
}

/// Lays tensors out in any order, with gaps; where the last one ends.
pub fn place<const N: usize>(numbers: &mut Numbers, tensors: [&mut Tensor; N]) -> usize {
    let mut end = 0;
    let first = numbers.within(0, N as i64 - 1) as usize;
    let mut tensors = tensors;
    tensors.rotate_left(first);
    for tensor in tensors {
        tensor.offset = end as u32 + 4 * numbers.within(0, 2) as u32;
        end = tensor.range().end.next_multiple_of(4);
    }
    end
}

/// Two tensors of one shape, each of any width: often in one place where they have one. The arena holds the
/// first one.
pub fn tensors(numbers: &mut Numbers, arena: &mut [u8]) -> [Tensor; 2] {
    let size = [(); 2].map(|()| numbers.within(1, 9) as u16);
    let channels = channels(numbers);
    let [mut input, mut output] = [(); 2].map(|()| {
        let bits = numbers.one_of(&Bits::QUANTISED);
        tensor(numbers, size, channels, bits)
    });
    let end = place(numbers, [&mut input, &mut output]);
    if output.bits == input.bits && !numbers.once_in(4) {
        output.offset = input.offset;
    }
    numbers.fill(&mut arena[..end + 8]);
    [input, output]
}

/// An addition, and an arena with its summands.
pub fn addition(numbers: &mut Numbers, arena: &mut [u8]) -> Layer {
    let size = [(); 2].map(|()| numbers.within(1, 7) as u16);
    let channels = channels(numbers);
    let [mut a, mut b, mut output] = [(); 3].map(|()| {
        let bits = numbers.one_of(&Bits::QUANTISED);
        tensor(numbers, size, channels, bits)
    });
    let mut end = place(numbers, [&mut a, &mut b, &mut output]);
    if numbers.once_in(8) {
        b = a;
    }
    if numbers.once_in(3) {
        // In the place of a summand.
        let summand = if numbers.once_in(2) { a } else { b };
        output.bits = summand.bits;
        output.zero_point = numbers.within(0, output.bits.max_code().into()) as u8;
        output.offset = summand.offset;
    } else if numbers.once_in(2) {
        // The last bytes of the arena.
        output.offset = end as u32;
        end = output.range().end;
    }
    numbers.fill(&mut arena[..end + 8]);

    let limit = (1 << 22) - 1;
    let (multipliers, shift) = match numbers.within(0, 7) {
        0 => ([(); 2].map(|()| numbers.one_of(&[-limit, 0, limit])), numbers.within(1, 31)),
        1 => ([(); 2].map(|()| numbers.within(-limit, limit)), numbers.within(1, 31)),
        _ => {
            // Either summand takes about half of the output's range.
            let shift = numbers.within(10, 21);
            let half = |t: &Tensor, numbers: &mut Numbers| {
                let half = (i64::from(output.bits.max_code()) << shift) / i64::from(t.bits.max_code()) / 2;
                (half * numbers.within(70, 160) / 100).min(limit)
            };
            ([half(&a, numbers), half(&b, numbers)], shift)
        }
    };
    let [multiplier_a, multiplier_b] = multipliers.map(|multiplier| multiplier as i32);
    Layer::Add(Add { a, b, output, multiplier_a, multiplier_b, shift: shift as u32 })
}

/// A multiplication, most often of tensors of 8 bits, and an arena with its factors. The second one is a
/// pixel as often as not.
pub fn multiplication(numbers: &mut Numbers, arena: &mut [u8]) -> Layer {
    let size = [(); 2].map(|()| numbers.within(1, 9) as u16);
    let channels = channels(numbers);
    let narrow = numbers.once_in(8);
    let [mut a, mut b, mut output] = [(); 3].map(|()| {
        let bits = if narrow { numbers.one_of(&Bits::QUANTISED) } else { Bits::B8 };
        tensor(numbers, size, channels, bits)
    });
    if numbers.once_in(2) {
        [b.height, b.width] = [1, 1];
    }
    let mut end = place(numbers, [&mut a, &mut b, &mut output]);
    if numbers.once_in(3) {
        // In the place of a factor.
        let same = b.pixels() == a.pixels();
        let factor = if same && numbers.once_in(2) { b } else { a };
        output.bits = factor.bits;
        output.zero_point = numbers.within(0, output.bits.max_code().into()) as u8;
        output.offset = factor.offset;
    } else if numbers.once_in(2) {
        // The last bytes of the arena.
        output.offset = end as u32;
        end = output.range().end;
    }
    numbers.fill(&mut arena[..end + 8]);
    let limit = (1 << 15) - 1;
    let (least, most) = (i64::from(*Multiply::SHIFTS.start()), i64::from(*Multiply::SHIFTS.end()));
    let (multiplier, shift) = match numbers.within(0, 7) {
        0 => (numbers.one_of(&[-limit, -1, 0, 1, limit]), numbers.within(least, most)),
        1 => (numbers.within(-limit, limit), numbers.within(least, most)),
        // The output takes most of its range.
        _ => (numbers.within(limit / 2, limit), numbers.within(21, most)),
    };
    Layer::Multiply(Multiply { a, b, output, multiplier: multiplier as i32, shift: shift as u32 })
}

/// A pool, and an arena with its input.
pub fn pool(numbers: &mut Numbers, arena: &mut [u8]) -> Layer {
    let long = numbers.once_in(6);
    let channels = if long { numbers.within(1, 20) } else { channels(numbers) };
    // The whole plane, now and then of more pixels than are summed at once.
    let whole = long || numbers.once_in(3);
    let longest = [if long { 40 } else { 9 }, if long { numbers.one_of(&[40, 300]) } else { 9 }];
    let [y, x] = longest.map(|longest| {
        let size = if longest == 300 { numbers.within(200, 300) } else { numbers.within(1, longest) };
        if whole {
            return [size, 1, size, 0, 1].map(|value| value as u16);
        }
        let (kernel, stride) = (numbers.within(1, 5), numbers.within(1, 3));
        let pad = numbers.within(0, kernel - 1);
        // The last window meets the input.
        let outputs = numbers.within(1, (size + pad - 1) / stride + 1);
        [kernel, stride, size, pad, outputs].map(|value| value as u16)
    });
    // So that it fits the arena.
    let y = if usize::from(y[2]) * usize::from(x[2]) > 2000 { [5, 1, 5, 0, 1] } else { y };
    let window = Window {
        kernel_height: y[0],
        kernel_width: x[0],
        stride_height: y[1],
        stride_width: x[1],
        pad_top: y[3],
        pad_left: x[3],
    };
    let bits = numbers.one_of(&Bits::QUANTISED);
    let mut input = tensor(numbers, [y[2], x[2]], channels, bits);
    let mut output = Tensor { height: y[4], width: x[4], ..input };
    let end = place(numbers, [&mut input, &mut output]);
    numbers.fill(&mut arena[..end + 8]);
    let pool = Pool { input, output, window };
    if numbers.once_in(2) { Layer::AveragePool(pool) } else { Layer::MaxPool(pool) }
}

/// An elementwise layer with any table, at any offset of the parameters, and an arena with its input. Most
/// outputs have the width of the input, and lie in its place or elsewhere.
pub fn elementwise(numbers: &mut Numbers, parameters: &mut [u8], arena: &mut [u8]) -> Layer {
    let size = [(); 2].map(|()| numbers.within(1, 9) as u16);
    let channels = channels(numbers);
    let bits = numbers.one_of(&Bits::QUANTISED);
    let mut input = tensor(numbers, size, channels, bits);
    let output_bits = if numbers.once_in(2) { numbers.one_of(&Bits::QUANTISED) } else { bits };
    let mut output = tensor(numbers, size, channels, output_bits);
    let end = place(numbers, [&mut input, &mut output]);
    if output_bits == bits && !numbers.once_in(4) {
        output.offset = input.offset;
    }
    numbers.fill(&mut arena[..end + 8]);
    let codes = numbers.within(0, 9) as u32;
    let table = Elementwise { input, output, codes };
    let entries = &mut parameters[codes as usize..][..table.entries()];
    numbers.fill(entries);
    entries.iter_mut().for_each(|entry| *entry &= output_bits.max_code() as u8);
    Layer::Elementwise(table)
}
