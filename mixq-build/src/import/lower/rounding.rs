//! Roundings, which a float network leaves out: integer networks of other tools (NEMO, QuantLib, Deeploy),
//! QONNX and FINN.
//!
//! What is rounded to the nearest is the number itself without rounding. What is rounded down is half a step
//! less on average.

use super::elementwise::number;
use super::integers::Integers;
use super::taken::AS_NUMBERS;
use super::view::{Scaling, View};
use super::{Call, Lowering, Reader, Refusal, Taken, Value, refuse};
use crate::graph::op::{Elementwise, Function};
use crate::import::model::{Array, Attribute, Node};

pub(super) const OPERATORS: &[(&str, Reader)] = &[
    ("Floor", |lowering, call| rounded(lowering, call, -0.5)),
    ("Ceil", |lowering, call| rounded(lowering, call, 0.5)),
    ("Round", |lowering, call| rounded(lowering, call, 0.0)),
    ("Quant", quant),
    ("BipolarQuant", bipolar),
    ("Trunc", truncated),
    ("MultiThreshold", thresholds),
    ("RequantShift", requantised),
    ("Sign", sign),
];

/// A number that a constant or an attribute gives.
fn given(node: &Node, name: &str) -> Option<f32> {
    match node.attributes.get(name)? {
        Attribute::Int(value) => Some(*value as f32),
        Attribute::Float(value) => Some(*value),
        Attribute::Array(array) => array.scalar(),
        Attribute::Text(_) | Attribute::Ints(_) | Attribute::Floats(_) | Attribute::Other => None,
    }
}

impl Lowering<'_> {
    /// The same factor and summand for all channels.
    fn moved(&mut self, call: &Call, view: &View, factor: f64, summand: f64) -> Result<View, Refusal> {
        if !(factor.is_finite() && summand.is_finite()) {
            return refuse("has scales that are not finite", "check the model");
        }
        self.scaled(call, view, &vec![Scaling { factor, summand }; view.shape.channels])
    }

    /// What a quotient of integers is on average, which is rounded towards 0: before a ReLU that is down.
    pub(super) fn quotient(&mut self, call: &Call, view: &View) -> Result<View, Refusal> {
        self.refuse_rounding()?;
        self.note_rounding();
        self.moved(call, view, 1.0, -0.5)
    }

    /// Roundings by operators of their own say neither bits nor a scale.
    fn refuse_rounding(&self) -> Result<(), Refusal> {
        match self.taken {
            Taken::AsNumbers => Ok(()),
            Taken::AsTheyAre => refuse("rounds without a scale, a zero point and bits", AS_NUMBERS),
        }
    }

    fn note_rounding(&mut self) {
        self.note("roundings are left out: what was rounded down is half a step less");
    }
}

fn rounded(lowering: &mut Lowering, call: &Call, summand: f64) -> Result<Vec<Value>, Refusal> {
    let view = call.tensor(0)?.clone();
    lowering.refuse_rounding()?;
    lowering.note_rounding();
    // Integers are rounded already.
    let summand = if view.integer { 0.0 } else { summand };
    let view = lowering.moved(call, &view, 1.0, summand)?;
    Ok(vec![Value::Tensor(view)])
}

/// The least and the largest integer of `bits` bits.
pub(super) fn limits(bits: f32, signed: bool, narrow: bool) -> Option<[f32; 2]> {
    let whole = (1.0..=32.0).contains(&bits) && bits.fract() == 0.0;
    let count = bits.exp2();
    let narrow = f32::from(u8::from(narrow));
    whole.then(
        || {
            if signed { [-count / 2.0 + narrow, count / 2.0 - 1.0] } else { [0.0, count - 1.0 - narrow] }
        },
    )
}

/// QONNX: quantised and dequantised at once.
fn quant(lowering: &mut Lowering, call: &Call) -> Result<Vec<Value>, Refusal> {
    let view = call.tensor(0)?.clone();
    let flag = |name: &str, default: i64| call.node.attributes.int(name).unwrap_or(default) != 0;
    let [scale, zero, bits] =
        [1, 2, 3].map(|place| call.constant(place).and_then(Array::scalar).filter(|it| it.is_finite()));
    let (Some(scale), Some(zero), Some(bits)) = (scale, zero, bits) else {
        return refuse("has scales that are not one constant number", "mixq has one scale for a tensor");
    };
    let Some(limits) = limits(bits, flag("signed", 1), flag("narrow", 0)).filter(|_| scale > 0.0) else {
        return refuse(format!("has {bits} bits and the scale {scale}"), "check the model");
    };
    // Rounded down, it is half a step less.
    let summand = match call.node.attributes.text("rounding_mode").unwrap_or("ROUND") {
        "FLOOR" => -0.5,
        "CEIL" => 0.5,
        _ => 0.0,
    };
    let view = lowering.moved(call, &view, 1.0, f64::from(scale) * summand)?;
    if lowering.taken == Taken::AsTheyAre {
        let [least, most] = limits.map(|limit| limit as i64);
        let own = Integers { scale: f64::from(scale), zero: zero as i64, least, most };
        return Ok(vec![Value::Tensor(lowering.take(call, &view, own)?)]);
    }
    let range = limits.map(|limit| (limit - zero) * scale);
    lowering.note_quantised();
    Ok(vec![Value::Tensor(lowering.bounded(call, &view, range, bits)?)])
}

/// QONNX: `scale` where a number is at least 0, else its opposite.
fn bipolar(lowering: &mut Lowering, call: &Call) -> Result<Vec<Value>, Refusal> {
    let view = lowering.padded(call.tensor(0)?)?;
    let Some(scale) = call.constant(1).and_then(Array::scalar) else {
        return refuse("has scales that are not one constant number", "mixq has one scale for a tensor");
    };
    Ok(vec![Value::Tensor(lowering.sign(call, &view, scale)?)])
}

/// ONNX has 0 for the sign of 0.
fn sign(lowering: &mut Lowering, call: &Call) -> Result<Vec<Value>, Refusal> {
    let view = lowering.padded(call.tensor(0)?)?;
    let function = Function::Signum;
    let made = lowering.layers.add(call.wish(), Elementwise { function }, &[&view], view.shape)?;
    Ok(vec![Value::Tensor(View { source: made.source, shared: false, ..view })])
}

impl Lowering<'_> {
    fn sign(&mut self, call: &Call, view: &View, value: f32) -> Result<View, Refusal> {
        if value <= 0.0 {
            return refuse(format!("has the scale {value}"), "check the model");
        }
        let function = Function::Sign { value: number(value)? };
        let made = self.layers.add(call.wish(), Elementwise { function }, &[view], view.shape)?;
        Ok(View { source: made.source, shared: false, ..view.clone() })
    }
}

/// QONNX: fewer bits of a quantised tensor, and so a larger step.
fn truncated(lowering: &mut Lowering, call: &Call) -> Result<Vec<Value>, Refusal> {
    let view = call.tensor(0)?.clone();
    let scalar = |place: usize| call.constant(place).and_then(Array::scalar);
    let (Some(scale), Some(before), Some(after)) = (scalar(1), scalar(3), scalar(4)) else {
        return refuse("has scales that are not one constant number", "mixq has one scale for a tensor");
    };
    lowering.refuse_rounding()?;
    lowering.note_rounding();
    let step = f64::from(scale) * f64::from((before - after).exp2());
    let half = match call.node.attributes.text("rounding_mode").unwrap_or("FLOOR") {
        "ROUND" => 0.0,
        _ => -0.5 * step,
    };
    Ok(vec![Value::Tensor(lowering.moved(call, &view, 1.0, half)?)])
}

/// FINN: how many thresholds a number reaches. With thresholds at equal distances that is a quantisation.
fn thresholds(lowering: &mut Lowering, call: &Call) -> Result<Vec<Value>, Refusal> {
    let view = lowering.padded(call.tensor(0)?)?;
    let view = lowering.channels_in_order(&view)?;
    let channels = view.shape.channels;
    let table = call.required(1)?;
    let [rows, count] = table.dims[..] else {
        return refuse(format!("has thresholds of shape {:?}", table.dims), "check the model");
    };
    if (rows != 1 && rows != channels) || count == 0 {
        let what = format!("has thresholds of shape {:?} for {channels} channels", table.dims);
        return refuse(what, "check the model");
    }
    let step = given(call.node, "out_scale").unwrap_or(1.0);
    let least = given(call.node, "out_bias").unwrap_or(0.0);
    let values = table.to_floats();
    let first = |channel: usize| f64::from(values[channel % rows * count]);
    let last = |channel: usize| f64::from(values[channel % rows * count + count - 1]);
    if count == 1 {
        // Two values: the sign of the distance to the threshold.
        let shift = (0..channels).map(|at| Scaling { factor: 1.0, summand: -first(at) }).collect::<Vec<_>>();
        let view = lowering.scaled(call, &view, &shift)?;
        let view = lowering.sign(call, &view, step / 2.0)?;
        let view = lowering.moved(call, &view, 1.0, f64::from(least + step / 2.0))?;
        return Ok(vec![Value::Tensor(view)]);
    }
    let distance = |channel: usize| (last(channel) - first(channel)) / (count - 1) as f64;
    let equal = (0..rows * count).all(|at| {
        let (row, index) = (at / count, at % count);
        let wanted = first(row) + index as f64 * distance(row);
        distance(row) > 0.0 && (f64::from(values[at]) - wanted).abs() <= 1e-3 * distance(row)
    });
    if !equal || step <= 0.0 {
        let help = "keep Quant nodes when you export (before FINN's streamlining), or use equal distances";
        return refuse("has thresholds at unequal distances", help);
    }
    let scaling = |channel: usize| {
        // Between two thresholds the number of those reached is half a step less on average.
        let factor = f64::from(step) / distance(channel);
        Scaling { factor, summand: f64::from(least) + f64::from(step) * 0.5 - first(channel) * factor }
    };
    let scaling: Vec<Scaling> = (0..channels).map(scaling).collect();
    lowering.note_quantised();
    let view = lowering.scaled(call, &view, &scaling)?;
    if lowering.taken == Taken::AsTheyAre {
        let zero = f64::from(-least / step);
        if zero.fract() != 0.0 {
            return refuse(format!("has no threshold at 0: the least number is {least}"), AS_NUMBERS);
        }
        let own = Integers { scale: f64::from(step), zero: zero as i64, least: 0, most: count as i64 };
        return Ok(vec![Value::Tensor(lowering.take(call, &view, own)?)]);
    }
    let most = least + step * count as f32;
    Ok(vec![Value::Tensor(lowering.bounded(call, &view, [least, most], 1.0)?)])
}

/// Deeploy: `(x * factor + summand) / divisor`, rounded to the nearest, within the range of its type.
fn requantised(lowering: &mut Lowering, call: &Call) -> Result<Vec<Value>, Refusal> {
    let view = lowering.padded(call.tensor(0)?)?;
    let (factor, summand) = (call.required(1)?, call.required(2)?);
    let divisor = given(call.node, "div").filter(|divisor| *divisor > 0.0);
    let levels = given(call.node, "n_levels_out").or_else(|| given(call.node, "n_levels"));
    let (Some(divisor), Some(levels)) = (divisor, levels.filter(|levels| *levels > 1.0)) else {
        return refuse("has no `div` or `n_levels_out`", "check the model");
    };
    let by_channel = |array: &Array| super::elementwise::by_channel(&view, array);
    let (factors, summands) = (by_channel(factor)?, by_channel(summand)?);
    let scaling = |(factor, summand): (f32, f32)| Scaling {
        factor: f64::from(factor) / f64::from(divisor),
        summand: f64::from(summand) / f64::from(divisor),
    };
    let scaling: Vec<Scaling> = factors.into_iter().zip(summands).map(scaling).collect();
    if scaling.iter().any(|it| !(it.factor.is_finite() && it.summand.is_finite())) {
        return refuse("has factors that are not finite", "check the model");
    }
    lowering.note_quantised();
    let view = lowering.scaled(call, &view, &scaling)?;
    let least = if given(call.node, "signed").unwrap_or(0.0) != 0.0 { -(levels / 2.0).floor() } else { 0.0 };
    let range = [least, least + levels - 1.0];
    if lowering.taken == Taken::AsTheyAre {
        let [least, most] = range.map(|limit| limit as i64);
        let own = Integers { scale: 1.0, zero: 0, least, most };
        return Ok(vec![Value::Tensor(lowering.take(call, &view, own)?)]);
    }
    Ok(vec![Value::Tensor(lowering.bounded(call, &view, range, levels.log2())?)])
}
