//! The table of convolutions in groups in the documentation, from the cost model.

use std::fmt::Write;

use mixq_format::target::{Execution, Free, Target};
use mixq_format::{Bits, Conv, GroupedConv, Layer, Requant, Rule, Tensor, Window};

const INTRODUCTION: &str = "
## Convolutions in groups

What the cost model says for 64 channels to 64 on 16x16 pixels, in instructions of a Cortex-M4 for each \
multiply-accumulate, and how many times those of the convolution in one group. There is room for all that \
the filters see of four pixels. The test `grouped` (`cargo test -p mixq-tests -p cargo-mixq --features \
mixq-build/distributed,cargo-mixq/distributed --test grouped -- --nocapture`) prints what QEMU counts for \
12x12 pixels; its random weights are so wide that at 8x8 bits the windows of 3x3 in one group are \
multiplied in parts, which takes 0.95.

| windows | bits | 1 group | 2 of 32 channels | 4 of 16 channels | 8 of 8 channels |
| --- | ---: | ---: | ---: | ---: | ---: |
";

const FLOORS: &str = "
In small groups little is multiplied beside what each block of two filters and four pixels takes: 75 \
instructions (8x8 bits; 8x4: 74; 4x4: 90) to begin with its zero points and to make eight codes, each with \
a bias, a multiplication, a shift and a limit. And what is widened is multiplied by few filters: a word of \
four 8-bit codes takes 6 instructions, of eight 4-bit codes 13; where windows of a row share it, 4.5 and 9 \
for each of them. Without anything else these loops would take 1.48 times the instructions of one group \
for 1x1 in groups of 16 channels at 8x8, for 3x3 in groups of 8 channels 1.23 times at 8x8, 1.21 times at \
8x4, and 1.37 times at 4x4, where weights let lower sums be taken out three times for a block.
";

/// Pixels of a side.
const SIDE: u16 = 16;

const CHANNELS: u16 = 64;

/// The section.
pub fn table() -> String {
    let mut text = INTRODUCTION.to_string();
    for kernel in [3, 1] {
        for [x, w] in [[8, 8], [8, 4], [4, 4], [2, 2]] {
            let _ = write!(text, "| {kernel}x{kernel} | {x}x{w} |");
            let plain = each(kernel, [x, w], 1);
            for groups in [1, 2, 4, 8] {
                // Other groups are not whole words.
                if CHANNELS / groups * u16::from(x) < 32 {
                    text += " - |";
                    continue;
                }
                let each = each(kernel, [x, w], groups);
                let _ = match groups {
                    1 => write!(text, " {each:.2} |"),
                    _ => write!(text, " {each:.2} ({:.2}) |", each / plain),
                };
            }
            text.push('\n');
        }
    }
    text + FLOORS
}

/// Instructions for each multiply-accumulate.
fn each(kernel: u16, bits: [u8; 2], groups: u16) -> f64 {
    let rust_target = "thumbv7em-none-eabihf";
    let free = Free { spent: true, joined: false };
    let execution = Execution { rust_target, parameters: None, scratch_bytes: 1 << 15, free };
    let cost = Target::of(rust_target, true).cost(&layer(kernel, bits, groups), &execution);
    let filter = u32::from(kernel * kernel) * u32::from(CHANNELS / groups);
    cost.instructions as f64 / f64::from(u32::from(SIDE * SIDE) * u32::from(CHANNELS) * filter)
}

/// As `same` pads.
fn layer(kernel: u16, [x, w]: [u8; 2], groups: u16) -> Layer {
    let [x, weight_bits] = [x, w].map(|bits| Bits::try_from(bits).expect("a width"));
    let input = Tensor { height: SIDE, width: SIDE, channels: CHANNELS, bits: x, zero_point: 0, offset: 0 };
    let output = Tensor { offset: 1 << 16, ..input };
    let window = Window {
        kernel_height: kernel,
        kernel_width: kernel,
        stride_height: 1,
        stride_width: 1,
        pad_top: kernel / 2,
        pad_left: kernel / 2,
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
    let weights = 0;
    if groups == 1 {
        return Layer::Conv(Conv { input, output, window, weights, weight_bits, requant });
    }
    let [dilation_height, dilation_width] = [1; 2];
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
}
