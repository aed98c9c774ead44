//! The tables of other operators in the documentation, from the cost model: operators without weights, and
//! depthwise convolutions.

use std::fmt::Write;

use mixq_format::target::{Execution, Free, Target};
use mixq_format::{
    Bits, Constants, Depthwise, Elementwise, GroupedConv, Layer, Multiply, Operation, Positions, Rearrange,
    Requant, Rest, Rule, Tensor, Window,
};

const INTRODUCTION: &str = "
## Operators without weights

What the cost model below says for tensors of 16x16 pixels, in instructions (Cortex-M4: and cycles) for each \
element of the output, or for each byte
that moves. The others are Cortex-M0+ and RISC-V, which execute the portable kernels.

| operator | bits | Cortex-M4 | cycles | Cortex-M0+ | RISC-V |
| --- | ---: | ---: | ---: | ---: | ---: |
";

const FLOORS: &str = "
Two of these are near what their arithmetic takes. A product of tensors takes 34 instructions for eight \
elements: 8 for the differences from the zero points, 8 multiply these, 8 multiply by `m / 2^s` and round, \
10 limit and pack codes. With loads and stores of two words each that is 4.63 for an element. The shuffle \
of two groups takes 6 instructions to merge two words, and loads and stores both: 1.25 for a byte, or 1.0 \
if all words were aligned, without the loops and the ends of groups. Longer runs, as of concatenations, \
splits and slices, take half an instruction for a byte, and 5 to 10 for the run.
";

const DEPTHWISE: &str = "
## Depthwise convolutions

What the cost model says for windows of 3x3 on 16x16 pixels and 64 filters, in instructions (Cortex-M4: and \
cycles) for each
multiply-accumulate. Activations and weights have as many bits. With a dilation of 2, 3 or 4 the filters are \
executed on 4, 9 or 16
parts of the image: smaller parts take more for each pixel.

| dilation | multiplier | bits | Cortex-M4 | cycles | Cortex-M0+ | RISC-V |
| ---: | ---: | ---: | ---: | ---: | ---: | ---: |
";

const TARGETS: [&str; 3] = ["thumbv7em-none-eabihf", "thumbv6m-none-eabi", "riscv32imac-unknown-none-elf"];

/// Pixels of a side.
const SIDE: u16 = 16;

/// An operator: its name, its widths, its layer, and by what its cost is divided.
struct Case {
    name: &'static str,
    bits: String,
    layer: Layer,
    per: usize,
}

/// The tables.
pub fn table() -> String {
    let mut text = INTRODUCTION.to_string();
    for Case { name, bits, layer, per } in cases() {
        let _ = writeln!(text, "| {name} | {bits} | {}", costs(&layer, per));
    }
    text += FLOORS;
    text += DEPTHWISE;
    for bits in [8, 4, 2] {
        for (dilation, multiplier) in [(1, 1), (2, 1), (3, 1), (4, 1), (1, 2), (1, 4)] {
            let costs = costs(&depthwise(bits, dilation, multiplier), usize::from(SIDE * SIDE) * 64 * 9);
            let _ = writeln!(text, "| {dilation} | {multiplier} | {bits} | {costs}");
        }
    }
    text
}

/// The last cells of a row: what a layer costs for each of `per` pieces of work.
fn costs(layer: &Layer, per: usize) -> String {
    let [m4, m0, riscv] = TARGETS.map(|rust_target| {
        let free = Free { spent: true, joined: false };
        let execution = Execution { rust_target, parameters: None, scratch_bytes: 0, free };
        Target::of(rust_target, true).cost(layer, &execution)
    });
    let each = |count: u64| count as f64 / per as f64;
    let cycles = m4.cycles.map_or("-".to_string(), |cycles| format!("{:.2}", each(cycles)));
    let [m4, m0, riscv] = [m4, m0, riscv].map(|cost| each(cost.instructions));
    format!("{m4:.2} | {cycles} | {m0:.1} | {riscv:.1} |")
}

/// A depthwise convolution to 64 channels, as `same` pads.
fn depthwise(bits: u8, dilation: u16, multiplier: u16) -> Layer {
    let channels = 64 / multiplier;
    let (input, output) = (tensor(SIDE, channels, bits, 0), tensor(SIDE, 64, bits, 1 << 16));
    let window = Window {
        kernel_height: 3,
        kernel_width: 3,
        stride_height: 1,
        stride_width: 1,
        pad_top: dilation,
        pad_left: dilation,
    };
    let requant = Requant {
        bias: 0,
        multiplier: 0,
        shift: 0,
        weight_zero_point: 0,
        rule: Rule::Multiplier,
        multiplier_step: 1,
        zero_point_step: 1,
        fraction: Requant::FRACTION,
    };
    let (weights, weight_bits) = (0, input.bits);
    if dilation * multiplier == 1 {
        return Layer::Depthwise(Depthwise { input, output, window, weights, weight_bits, requant });
    }
    Layer::GroupedConv(GroupedConv {
        input,
        output,
        window,
        groups: channels,
        dilation_height: dilation,
        dilation_width: dilation,
        weight_bits,
        weights,
        requant,
    })
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (x, y) in [(8, 8), (4, 4), (2, 2), (8, 4), (8, 2), (4, 2), (4, 8), (2, 8), (2, 4)] {
        let [input, output] = [(x, 0), (y, 1 << 16)].map(|(bits, offset)| tensor(SIDE, 64, bits, offset));
        // In place where the widths are the same.
        let output = if x == y { input } else { output };
        let layer = Layer::Elementwise(Elementwise { input, output, codes: 0 });
        let bits = if x == y { x.to_string() } else { format!("{x} to {y}") };
        cases.push(Case { name: "function by table", bits, layer, per: output.elements() });
    }
    let (a, pixel) = (tensor(SIDE, 64, 8, 0), tensor(1, 64, 8, 1 << 16));
    for (name, b) in [("product of tensors", Tensor { offset: 1 << 16, ..a }), ("product by a pixel", pixel)]
    {
        let layer = Layer::Multiply(Multiply { a, b, output: a, multiplier: 1 << 14, shift: 22 });
        cases.push(Case { name, bits: "8".to_string(), layer, per: a.elements() });
    }
    for (name, operation) in
        [("sum with constants", Operation::Sum), ("product with constants", Operation::Product)]
    {
        cases.extend([8, 4, 2].map(|bits| with_constants(name, operation, bits)));
    }
    for (name, bits, [whole, part]) in [
        ("concatenation, 64 of 128 channels", 8, [128, 64]),
        ("concatenation, 58 of 116 channels", 8, [116, 58]),
        ("concatenation, 16 of 32 channels", 8, [32, 16]),
        ("concatenation, 64 of 128 channels", 4, [128, 64]),
        ("concatenation, 64 of 128 channels", 2, [128, 64]),
    ] {
        cases.push(joined(name, bits, whole, part));
    }
    for (name, groups, bits) in [
        ("shuffle of 2 groups, 116 channels", 2, 8),
        ("shuffle of 2 groups, 116 channels", 2, 4),
        ("shuffle of 4 groups, 116 channels", 4, 8),
    ] {
        cases.push(shuffled(name, groups, bits));
    }
    cases.extend([padded(), repeated()]);
    cases
}

/// A layer with constants of as many bits as its input and its output.
fn with_constants(name: &'static str, operation: Operation, bits: u8) -> Case {
    let input = tensor(SIDE, 64, bits, 0);
    let table = Constants {
        input,
        output: input,
        weights: 0,
        weight_bits: input.bits,
        weight_zero_point: 0,
        operation,
        multiplier: 1 << 14,
        multiplier_constant: 0,
        shift: 22,
    };
    Case { name, bits: bits.to_string(), layer: Layer::Constants(table), per: input.elements() }
}

fn tensor(side: u16, channels: u16, bits: u8, offset: u32) -> Tensor {
    let bits = Bits::try_from(bits).expect("a width");
    Tensor { height: side, width: side, channels, bits, zero_point: 0, offset }
}

/// Bits of a row, a pixel and an element of a tensor.
fn distances(tensor: &Tensor) -> [u32; 3] {
    let pixel = 8 * tensor.pixel_bytes() as u32;
    [pixel * u32::from(tensor.width), pixel, tensor.bits.count() as u32]
}

/// A layer that moves elements of `input` to `output`; each loop: rounds, and bits in both.
fn moved(
    (name, input, output, rest): (&'static str, Tensor, Tensor, Rest),
    first: u32,
    loops: [(u16, u32, u32); 5],
) -> Case {
    let layer = Rearrange {
        input,
        output,
        counts: loops.map(|(count, ..)| count),
        rest,
        from: Positions { first: 0, strides: loops.map(|(_, from, _)| from) },
        to: Positions { first, strides: loops.map(|(.., to)| to) },
    };
    let elements: usize = layer.counts.iter().map(|count| usize::from(*count)).product();
    let per = elements * input.bits.count() / 8;
    Case { name, bits: input.bits.count().to_string(), layer: Layer::Rearrange(layer), per }
}

const ONCE: (u16, u32, u32) = (1, 0, 0);

fn joined(name: &'static str, bits: u8, whole: u16, part: u16) -> Case {
    let (input, output) = (tensor(SIDE, part, bits, 0), tensor(SIDE, whole, bits, 1 << 16));
    let ([_, from, element], [_, to, _]) = (distances(&input), distances(&output));
    let loops = [ONCE, ONCE, ONCE, (SIDE * SIDE, from, to), (part, element, element)];
    moved((name, input, output, Rest::Anything), 0, loops)
}

fn shuffled(name: &'static str, groups: u16, bits: u8) -> Case {
    let (input, output) = (tensor(SIDE, 116, bits, 0), tensor(SIDE, 116, bits, 1 << 16));
    let ([_, pixel, element], each) = (distances(&input), 116 / groups);
    let (outer, inner) =
        ((each, element, u32::from(groups) * element), (groups, u32::from(each) * element, element));
    moved((name, input, output, Rest::Anything), 0, [ONCE, ONCE, (SIDE * SIDE, pixel, pixel), outer, inner])
}

fn padded() -> Case {
    let (input, output) = (tensor(SIDE, 64, 8, 0), tensor(SIDE + 2, 64, 8, 1 << 16));
    let ([from, pixel, element], [to, ..]) = (distances(&input), distances(&output));
    let loops = [ONCE, ONCE, ONCE, (SIDE, from, to), (SIDE * 64, element, element)];
    moved(("padding by a pixel, 64 channels", input, output, Rest::Zero), to + pixel, loops)
}

fn repeated() -> Case {
    let (input, output) = (tensor(SIDE, 64, 8, 0), tensor(2 * SIDE, 64, 8, 1 << 16));
    let ([row, pixel, element], [to, ..]) = (distances(&input), distances(&output));
    let loops =
        [(SIDE, row, 2 * to), (2, 0, to), (SIDE, pixel, 2 * pixel), (2, 0, pixel), (64, element, element)];
    moved(("upsampling by 2x2, 64 channels", input, output, Rest::Anything), 0, loops)
}
