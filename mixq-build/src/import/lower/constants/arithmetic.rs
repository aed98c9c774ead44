//! Arithmetic of constants, element by element.

use super::fits;
use crate::import::model::{Array, Element, Values, broadcast};

pub(super) fn cast(array: &Array, to: i64) -> Array {
    let values = match (to, &array.values) {
        (1 | 10 | 11 | 16, _) => Values::Floats(array.to_floats()),
        (9, values) => Values::Ints(match values {
            Values::Ints(values) => values.iter().map(|value| i64::from(*value != 0)).collect(),
            Values::Floats(values) => values.iter().map(|value| i64::from(*value != 0.0)).collect(),
        }),
        (_, Values::Floats(values)) => Values::Ints(values.iter().map(|value| *value as i64).collect()),
        (_, Values::Ints(values)) => Values::Ints(values.clone()),
    };
    let element = if let Values::Floats(_) = values { Element::Float } else { Element::Signed(64) };
    Array { dims: array.dims.clone(), values, element }
}

pub(super) fn binary(operator: &str, a: &Array, b: &Array) -> Option<Array> {
    let dims = broadcast(&a.dims, &b.dims).filter(|dims| fits(dims))?;
    let (a, b) = (a.expanded(&dims)?, b.expanded(&dims)?);
    if let (Some(left), Some(right)) = (a.ints(), b.ints()) {
        let compute = |(a, b): (&i64, &i64)| match operator {
            "Add" => Some(a.wrapping_add(*b)),
            "Sub" => Some(a.wrapping_sub(*b)),
            "Mul" => Some(a.wrapping_mul(*b)),
            "Div" => a.checked_div(*b),
            "Pow" => a.checked_pow(u32::try_from(*b).ok()?),
            "Min" => Some(*a.min(b)),
            "Max" => Some(*a.max(b)),
            "Less" => Some(i64::from(a < b)),
            "LessOrEqual" => Some(i64::from(a <= b)),
            "Greater" => Some(i64::from(a > b)),
            "GreaterOrEqual" => Some(i64::from(a >= b)),
            "And" => Some(i64::from(*a != 0 && *b != 0)),
            "Or" => Some(i64::from(*a != 0 || *b != 0)),
            // Its sign is that of the divisor.
            "Mod" => a
                .checked_rem(*b)
                .map(|rest| if rest != 0 && (rest < 0) != (*b < 0) { rest + b } else { rest }),
            _ => Some(i64::from(a == b)),
        };
        let values: Option<Vec<i64>> = left.iter().zip(right).map(compute).collect();
        return Some(Array { dims, values: Values::Ints(values?), element: a.element });
    }
    let (left, right) = (a.to_floats(), b.to_floats());
    let compute = |(a, b): (f32, f32)| match operator {
        "Add" => a + b,
        "Sub" => a - b,
        "Mul" => a * b,
        "Div" => a / b,
        "Pow" => a.powf(b),
        "Min" => a.min(b),
        "Max" => a.max(b),
        "Mod" => a % b,
        "Less" => f32::from(u8::from(a < b)),
        "LessOrEqual" => f32::from(u8::from(a <= b)),
        "Greater" => f32::from(u8::from(a > b)),
        "GreaterOrEqual" => f32::from(u8::from(a >= b)),
        _ => f32::from(u8::from(a == b)),
    };
    Some(Array::floats(dims, left.into_iter().zip(right).map(compute).collect()))
}

pub(super) fn choose(condition: &Array, a: &Array, b: &Array) -> Option<Array> {
    let dims = broadcast(&broadcast(&a.dims, &b.dims)?, &condition.dims).filter(|dims| fits(dims))?;
    let (condition, a, b) = (condition.expanded(&dims)?, a.expanded(&dims)?, b.expanded(&dims)?);
    let chosen = condition.ints()?.iter().map(|value| *value != 0);
    Some(match (a.ints(), b.ints()) {
        (Some(left), Some(right)) => {
            let values =
                chosen.zip(left.iter().zip(right)).map(|(first, (a, b))| if first { *a } else { *b });
            Array { dims, values: Values::Ints(values.collect()), element: a.element }
        }
        _ => {
            let pairs = a.to_floats().into_iter().zip(b.to_floats());
            Array::floats(dims, chosen.zip(pairs).map(|(first, (a, b))| if first { a } else { b }).collect())
        }
    })
}

pub(super) fn unary(operator: &str, array: &Array) -> Option<Array> {
    if let (Some(values), "Floor" | "Ceil" | "Round" | "Neg" | "Abs" | "Relu" | "Not") =
        (array.ints(), operator)
    {
        let compute = |value: &i64| match operator {
            "Neg" => value.wrapping_neg(),
            "Abs" => value.wrapping_abs(),
            "Relu" => (*value).max(0),
            "Not" => i64::from(*value == 0),
            _ => *value,
        };
        return Some(Array { values: Values::Ints(values.iter().map(compute).collect()), ..array.clone() });
    }
    let compute = |value: f32| match operator {
        "Floor" => value.floor(),
        "Ceil" => value.ceil(),
        "Round" => value.round_ties_even(),
        "Sqrt" => value.sqrt(),
        "Neg" => -value,
        "Exp" => value.exp(),
        "Log" => value.ln(),
        "Abs" => value.abs(),
        "Reciprocal" => 1.0 / value,
        "Sigmoid" => 1.0 / (1.0 + (-value).exp()),
        "Sign" => {
            if value == 0.0 {
                0.0
            } else {
                value.signum()
            }
        }
        _ => value.max(0.0),
    };
    Some(Array::floats(array.dims.clone(), array.to_floats().into_iter().map(compute).collect()))
}
