//! Quantisation, which a float network leaves out: ranges of activations, and integers as the numbers that
//! they stand for.
//!
//! A quantised tensor of a model is a view of the numbers that its integers stand for, with the grid beside
//! it. What moves numbers moves those; what computes with the integers themselves gets them by a factor and a
//! summand.

use super::elementwise::number;
use super::ends::MOVES;
use super::integers::Integers;
use super::taken::AS_NUMBERS;
use super::view::{Code, Scaling, View};
use super::{Call, Lowering, Reader, Refusal, Taken, Value, refuse};
use crate::graph::op::{Function, OpSpec};
use crate::import::model::{Array, Attribute, Attributes, Element, Node};

pub(super) const OPERATORS: &[(&str, Reader)] = &[
    ("QuantizeLinear", quantise),
    ("mixq.Range", keep_range),
    ("DequantizeLinear", dequantise),
    ("DynamicQuantizeLinear", dynamic),
    ("ConvInteger", |lowering, call| integers(lowering, call, super::conv::conv)),
    ("MatMulInteger", |lowering, call| integers(lowering, call, super::linear::matmul)),
];

/// Operators beside [`MOVES`] whose outputs have the grid of their input: they repeat or choose numbers.
const CHOOSE: [&str; 8] =
    ["Expand", "Tile", "MaxPool", "GlobalMaxPool", "ReduceMax", "Upsample", "DepthToSpace", "SpaceToDepth"];

/// Operators that know grids themselves, or read no numbers.
const KNOWS: [&str; 6] =
    ["DequantizeLinear", "ConvInteger", "MatMulInteger", "Pad", "Shape", "QuantizeLinear"];

/// What a node reads, for an operator that does not know grids: numbers, if the operator moves them, else
/// integers. Also the grid that its outputs have.
pub(super) fn decoded(
    lowering: &mut Lowering,
    node: &Node,
    inputs: Vec<Option<Value>>,
) -> Result<(Vec<Option<Value>>, Option<Code>), Refusal> {
    let codes: Vec<Option<Code>> = inputs
        .iter()
        .flatten()
        .filter_map(|value| if let Value::Tensor(view) = value { Some(view.code) } else { None })
        .collect();
    if KNOWS.contains(&node.operator.as_str()) || codes.iter().all(Option::is_none) {
        return Ok((inputs, None));
    }
    let nearest = node.attributes.text("mode").is_none_or(|mode| mode == "nearest");
    let operator = node.operator.as_str();
    let moves = [&MOVES[..], &CHOOSE].concat().contains(&operator) || operator == "Resize" && nearest;
    let joins = node.operator == "Concat" && inputs.len() != codes.len();
    let common = codes[0].filter(|first| moves && !joins && codes.iter().all(|code| *code == Some(*first)));
    let decode = |value: Option<Value>| -> Result<Option<Value>, Refusal> {
        Ok(match value {
            Some(Value::Tensor(view)) if common.is_some() => Some(Value::Tensor(View { code: None, ..view })),
            Some(Value::Tensor(view)) => Some(Value::Tensor(lowering.integers(node, &view)?)),
            other => other,
        })
    };
    Ok((inputs.into_iter().map(decode).collect::<Result<_, _>>()?, common))
}

impl Lowering<'_> {
    /// A quantised tensor as its integers.
    fn integers(&mut self, node: &Node, view: &View) -> Result<View, Refusal> {
        let Some(code) = view.code else { return Ok(view.clone()) };
        let own = Scaling { factor: 1.0 / code.scale, summand: code.zero as f64 };
        let call = Call { node, inputs: &[], constants: &[], ends: false };
        let view = View { code: None, ..view.clone() };
        let scaled = self.scaled(&call, &view, &vec![own; view.shape.channels])?;
        Ok(View { integer: true, ..scaled })
    }

    /// What a view shows, within a range. A range that begins at 0 is a ReLU which the file does not show,
    /// and is no loss after one.
    fn ranged(&mut self, call: &Call, view: &View, least: f32, most: f32) -> Result<View, Refusal> {
        if !(self.layers.has_own_grid(view) && most > 0.0 && least <= 0.0) {
            return Ok(view.clone());
        }
        let mut view = view.clone();
        let computed = match self.layers.layer(&view).map(|layer| layer.op) {
            Some(OpSpec::Elementwise(elementwise)) => elementwise.function.starts_at_zero(),
            _ => false,
        };
        if least == 0.0 && !computed && !call.ends {
            let function = Function::Clip { min: number(0.0)?, max: number(most)? };
            view = self.function(call, &View { shared: false, ..view }, function)?;
        }
        if self.layers.has_own_grid(&view) {
            self.layers.give(&view, "range", vec![2], vec![least, most]);
        }
        Ok(view)
    }

    /// What a view shows, within the range of integers of few bits: values beyond it are common there, so it
    /// is bounded also where no ReLU bounds it.
    pub(super) fn bounded(
        &mut self,
        call: &Call,
        view: &View,
        [least, most]: [f32; 2],
        bits: f32,
    ) -> Result<View, Refusal> {
        let mut view = view.clone();
        let ranges = self.layers.has_own_grid(&view) && most > 0.0 && least <= 0.0;
        if bits < 8.0 && least < 0.0 && most > least && !call.ends {
            let function = Function::Clip { min: number(least)?, max: number(most)? };
            view = self.function(call, &view, function)?;
            if ranges {
                self.layers.give(&view, "range", vec![2], vec![least, most]);
            }
            return Ok(view);
        }
        self.ranged(call, &view, least, most)
    }

    pub(super) fn note(&mut self, note: &str) {
        if !self.notes.iter().any(|known| known == note) {
            self.notes.push(note.to_string());
        }
    }

    pub(super) fn note_quantised(&mut self) {
        if self.taken == Taken::AsTheyAre {
            return;
        }
        self.note("quantised tensors become float ones; their ranges are kept");
    }
}

/// The grid of a node that quantises or dequantises with one scale.
pub(super) fn code(node: &Node, constants: &[Option<&Array>]) -> Option<Code> {
    let constant = |place: usize| constants.get(place).copied().flatten();
    let scale = constant(1).and_then(Array::scalar)?;
    let zero = constant(2);
    // A zero point says the type; without one it is an attribute, else uint8.
    let element = match (zero, node.attributes.int("output_dtype").unwrap_or(0)) {
        (Some(zero), _) => zero.element,
        (None, 3) => Element::Signed(8),
        (None, 4) => Element::Unsigned(16),
        (None, 5) => Element::Signed(16),
        (None, _) => Element::Unsigned(8),
    };
    let zero = zero.map_or(Some(0.0), Array::scalar)?;
    (scale > 0.0 && scale.is_finite()).then(|| Code { scale: f64::from(scale), zero: zero as i64, element })
}

fn ranged(lowering: &mut Lowering, call: &Call) -> Result<(View, Code), Refusal> {
    let view = call.tensor(0)?.clone();
    let view = lowering.integers(call.node, &view)?;
    let given = code(call.node, call.constants);
    let (Some(code), Some((least, most))) = (given, given.and_then(|code| code.element.range())) else {
        return refuse("has scales that are not one constant number", "mixq has one scale for a tensor");
    };
    if lowering.taken == Taken::AsTheyAre {
        let own = Integers { scale: code.scale, zero: code.zero, least, most };
        return Ok((lowering.take(call, &view, own)?, code));
    }
    let value = |integer: i64| ((integer as f64 - code.zero as f64) * code.scale) as f32;
    let view = lowering.ranged(call, &view, value(least), value(most))?;
    lowering.note_quantised();
    Ok((view, code))
}

/// What a quantisation of activations keeps of a float network: its range.
fn quantise(lowering: &mut Lowering, call: &Call) -> Result<Vec<Value>, Refusal> {
    let (view, code) = ranged(lowering, call)?;
    Ok(vec![Value::Tensor(View { code: Some(code), ..view })])
}

/// The same, of a file that has the numbers and says beside them how they are quantised.
fn keep_range(lowering: &mut Lowering, call: &Call) -> Result<Vec<Value>, Refusal> {
    Ok(vec![Value::Tensor(ranged(lowering, call)?.0)])
}

/// The numbers of what was quantised the same way, or of integers that are given.
fn dequantise(lowering: &mut Lowering, call: &Call) -> Result<Vec<Value>, Refusal> {
    let view = call.tensor(0)?.clone();
    let Some(own) = code(call.node, call.constants) else {
        return refuse("has scales that are not one constant number", "mixq has one scale for a tensor");
    };
    let (factor, summand) = match view.code {
        Some(code) => (own.scale / code.scale, (code.zero as f64 - own.zero as f64) * own.scale),
        None => (own.scale, -(own.zero as f64) * own.scale),
    };
    let channels = view.shape.channels;
    if view.integer && view.code.is_none() {
        lowering.take_input(&view, own);
    }
    let plain = View { code: None, integer: false, ..view };
    lowering.note_quantised();
    Ok(vec![Value::Tensor(lowering.scaled(call, &plain, &vec![Scaling { factor, summand }; channels])?)])
}

/// A grid that depends on the numbers themselves: without rounding any will do, so that of step 1.
fn dynamic(lowering: &mut Lowering, call: &Call) -> Result<Vec<Value>, Refusal> {
    let view = call.tensor(0)?.clone();
    if lowering.taken == Taken::AsTheyAre {
        return refuse("chooses a scale while the network runs", AS_NUMBERS);
    }
    lowering.note("activations that were quantised while the network runs become float ones");
    let element = Element::Unsigned(8);
    let zero = Array { dims: Vec::new(), element, ..Array::list(vec![0]) };
    Ok(vec![
        Value::Tensor(View { code: Some(Code { scale: 1.0, zero: 0, element }), ..view }),
        Value::Constant(Array::floats(Vec::new(), vec![1.0])),
        Value::Constant(zero),
    ])
}

/// Integers less their zero points times weights less theirs.
fn integers(lowering: &mut Lowering, call: &Call, product: Reader) -> Result<Vec<Value>, Refusal> {
    let view = call.tensor(0)?.clone();
    let weight = call.required(1)?;
    let zero = |place: usize| -> Result<Option<&Array>, Refusal> {
        match call.inputs.get(place) {
            Some(Some(_)) => call.required(place).map(Some),
            Some(None) | None => Ok(None),
        }
    };
    let own = match zero(2)? {
        None => 0.0,
        Some(zero) => match zero.scalar() {
            Some(zero) => f64::from(zero),
            None => return refuse("has zero points for each channel", "mixq has one for a tensor"),
        },
    };
    let one = Array { dims: Vec::new(), ..Array::floats(Vec::new(), vec![1.0]) };
    let axis = if call.node.operator == "ConvInteger" { 0 } else { 1 };
    let centring = Node {
        operator: "DequantizeLinear".to_string(),
        attributes: Attributes::of([("axis", Attribute::Int(axis))]),
        ..call.node.clone()
    };
    let centred = super::constants::fold(&centring, &[Some(weight), Some(&one), zero(3)?]);
    let Some(Ok(centred)) = centred else {
        return refuse("has zero points that do not fit its weights", "check the model");
    };
    let channels = view.shape.channels;
    let (factor, summand) = view.code.map_or((1.0, 0.0), |code| (code.scale, code.zero as f64));
    // Of numbers instead of integers the products are larger by the step of the grid.
    let shift = Scaling { factor: 1.0, summand: (summand - own) * factor };
    let plain = View { code: None, integer: false, ..view };
    let shifted = lowering.scaled(call, &plain, &vec![shift; channels])?;
    let inputs = [Some(Value::Tensor(shifted)), Some(Value::Constant(centred[0].clone()))];
    let inner =
        Call { node: call.node, inputs: &inputs, constants: &[None, Some(&centred[0])], ends: call.ends };
    let made = product(lowering, &inner)?;
    if let (Taken::AsTheyAre, [Value::Tensor(view)]) = (lowering.taken, &made[..]) {
        let integers = super::taken::whole(weight, zero(3)?);
        lowering.layers.give_integers(view, integers);
    }
    let step = Scaling { factor: 1.0 / factor, summand: 0.0 };
    let mut scaled = Vec::new();
    for value in made {
        scaled.push(match value {
            Value::Tensor(view) => {
                let scaling = vec![step; view.shape.channels];
                let view = lowering.scaled(call, &view, &scaling)?;
                Value::Tensor(View { integer: true, ..view })
            }
            other => other,
        });
    }
    lowering.note_quantised();
    Ok(scaled)
}
