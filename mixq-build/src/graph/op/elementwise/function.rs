//! The functions that elementwise layers compute: what each is, and what is never below 0.

use serde::Serialize;

use super::erf::erf;

/// A parameter of a function: a finite number.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Number(f64);

// No number is NaN.
impl Eq for Number {}

impl Number {
    pub(super) const ZERO: Number = Number(0.0);
    pub(super) const SIX: Number = Number(6.0);
    /// The slope of the usual hard sigmoid.
    pub const SIXTH: Number = Number(1.0 / 6.0);
    /// Its value at 0.
    pub const HALF: Number = Number(0.5);

    /// `None` for what is not finite.
    pub const fn new(value: f64) -> Option<Number> {
        if value.is_finite() { Some(Number(value)) } else { None }
    }

    /// The number.
    pub const fn get(self) -> f64 {
        self.0
    }
}

/// `sqrt(2 / pi)`.
const GELU_TANH: f64 = 0.797_884_560_802_865_4;

/// `ln(1 + e^x)` without an overflow.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// A function of one number. All are finite, or infinite, for every finite number; none is NaN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Function {
    /// `1 / (1 + e^-x)`.
    Sigmoid,
    /// The hyperbolic tangent.
    Tanh,
    /// `slope x + offset`, from 0 to 1.
    HardSigmoid {
        /// At 0.
        slope: Number,
        /// At 0.
        offset: Number,
    },
    /// `x` times the hard sigmoid of slope 1/6 and offset 1/2.
    HardSwish,
    /// `x` times its sigmoid, also called swish.
    Silu,
    /// `x` times the share of a standard normal distribution below `x`.
    Gelu,
    /// GELU by a hyperbolic tangent: up to 0.0005 of [`Function::Gelu`].
    GeluTanh,
    /// `ln(1 + e^x)`.
    Softplus,
    /// `x` times the hyperbolic tangent of its softplus.
    Mish,
    /// `x`; below 0, `slope x`.
    LeakyRelu {
        /// Below 0.
        slope: Number,
    },
    /// `x`; below 0, `alpha (e^x - 1)`.
    Elu {
        /// The distance from 0 to the least value.
        alpha: Number,
    },
    /// ELU whose parameters keep mean 0 and variance 1.
    Selu,
    /// `x`, but not less than `min` and not more than `max`.
    Clip {
        /// The least value.
        min: Number,
        /// The largest value.
        max: Number,
    },
    /// `e^x`; of numbers above [`Function::LARGEST_EXPONENT`], that of this one.
    Exp,
    /// The natural logarithm; of numbers below `least`, that of `least`.
    Log {
        /// Above 0.
        least: Number,
    },
    /// The square root; 0 of numbers below 0.
    Sqrt,
    /// A power; 0 of numbers below 0 unless the exponent is a whole number.
    Power {
        /// Above 0.
        exponent: Number,
    },
    /// The magnitude.
    Abs,
    /// `value`; below 0, its opposite.
    Sign {
        /// Above 0.
        value: Number,
    },
    /// 1 above 0, -1 below 0, and 0 of 0.
    Signum,
    /// The opposite.
    Neg,
    /// `x`, but not more than `value`.
    Min {
        /// The largest value.
        value: Number,
    },
    /// `x`, but not less than `value`.
    Max {
        /// The least value.
        value: Number,
    },
}

impl Function {
    /// The largest number that an exponential is taken of: floats of 32 bits hold its power, and its products
    /// with weights.
    pub const LARGEST_EXPONENT: f64 = 40.0;
    /// The factor of SELU.
    pub const SELU_SCALE: f64 = 1.050_700_987_355_480_5;
    /// The alpha of SELU.
    pub const SELU_ALPHA: f64 = 1.673_263_242_354_377_2;

    /// The function at `x`, which is finite.
    pub fn value(self, x: f64) -> f64 {
        let elu = |alpha: f64| if x > 0.0 { x } else { alpha * x.exp_m1() };
        // `f64::clamp` panics if the least value is above the largest.
        let between = |value: f64, min: f64, max: f64| value.max(min).min(max);
        let sigmoid = || 1.0 / (1.0 + (-x).exp());
        match self {
            Function::Sigmoid => sigmoid(),
            Function::Tanh => x.tanh(),
            Function::HardSigmoid { slope, offset } => between(slope.0 * x + offset.0, 0.0, 1.0),
            Function::HardSwish => x * between(x + 3.0, 0.0, 6.0) / 6.0,
            Function::Silu => x * sigmoid(),
            Function::Gelu => 0.5 * x * (1.0 + erf(x * std::f64::consts::FRAC_1_SQRT_2)),
            Function::GeluTanh => 0.5 * x * (1.0 + (GELU_TANH * (x + 0.044_715 * x.powi(3))).tanh()),
            Function::Softplus => softplus(x),
            Function::Mish => x * softplus(x).tanh(),
            Function::LeakyRelu { slope } => {
                if x > 0.0 {
                    x
                } else {
                    slope.0 * x
                }
            }
            Function::Elu { alpha } => elu(alpha.0),
            Function::Selu => Function::SELU_SCALE * elu(Function::SELU_ALPHA),
            Function::Clip { min, max } => between(x, min.0, max.0),
            Function::Exp => x.min(Function::LARGEST_EXPONENT).exp(),
            Function::Log { least } => x.max(least.0).ln(),
            Function::Sqrt => x.max(0.0).sqrt(),
            Function::Power { exponent: Number(exponent) } if exponent.fract() == 0.0 => x.powf(exponent),
            Function::Power { exponent } => x.max(0.0).powf(exponent.0),
            Function::Abs => x.abs(),
            Function::Sign { value } => {
                if x >= 0.0 {
                    value.0
                } else {
                    -value.0
                }
            }
            Function::Signum if x == 0.0 => 0.0,
            Function::Signum => x.signum(),
            Function::Neg => -x,
            Function::Min { value } => x.min(value.0),
            Function::Max { value } => x.max(value.0),
        }
    }

    /// Whether it surely is never negative, so that the zero point of its output is 0.
    pub fn starts_at_zero(self) -> bool {
        match self {
            Function::Sigmoid
            | Function::HardSigmoid { .. }
            | Function::Exp
            | Function::Softplus
            | Function::Sqrt
            | Function::Abs => true,
            Function::Power { exponent } => exponent.0 % 2.0 != 1.0,
            Function::Clip { min, .. } => min.0 >= 0.0,
            Function::Max { value } => value.0 >= 0.0,
            Function::Tanh
            | Function::HardSwish
            | Function::Silu
            | Function::Gelu
            | Function::GeluTanh
            | Function::Mish
            | Function::LeakyRelu { .. }
            | Function::Elu { .. }
            | Function::Selu
            | Function::Log { .. }
            | Function::Sign { .. }
            | Function::Signum
            | Function::Neg
            | Function::Min { .. } => false,
        }
    }

    /// The least and the largest value that it may have; infinite where there is none. Where the least value
    /// has no formula, a number below it.
    pub fn range(self) -> [f64; 2] {
        let [least, most] = [f64::NEG_INFINITY, f64::INFINITY];
        match self {
            Function::Sigmoid | Function::HardSigmoid { .. } => [0.0, 1.0],
            Function::Tanh | Function::Signum => [-1.0, 1.0],
            Function::Softplus | Function::Exp | Function::Sqrt | Function::Abs => [0.0, most],
            // At -1.5.
            Function::HardSwish => [-0.375, most],
            Function::Silu => [-0.279, most],
            Function::Gelu | Function::GeluTanh => [-0.171, most],
            Function::Mish => [-0.309, most],
            Function::LeakyRelu { slope } if slope.0 <= 0.0 => [0.0, most],
            Function::LeakyRelu { .. } | Function::Neg => [least, most],
            Function::Elu { alpha } => [(-alpha.0).min(0.0), most],
            Function::Selu => [-Function::SELU_SCALE * Function::SELU_ALPHA, most],
            Function::Clip { min, max } => [min.0, max.0],
            Function::Log { least } => [least.0.ln(), most],
            Function::Power { exponent } if exponent.0 % 2.0 == 1.0 => [least, most],
            Function::Power { .. } => [0.0, most],
            Function::Sign { value } => [-value.0, value.0],
            Function::Min { value } => [least, value.0],
            Function::Max { value } => [value.0, most],
        }
    }

    /// Its name in a layer list.
    pub fn name(self) -> &'static str {
        match self {
            Function::Sigmoid => "sigmoid",
            Function::Tanh => "tanh",
            Function::HardSigmoid { .. } => "hard_sigmoid",
            Function::HardSwish => "hard_swish",
            Function::Silu => "silu",
            Function::Gelu => "gelu",
            Function::GeluTanh => "gelu_tanh",
            Function::Softplus => "softplus",
            Function::Mish => "mish",
            Function::LeakyRelu { .. } => "leaky_relu",
            Function::Elu { .. } => "elu",
            Function::Selu => "selu",
            Function::Clip { min, max } if (min, max) == (Number::ZERO, Number::SIX) => "relu6",
            Function::Clip { .. } => "clip",
            Function::Exp => "exp",
            Function::Log { .. } => "log",
            Function::Sqrt => "sqrt",
            Function::Power { .. } => "power",
            Function::Abs => "abs",
            Function::Sign { .. } => "sign",
            Function::Signum => "signum",
            Function::Neg => "neg",
            Function::Min { .. } => "min",
            Function::Max { .. } => "max",
        }
    }

    /// What is wrong with its parameters as a whole, in words.
    pub fn contradiction(self) -> Option<String> {
        match self {
            Function::Clip { min: Number(min), max: Number(max) } if min >= max => {
                Some(format!("has `min` {min} and `max` {max}: `min` must be less than `max`"))
            }
            _ => None,
        }
    }
}
