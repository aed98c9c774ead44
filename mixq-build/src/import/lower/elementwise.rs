//! Functions of each element.

use super::view::{Scaling, View};
use super::{Call, Lowering, Reader, Refusal, Value, refuse};
use crate::graph::Activation;
use crate::graph::op::{Elementwise, Function, Number, Prelu};
use crate::import::model::{Array, Node};

pub(super) const OPERATORS: &[(&str, Reader)] = &[
    ("Relu", apply),
    ("Sigmoid", apply),
    ("Tanh", apply),
    ("HardSwish", apply),
    ("Swish", apply),
    ("Gelu", apply),
    ("Softplus", apply),
    ("Mish", apply),
    ("Selu", apply),
    ("Exp", apply),
    ("Sqrt", apply),
    ("Abs", apply),
    ("Neg", apply),
    ("HardSigmoid", apply),
    ("LeakyRelu", apply),
    ("ThresholdedRelu", apply),
    ("Elu", apply),
    ("Celu", apply),
    ("Log", apply),
    ("Clip", apply),
    ("PRelu", prelu),
];

/// Whether an operator is a function of each element without weights.
pub(super) fn is_function(operator: &str) -> bool {
    OPERATORS.iter().any(|(name, _)| *name == operator && operator != "PRelu")
}

/// The function of a node, if it is one of [`is_function`]; `None` if it changes nothing.
pub(super) fn function(node: &Node, constants: &[Option<&Array>]) -> Result<Option<Function>, Refusal> {
    let parameter = |name: &str, default: f32| number(node.attributes.float(name).unwrap_or(default));
    Ok(Some(match node.operator.as_str() {
        "Relu" => Function::Max { value: number(0.0)? },
        "Sigmoid" => Function::Sigmoid,
        "Tanh" => Function::Tanh,
        "HardSwish" => Function::HardSwish,
        // A factor on the number before its sigmoid is that of newer versions.
        "Swish" if parameter("alpha", 1.0)?.get() == 1.0 => Function::Silu,
        "Gelu" if node.attributes.text("approximate") == Some("tanh") => Function::GeluTanh,
        "Gelu" => Function::Gelu,
        "Softplus" => Function::Softplus,
        "Mish" => Function::Mish,
        "Selu"
            if parameter("alpha", SELU[0])?.get() as f32 == SELU[0]
                && parameter("gamma", SELU[1])?.get() as f32 == SELU[1] =>
        {
            Function::Selu
        }
        "Exp" => Function::Exp,
        "Sqrt" => Function::Sqrt,
        "Abs" => Function::Abs,
        "Neg" => Function::Neg,
        "HardSigmoid" => {
            let (slope, offset) = (parameter("alpha", 0.2)?, parameter("beta", 0.5)?);
            Function::HardSigmoid { slope: sixth(slope), offset }
        }
        "LeakyRelu" => Function::LeakyRelu { slope: parameter("alpha", 0.01)? },
        "Elu" => Function::Elu { alpha: parameter("alpha", 1.0)? },
        "Celu" if parameter("alpha", 1.0)?.get() == 1.0 => Function::Elu { alpha: number(1.0)? },
        "ThresholdedRelu" if parameter("alpha", 1.0)?.get() == 0.0 => Function::Max { value: number(0.0)? },
        "Log" => Function::Log { least: number(1.0 / 256.0)? },
        "Clip" => return clip(node, constants),
        _ => return refuse("has parameters that mixq has no function for", "use the usual ones"),
    }))
}

/// Alpha and gamma of SELU, as exporters write them.
const SELU: [f32; 2] = [1.673_263_2, 1.050_701];

/// A sixth that was written with few digits.
fn sixth(slope: Number) -> Number {
    if (slope.get() - Number::SIXTH.get()).abs() < 1e-6 { Number::SIXTH } else { slope }
}

/// A parameter of a function.
pub(super) fn number(value: f32) -> Result<Number, Refusal> {
    let number = Number::new(f64::from(value));
    number.map_or_else(|| refuse(format!("has the parameter {value}"), "parameters are finite"), Ok)
}

fn apply(lowering: &mut Lowering, call: &Call) -> Result<Vec<Value>, Refusal> {
    let mut view = lowering.padded(call.tensor(0)?)?;
    let alpha = call.node.attributes.float("alpha").filter(|_| call.node.operator == "Swish").unwrap_or(1.0);
    if alpha != 1.0 && alpha.is_normal() && !call.ends {
        // `x sigmoid(a x)` is `silu(a x) / a`.
        let scaling = |factor: f64| vec![Scaling { factor, summand: 0.0 }; view.shape.channels];
        let (before, after) = (scaling(alpha.into()), scaling(1.0 / f64::from(alpha)));
        view = lowering.scaled(call, &View { shared: true, ..view }, &before)?;
        view = lowering.function(call, &view, Function::Silu)?;
        return Ok(vec![Value::Tensor(lowering.scaled(call, &view, &after)?)]);
    }
    let Some(function) = function(call.node, call.constants)? else { return Ok(vec![Value::Tensor(view)]) };
    if call.ends {
        return refuse("is a function behind the last layer", "put a layer behind it");
    }
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
        if wanted == Some(Activation::Relu) && self.layers.is_positive(view) {
            return Ok(view.clone());
        }
        // What is rounded already stays as it is.
        if let (Some(wanted), false) = (wanted, view.shared || self.layers.is_taken(view))
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

/// Bounds are attributes up to version 6, inputs since 11; either may be left out.
fn clip(node: &Node, constants: &[Option<&Array>]) -> Result<Option<Function>, Refusal> {
    let bound = |place: usize, name: &str| -> Result<Option<f32>, Refusal> {
        if node.inputs.get(place).is_none_or(String::is_empty) {
            return Ok(node.attributes.float(name));
        }
        match constants.get(place).copied().flatten().and_then(Array::scalar) {
            Some(bound) => Ok(Some(bound)),
            None => refuse("has bounds that are not one constant number", "mixq has one for a tensor"),
        }
    };
    // Exporters write the largest float where there is no bound.
    let real = |bound: Option<f32>| bound.filter(|bound| bound.abs() < f32::MAX);
    Ok(Some(match (real(bound(1, "min")?), real(bound(2, "max")?)) {
        (None, None) => return Ok(None),
        (Some(min), None) => Function::Max { value: number(min)? },
        (None, Some(max)) => Function::Min { value: number(max)? },
        (Some(min), Some(max)) if min < max => Function::Clip { min: number(min)?, max: number(max)? },
        (Some(min), Some(max)) => return refuse(format!("clips from {min} to {max}"), "check the model"),
    }))
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
