//! Tables, plans, parameters and arenas that belong together no more: what a safe caller may hand to a
//! kernel.

use mixq_rt::format::target::armv7em::Plan;
use mixq_rt::format::{
    Add, Bits, Constants, Conv, Depthwise, Elementwise, GroupedConv, Layer, Linear, Multiply, Pool, Prelu,
    Rearrange, Requant, Resize, Rest, Rule, Tensor, Window,
};

use crate::numbers::Numbers;

/// What a kernel is called with.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    pub layer: Layer,
    pub plan: Option<Plan>,
    /// Bytes of the parameters and of the arena.
    pub lengths: [usize; 2],
    /// Bytes that they begin behind a multiple of 4.
    pub begins: [usize; 2],
}

/// Changes one to four things; answers whether any is another than before.
pub fn mutate(numbers: &mut Numbers, case: &mut Case) -> bool {
    let before = *case;
    for _ in 0..numbers.within(1, 4) {
        let lengths = case.lengths;
        match numbers.within(0, 9) {
            0 | 1 => tensor(numbers, &mut case.layer, lengths[1]),
            2 => product(numbers, &mut case.layer),
            3 | 4 => window(numbers, &mut case.layer),
            5 | 6 => parameters(numbers, &mut case.layer, lengths[0]),
            7 => plan(numbers, &mut case.plan, lengths[1]),
            8 => sum(numbers, &mut case.layer),
            _ => memory(numbers, case),
        }
    }
    before.layer != case.layer
        || before.plan != case.plan
        || (before.lengths, before.begins) != (case.lengths, case.begins)
}

/// Any place, and places from which a size leads out of 32 bits and back.
fn offset(numbers: &mut Numbers, before: u32, length: usize) -> u32 {
    match numbers.within(0, 7) {
        0 => length as u32,
        1 => (length as u32).wrapping_sub(numbers.within(1, 64) as u32),
        2 | 3 => 0u32.wrapping_sub(4 * numbers.within(1, 256) as u32),
        4 => 0u32.wrapping_sub(numbers.within(1, 1024) as u32),
        5 => (1u32 << 31).wrapping_add(numbers.within(-32, 32) as u32),
        6 => before.wrapping_add(numbers.within(-8, 8) as u32),
        _ => numbers.next() as u32,
    }
}

/// Any size; the ends of the range more often.
fn size(numbers: &mut Numbers, before: u16) -> u16 {
    match numbers.within(0, 5) {
        0 => numbers.one_of(&[0, 1, 2, 3, 4]),
        1 => numbers.one_of(&[65_535, 65_534, 32_768, 16_384, 4096, 256]),
        2 | 3 => before.wrapping_add(numbers.within(-3, 3) as u16),
        4 => numbers.within(0, 300) as u16,
        _ => numbers.next() as u16,
    }
}

fn bits(numbers: &mut Numbers) -> Bits {
    numbers.one_of(&[Bits::B2, Bits::B4, Bits::B8, Bits::B32])
}

fn one_tensor<'a>(numbers: &mut Numbers, layer: &'a mut Layer) -> &'a mut Tensor {
    let (mut one, more): (&mut Tensor, [&mut Tensor; 2]);
    match layer {
        Layer::Conv(Conv { input, output, .. })
        | Layer::Depthwise(Depthwise { input, output, .. })
        | Layer::Linear(Linear { input, output, .. })
        | Layer::AveragePool(Pool { input, output, .. })
        | Layer::MaxPool(Pool { input, output, .. })
        | Layer::Elementwise(Elementwise { input, output, .. })
        | Layer::Prelu(Prelu { input, output, .. })
        | Layer::Constants(Constants { input, output, .. })
        | Layer::Rearrange(Rearrange { input, output, .. })
        | Layer::Resize(Resize { input, output, .. })
        | Layer::GroupedConv(GroupedConv { input, output, .. }) => {
            return if numbers.once_in(2) { input } else { output };
        }
        Layer::Add(Add { a, b, output, .. }) | Layer::Multiply(Multiply { a, b, output, .. }) => {
            (one, more) = (a, [b, output]);
        }
    }
    for tensor in more {
        if numbers.once_in(2) {
            one = tensor;
        }
    }
    one
}

fn tensor(numbers: &mut Numbers, layer: &mut Layer, arena: usize) {
    let what = numbers.within(0, 5);
    let tensor = one_tensor(numbers, layer);
    match what {
        0 => tensor.height = size(numbers, tensor.height),
        1 => tensor.width = size(numbers, tensor.width),
        2 => tensor.channels = size(numbers, tensor.channels),
        3 => tensor.bits = bits(numbers),
        4 => tensor.zero_point = numbers.next() as u8,
        _ => tensor.offset = offset(numbers, tensor.offset, arena),
    }
}

/// Shapes whose elements, bytes or bits are a multiple of 2^32, or just above.
fn product(numbers: &mut Numbers, layer: &mut Layer) {
    let shapes = [
        [32_768, 32_768, 4],
        [54_161, 19_825, 4],
        [32_768, 32_768, 16],
        [65_535, 65_535, 65_535],
        [65_535, 65_535, 1],
        [16_384, 16_384, 16],
        [32_768, 16_384, 8],
        [4096, 65_535, 16],
        [0, 65_535, 65_535],
    ];
    let [height, width, channels] = numbers.one_of(&shapes);
    let tensor = one_tensor(numbers, layer);
    (tensor.height, tensor.width, tensor.channels) = (height, width, channels);
}

fn window(numbers: &mut Numbers, layer: &mut Layer) {
    let window = match layer {
        Layer::Conv(table) => &mut table.window,
        Layer::Depthwise(table) => &mut table.window,
        Layer::GroupedConv(table) => match numbers.within(0, 5) {
            0 => return table.groups = size(numbers, table.groups),
            1 => return table.dilation_height = size(numbers, table.dilation_height),
            2 => return table.dilation_width = size(numbers, table.dilation_width),
            _ => &mut table.window,
        },
        Layer::AveragePool(table) | Layer::MaxPool(table) => &mut table.window,
        Layer::Linear(_)
        | Layer::Add(_)
        | Layer::Multiply(_)
        | Layer::Elementwise(_)
        | Layer::Prelu(_)
        | Layer::Constants(_)
        | Layer::Rearrange(_)
        | Layer::Resize(_) => return,
    };
    let Window { kernel_height, kernel_width, stride_height, stride_width, pad_top, pad_left } = window;
    match numbers.within(0, 6) {
        // Wholly in the padding, and far beyond it.
        0 => *pad_left = kernel_width.wrapping_add(numbers.within(0, 40) as u16),
        1 => *pad_top = kernel_height.wrapping_add(numbers.within(0, 40) as u16),
        // So many taps that their number, or that of their elements, leaves 32 bits.
        2 => {
            [*kernel_height, *kernel_width] =
                numbers.one_of(&[[65_535, 65_535], [32_768, 32_768], [16_384, 32_768], [1, 9], [9, 1]]);
        }
        _ => {
            let all = [kernel_height, kernel_width, stride_height, stride_width, pad_top, pad_left];
            let which = numbers.within(0, 5) as usize;
            for (index, value) in all.into_iter().enumerate() {
                if index == which {
                    *value = size(numbers, *value);
                }
            }
        }
    }
}

fn parameters(numbers: &mut Numbers, layer: &mut Layer, length: usize) {
    let (weights, weight_bits, requant) = match layer {
        Layer::Conv(table) => (&mut table.weights, &mut table.weight_bits, &mut table.requant),
        Layer::Depthwise(table) => (&mut table.weights, &mut table.weight_bits, &mut table.requant),
        Layer::Linear(table) => (&mut table.weights, &mut table.weight_bits, &mut table.requant),
        Layer::GroupedConv(table) => (&mut table.weights, &mut table.weight_bits, &mut table.requant),
        Layer::Elementwise(table) => {
            table.codes = offset(numbers, table.codes, length);
            return;
        }
        Layer::Prelu(table) => {
            table.slopes = offset(numbers, table.slopes, length);
            return;
        }
        Layer::Constants(table) => match numbers.within(0, 2) {
            0 => return table.weights = offset(numbers, table.weights, length),
            1 => return table.weight_bits = bits(numbers),
            _ => return table.weight_zero_point = numbers.next() as i8,
        },
        Layer::Rearrange(table) => return positions(numbers, table),
        Layer::Resize(table) => return axes(numbers, table),
        Layer::AveragePool(_) | Layer::MaxPool(_) | Layer::Add(_) | Layer::Multiply(_) => return,
    };
    let Requant { bias, multiplier, shift, weight_zero_point, .. } = requant;
    match numbers.within(0, 11) {
        0..=2 => *weights = offset(numbers, *weights, length),
        3 | 4 => *bias = offset(numbers, *bias, length),
        5 => *multiplier = offset(numbers, *multiplier, length),
        6 => *shift = offset(numbers, *shift, length),
        7 => *weight_zero_point = offset(numbers, *weight_zero_point, length),
        8 => *weight_bits = bits(numbers),
        9 => requant.rule = numbers.one_of(&[Rule::Multiplier, Rule::Thresholds16, Rule::Thresholds32]),
        10 => requant.fraction = numbers.one_of(&[0, 4, 7, 8, 31, 255]),
        _ if numbers.once_in(2) => requant.multiplier_step = numbers.one_of(&[0, 1, 2, 255]),
        _ => requant.zero_point_step = numbers.one_of(&[0, 1, 2, 255]),
    }
}

/// Loops that end elsewhere.
fn positions(numbers: &mut Numbers, table: &mut Rearrange) {
    let loops = table.counts.len();
    let which = numbers.within(0, loops as i64 - 1) as usize;
    let side = if numbers.once_in(2) { &mut table.from } else { &mut table.to };
    match numbers.within(0, 3) {
        0 => table.counts[which] = size(numbers, table.counts[which]),
        1 => side.first = offset(numbers, side.first, 1 << 12),
        2 => table.rest = numbers.one_of(&[Rest::Anything, Rest::Zero, Rest::Kept]),
        _ => side.strides[which] = offset(numbers, side.strides[which], 1 << 12),
    }
}

/// Positions that are elsewhere, and some that 32 bits do not hold.
fn axes(numbers: &mut Numbers, table: &mut Resize) {
    let axis = if numbers.once_in(2) { &mut table.rows } else { &mut table.columns };
    match numbers.within(0, 3) {
        0 => axis.first = numbers.one_of(&[i32::MIN, i32::MAX, -1, 1 << 30]),
        1 => axis.step = numbers.one_of(&[0, 1, 1 << 23, 1 << 31, u32::MAX]),
        2 => axis.unit = numbers.one_of(&[0, 1, (1 << 23) - 1, 1 << 23, u32::MAX]),
        _ => axis.step = numbers.next() as u32,
    }
}

fn plan(numbers: &mut Numbers, plan: &mut Option<Plan>, arena: usize) {
    let Some(plan) = plan else { return };
    match numbers.within(0, 5) {
        0 => plan.scratch = offset(numbers, plan.scratch, arena),
        1 => plan.scratch_bytes = offset(numbers, plan.scratch_bytes, arena),
        2 => plan.proof.chunk = size(numbers, plan.proof.chunk),
        3 => plan.spent = !plan.spent,
        4 => plan.joined = !plan.joined,
        _ => plan.proof.interval = size(numbers, plan.proof.interval),
    }
}

fn sum(numbers: &mut Numbers, layer: &mut Layer) {
    let (multipliers, shift): ([&mut i32; 2], &mut u32) = match layer {
        Layer::Add(table) => ([&mut table.multiplier_a, &mut table.multiplier_b], &mut table.shift),
        Layer::Multiply(table) => ([&mut table.multiplier, &mut 0], &mut table.shift),
        Layer::Prelu(table) => ([&mut table.multiplier, &mut 0], &mut table.shift),
        Layer::Constants(table) => {
            ([&mut table.multiplier, &mut table.multiplier_constant], &mut table.shift)
        }
        Layer::Conv(_)
        | Layer::Depthwise(_)
        | Layer::Linear(_)
        | Layer::AveragePool(_)
        | Layer::MaxPool(_)
        | Layer::Elementwise(_)
        | Layer::GroupedConv(_)
        | Layer::Rearrange(_)
        | Layer::Resize(_) => return,
    };
    let [first, second] = multipliers;
    match numbers.within(0, 3) {
        0 => *first = numbers.one_of(&[i32::MIN, i32::MAX, 1 << 22, -(1 << 22), 1 << 15, -(1 << 15), 0]),
        1 => *first = numbers.next() as i32,
        2 => *second = numbers.next() as i32,
        _ => *shift = numbers.one_of(&[0, 1, 5, 6, 15, 16, 23, 24, 31, 32, 33, u32::MAX]),
    }
}

/// Fewer bytes, or elsewhere.
fn memory(numbers: &mut Numbers, case: &mut Case) {
    let which = numbers.within(0, 1) as usize;
    if numbers.once_in(3) {
        case.begins[which] = numbers.within(0, 3) as usize;
    } else {
        let length = case.lengths[which] as i64;
        case.lengths[which] = if numbers.once_in(2) {
            numbers.within(0, length) as usize
        } else {
            (length - numbers.within(0, 8)).max(0) as usize
        };
    }
}

/// Bytes of the parameters and of the arena that a layer needs.
pub fn lengths(layer: &Layer) -> [usize; 2] {
    let ends = layer.inputs().chain([layer.output()]).map(|tensor| tensor.range().end);
    let arena = ends.max().unwrap_or(0).next_multiple_of(4);
    let mut parameters = 0;
    if let Layer::Elementwise(table) = layer {
        parameters = table.codes as usize + table.entries();
    }
    if let Layer::Prelu(table) = layer {
        parameters = table.slopes as usize + 4 * usize::from(table.input.channels);
    }
    if let Layer::Constants(table) = layer {
        let bytes = table.input.pixels() * table.weight_bits.row_bytes(table.input.channels.into());
        parameters = table.weights as usize + bytes;
    }
    if let (Some((weights, rows, columns, bits)), Some(requant)) = (layer.weights(), layer.requant()) {
        let channels = usize::from(layer.output().channels);
        let multipliers = requant.multipliers(channels);
        let tables = [
            (weights, rows * bits.row_bytes(columns)),
            (requant.bias, 4 * channels),
            (requant.multiplier, 4 * multipliers),
            (requant.shift, multipliers),
            (requant.weight_zero_point, requant.zero_points(channels)),
        ];
        parameters = tables.into_iter().map(|(start, bytes)| start as usize + bytes).max().unwrap_or(0);
    }
    [parameters, arena]
}
