//! Additions, products, layers with constants and PReLUs: their multipliers.

use mixq_format::{Add, Constants, Layer, Multiply, Operation, Prelu, Tensor};

use super::pack::pack_rows;
use super::walk::Walk;
use super::{Arithmetic, Grid};
use crate::error::Problem;
use crate::memory::schedule::Step;

/// The multiplier and the shift of a product of codes with these scales: see [`mixq_format::Multiply`].
pub fn product([a, b]: [f64; 2], output: f64) -> (i32, u32) {
    // Ratios above 256 have the results of 256: a product other than 0 then leaves the range of codes.
    let ratio = (a * b / output).clamp(0.0, 256.0);
    let fits = |shift: &u32| (ratio * f64::from(1u32 << shift)).round() < f64::from(1 << 15);
    let shift = Multiply::SHIFTS.rev().find(fits).unwrap_or(*Multiply::SHIFTS.start());
    ((ratio * f64::from(1u32 << shift)).round() as i32, shift)
}

/// The multipliers of a PReLU with these scales, from the zero point on and below it by channel, and their
/// shift: see [`mixq_format::Prelu`].
pub fn slopes(slopes: &[f64], input: f64, output: f64) -> (i32, Vec<i32>, u32) {
    let largest = slopes.iter().fold(1.0f64, |largest, slope| largest.max(slope.abs()));
    // As for products. A multiplier that is limited still makes the least or the largest code.
    let ratio = |slope: f64| (slope * input / output).clamp(-256.0, 256.0);
    let of = |slope: f64, shift: u32| (ratio(slope) * 2f64.powi(shift as i32)).round() as i32;
    let fits = |shift: &u32| of(largest, *shift) < Prelu::LIMIT;
    let shift = (1..=31).rev().find(fits).unwrap_or(1);
    (of(1.0, shift), slopes.iter().map(|slope| of(*slope, shift)).collect(), shift)
}

impl Walk<'_> {
    /// The sum or the difference of two tensors.
    pub(super) fn addition(&mut self, step: &Step, subtracts: bool, y: Tensor, grids: &[Grid]) -> Layer {
        let [a, b] = [0, 1].map(|input| self.tensor(step.inputs[input], grids));
        let output = self.own_grid(step);
        let ratios = [0, 1].map(|input| grids[step.inputs[input]].scale / output.scale);
        let ([first, second], shift) = self.summands(step, ratios);
        Layer::Add(Add {
            a,
            b,
            output: y,
            multiplier_a: first,
            multiplier_b: if subtracts { -second } else { second },
            shift,
        })
    }

    /// The multipliers of two summands whose scales are `ratios` times that of the sum, and their shift.
    fn summands(&mut self, step: &Step, ratios: [f64; 2]) -> ([i32; 2], u32) {
        let largest = ratios[0].max(ratios[1]);
        // The largest shift at which both multipliers stay below 2^22, or have as many bits as the engine's.
        let limit = f64::from(match self.arithmetic {
            Arithmetic::Exact | Arithmetic::OnnxRuntime => 1 << 22,
            Arithmetic::LiteRt => 1 << 21,
        });
        let shift = (1..=31).rev().find(|shift| (largest * 2f64.powi(*shift)).round() < limit);
        let Some(shift) = shift else {
            let name = &self.graph.nodes[step.node].name;
            self.problems.push(
                Problem::new(format!("layer `{name}`: its inputs' scale is {largest:e} times its output's"))
                    .help("the network has diverged: lower the learning rate, or retrain with another seed"),
            );
            return ([0; 2], 1);
        };
        (ratios.map(|ratio| (ratio * 2f64.powi(shift)).round() as i32), shift as u32)
    }

    /// The sum or the product of a tensor and constants; appends these.
    pub(super) fn constants(
        &mut self,
        step: &Step,
        operation: Operation,
        [input, output]: [Tensor; 2],
        grids: &[Grid],
    ) -> Layer {
        let layer = self.layer(step.node);
        let weight_bits = self.allocation.weights[step.node].expect("a weighted node has bits");
        let (constants, own) = (layer.grids[0], self.own_grid(step));
        let scales = [grids[step.inputs[0]].scale, constants.scale];
        let ([multiplier, multiplier_constant], shift) = match operation {
            Operation::Sum => self.summands(step, scales.map(|scale| scale / own.scale)),
            Operation::Product => {
                let (multiplier, shift) = product(scales, own.scale);
                ([multiplier, 0], shift)
            }
        };
        let codes = pack_rows(&layer.codes, usize::from(input.channels), weight_bits);
        Layer::Constants(Constants {
            input,
            output,
            weights: self.append(&codes),
            weight_bits,
            weight_zero_point: constants.zero_point as i8,
            operation,
            multiplier,
            multiplier_constant,
            shift,
        })
    }

    /// The product of two tensors.
    pub(super) fn multiplication(&self, step: &Step, output: Tensor, grids: &[Grid]) -> Layer {
        let [a, b] = [0, 1].map(|input| self.tensor(step.inputs[input], grids));
        let scales = [0, 1].map(|input| grids[step.inputs[input]].scale);
        let (multiplier, shift) = product(scales, self.own_grid(step).scale);
        Layer::Multiply(Multiply { a, b, output, multiplier, shift })
    }

    /// A PReLU; appends its table.
    pub(super) fn prelu(&mut self, step: &Step, input: Tensor, output: Tensor, grids: &[Grid]) -> Layer {
        let (from, to) = (grids[step.inputs[0]].scale, self.own_grid(step).scale);
        let (multiplier, below, shift) = slopes(&self.layer(step.node).multiplier, from, to);
        let bytes: Vec<u8> = below.iter().flat_map(|slope| slope.to_le_bytes()).collect();
        Layer::Prelu(Prelu { input, output, slopes: self.append(&bytes), multiplier, shift })
    }

    fn own_grid(&self, step: &Step) -> Grid {
        self.trained.activations[step.node].expect("it has a grid of its own")
    }
}
