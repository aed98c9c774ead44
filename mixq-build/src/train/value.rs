//! What a layer answers in the forward pass.

use tch::Tensor;

use super::pairs::Steps;
use crate::graph::Source;

/// A node's output, or an input of the network.
pub struct Value {
    /// Real values, or multiples of `unit`.
    pub tensor: Tensor,
    /// Set where the values are codes: what one code is worth. Codes are exact; a layer that reads them
    /// scales its weights instead, which are fewer.
    pub unit: Option<Tensor>,
    /// The scale of its grid, where it is quantised.
    pub scale: Option<Tensor>,
}

impl Value {
    /// Its real values.
    pub fn real(&self) -> Tensor {
        self.unit.as_ref().map_or_else(|| self.tensor.shallow_clone(), |unit| &self.tensor * unit)
    }

    /// Its codes without their zero point, up to some rounding, where it is quantised.
    pub fn steps(&self) -> Option<Steps> {
        let scale = self.scale.as_ref()?;
        let steps = if self.unit.is_some() { self.tensor.shallow_clone() } else { &self.tensor / scale };
        Some((steps, scale.shallow_clone()))
    }

    /// The channels of both; they have one grid. Codes stay codes if both are.
    pub fn joined(before: &Self, x: &Self) -> Self {
        let scale = x.scale.as_ref().map(Tensor::shallow_clone);
        match (&before.unit, &x.unit) {
            (Some(_), Some(unit)) => {
                let tensor = Tensor::cat(&[&before.tensor, &x.tensor], 1);
                Self { tensor, unit: Some(unit.shallow_clone()), scale }
            }
            _ => Self { tensor: Tensor::cat(&[before.real(), x.real()], 1), unit: None, scale },
        }
    }
}

/// What is computed so far of some images.
pub struct Values {
    /// The inputs of the network.
    pub inputs: Vec<Value>,
    /// The outputs of its first nodes.
    pub nodes: Vec<Value>,
}

impl Values {
    /// What a node reads.
    pub fn of(&self, source: Source) -> &Value {
        match source {
            Source::Input(input) => &self.inputs[input],
            Source::Node(node) => &self.nodes[node],
        }
    }
}
