//! How functions are written: their names and parameters, as one table.

use super::function::{Function, Number};
use crate::graph::op::{Arity, Follows, Form, OpSpec, Parameter, Values};

/// How the functions are written, in the order in which messages name them.
pub(in crate::graph::op) static FORMS: [Form; COUNT] = [
    form("sigmoid", &[], |_| function(Function::Sigmoid)),
    form("tanh", &[], |_| function(Function::Tanh)),
    form("hard_sigmoid", &[&SIXTH, &HALF], |values| {
        function(Function::HardSigmoid { slope: values.parameters[0]?, offset: values.parameters[1]? })
    }),
    form("hard_swish", &[], |_| function(Function::HardSwish)),
    form("silu", &[], |_| function(Function::Silu)),
    form("gelu", &[], |_| function(Function::Gelu)),
    form("gelu_tanh", &[], |_| function(Function::GeluTanh)),
    form("softplus", &[], |_| function(Function::Softplus)),
    form("mish", &[], |_| function(Function::Mish)),
    form("leaky_relu", &[&SLOPE], |values| function(Function::LeakyRelu { slope: values.parameters[0]? })),
    form("elu", &[&ALPHA], |values| function(Function::Elu { alpha: values.parameters[0]? })),
    form("selu", &[], |_| function(Function::Selu)),
    RELU6,
    form("clip", &[&MIN, &MAX], clip),
    form("exp", &[], |_| function(Function::Exp)),
    form("log", &[&LEAST], |values| function(Function::Log { least: values.parameters[0]? })),
    form("sqrt", &[], |_| function(Function::Sqrt)),
    form("power", &[&EXPONENT], |values| function(Function::Power { exponent: values.parameters[0]? })),
    form("abs", &[], |_| function(Function::Abs)),
    form("sign", &[&MAGNITUDE], |values| function(Function::Sign { value: values.parameters[0]? })),
    form("signum", &[], |_| function(Function::Signum)),
    form("neg", &[], |_| function(Function::Neg)),
    form("min", &[&VALUE], |values| function(Function::Min { value: values.parameters[0]? })),
    form("max", &[&VALUE], |values| function(Function::Max { value: values.parameters[0]? })),
];

/// The number of functions.
pub(in crate::graph::op) const COUNT: usize = 24;

/// A clip from 0 to 6.
const RELU6: Form = form("relu6", &[], |_| function(Function::Clip { min: Number::ZERO, max: Number::SIX }));

static SIXTH: Parameter = Parameter { key: "slope", default: Some(Number::SIXTH.get()), ..ABOVE_ZERO };
static HALF: Parameter = Parameter { key: "offset", default: Some(Number::HALF.get()), ..ANY };
static SLOPE: Parameter = Parameter {
    key: "slope",
    default: Some(0.01),
    range: "a number of 0 to 1",
    accepts: |slope| (0.0..=1.0).contains(&slope),
};
static ALPHA: Parameter = Parameter { key: "alpha", default: Some(1.0), ..ABOVE_ZERO };
static MIN: Parameter = Parameter { key: "min", ..ANY };
static MAX: Parameter = Parameter { key: "max", ..ANY };
/// The smallest step of numbers up to 1 at 8 bits.
static LEAST: Parameter = Parameter { key: "least", default: Some(1.0 / 256.0), ..ABOVE_ZERO };
static EXPONENT: Parameter = Parameter { key: "exponent", default: Some(2.0), ..ABOVE_ZERO };
static MAGNITUDE: Parameter = Parameter { key: "value", default: Some(1.0), ..ABOVE_ZERO };
static VALUE: Parameter = Parameter { key: "value", ..ANY };

const ANY: Parameter = Parameter {
    key: "",
    default: None,
    range: "a number of -1,000,000 to 1,000,000",
    accepts: |number| number.abs() <= 1e6,
};
const ABOVE_ZERO: Parameter = Parameter {
    range: "a number of 0.000001 to 1,000,000",
    accepts: |number| (1e-6..=1e6).contains(&number),
    ..ANY
};

const fn form(
    name: &'static str,
    parameters: &'static [&'static Parameter],
    read: fn(&Values) -> Option<OpSpec>,
) -> Form {
    Form {
        name,
        required: &[],
        optional: &[],
        parameters,
        read,
        arity: Arity::One,
        reads_image: Err("put a conv or depthwise layer before it"),
        reads_any_shape: false,
        follows: Follows::NOTHING,
        folds: None,
    }
}

fn clip(values: &Values) -> Option<OpSpec> {
    function(Function::Clip { min: values.parameters[0]?, max: values.parameters[1]? })
}

fn function(function: Function) -> Option<OpSpec> {
    Some(OpSpec::Elementwise(super::Elementwise { function }))
}
