//! Taking a quantised model over as it is: where it rounds, layers round, to the same integers.
//!
//! Each layer gets the scale and the zero point that the model has for what the layer writes. A model may
//! change the scale of a tensor that nothing computes anew: then a layer between does that.

use super::elementwise::number;
use super::integers::{ConstantIntegers, Integers, WeightIntegers};
use super::layers::Layers;
use super::view::{Code, View};
use super::{Call, Lowering, Refusal, Taken, refuse};
use crate::graph::op::{Affine, Elementwise, Function, OpSpec};
use crate::graph::{Activation, Source};
use crate::import::model::{Array, Format, Model, Node};

/// What helps where integers cannot be kept.
pub(super) const AS_NUMBERS: &str =
    "leave `bits` out: the network is then one in floats, which gets bits of its own";

/// The integers of a model's input.
pub(super) fn input_integers(model: &Model) -> Option<Integers> {
    let input = *model.read_inputs().first()?;
    model.grids.get(&input.name).and_then(Integers::of_grid)
}

/// Weights that are integers themselves.
pub(super) fn whole(weight: &Array, zero: Option<&Array>) -> Option<WeightIntegers> {
    let (least, most) = weight.element.range()?;
    let zeros: Vec<i64> = match zero {
        None => vec![0],
        Some(zero) => zero.to_floats().into_iter().map(|zero| zero as i64).collect(),
    };
    Some(WeightIntegers { scales: vec![1.0; zeros.len()], zeros, least, most })
}

impl<'a> Lowering<'a> {
    /// What a view shows, rounded to these integers.
    pub(super) fn take(&mut self, call: &Call, view: &View, own: Integers) -> Result<View, Refusal> {
        let (least, most) = (own.least, own.most);
        if own.bits().is_none() {
            let what = format!("has integers from {least} to {most}");
            return refuse(what, "mixq has codes of at most 8 bits; leave `bits` out for a float network");
        }
        if !own.are_sound() {
            let what = format!("has integers from {least} to {most} with the zero point {}", own.zero);
            return refuse(what, AS_NUMBERS);
        }
        let Source::Node(layer) = view.source else {
            return match self.layers.input_integers {
                None => {
                    self.layers.input_integers = Some(own);
                    Ok(view.clone())
                }
                Some(before) if before.equals(&own) => Ok(view.clone()),
                Some(_) => self.rounded_anew(call, view, own),
            };
        };
        match self.layers.effective(view.source) {
            Some(before) if before.equals(&own) => {
                // LiteRT rounds halves of int8 away from 0, which a pool does not.
                let rounds = self.model.format == Format::Tflite && own.least < 0;
                if rounds && self.layers.has_halves(layer) && self.layers.average_becomes_sum(layer) {
                    self.layers.integers[layer].output = Some(own);
                }
                Ok(view.clone())
            }
            None => {
                let computed = self.layers.give_back(view.source, own);
                self.end(call, view, own, &computed)
            }
            Some(before) => {
                let unread = !view.shared && own.lie_within(&before);
                if self.layers.has_own_grid(view) && unread {
                    self.layers.integers[layer].output = Some(own);
                    return self.end(call, view, own, &[layer]);
                }
                if !view.shared && self.layers.average_becomes_sum(layer) {
                    self.layers.integers[layer].output = Some(own);
                    return self.end(call, view, own, &[layer]);
                }
                let joins = matches!(self.layers.made[layer].op, OpSpec::Concat(_));
                if joins && self.layers.integers[layer].output.is_none() {
                    self.layers.integers[layer].output = Some(own);
                    return Ok(view.clone());
                }
                self.rounded_anew(call, view, own)
            }
        }
    }

    /// A layer that has the same numbers as other integers.
    fn rounded_anew(&mut self, call: &Call, view: &View, own: Integers) -> Result<View, Refusal> {
        let made = self.layers.add(call.wish(), Affine, &[view], view.shape)?;
        let channels = view.shape.channels;
        self.layers.give(&made, "weight", vec![channels], vec![1.0; channels]);
        let view = View { source: made.source, shared: false, scaling: Vec::new(), ..view.clone() };
        if let Source::Node(layer) = view.source {
            self.layers.integers[layer].output = Some(own);
        }
        self.end(call, &view, own, &[])
    }

    /// What layers compute ends where their integers end, or where their activation says so: then that is a
    /// layer behind `view`, which shows what they compute, moved or not.
    fn end(&mut self, call: &Call, view: &View, own: Integers, layers: &[usize]) -> Result<View, Refusal> {
        let activation = |made: &Layers, layer: usize| made.made[layer].activation.unwrap_or_default();
        let first = layers.first().map_or(Activation::None, |layer| activation(&self.layers, *layer));
        let same = layers.iter().all(|layer| activation(&self.layers, *layer) == first);
        let functions = if same { not_ended(first, own)? } else { Vec::new() };
        if same && (!functions.is_empty() || !call.ends) {
            for layer in layers {
                let layer = &mut self.layers.made[*layer];
                layer.activation = layer.activation.map(|_| Activation::None);
            }
        }
        let mut view = view.clone();
        for function in functions {
            view = self.computed(call, &view, function, own)?;
        }
        if !own.fill_their_bits() && !call.ends {
            // The smallest integer has code 0.
            let function = Function::Min { value: number(own.range()[1] as f32)? };
            view = self.computed(call, &view, function, own)?;
        }
        Ok(view)
    }

    /// A function of codes to codes of the same numbers.
    fn computed(
        &mut self,
        call: &Call,
        view: &View,
        function: Function,
        own: Integers,
    ) -> Result<View, Refusal> {
        let made = self.layers.add(call.wish(), Elementwise { function }, &[view], view.shape)?;
        let view = View { source: made.source, ..view.clone() };
        if let Source::Node(layer) = view.source {
            self.layers.integers[layer].output = Some(own);
        }
        Ok(view)
    }

    /// The input, where it is integers that a node makes numbers of.
    pub(super) fn take_input(&mut self, view: &View, code: Code) {
        let input = &mut self.layers.input_integers;
        if self.taken == Taken::AsTheyAre && view.is_input() && input.is_none() {
            *input = Integers::of(code);
        }
    }

    /// The integers of the weights that a node reads as its second input, if they have one scale, or one for
    /// each index of `axis`, which is that of output channels.
    pub(super) fn weight_integers(&self, call: &Call, axis: usize) -> Option<WeightIntegers> {
        let found = self.constant_integers.get(call.node.inputs.get(1)?.as_str())?;
        let fits = found.integers.scales.len() == 1 || found.axis == axis;
        fits.then(|| found.integers.clone())
    }

    /// Keeps the integers of constants that a node computes of constants.
    pub(super) fn keep_integers(&mut self, node: &'a Node, inputs: &[Option<&Array>], made: &[Array]) {
        if self.taken == Taken::AsNumbers {
            return;
        }
        let (Some(output), Some(made)) = (node.outputs.first(), made.first()) else { return };
        let found = match node.operator.as_str() {
            "DequantizeLinear" => dequantised(node, inputs),
            "Quant" | "BipolarQuant" => quant(node, inputs),
            "Identity" | "Transpose" | "Reshape" | "Squeeze" | "Unsqueeze" | "Flatten" => {
                let before = node.inputs.first().and_then(|name| self.constant_integers.get(name.as_str()));
                let (before, first) = (before.cloned(), inputs.first().copied().flatten());
                before.zip(first).and_then(|(before, array)| match node.operator.as_str() {
                    "Transpose" => {
                        let order = super::constants::order(node, array.dims.len())?;
                        let axis = order.iter().position(|axis| *axis == before.axis)?;
                        Some(ConstantIntegers { axis, ..before })
                    }
                    _ => before.reshaped(&array.dims, &made.dims),
                })
            }
            _ => None,
        };
        if let Some(found) = found {
            self.constant_integers.insert(output, found);
        }
    }
}

/// The functions of an activation that ends elsewhere than integers do. (A clip from 0 on would become a ReLU
/// of the layer before.)
fn not_ended(activation: Activation, own: Integers) -> Result<Vec<Function>, Refusal> {
    let [_, most] = own.range();
    let zero = Function::Max { value: number(0.0)? };
    let begins = (own.zero != own.least).then_some(zero);
    Ok(match activation {
        Activation::None => Vec::new(),
        Activation::Relu => begins.into_iter().collect(),
        Activation::ReluUpTo(bound) => {
            let most = bound.get() <= most - own.scale / 2.0;
            let most = most.then_some(Function::Min { value: bound });
            begins.into_iter().chain(most).collect()
        }
        Activation::Function(function) => vec![function],
    })
}

/// The integers of a constant that a node dequantises.
fn dequantised(node: &Node, inputs: &[Option<&Array>]) -> Option<ConstantIntegers> {
    let input = |place: usize| inputs.get(place).copied().flatten();
    let (array, scale) = (input(0)?, input(1)?);
    let (least, most) = array.element.range()?;
    let scales: Vec<f64> = scale.to_floats().into_iter().map(f64::from).collect();
    let zeros = input(2).map_or(vec![0.0; scales.len()], Array::to_floats);
    let zeros: Vec<i64> = zeros.into_iter().map(|zero| zero as i64).collect();
    if zeros.len() != scales.len() {
        return None;
    }
    let axis = super::constants::wrapped(node.attributes.int("axis").unwrap_or(1), array.dims.len());
    let integers = WeightIntegers { scales, zeros, least, most };
    Some(ConstantIntegers { integers, axis: axis.unwrap_or(0) })
}

/// The integers of a constant that QONNX quantises.
fn quant(node: &Node, inputs: &[Option<&Array>]) -> Option<ConstantIntegers> {
    let input = |place: usize| inputs.get(place).copied().flatten();
    let (array, scale) = (input(0)?, input(1)?);
    let flag = |name: &str, default: i64| node.attributes.int(name).unwrap_or(default) != 0;
    let scales: Vec<f64> = scale.to_floats().into_iter().map(f64::from).collect();
    let (zeros, [least, most]) = if node.operator == "BipolarQuant" {
        (vec![0.0; scales.len()], [-1.0, 1.0])
    } else {
        let zeros = input(2)?.to_floats();
        let zeros = if zeros.len() == 1 { vec![zeros[0]; scales.len()] } else { zeros };
        (zeros, super::rounding::limits(input(3)?.scalar()?, flag("signed", 1), flag("narrow", 0))?)
    };
    if zeros.len() != scales.len() {
        return None;
    }
    let axis = scale.dims.iter().position(|size| *size > 1);
    // Dimensions are counted from the last one.
    let more = array.dims.len().checked_sub(scale.dims.len())?;
    let integers = WeightIntegers {
        scales,
        zeros: zeros.into_iter().map(|zero| zero as i64).collect(),
        least: least as i64,
        most: most as i64,
    };
    Some(ConstantIntegers { integers, axis: axis.map_or(0, |axis| axis + more) })
}
