//! Tables that do not fit their parameters or their arena: the compiler refuses them, and kernels do not take
//! what was not checked.

use mixq_rt::format::{Bits, Checked, Linear, Operands, Requant, Rule, Tensor};

const REQUANT: Requant = Requant {
    bias: 4,
    multiplier: 12,
    shift: 16,
    weight_zero_point: 17,
    rule: Rule::Multiplier,
    multiplier_step: 0,
    zero_point_step: 0,
    fraction: 0,
};
const PIXELS: Tensor = Tensor { height: 1, width: 2, channels: 1, bits: Bits::B8, zero_point: 0, offset: 0 };
const LOGITS: Tensor = Tensor { height: 1, width: 1, channels: 2, bits: Bits::B32, zero_point: 0, offset: 4 };
const TABLE: Linear =
    Linear { input: PIXELS, output: LOGITS, weights: 0, weight_bits: Bits::B8, requant: REQUANT };

static RIGHT: Checked<Linear, 18, 12> = Checked::<Linear, 18, 12>::new(TABLE);
static ARENA: Checked<Linear, 18, 8> = Checked::<Linear, 18, 8>::new(TABLE);
static PARAMETERS: Checked<Linear, 17, 12> = Checked::<Linear, 17, 12>::new(TABLE);
// Where a sum of 32 bits would come back to the arena.
static WRAPPED: Checked<Linear, 18, 12> =
    Checked::<Linear, 18, 12>::new(Linear { output: Tensor { offset: u32::MAX - 3, ..LOGITS }, ..TABLE });
static OVERLAP: Checked<Linear, 18, 12> =
    Checked::<Linear, 18, 12>::new(Linear { output: Tensor { offset: 0, ..LOGITS }, ..TABLE });

fn main() {
    let mut small = [0; 8];
    let _ = Operands::new(&RIGHT, &[0; 18], &mut small);
    let _ = Operands::new(&TABLE, &[0; 18], &mut [0; 12]);
}
