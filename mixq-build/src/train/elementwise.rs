//! The functions of elementwise layers, with the derivatives that libtorch knows.

use mixq_format::Bits;
use tch::{Kind, Tensor};

use super::model::Model;
use super::part::Part;
use super::quantise::{self, straight_through};
use crate::convert::{Grid, code_of};
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
        Function::GeluTanh => x.gelu("tanh"),
        Function::Softplus => x.softplus(),
        Function::Mish => x.mish(),
        Function::LeakyRelu { slope } => leaky(slope.get()),
        // Of negative numbers alone, so that nothing is infinite.
        Function::Elu { alpha } => x.relu() + x.clamp_max(0.0).expm1() * alpha.get(),
        Function::Selu => x.selu(),
        Function::Clip { min, max } => x.clamp_min(min.get()).clamp_max(max.get()),
        Function::Exp => x.clamp_max(Function::LARGEST_EXPONENT).exp(),
        Function::Log { least } => x.clamp_min(least.get()).log(),
        Function::Sqrt => {
            let positive = x.relu();
            straight_through(&(&positive + ROOT).sqrt(), &positive.sqrt())
        }
        Function::Power { exponent } if exponent.get().fract() == 0.0 => x.pow_tensor_scalar(exponent.get()),
        Function::Power { exponent } => {
            let positive = x.relu();
            let value = positive.pow_tensor_scalar(exponent.get());
            straight_through(&(&positive + ROOT).pow_tensor_scalar(exponent.get()), &value)
        }
        Function::Abs => x.abs(),
        // Its derivative is 0: gradients pass where a clip lets them.
        Function::Sign { value } => {
            let value = value.get();
            let sign = x.ge(0.0).to_kind(x.kind()) * (2.0 * value) - value;
            straight_through(&x.clamp(-value, value), &sign)
        }
        Function::Signum => straight_through(&x.clamp(-1.0, 1.0), &x.sign()),
        Function::Neg => x.neg(),
        Function::Min { value } => x.clamp_max(value.get()),
        Function::Max { value } => x.clamp_min(value.get()),
    }
}

impl Model<'_> {
    /// What the device makes of codes, by the table that it will have, with the gradients of the function;
    /// and the step of the output's grid.
    ///
    /// `input` are the codes without their zero point, up to some rounding, and the step of their grid.
    /// `computed` is what the function makes of their values in 32 bits.
    pub fn tabulate(
        &self,
        node: usize,
        function: Function,
        (codes, step): (&Tensor, &Tensor),
        computed: &Tensor,
    ) -> (Tensor, Tensor) {
        let (low, bits) = (self.get(node, Part::Low), self.output_bits(node));
        let high = self.high(node).expect("a function has an upper bound");
        let grids = quantise::activation_grids(low, &high, bits);
        let [step, scale, zero_point] =
            [step, &grids.scale, &grids.zero_point].map(|tensor| tensor.double_value(&[]));
        let grid = Grid { scale, zero_point: zero_point as i32 };
        // Whatever the zero point of the input, its codes are not farther from it.
        let farthest = Bits::B8.max_code();
        let entry = |code: i32| {
            let code = code_of(function, step * f64::from(code), grid, bits);
            (scale * f64::from(i32::from(code) - grid.zero_point)) as f32
        };
        let entries: Vec<f32> = (-farthest..=farthest).map(entry).collect();
        let entries = Tensor::from_slice(&entries).to_device(self.device);
        let places = (codes.detach().round() + f64::from(farthest)).to_kind(Kind::Int64);
        let values = entries.take(&places);
        (straight_through(&quantise::within(computed, low, &high), &values), grids.scale)
    }

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
