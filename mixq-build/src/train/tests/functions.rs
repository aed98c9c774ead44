//! Functions of elements: libtorch's values and derivatives, and the answers of the device.

use mixq_format::Bits;
use tch::{Kind, Tensor};

use super::both_answers;
use crate::graph::op::{Function, Number};
use crate::settings::Rounding;
use crate::train::elementwise::apply;

fn number(value: f64) -> Number {
    Number::new(value).unwrap()
}

/// Each function, with parameters that are not the defaults.
fn functions() -> [Function; 24] {
    [
        Function::Sigmoid,
        Function::Tanh,
        Function::HardSigmoid { slope: number(0.2), offset: number(0.4) },
        Function::HardSwish,
        Function::Silu,
        Function::Gelu,
        Function::GeluTanh,
        Function::Softplus,
        Function::Mish,
        Function::LeakyRelu { slope: number(0.1) },
        Function::Elu { alpha: number(1.5) },
        Function::Selu,
        Function::Clip { min: number(-0.75), max: number(1.5) },
        Function::Exp,
        Function::Log { least: number(0.125) },
        Function::Sqrt,
        Function::Power { exponent: number(3.0) },
        Function::Power { exponent: number(1.5) },
        Function::Abs,
        Function::Sign { value: number(0.5) },
        Function::Signum,
        Function::Neg,
        Function::Min { value: number(0.5) },
        Function::Max { value: number(-0.5) },
    ]
}

/// Of both signs, small and large, and 0.
fn points() -> Vec<f64> {
    (-400..=400).map(|step| f64::from(step) / 40.0).chain([-60.0, 60.0]).collect()
}

#[test]
fn tables_are_made_from_what_libtorch_computes() {
    for function in functions() {
        let points = points();
        let found = Vec::<f64>::try_from(apply(function, &Tensor::from_slice(&points))).unwrap();
        for (x, found) in points.iter().zip(found) {
            let expected = function.value(*x);
            let size = expected.abs().max(1e-3);
            assert!((found - expected).abs() <= 1e-9 * size, "{function:?} at {x}: {found}, {expected}");
            assert!(!function.starts_at_zero() || expected >= 0.0, "{function:?} at {x}: {expected}");
        }
    }
}

#[test]
fn no_value_and_no_derivative_is_nan() {
    for function in functions() {
        let x = Tensor::from_slice(&points()).to_kind(Kind::Float).set_requires_grad(true);
        let y = apply(function, &x);
        let derivative = Tensor::run_backward(&[y.sum(Kind::Float)], &[&x], false, false).remove(0);
        for tensor in [&y, &derivative] {
            assert_eq!(tensor.isnan().any().int64_value(&[]), 0, "{function:?}");
        }
        assert!(derivative.abs().sum(Kind::Float).double_value(&[]) > 1.0, "{function:?}: it learns");
    }
    for x in [-1e300, -1e9, 0.0, 1e9, 1e300] {
        assert!(functions().iter().all(|function| !function.value(x).is_nan()), "{x}");
    }
}

/// As activations, and as a layer of their own behind a pool.
#[test]
fn functions_give_the_answers_of_the_device() {
    let (mut differing, mut answers) = (0, 0);
    let activations = [
        "\"sigmoid\"",
        "\"tanh\"",
        "\"hard_sigmoid\"",
        "\"hard_swish\"",
        "\"silu\"",
        "\"gelu\"",
        "\"selu\"",
        "{ leaky_relu = 0.1 }",
        "{ elu = 1.5 }",
        "{ clip = [-1, 1.5] }",
        "\"relu6\"",
        "{ clip = [0, 0.5] }",
        "\"abs\"",
        "\"neg\"",
        "{ min = 0.5 }",
        "{ max = -0.5 }",
        "\"sqrt\"",
        "{ log = 0.05 }",
        "\"exp\"",
    ];
    for (index, last) in activations.into_iter().enumerate() {
        // Exponentials of exponentials are more than floats hold.
        let first = if last == "\"exp\"" { "\"sigmoid\"" } else { last };
        let network = format!(
            r#"
            input = [6, 5, 2]
            layer = [
                {{ op = "conv", name = "a", filters = 6, kernel = 3, activation = {first} }},
                {{ op = "depthwise", kernel = 3, activation = {first} }},
                {{ op = "add", inputs = ["a", "depthwise1"], activation = {last} }},
                {{ op = "average_pool", kernel = 2 }},
                {{ op = "tanh" }},
                {{ op = "linear", features = 3 }},
            ]
            "#
        );
        for bits in Bits::QUANTISED {
            let seed = index + bits.count();
            let rounding = if seed % 2 == 0 { Rounding::Nearest } else { Rounding::Floor };
            let [expected, found] = both_answers(&network, bits, rounding, seed as u64);
            let here = expected.iter().zip(&found).filter(|(a, b)| a != b).count();
            assert!(here <= 2, "{last} at {bits:?}, {rounding:?}: {here} of {} differ", expected.len());
            (differing, answers) = (differing + here, answers + expected.len());
        }
    }
    // By the rounding of libtorch's sums.
    assert!(differing * 1000 <= answers, "{differing} of {answers} answers differ");
}
