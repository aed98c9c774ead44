//! Random layers of every width: strides, paddings, zero points, tails, odd channels, extreme values.
//!
//! They are made on the device, which has neither heap nor `std`. The tests of mixq-rt make theirs on the
//! host with proptest, and share only the source of numbers. The portable kernels compute the expected
//! outputs.

use mixq_rt::format::target::armv7em::ALIGNMENT;
use mixq_rt::format::{Bits, Conv, Depthwise, GroupedConv, Layer, Linear, Requant, Rule, Tensor, Window};

use crate::numbers::Numbers;

/// A parameter block under construction.
struct Parameters<'a> {
    bytes: &'a mut [u8],
    end: usize,
    /// Whether tables follow one another without gaps, as the build lays them out.
    dense: bool,
}

impl Parameters<'_> {
    /// Takes bytes for a table, at any offset; the first one anywhere.
    fn put(&mut self, numbers: &mut Numbers, length: usize) -> (u32, &mut [u8]) {
        let gap = if self.dense && self.end > 0 { 0 } else { numbers.within(0, 3) as usize };
        let start = self.end + gap;
        self.end = start + length;
        (start as u32, &mut self.bytes[start..self.end])
    }

    /// Takes bytes for a table that is aligned.
    fn aligned(&mut self, length: usize) -> (u32, &mut [u8]) {
        let start = self.end.next_multiple_of(ALIGNMENT as usize);
        self.end = start + length;
        (start as u32, &mut self.bytes[start..self.end])
    }
}

/// A layer, its parameters and an arena with its input.
pub fn random(numbers: &mut Numbers, parameters: &mut [u8], arena: &mut [u8]) -> Layer {
    let dense = !numbers.once_in(4);
    let mut parameters = Parameters { bytes: parameters, end: 0, dense };
    if numbers.once_in(6) {
        return linear(numbers, &mut parameters, arena);
    }
    windowed(numbers, parameters, arena, None)
}

/// A convolution in groups of channels, with gaps between taps, its parameters and an arena with its input.
pub fn grouped(numbers: &mut Numbers, parameters: &mut [u8], arena: &mut [u8]) -> Layer {
    let dense = !numbers.once_in(4);
    let parameters = Parameters { bytes: parameters, end: 0, dense };
    // Groups of one channel, or of more.
    let groups = if numbers.once_in(3) { -numbers.within(1, 20) } else { numbers.within(1, 4) };
    let dilation = [(); 2].map(|()| numbers.within(1, 3) as u16);
    let grouped = Grouped { groups: groups.unsigned_abs() as u16, one_channel: groups < 0, dilation };
    windowed(numbers, parameters, arena, Some(grouped))
}

/// What windows see in layers whose filters see a part of the channels.
struct Grouped {
    groups: u16,
    /// Whether a group has one channel.
    one_channel: bool,
    dilation: [u16; 2],
}

/// A convolution or a depthwise convolution; if groups and dilation are given, one of these.
fn windowed(
    numbers: &mut Numbers,
    mut parameters: Parameters,
    arena: &mut [u8],
    grouped: Option<Grouped>,
) -> Layer {
    let is_grouped = grouped.is_some();
    let Grouped { groups, one_channel, dilation } =
        grouped.unwrap_or(Grouped { groups: 1, one_channel: false, dilation: [1; 2] });
    let depthwise = !is_grouped && numbers.once_in(3);
    // Three channels of 3x3, as a first layer sees them.
    let rgb3x3 = !is_grouped && !depthwise && numbers.once_in(8);
    let [x_bits, weight_bits] = [(); 2].map(|()| numbers.one_of(&Bits::QUANTISED));
    let y_bits = match depthwise {
        true => numbers.one_of(&Bits::QUANTISED),
        false => numbers.one_of(&[Bits::B2, Bits::B4, Bits::B8, Bits::B8, Bits::B32]),
    };
    let each = i64::from(groups);
    let channels = match numbers.within(0, 3) {
        _ if rgb3x3 => 3,
        _ if one_channel => each,
        0 if is_grouped => each * numbers.within(1, 12),
        1 if is_grouped => each * 16 * numbers.within(1, 3),
        _ if is_grouped => each * 4 * numbers.within(1, 6),
        0 => numbers.within(1, 20),
        1 => numbers.within(1, 100),
        2 => 4 * numbers.within(1, 24),
        _ => 16 * numbers.within(1, 6),
    };
    let filters = match depthwise {
        true => channels,
        false if one_channel => each * numbers.one_of(&[1, 1, 2, 3, 4, 5]),
        false if is_grouped && numbers.once_in(12) => each * numbers.within(1, 9),
        false if is_grouped => each * 4 * numbers.within(1, 5),
        false if numbers.once_in(16) => numbers.within(1, 40),
        false => 2 * numbers.within(1, 20),
    };
    // Whether filters see one channel each.
    let alone = depthwise || one_channel;
    let small = alone && numbers.once_in(3);
    let kernel = |numbers: &mut Numbers| match (alone, rgb3x3) {
        (true, _) if small => numbers.within(1, 3),
        (true, _) | (_, true) => 3,
        (false, false) => numbers.within(1, 4),
    };
    let pointwise = !alone && !rgb3x3 && numbers.once_in(2);
    // Windows of three columns beside each other, as most convolutions in groups have them.
    let beside = is_grouped && numbers.once_in(2);
    let dilation = if beside { [dilation[0], 1] } else { dilation };
    let axis = |numbers: &mut Numbers, wide: bool, dilation: u16| {
        let kernel = match (pointwise, beside && wide) {
            (true, _) => 1,
            (false, true) => 3,
            (false, false) => kernel(numbers),
        };
        let stride = if beside { 1 } else { numbers.within(1, if alone { 2 } else { 3 }) };
        // Now and then wider than the rows of a depthwise kernel.
        let longest = if wide && alone && channels < 9 && numbers.once_in(4) { 150 } else { 9 };
        let span = (kernel - 1) * i64::from(dilation) + 1;
        let (size, pad) = (numbers.within(1, longest), numbers.within(0, span - 1));
        // The last window meets the input.
        let outputs = numbers.within(1, (size + pad - 1) / stride + 1);
        [kernel, stride, size, pad, outputs].map(|value| value as u16)
    };
    let (y, x) = (axis(numbers, false, dilation[0]), axis(numbers, true, dilation[1]));
    let window = Window {
        kernel_height: y[0],
        kernel_width: x[0],
        stride_height: y[1],
        stride_width: x[1],
        pad_top: y[3],
        pad_left: x[3],
    };
    let mut input = Tensor {
        height: y[2],
        width: x[2],
        channels: channels as u16,
        bits: x_bits,
        zero_point: zero_point(numbers, x_bits),
        offset: 0,
    };
    let mut output = Tensor {
        height: y[4],
        width: x[4],
        channels: filters as u16,
        bits: y_bits,
        zero_point: zero_point(numbers, y_bits),
        offset: 0,
    };
    // Kernels may work in what lies between.
    let gap = 4 * if numbers.once_in(2) { 1 } else { numbers.within(0, 150) as usize };
    let second = if numbers.once_in(2) {
        output.offset = (input.bytes().next_multiple_of(4) + gap) as u32;
        output
    } else {
        input.offset = (output.bytes().next_multiple_of(4) + gap) as u32;
        input
    };
    numbers.fill(&mut arena[..second.range().end + 8]);

    let taps = usize::from(y[0] * x[0]);
    let rows = taps * if depthwise { 1 } else { filters as usize };
    let (weights, bytes) = parameters.put(numbers, rows * weight_bits.row_bytes((channels / each) as usize));
    numbers.fill(bytes);
    let elements = taps as i64 * if depthwise { 1 } else { channels / each };
    let requant =
        requant(numbers, &mut parameters, filters as usize, elements, [x_bits, weight_bits, y_bits]);
    if is_grouped {
        let [dilation_height, dilation_width] = dilation;
        Layer::GroupedConv(GroupedConv {
            input,
            output,
            window,
            groups,
            dilation_height,
            dilation_width,
            weight_bits,
            weights,
            requant,
        })
    } else if depthwise {
        Layer::Depthwise(Depthwise { input, output, window, weights, weight_bits, requant })
    } else {
        Layer::Conv(Conv { input, output, window, weights, weight_bits, requant })
    }
}

/// A fully connected layer, most often one that fills whole words.
fn linear(numbers: &mut Numbers, parameters: &mut Parameters, arena: &mut [u8]) -> Layer {
    let [x_bits, weight_bits] = [(); 2].map(|()| numbers.one_of(&Bits::QUANTISED));
    let y_bits = numbers.one_of(&[Bits::B2, Bits::B4, Bits::B8, Bits::B32, Bits::B32]);
    let size = [(); 2].map(|()| if numbers.once_in(2) { 1 } else { numbers.within(1, 3) as u16 });
    let channels = if numbers.once_in(8) { numbers.within(1, 100) } else { 16 * numbers.within(1, 40) };
    let filters = if numbers.once_in(2) { 8 * numbers.within(1, 5) } else { numbers.within(1, 36) };
    let input = Tensor {
        height: size[0],
        width: size[1],
        channels: channels as u16,
        bits: x_bits,
        zero_point: zero_point(numbers, x_bits),
        offset: 0,
    };
    let output = Tensor {
        height: 1,
        width: 1,
        channels: filters as u16,
        bits: y_bits,
        zero_point: zero_point(numbers, y_bits),
        offset: (input.bytes().next_multiple_of(4) + 4) as u32,
    };
    numbers.fill(&mut arena[..output.range().end + 8]);
    let rows = filters as usize * input.pixels();
    let (weights, bytes) = parameters.aligned(rows * weight_bits.row_bytes(channels as usize));
    numbers.fill(bytes);
    let elements = input.pixels() as i64 * channels;
    let requant = requant(numbers, parameters, filters as usize, elements, [x_bits, weight_bits, y_bits]);
    Layer::Linear(Linear { input, output, weights, weight_bits, requant })
}

fn zero_point(numbers: &mut Numbers, bits: Bits) -> u8 {
    match bits {
        Bits::B32 => 0,
        _ => numbers.within(0, bits.max_code().into()) as u8,
    }
}

/// Tables that spread sums of this number of elements over the output's codes, and beyond.
fn requant(
    numbers: &mut Numbers,
    parameters: &mut Parameters,
    filters: usize,
    elements: i64,
    [x, w, y]: [Bits; 3],
) -> Requant {
    let fraction = if numbers.once_in(3) { numbers.within(0, 7) as u8 } else { Requant::FRACTION };
    // At most 2^30: 16 * 100 elements of 255 * 255, times 16, do not fit.
    let sum = elements * i64::from(x.max_code()) * i64::from(w.max_code());
    let fits = |fraction: &u8| sum << fraction < 1 << 30;
    let fraction = [fraction, Requant::COARSE_FRACTION].into_iter().find(fits).unwrap_or(0);
    let largest = sum << fraction;
    let typical = (largest / numbers.one_of(&[2, 8, 32])).max(1);
    let (multiplier_step, zero_point_step) = (!numbers.once_in(8), !numbers.once_in(4));
    let multipliers = if multiplier_step { filters } else { 1 };
    let zero_points = if zero_point_step { filters } else { 1 };
    let range = if y == Bits::B32 { 20 } else { y.count() as i64 };
    let shift = 31 + i64::from(typical.ilog2()) - range + numbers.within(-1, 2);
    let anything = numbers.once_in(16);

    let (bias, bytes) = parameters.put(numbers, 4 * filters);
    for word in bytes.as_chunks_mut().0 {
        *word = (numbers.within(-typical, typical) as i32).to_le_bytes();
    }
    let (multiplier, bytes) = parameters.put(numbers, 4 * multipliers);
    for word in bytes.as_chunks_mut().0 {
        let magnitude = numbers.within(1 << 30, (1 << 31) - 1) as i32;
        *word = if numbers.once_in(4) { -magnitude } else { magnitude }.to_le_bytes();
    }
    let (shifts, bytes) = parameters.put(numbers, multipliers);
    for byte in bytes {
        *byte =
            if anything { numbers.within(0, 63) } else { (shift + numbers.within(0, 1)).clamp(0, 63) } as u8;
    }
    let (weight_zero_point, bytes) = parameters.put(numbers, zero_points);
    for byte in bytes {
        let half = 1 << (w.count() - 1);
        *byte = numbers.within(-half, half - 1) as i8 as u8;
    }
    Requant {
        bias,
        multiplier,
        shift: shifts,
        weight_zero_point,
        rule: Rule::Multiplier,
        multiplier_step: multiplier_step.into(),
        zero_point_step: zero_point_step.into(),
        fraction,
    }
}
