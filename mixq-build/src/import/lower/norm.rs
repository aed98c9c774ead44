//! Batch norm.

use super::view::Scaling;
use super::{Call, Lowering, Reader, Refusal, Value, refuse};

pub(super) const OPERATORS: &[(&str, Reader)] = &[("BatchNormalization", batch_norm)];

/// What batch norm of libtorch adds to variances, and so that of mixq.
const EPSILON: f64 = 1e-5;

fn batch_norm(lowering: &mut Lowering, call: &Call) -> Result<Vec<Value>, Refusal> {
    let view = lowering.padded(call.tensor(0)?)?;
    let view = lowering.channels_in_order(&view)?;
    let channels = view.shape.channels;
    let in_order =
        view.dims.len() > 1 && view.channels_of(1).is_some_and(|places| places.into_iter().eq(0..channels));
    if !in_order {
        let what = format!("normalises dimension 1 of {:?}, which is not that of channels", view.sizes());
        return refuse(what, "mixq has batch norm of channels");
    }
    let mut lists = Vec::new();
    for place in 1..5 {
        let list = call.required(place)?.to_floats();
        if list.len() != channels {
            return refuse(
                format!("has {} parameters for {channels} channels", list.len()),
                "check the model",
            );
        }
        lists.push(list);
    }
    let epsilon = f64::from(call.node.attributes.float("epsilon").unwrap_or(1e-5));
    let at = |list: usize, channel: usize| f64::from(lists[list][channel]);
    let takes = lowering.takes_scaling(&view);
    if let Some(layer) = lowering.layers.layer(&view)
        && takes
        && layer.op.form().follows.norm
        && layer.norm != Some(true)
    {
        layer.norm = Some(true);
        // Another epsilon is a part of the variance; of what would be below 0 the factor takes the rest.
        let variance = |channel: usize| (at(3, channel) + epsilon - EPSILON).max(0.0);
        let gamma = |channel: usize| {
            let wanted = at(3, channel) + epsilon;
            at(0, channel) * ((variance(channel) + EPSILON) / wanted).sqrt()
        };
        let list = |of: &dyn Fn(usize) -> f64| (0..channels).map(|channel| of(channel) as f32).collect();
        lowering.layers.give(&view, "norm.weight", vec![channels], list(&gamma));
        lowering.layers.give(&view, "norm.bias", vec![channels], lists[1].clone());
        lowering.layers.give(&view, "norm.running_mean", vec![channels], lists[2].clone());
        lowering.layers.give(&view, "norm.running_var", vec![channels], list(&variance));
        return Ok(vec![Value::Tensor(view)]);
    }
    let scaling = |channel: usize| {
        let factor = at(0, channel) / (at(3, channel) + epsilon).sqrt();
        Scaling { factor, summand: at(1, channel) - at(2, channel) * factor }
    };
    let scaling: Vec<Scaling> = (0..channels).map(scaling).collect();
    if scaling.iter().any(|it| !(it.factor.is_finite() && it.summand.is_finite())) {
        return refuse(
            "has a variance below 0, or parameters that are not finite",
            "check the model's weights",
        );
    }
    Ok(vec![Value::Tensor(lowering.scaled(call, &view, &scaling)?)])
}
