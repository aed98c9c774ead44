//! Functions of each element.

use super::view::View;
use super::{Call, Lowering, Reader, Refusal, Value, refuse};
use crate::graph::Activation;
use crate::graph::op::{Elementwise, Function, Number, Prelu};
use crate::import::model::Array;

pub(super) const OPERATORS: &[(&str, Reader)] = &[
    ("Relu", |lowering, call| apply(lowering, call, Function::Max { value: number(0.0)? })),
    ("Sigmoid", |lowering, call| apply(lowering, call, Function::Sigmoid)),
    ("Tanh", |lowering, call| apply(lowering, call, Function::Tanh)),
    ("HardSwish", |lowering, call| apply(lowering, call, Function::HardSwish)),
    ("Swish", |lowering, call| apply(lowering, call, Function::Silu)),
    ("Gelu", |lowering, call| apply(lowering, call, Function::Gelu)),
    ("Selu", |lowering, call| apply(lowering, call, Function::Selu)),
    ("Exp", |lowering, call| apply(lowering, call, Function::Exp)),
    ("Sqrt", |lowering, call| apply(lowering, call, Function::Sqrt)),
    ("Abs", |lowering, call| apply(lowering, call, Function::Abs)),
    ("Neg", |lowering, call| apply(lowering, call, Function::Neg)),
    ("HardSigmoid", hard_sigmoid),
    ("LeakyRelu", |lowering, call| {
        let slope = parameter(call, "alpha", 0.01)?;
        apply(lowering, call, Function::LeakyRelu { slope })
    }),
    ("Elu", |lowering, call| {
        let alpha = parameter(call, "alpha", 1.0)?;
        apply(lowering, call, Function::Elu { alpha })
    }),
    ("Log", |lowering, call| {
        let least = number(1.0 / 256.0)?;
        apply(lowering, call, Function::Log { least })
    }),
    ("Clip", clip),
    ("PRelu", prelu),
];

/// A parameter of a function.
pub(super) fn number(value: f32) -> Result<Number, Refusal> {
    let number = Number::new(f64::from(value));
    number.map_or_else(|| refuse(format!("has the parameter {value}"), "parameters are finite"), Ok)
}

fn parameter(call: &Call, name: &str, default: f32) -> Result<Number, Refusal> {
    number(call.node.attributes.float(name).unwrap_or(default))
}

fn apply(lowering: &mut Lowering, call: &Call, function: Function) -> Result<Vec<Value>, Refusal> {
    let view = lowering.padded(call.tensor(0)?)?;
    Ok(vec![Value::Tensor(lowering.function(call, &view, function)?)])
}

impl Lowering<'_> {
    /// A function of what a view shows: as a part of the layer before where that costs nothing, else as a
    /// layer.
    pub(super) fn function(&mut self, call: &Call, view: &View, function: Function) -> Result<View, Refusal> {
        let wanted = match function {
            Function::Max { value } if value.get() == 0.0 => Some(Activation::Relu),
            Function::Clip { .. } => match Activation::of(function) {
                activation @ Activation::ReluUpTo(_) => Some(activation),
                _ => None,
            },
            _ => None,
        };
        if let (Some(wanted), false) = (wanted, view.shared)
            && let Some(layer) = self.layers.layer(view)
            && layer.op.form().follows.activation
        {
            match (layer.activation, wanted) {
                (Some(Activation::None), _) | (Some(Activation::Relu), Activation::ReluUpTo(_)) => {
                    layer.activation = Some(wanted);
                    return Ok(view.clone());
                }
                (Some(Activation::Relu | Activation::ReluUpTo(_)), Activation::Relu) => {
                    return Ok(view.clone());
                }
                (Some(Activation::ReluUpTo(own)), Activation::ReluUpTo(bound)) => {
                    let least = if own.get() < bound.get() { own } else { bound };
                    layer.activation = Some(Activation::ReluUpTo(least));
                    return Ok(view.clone());
                }
                _ => {}
            }
        }
        let made = self.layers.add(call.wish(), Elementwise { function }, &[view], view.shape)?;
        Ok(View { source: made.source, shared: false, ..view.clone() })
    }
}

fn hard_sigmoid(lowering: &mut Lowering, call: &Call) -> Result<Vec<Value>, Refusal> {
    let (slope, offset) = (parameter(call, "alpha", 0.2)?, parameter(call, "beta", 0.5)?);
    apply(lowering, call, Function::HardSigmoid { slope, offset })
}

/// Bounds are attributes up to version 6, inputs since 11; either may be left out.
fn clip(lowering: &mut Lowering, call: &Call) -> Result<Vec<Value>, Refusal> {
    let bound = |place: usize, name: &str| -> Result<Option<f32>, Refusal> {
        match call.inputs.get(place) {
            Some(Some(_)) => {
                let bound = call.required(place)?.scalar();
                bound.map_or_else(|| refuse("has bounds for each element", "mixq has one"), |it| Ok(Some(it)))
            }
            _ => Ok(call.node.attributes.float(name)),
        }
    };
    // Exporters write the largest float where there is no bound.
    let real = |bound: Option<f32>| bound.filter(|bound| bound.abs() < f32::MAX);
    let view = lowering.padded(call.tensor(0)?)?;
    let function = match (real(bound(1, "min")?), real(bound(2, "max")?)) {
        (None, None) => return Ok(vec![Value::Tensor(view)]),
        (Some(min), None) => Function::Max { value: number(min)? },
        (None, Some(max)) => Function::Min { value: number(max)? },
        (Some(min), Some(max)) if min < max => Function::Clip { min: number(min)?, max: number(max)? },
        (Some(min), Some(max)) => return refuse(format!("clips from {min} to {max}"), "check the model"),
    };
    Ok(vec![Value::Tensor(lowering.function(call, &view, function)?)])
}

/// A slope for each channel, or one for all.
fn prelu(lowering: &mut Lowering, call: &Call) -> Result<Vec<Value>, Refusal> {
    let view = lowering.padded(call.tensor(0)?)?;
    let view = lowering.channels_in_order(&view)?;
    let slopes = by_channel(&view, call.required(1)?)?;
    let made = lowering.layers.add(call.wish(), Prelu, &[&view], view.shape)?;
    lowering.layers.give(&made, "weight", vec![slopes.len()], slopes);
    Ok(vec![Value::Tensor(View { source: made.source, shared: false, ..view })])
}

/// A constant that is joined with a view, as one number for each channel.
pub(super) fn by_channel(view: &View, array: &Array) -> Result<Vec<f32>, Refusal> {
    let channels = view.shape.channels;
    if let Some(value) = array.scalar() {
        return Ok(vec![value; channels]);
    }
    let rank = view.dims.len();
    let sizes = view.sizes();
    let added = rank.checked_sub(array.dims.len());
    let fits =
        |(at, size): (usize, &usize)| added.is_some_and(|added| *size == 1 || *size == sizes[at + added]);
    if !array.dims.iter().enumerate().all(fits) {
        let what = format!("joins a tensor {sizes:?} with a constant {:?}", array.dims);
        return refuse(what, "both need one shape, or sizes of 1");
    }
    // Dimensions in which the constant differs, as a view of their own.
    let parts: Vec<_> = (0..array.dims.len())
        .filter(|at| array.dims[*at] > 1)
        .flat_map(|at| view.dims[at + added.unwrap_or(0)].clone())
        .collect();
    let own = View { dims: vec![parts], ..view.clone() };
    let Some(places) = own.channels_of(0).filter(|places| places.len() == channels) else {
        let what = format!("has a constant {:?} that differs from pixel to pixel", array.dims);
        return refuse(what, "mixq has one number for each channel");
    };
    let mut values = vec![0.0; channels];
    for (place, value) in places.into_iter().zip(array.to_floats()) {
        values[place] = value;
    }
    Ok(values)
}
