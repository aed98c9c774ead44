//! The readers of all operators.

use std::collections::BTreeMap;

use super::view::{self, View};
use super::{
    Call, Lowering, Refusal, Value, binary, blocks, conv, elementwise, linear, norm, outputs, pad, places,
    pool, quantised, resize, rounding, shapes, unknown::unknown,
};
use crate::import::model::Node;

/// What reads a node of an operator.
pub(super) type Reader = for<'a> fn(&mut Lowering<'a>, &Call<'_>) -> Result<Vec<Value>, Refusal>;

/// The readers of all operators, by the operator's name.
fn readers() -> BTreeMap<&'static str, Reader> {
    let all = [
        shapes::OPERATORS,
        places::OPERATORS,
        pad::OPERATORS,
        blocks::OPERATORS,
        conv::OPERATORS,
        linear::OPERATORS,
        elementwise::OPERATORS,
        binary::OPERATORS,
        pool::OPERATORS,
        resize::OPERATORS,
        norm::OPERATORS,
        quantised::OPERATORS,
        rounding::OPERATORS,
        outputs::OPERATORS,
    ];
    all.into_iter().flatten().copied().collect()
}

/// The names of all operators.
pub fn operators() -> Vec<&'static str> {
    readers().into_keys().collect()
}

impl<'a> Lowering<'a> {
    pub(super) fn operator(
        &mut self,
        node: &Node,
        inputs: Vec<Option<Value>>,
    ) -> Result<Vec<Value>, Refusal> {
        let Some(reader) = readers().get(node.operator.as_str()).copied() else { return unknown(node) };
        let (inputs, code) = quantised::decoded(self, node, inputs)?;
        let constants = super::constants(&inputs);
        let is_kept = self.keeps_functions && super::ends::computes_function(&node.operator);
        let ends = !is_kept && node.outputs.iter().all(|name| !self.followed.contains(name.as_str()));
        let values = reader(self, &Call { node, inputs: &inputs, constants: &constants, ends })?;
        Ok(match code {
            None => values,
            code => values.into_iter().map(|value| with_code(value, code)).collect(),
        })
    }
}

/// A value that has the grid of what its node read.
fn with_code(value: Value, code: Option<view::Code>) -> Value {
    match value {
        Value::Tensor(view) => Value::Tensor(View { code, ..view }),
        other => other,
    }
}
