//! Products, constants and PReLUs as the device computes them, in integers, with the gradients of what they
//! stand for.

use mixq_format::Operation;
use tch::{Kind, Tensor};

use super::forward::Mode;
use super::model::{Model, Site};
use super::part::Part;
use super::quantise::{self, Grids, straight_through};
use crate::convert::{product, slopes};
use crate::graph::op::Constants;

/// Codes without their zero point, up to some rounding, and the step of their grid.
pub type Steps = (Tensor, Tensor);

impl Model<'_> {
    /// `x`; below 0, `slope x`.
    pub fn prelu(&self, node: usize, x: &Tensor) -> Tensor {
        let slopes = self.get(node, Part::Slope).expect("a PReLU has slopes").view([1, -1, 1, 1]);
        x.relu() + x.clamp_max(0.0) * slopes
    }

    /// The product of two tensors of codes, and the step of the output's grid. `computed` is the product of
    /// their values.
    pub fn multiply_codes(&self, node: usize, [a, b]: [&Steps; 2], computed: &Tensor) -> (Tensor, Tensor) {
        let [a_scale, b_scale] = [a, b].map(|(_, step)| step.double_value(&[]));
        self.on_grid_of(node, computed, |scale| {
            let (multiplier, shift) = product([a_scale, b_scale], scale);
            let [a, b] = [a, b].map(|(codes, _)| codes.detach().round());
            // Products of codes are exact in 32 bits, those with the multiplier in 64.
            ((a * b).to_kind(Kind::Double) * f64::from(multiplier), shift)
        })
    }

    /// As [`Model::multiply_codes`], for what a PReLU makes of codes.
    pub fn prelu_codes(&self, node: usize, (codes, step): &Steps, computed: &Tensor) -> (Tensor, Tensor) {
        let slope = self.get(node, Part::Slope).expect("a PReLU has slopes");
        let slope = Vec::try_from(slope.detach().to_kind(Kind::Double)).expect("a flat tensor of numbers");
        let step = step.double_value(&[]);
        self.on_grid_of(node, computed, |scale| {
            let (above, below, shift) = slopes(&slope, step, scale);
            let below: Vec<f64> = below.into_iter().map(f64::from).collect();
            let below = Tensor::from_slice(&below).to_device(self.device).view([1, -1, 1, 1]);
            let codes = codes.detach().round().to_kind(Kind::Double);
            (codes.relu() * f64::from(above) + codes.clamp_max(0.0) * below, shift)
        })
    }

    /// The sum or the product of a tensor of these values and a node's constants; and that of a product of
    /// codes on the output's grid, as [`Model::multiply_codes`] has it, if `x` has codes.
    pub fn joined_constants(
        &self,
        node: usize,
        constants: Constants,
        (x, codes): (&Tensor, Option<Steps>),
        mode: Mode,
    ) -> (Tensor, Option<(Tensor, Tensor)>) {
        let real = self.real_weight(node);
        let (values, scale) = if self.on_grid(Site::Weights(node), mode.quantised) {
            let grids = self.grids_of(node, &real);
            let values = quantise::weights(&real, &grids, self.weight_bits(node), self.weight_bounds(node));
            (values, Some(grids.scale))
        } else {
            (real, None)
        };
        match constants.operation {
            Operation::Sum => (x + values, None),
            Operation::Product => {
                let computed = x * &values;
                let codes = codes.zip(scale).map(|(x, scale)| {
                    let constants = (values / &scale, scale);
                    self.multiply_codes(node, [&x, &constants], &computed)
                });
                (computed, codes)
            }
        }
    }

    /// Values on the grid of a node. `scaled` makes of the grid's scale whole numbers and a shift: divided by
    /// `2^shift` and rounded, they are steps of the grid.
    fn on_grid_of(
        &self,
        node: usize,
        computed: &Tensor,
        scaled: impl FnOnce(f64) -> (Tensor, u32),
    ) -> (Tensor, Tensor) {
        let (low, bits) = (self.get(node, Part::Low), self.output_bits(node));
        let high = self.high(node).expect("it has an upper bound");
        let Grids { scale, zero_point } = quantise::activation_grids(low, &high, bits);
        let (numbers, shift) = scaled(scale.double_value(&[]));
        let steps = ((numbers / f64::from(1u32 << shift)) + 0.5).floor();
        let zero = zero_point.double_value(&[]);
        let steps = steps.clamp(-zero, f64::from(bits.max_code()) - zero);
        let values = steps.to_kind(Kind::Float) * &scale;
        (straight_through(&quantise::within(computed, low, &high), &values), scale)
    }
}
