//! A node on its way to layers.

use super::view::View;
use super::{Refusal, Value, refuse};
use crate::import::model::{Array, Node};

/// A node with what it reads.
pub(super) struct Call<'a> {
    pub(super) node: &'a Node,
    pub(super) inputs: &'a [Option<Value>],
    pub(super) constants: &'a [Option<&'a Array>],
    /// Whether no layer follows: what it writes is an output, or only moved into one.
    pub(super) ends: bool,
}

impl Call<'_> {
    /// The name that a layer of this node should have.
    pub(super) fn wish(&self) -> &str {
        &self.node.name
    }

    /// The tensor that it reads at a place.
    pub(super) fn tensor(&self, place: usize) -> Result<&View, Refusal> {
        match self.inputs.get(place).and_then(Option::as_ref) {
            Some(Value::Tensor(view)) => Ok(view),
            _ => refuse(format!("reads no tensor as input {place}"), "check the model"),
        }
    }

    /// The constant that it reads at a place.
    pub(super) fn constant(&self, place: usize) -> Option<&Array> {
        self.constants.get(place).copied().flatten()
    }

    /// The constant that it must read at a place.
    pub(super) fn required(&self, place: usize) -> Result<&Array, Refusal> {
        self.constant(place).map_or_else(
            || refuse(format!("has an input {place} that is not constant"), "mixq needs a constant there"),
            Ok,
        )
    }
}
