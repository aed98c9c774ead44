//! Sums, differences, products and quotients.

use super::elementwise::{by_channel, number};
use super::unknown::norm_in_pieces;
use super::view::{Scaling, View};
use super::{Call, Lowering, Reader, Refusal, Value, refuse};
use crate::graph::op::{Add, Affine, Function, Multiply, OpSpec, Subtract};
use crate::graph::{Activation, Shape};
use crate::import::model::{Array, Node, broadcast};

pub(super) const OPERATORS: &[(&str, Reader)] = &[
    ("Add", join),
    ("Sum", join),
    ("Sub", join),
    ("Mul", join),
    ("Div", join),
    ("Mean", mean),
    ("Pow", power),
    ("Max", bound),
    ("Min", bound),
];

fn join(lowering: &mut Lowering, call: &Call) -> Result<Vec<Value>, Refusal> {
    let operator = call.node.operator.as_str();
    let count = call.inputs.len();
    if count == 0 {
        return refuse("reads nothing", "check the model");
    }
    let mut joined = call.inputs[0].clone();
    for place in 1..count {
        let (left, right) = (joined, call.inputs[place].clone());
        let view = match (&left, &right) {
            (Some(Value::Tensor(a)), Some(Value::Tensor(b))) => lowering
                .two(call, operator, a, b)
                .map_err(|refusal| norm_in_pieces(lowering.model, call.node).unwrap_or(refusal))?,
            (Some(Value::Tensor(view)), Some(Value::Constant(array))) => {
                lowering.with_constant(call, operator, view, array, false)?
            }
            (Some(Value::Constant(array)), Some(Value::Tensor(view))) => {
                lowering.with_constant(call, operator, view, array, true)?
            }
            _ => return refuse("reads two constants", "check the model"),
        };
        joined = Some(Value::Tensor(view));
    }
    Ok(joined.into_iter().collect())
}

/// The mean of several tensors.
fn mean(lowering: &mut Lowering, call: &Call) -> Result<Vec<Value>, Refusal> {
    let factor = 1.0 / call.inputs.len().max(1) as f64;
    let sum = Node { operator: "Sum".to_string(), ..call.node.clone() };
    let sums = join(lowering, &Call { node: &sum, ..*call })?;
    let scaled = sums.into_iter().map(|value| match value {
        Value::Tensor(view) => {
            let scaling = vec![Scaling { factor, summand: 0.0 }; view.shape.channels];
            Ok(Value::Tensor(lowering.scaled(call, &view, &scaling)?))
        }
        other => Ok(other),
    });
    scaled.collect()
}

/// A power with a constant exponent.
fn power(lowering: &mut Lowering, call: &Call) -> Result<Vec<Value>, Refusal> {
    let exponent = call.constant(1).and_then(Array::scalar);
    let Some(exponent) = exponent.filter(|exponent| *exponent > 0.0) else {
        return refuse(
            "has no constant exponent over 0",
            "mixq has powers with one constant exponent over 0",
        );
    };
    let view = lowering.padded(call.tensor(0)?)?;
    if exponent == 1.0 {
        return Ok(vec![Value::Tensor(view)]);
    }
    if call.ends {
        return refuse("is a function behind the last layer", "put a layer behind it");
    }
    let function =
        if exponent == 0.5 { Function::Sqrt } else { Function::Power { exponent: number(exponent)? } };
    Ok(vec![Value::Tensor(lowering.function(call, &view, function)?)])
}

/// The larger or the smaller of tensors and constants.
fn bound(lowering: &mut Lowering, call: &Call) -> Result<Vec<Value>, Refusal> {
    let max = call.node.operator == "Max";
    let mut bounded: Option<View> = None;
    for value in call.inputs {
        let Some(Value::Tensor(view)) = value else { continue };
        let view = lowering.padded(view)?;
        bounded = Some(match bounded {
            None => view,
            Some(_) if call.ends => {
                return refuse("compares tensors behind the last layer", "put a layer behind it");
            }
            Some(before) => lowering.larger(call, max, &before, &view)?,
        });
    }
    let Some(mut view) = bounded else { return refuse("reads no tensor", "check the model") };
    for place in 0..call.inputs.len() {
        let Some(array) = call.constant(place) else { continue };
        if call.ends {
            return refuse("is a function behind the last layer", "put a layer behind it");
        }
        view = match array.scalar() {
            Some(constant) => {
                let value = number(constant)?;
                let function = if max { Function::Max { value } } else { Function::Min { value } };
                lowering.function(call, &view, function)?
            }
            None => {
                let bounds = by_channel(&view, array)?;
                lowering.bounded_by_channel(call, max, &view, &bounds)?
            }
        };
    }
    Ok(vec![Value::Tensor(view)])
}

impl Lowering<'_> {
    /// The larger or the smaller of two tensors: one of them, and what the other has more or less.
    fn larger(&mut self, call: &Call, max: bool, a: &View, b: &View) -> Result<View, Refusal> {
        let [a, b] = [a, b].map(|view| View { shared: true, ..view.clone() });
        let difference = self.two(call, "Sub", &a, &b)?;
        let over = self.function(call, &difference, Function::Max { value: number(0.0)? })?;
        if max { self.two(call, "Add", &over, &b) } else { self.two(call, "Sub", &a, &over) }
    }

    /// The larger or the smaller of a tensor and a constant for each channel: a ReLU between two summands.
    fn bounded_by_channel(
        &mut self,
        call: &Call,
        max: bool,
        view: &View,
        bounds: &[f32],
    ) -> Result<View, Refusal> {
        let sign = if max { 1.0 } else { -1.0 };
        let scaling = |by: f64| -> Vec<Scaling> {
            bounds.iter().map(|bound| Scaling { factor: sign, summand: by * f64::from(*bound) }).collect()
        };
        let shifted = self.scaled(call, view, &scaling(-sign))?;
        let over = self.function(call, &shifted, Function::Max { value: number(0.0)? })?;
        self.scaled(call, &over, &scaling(1.0))
    }

    /// A tensor and a constant; `first` if the constant is the first operand.
    fn with_constant(
        &mut self,
        call: &Call,
        operator: &str,
        view: &View,
        array: &Array,
        first: bool,
    ) -> Result<View, Refusal> {
        // More dimensions than the tensor has, all of size 1, are those of the tensor from now on.
        let more = array.dims.len().saturating_sub(view.dims.len());
        if array.dims[..more].iter().any(|size| *size != 1) {
            let what = format!("joins a tensor {:?} with a constant {:?}", view.sizes(), array.dims);
            return refuse(what, "both need one shape, or sizes of 1");
        }
        let dims = std::iter::repeat_n(Vec::new(), more).chain(view.dims.iter().cloned()).collect();
        let view = View { dims, ..view.clone() };
        let values: Vec<f64> = by_channel(&view, array)?.into_iter().map(f64::from).collect();
        let scaling = |value: f64| match (operator, first) {
            ("Add" | "Sum", _) => Some(Scaling { factor: 1.0, summand: value }),
            ("Sub", false) => Some(Scaling { factor: 1.0, summand: -value }),
            ("Sub", true) => Some(Scaling { factor: -1.0, summand: value }),
            ("Mul", _) => Some(Scaling { factor: value, summand: 0.0 }),
            ("Div", false) => Some(Scaling { factor: 1.0 / value, summand: 0.0 }),
            _ => None,
        };
        let Some(scaling) = values.into_iter().map(scaling).collect::<Option<Vec<_>>>() else {
            return refuse("divides a constant by a tensor", "mixq has no such function");
        };
        if scaling.iter().any(|it| !(it.factor.is_finite() && it.summand.is_finite())) {
            return refuse("joins with constants that are not finite", "check the model's weights");
        }
        let scaled = self.scaled(call, &view, &scaling)?;
        // Integers times whole numbers, and what is added to them, stay integers.
        if operator == "Div" && view.integer { self.quotient(call, &scaled) } else { Ok(scaled) }
    }

    /// What a view shows, with a factor and a summand for each channel: in the weights of the layer before
    /// where that is possible, else by a layer.
    pub(super) fn scaled(&mut self, call: &Call, view: &View, scaling: &[Scaling]) -> Result<View, Refusal> {
        if scaling.iter().all(|it| *it == Scaling { factor: 1.0, summand: 0.0 }) {
            return Ok(view.clone());
        }
        // Pixels have scales over 0, and what surrounds an image is 0 when a layer reads it.
        let moves_padding = view.pad != [0; 4] && scaling.iter().any(|own| own.summand != 0.0);
        if view.is_input() && scaling.iter().all(|own| own.factor > 0.0) && !moves_padding {
            let before = |channel: usize| {
                view.scaling.get(channel).copied().unwrap_or(Scaling { factor: 1.0, summand: 0.0 })
            };
            let after = |(channel, own): (usize, &Scaling)| {
                let before = before(channel);
                Scaling {
                    factor: before.factor * own.factor,
                    summand: before.summand * own.factor + own.summand,
                }
            };
            let scaling = scaling.iter().enumerate().map(after).collect();
            return Ok(View { scaling, ..view.clone() });
        }
        let view = self.padded(view)?;
        if self.takes_scaling(&view) {
            self.take_scaling(&view, scaling);
            return Ok(view);
        }
        let channels = scaling.len();
        let made = self.layers.add(call.wish(), Affine, &[&view], view.shape)?;
        let list = |of: fn(&Scaling) -> f64| scaling.iter().map(|it| of(it) as f32).collect();
        self.layers.give(&made, "weight", vec![channels], list(|it| it.factor));
        self.layers.give(&made, "bias", vec![channels], list(|it| it.summand));
        Ok(View { source: made.source, shared: false, scaling: Vec::new(), ..view })
    }

    /// Whether the layer that writes a view has weights for its channels, and nothing behind them.
    pub(super) fn takes_scaling(&mut self, view: &View) -> bool {
        // What is rounded already stays as it is.
        if view.shared || self.layers.is_taken(view) {
            return false;
        }
        self.layers.layer(view).is_some_and(|layer| {
            let weighted = matches!(
                layer.op,
                OpSpec::Conv(_)
                    | OpSpec::Depthwise(_)
                    | OpSpec::Pointwise(_)
                    | OpSpec::GroupedConv(_)
                    | OpSpec::TransposedConv(_)
                    | OpSpec::Linear(_)
                    | OpSpec::Affine(_)
            );
            weighted && matches!(layer.activation, None | Some(Activation::None))
        })
    }

    fn take_scaling(&mut self, view: &View, scaling: &[Scaling]) {
        let channels = scaling.len();
        let (normed, transposed) = match self.layers.layer(view) {
            Some(layer) => (layer.norm == Some(true), matches!(layer.op, OpSpec::TransposedConv(_))),
            None => return,
        };
        let (factors, summands) = if normed { ("norm.weight", "norm.bias") } else { ("weight", "bias") };
        if let Some(tensor) = self.layers.tensor(view, factors) {
            // Output channels are the first axis; of a transposed convolution the second one.
            let outer = if transposed && !normed { tensor.shape[0] } else { 1 };
            let each = tensor.values.len() / (channels * outer).max(1);
            for (index, value) in tensor.values.iter_mut().enumerate() {
                *value = (f64::from(*value) * scaling[index / each.max(1) % channels].factor) as f32;
            }
        }
        if !normed {
            let factors: Vec<f64> = scaling.iter().map(|own| own.factor).collect();
            self.layers.scale_integers(view, &factors);
        }
        match self.layers.tensor(view, summands) {
            Some(tensor) => {
                for (value, own) in tensor.values.iter_mut().zip(scaling) {
                    *value = (f64::from(*value) * own.factor + own.summand) as f32;
                }
            }
            None => {
                let values = scaling.iter().map(|own| own.summand as f32).collect();
                self.layers.give(view, summands, vec![channels], values);
            }
        }
    }

    /// An input with two normalisations, joined with itself: one normalisation.
    fn input_twice(&mut self, call: &Call, operator: &str, a: &View, b: &View) -> Result<View, Refusal> {
        let sign = match operator {
            "Add" | "Sum" => 1.0,
            "Sub" => -1.0,
            _ => return refuse("multiplies a tensor with itself", "mixq multiplies numbers of one order"),
        };
        let at = |view: &View, channel: usize| {
            view.scaling.get(channel).copied().unwrap_or(Scaling { factor: 1.0, summand: 0.0 })
        };
        let both = |channel: usize| {
            let (a, b) = (at(a, channel), at(b, channel));
            Scaling { factor: a.factor + sign * b.factor, summand: a.summand + sign * b.summand }
        };
        let scaling: Vec<Scaling> = (0..a.shape.channels).map(both).collect();
        self.scaled(call, &View { scaling: Vec::new(), ..a.clone() }, &scaling)
    }

    /// Two tensors.
    fn two(&mut self, call: &Call, operator: &str, a: &View, b: &View) -> Result<View, Refusal> {
        let (mut a, mut b) = (self.padded(a)?, self.padded(b)?);
        let rank = a.dims.len().max(b.dims.len());
        for view in [&mut a, &mut b] {
            let more = std::iter::repeat_n(Vec::new(), rank - view.dims.len());
            view.dims = more.chain(view.dims.drain(..)).collect();
        }
        let op: OpSpec = match operator {
            "Add" | "Sum" => Add.into(),
            "Sub" => Subtract.into(),
            "Mul" => Multiply.into(),
            _ => return refuse("divides two tensors that are computed", "mixq has no quotients"),
        };
        if a.shape != b.shape || a.dims != b.dims {
            (a, b) = (self.channels_in_order(&a)?, self.channels_in_order(&b)?);
        }
        let pixel = |view: &View| (view.shape.height, view.shape.width) == (1, 1);
        let shown = (a.sizes(), b.sizes());
        let fits = broadcast(&shown.0, &shown.1).is_some();
        let alike = |large: &View, small: &View| {
            let channels = large.all_channels();
            small.shape.channels == large.shape.channels
                && pixel(small)
                && (channels == small.all_channels() || large.shape.channels == 1)
        };
        let same = a.shape == b.shape && a.dims == b.dims;
        let shape: Shape = if same || fits && operator == "Mul" && alike(&a, &b) {
            a.shape
        } else if fits && operator == "Mul" && alike(&b, &a) {
            std::mem::swap(&mut a, &mut b);
            a.shape
        } else {
            let what =
                format!("joins tensors {:?} and {:?}, whose numbers do not lie alike", shown.0, shown.1);
            return refuse(what, "both need one shape; a product may have one number for each channel");
        };
        if a.source == b.source && a.scaling != b.scaling {
            return self.input_twice(call, operator, &a, &b);
        }
        if a.source == b.source {
            let factor = match operator {
                "Add" | "Sum" => 2.0,
                "Sub" => 0.0,
                "Mul" if a.dims == b.dims => {
                    return self.function(call, &a, Function::Power { exponent: number(2.0)? });
                }
                _ => {
                    return refuse("multiplies a tensor with itself", "mixq multiplies numbers of one order");
                }
            };
            let shared = View { shared: true, ..a };
            return self.scaled(call, &shared, &vec![Scaling { factor, summand: 0.0 }; shape.channels]);
        }
        let made = self.layers.add(call.wish(), op, &[&a, &b], shape)?;
        Ok(View { source: made.source, shape, shared: false, ..a })
    }
}
