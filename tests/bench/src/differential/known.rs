//! Calls from safe code that took memory which was not theirs, or computed something else, when bounds in 32
//! bits wrapped.

use mixq_rt::format::target::armv7em::{Plan, Proof};
use mixq_rt::format::{Bits, Conv, Layer, Linear, Requant, Rule, Tensor, Window};

use crate::mutate::Case;

const PLAN: Plan = Plan {
    scratch: 32,
    scratch_bytes: 288,
    spent: true,
    joined: false,
    proof: Proof { chunk: 32, interval: 32 },
};

const WINDOW: Window =
    Window { kernel_height: 1, kernel_width: 1, stride_height: 1, stride_width: 1, pad_top: 0, pad_left: 0 };

const fn tensor(shape: [u16; 3], bits: Bits, offset: u32) -> Tensor {
    Tensor { height: shape[0], width: shape[1], channels: shape[2], bits, zero_point: 0, offset }
}

/// Biases, multiplier, shift and zero point one after another.
const REQUANT: Requant = Requant {
    bias: 0,
    multiplier: 8,
    shift: 12,
    weight_zero_point: 13,
    rule: Rule::Multiplier,
    multiplier_step: 0,
    zero_point_step: 0,
    fraction: 7,
};

/// 16 channels of one pixel to two logits.
const CONV: Conv = Conv {
    input: tensor([1, 1, 16], Bits::B8, 0),
    output: tensor([1, 1, 2], Bits::B32, 16),
    window: WINDOW,
    weights: 16,
    weight_bits: Bits::B8,
    requant: REQUANT,
};

/// A first layer whose window lies wholly in the padding: no column of the input is seen, and fewer than none
/// were counted.
const IN_THE_PADDING: Conv = Conv {
    input: tensor([2, 2, 3], Bits::B8, 0),
    output: tensor([1, 1, 2], Bits::B32, 16),
    window: Window { kernel_height: 3, kernel_width: 3, pad_left: 10, ..WINDOW },
    ..CONV
};

/// 2^32 taps of 16 channels: no bytes at all, as 32 bits have it.
const TAPS: Conv = Conv { window: Window { kernel_height: 32_768, kernel_width: 32_768, ..WINDOW }, ..CONV };

/// 2^32 + 4 elements: four, as 32 bits have it, and eight weights.
const ELEMENTS: Linear = Linear {
    input: tensor([54_161, 19_825, 4], Bits::B8, 0),
    output: tensor([1, 1, 2], Bits::B32, 16),
    weights: 16,
    weight_bits: Bits::B8,
    requant: REQUANT,
};

const fn case(layer: Layer) -> Case {
    Case { layer, plan: Some(PLAN), lengths: [128, 512], begins: [0; 2] }
}

/// All have to panic.
pub const KNOWN: [Case; 9] = [
    case(Layer::Conv(Conv { weights: 0u32.wrapping_sub(32), ..CONV })),
    case(Layer::Conv(Conv { requant: Requant { bias: 0u32.wrapping_sub(8), ..REQUANT }, ..CONV })),
    case(Layer::Conv(Conv { requant: Requant { multiplier: 0u32.wrapping_sub(4), ..REQUANT }, ..CONV })),
    case(Layer::Conv(Conv { requant: Requant { shift: 0u32.wrapping_sub(1), ..REQUANT }, ..CONV })),
    case(Layer::Conv(Conv {
        requant: Requant { weight_zero_point: 0u32.wrapping_sub(1), ..REQUANT },
        ..CONV
    })),
    case(Layer::Conv(IN_THE_PADDING)),
    case(Layer::Conv(TAPS)),
    case(Layer::Conv(Conv { input: tensor([32_768, 32_768, 16], Bits::B8, 0), ..CONV })),
    case(Layer::Linear(ELEMENTS)),
];
