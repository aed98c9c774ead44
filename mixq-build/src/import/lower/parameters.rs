//! Batch norm, and quantisation that a float network leaves out.

use super::elementwise::number;
use super::view::{Scaling, View};
use super::{Call, Lowering, Reader, Refusal, Value, refuse};
use crate::graph::op::{Function, OpSpec};
use crate::import::model::{Array, Element};

pub(super) const OPERATORS: &[(&str, Reader)] = &[
    ("BatchNormalization", batch_norm),
    ("QuantizeLinear", quantise),
    ("mixq.Range", quantise),
    ("DequantizeLinear", |_, call| Ok(vec![Value::Tensor(call.tensor(0)?.clone())])),
];

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

/// What a quantisation of activations keeps of a float network: its range.
fn quantise(lowering: &mut Lowering, call: &Call) -> Result<Vec<Value>, Refusal> {
    let view = call.tensor(0)?.clone();
    let scale = call.constant(1).and_then(Array::scalar);
    let zero = call.constant(2);
    let element = zero.map_or(Element::Unsigned(8), |zero| zero.element);
    let (Some(scale), Some((least, most))) = (scale, element.range()) else {
        return refuse("has scales that are not one constant number", "mixq has one scale for a tensor");
    };
    let zero = zero.and_then(Array::scalar).unwrap_or(0.0);
    let value = |code: i64| (code as f32 - zero) * scale;
    let view = lowering.ranged(call, &view, value(least), value(most))?;
    lowering.note_quantised();
    Ok(vec![Value::Tensor(view)])
}

impl Lowering<'_> {
    /// What a view shows, within a range. A range that begins at 0 is a ReLU which the file does not show, and
    /// is no loss after one.
    pub(super) fn ranged(
        &mut self,
        call: &Call,
        view: &View,
        least: f32,
        most: f32,
    ) -> Result<View, Refusal> {
        if !self.layers.has_own_grid(view) || !(most > 0.0 && least <= 0.0) {
            return Ok(view.clone());
        }
        let mut view = view.clone();
        let computed = match self.layers.layer(&view).map(|layer| layer.op) {
            Some(OpSpec::Elementwise(elementwise)) => elementwise.function.starts_at_zero(),
            _ => false,
        };
        if least == 0.0 && !computed {
            let function = Function::Clip { min: number(0.0)?, max: number(most)? };
            view = self.function(call, &View { shared: false, ..view }, function)?;
        }
        if self.layers.has_own_grid(&view) {
            self.layers.give(&view, "range", vec![2], vec![least, most]);
        }
        Ok(view)
    }

    pub(super) fn note_quantised(&mut self) {
        let note = "quantised tensors become float ones; their ranges are kept".to_string();
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
}
