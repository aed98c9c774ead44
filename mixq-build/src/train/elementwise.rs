//! The functions of elementwise layers, with the derivatives that libtorch knows.

use tch::Tensor;

use super::model::Model;
use super::part::Part;
use crate::graph::op::Function;

/// Added to what a square root is taken of, for its derivative alone: that of the root at 0 is infinite.
const ROOT: f64 = 1e-4;

/// A function of each element.
pub fn apply(function: Function, x: &Tensor) -> Tensor {
    let leaky = |slope: f64| x.relu() + x.clamp_max(0.0) * slope;
    match function {
        Function::Sigmoid => x.sigmoid(),
        Function::Tanh => x.tanh(),
        Function::HardSigmoid { slope, offset } => (x * slope.get() + offset.get()).clamp(0.0, 1.0),
        Function::HardSwish => x.hardswish(),
        Function::Silu => x.silu(),
        Function::Gelu => x.gelu("none"),
        Function::LeakyRelu { slope } => leaky(slope.get()),
        // Of negative numbers alone, so that nothing is infinite.
        Function::Elu { alpha } => x.relu() + x.clamp_max(0.0).expm1() * alpha.get(),
        Function::Selu => x.selu(),
        Function::Clip { min, max } => x.clamp_min(min.get()).clamp_max(max.get()),
        Function::Exp => x.clamp_max(Function::LARGEST_EXPONENT).exp(),
        Function::Log { least } => x.clamp_min(least.get()).log(),
        Function::Sqrt => {
            let positive = x.relu();
            super::quantise::straight_through(&(&positive + ROOT).sqrt(), &positive.sqrt())
        }
        Function::Abs => x.abs(),
        Function::Neg => x.neg(),
        Function::Min { value } => x.clamp_max(value.get()),
        Function::Max { value } => x.clamp_min(value.get()),
    }
}

impl Model<'_> {
    /// The upper bound of a node's output: the learned one, or that of the activation if the learned one
    /// exceeds it. Gradients always reach the learned one, so that it can come back.
    pub fn high(&self, node: usize) -> Option<Tensor> {
        let learned = self.get(node, Part::High)?;
        Some(match self.graph.nodes[node].activation.bound() {
            Some(bound) => learned - (learned - bound).relu().detach(),
            None => learned.shallow_clone(),
        })
    }
}
