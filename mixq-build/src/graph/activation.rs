//! Activations.

use super::op::{Function, Number};

/// What follows a layer's sums, and batch norm, element by element.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Activation {
    /// Nothing.
    #[default]
    None,
    /// `max(x, 0)`.
    Relu,
    /// `min(max(x, 0), bound)`: a ReLU whose learned upper bound never exceeds this one, which is above 0.
    ReluUpTo(Number),
    /// A function that is computed by table. Layers as they are written have it; in a resolved graph it is a
    /// node of its own ([`op::Elementwise`](super::op::Elementwise)) after the node of the layer.
    Function(Function),
}

impl Activation {
    /// The activation that computes a function.
    pub fn of(function: Function) -> Activation {
        match function {
            Function::Clip { min, max } if min.get() == 0.0 && max.get() > 0.0 => Activation::ReluUpTo(max),
            other => Activation::Function(other),
        }
    }

    /// Its name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Activation::None => "none",
            Activation::Relu => "ReLU",
            Activation::ReluUpTo(bound) if bound.get() == 6.0 => "ReLU6",
            Activation::ReluUpTo(_) => "clip",
            Activation::Function(function) => function.name(),
        }
    }

    /// Whether it is never negative: its codes have the zero point 0.
    pub fn starts_at_zero(self) -> bool {
        match self {
            Activation::None => false,
            Activation::Relu | Activation::ReluUpTo(_) => true,
            Activation::Function(function) => function.starts_at_zero(),
        }
    }

    /// The least and the largest value behind it; infinite where there is none.
    pub fn range(self) -> [f64; 2] {
        match self {
            Activation::None => [f64::NEG_INFINITY, f64::INFINITY],
            Activation::Relu => [0.0, f64::INFINITY],
            Activation::ReluUpTo(bound) => [0.0, bound.get()],
            Activation::Function(function) => function.range(),
        }
    }

    /// The largest value that it lets pass, if there is one that its learned bound must not exceed.
    pub fn bound(self) -> Option<f64> {
        match self {
            Activation::ReluUpTo(bound) => Some(bound.get()),
            Activation::None | Activation::Relu | Activation::Function(_) => None,
        }
    }
}
