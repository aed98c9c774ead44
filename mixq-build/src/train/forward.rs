//! The forward pass, in float or with fake quantisation.

use mixq_format::Bits;
use tch::Tensor;

use super::model::{Model, Site};
use super::part::Part;
use super::pools::{ints, padded};
use super::value::{Value, Values};
use super::{elementwise, pools, quantise, rearrange, resize};
use crate::graph::op::{Addition, AveragePool, Elementwise, MaxPool, Rearrange};
use crate::graph::{Activation, Op, Source};
use crate::settings::Rounding;

/// How a forward pass computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mode {
    /// Weights and activations on their grids.
    pub quantised: bool,
    /// Batch norm uses (and updates running averages by) the statistics of the batch.
    pub batch_statistics: bool,
}

impl Model<'_> {
    /// Outputs `[n, outputs]`, in the order row, column, channel, of inputs `[n, channels, height, width]`,
    /// each on its grid.
    pub fn forward(&self, inputs: &[Tensor], mode: Mode) -> Tensor {
        self.forward_observed(inputs, mode, &mut |_, _| ())
    }

    /// As [`Model::forward`]; `observe` is called with each node and the input of its own quantiser.
    pub fn forward_observed(
        &self,
        inputs: &[Tensor],
        mode: Mode,
        observe: &mut dyn FnMut(usize, &Tensor),
    ) -> Tensor {
        let mut values = self.begin(inputs, mode);
        for index in 0..self.graph.nodes.len() {
            self.step_forward(index, &mut values, mode, observe);
        }
        let output = values.nodes.pop().expect("a network has layers").real();
        output.permute([0, 2, 3, 1]).flatten(1, -1)
    }

    /// The values before the first node.
    pub(super) fn begin(&self, inputs: &[Tensor], mode: Mode) -> Values {
        let inputs = inputs.iter().zip(&self.inputs).map(|(tensor, grid)| {
            let scale = mode.quantised.then(|| Tensor::from(grid.scale as f32).to_device(self.device));
            Value { tensor: tensor.shallow_clone(), unit: None, scale }
        });
        Values { inputs: inputs.collect(), nodes: Vec::with_capacity(self.graph.nodes.len()) }
    }

    /// Appends the value of the next node, and drops those that no later one reads.
    pub(super) fn step_forward(
        &self,
        index: usize,
        values: &mut Values,
        mode: Mode,
        observe: &mut dyn FnMut(usize, &Tensor),
    ) {
        let value = self.node(index, values, mode, observe);
        values.nodes.push(value);
        // Tensors of large images need much memory: none lives longer than it is read.
        let nothing = || Value { tensor: Tensor::new(), unit: None, scale: None };
        for source in &self.graph.nodes[index].inputs {
            if self.graph.readers(*source).last() == Some(&index) {
                match *source {
                    Source::Node(before) => values.nodes[before] = nothing(),
                    Source::Input(input) => values.inputs[input] = nothing(),
                }
            }
        }
    }

    fn node(
        &self,
        index: usize,
        values: &Values,
        mode: Mode,
        observe: &mut dyn FnMut(usize, &Tensor),
    ) -> Value {
        let node = &self.graph.nodes[index];
        let input = |which: usize| values.of(node.inputs[which]);
        let x = input(0);
        let kept = |tensor: Tensor| Value {
            tensor,
            unit: x.unit.as_ref().map(Tensor::shallow_clone),
            scale: x.scale.as_ref().map(Tensor::shallow_clone),
        };
        let step = self.output_step(index, mode);
        let unit = step.as_ref().map(|step| step * steps_of_sixth(self.output_bits(index)));
        let unit = unit.as_ref();
        let on_grid = self.on_grid(Site::Output(index), mode.quantised);
        let exact = |(tensor, scale)| Value { tensor, unit: None, scale: Some(scale) };
        let computed = match node.op {
            Op::Conv(_) | Op::Depthwise(_) | Op::GroupedConv(_) | Op::Linear(_) => {
                self.weighted_sums(index, x, mode, unit)
            }
            Op::Add(Addition { subtracts: false }) => x.real() + input(1).real(),
            Op::Add(Addition { subtracts: true }) => x.real() - input(1).real(),
            Op::Multiply(_) => {
                let (b, computed) = (input(1), x.real() * input(1).real());
                match x.steps().zip(b.steps()).filter(|_| on_grid) {
                    Some((a, b)) => return exact(self.multiply_codes(index, [&a, &b], &computed)),
                    None => computed,
                }
            }
            Op::Constants(constants) => {
                let steps = x.steps().filter(|_| on_grid);
                match self.joined_constants(index, constants, (&x.real(), steps), mode) {
                    (_, Some(codes)) => return exact(codes),
                    (computed, None) => computed,
                }
            }
            Op::Prelu(_) => {
                let computed = self.prelu(index, &x.real());
                match x.steps().filter(|_| on_grid) {
                    Some(steps) => return exact(self.prelu_codes(index, &steps, &computed)),
                    None => computed,
                }
            }
            Op::Elementwise(Elementwise { function }) => {
                let computed = elementwise::apply(function, &x.real());
                match x.steps().filter(|_| on_grid) {
                    Some((steps, scale)) => {
                        return exact(self.tabulate(index, function, (&steps, &scale), &computed));
                    }
                    None => computed,
                }
            }
            Op::Rearrange(Rearrange::Join { first }) if first > 0 => return Value::joined(input(1), x),
            Op::Rearrange(rearrange) => return kept(rearrange::apply(rearrange, &x.tensor, node.output)),
            Op::Resize(resize) => {
                let form = (x.scale.as_ref(), x.unit.is_some());
                return kept(pools::rounded(&x.tensor, |x| resize::apply(&resize, x), form));
            }
            Op::AveragePool(AveragePool { window }) => {
                return kept(pools::average(&x.tensor, &window, (x.scale.as_ref(), x.unit.is_some())));
            }
            Op::MaxPool(MaxPool { window }) => {
                let [kernel, stride] = [window.kernel, window.stride].map(ints);
                let padded = padded(&x.tensor, &window, f64::NEG_INFINITY);
                return kept(padded.max_pool2d(kernel, stride, 0, 1, false));
            }
            Op::Flatten(_) => {
                // In the order row, column, channel, as the device stores it.
                let rows = x.tensor.permute([0, 2, 3, 1]).flatten(1, -1);
                return kept(rows.unsqueeze(-1).unsqueeze(-1));
            }
        };
        if let Some(step) = step {
            let codes = self.round(computed, self.output_bits(index));
            return Value { tensor: codes, scale: Some(step.detach()), unit: Some(step) };
        }
        let computed = match node.activation.bound() {
            Some(bound) => computed.clamp_max(bound),
            None => computed,
        };
        observe(index, &computed);
        self.activate(index, computed, mode)
    }

    /// The step of the grid of a node whose output is codes: of a layer with weights and ReLU, whose grid
    /// begins at 0.
    ///
    /// It is learned (arXiv 1902.08153). Its gradient comes through the batch norm before it and the weights
    /// after it, which are small tensors; for values above the bound it is that of PACT.
    fn output_step(&self, index: usize, mode: Mode) -> Option<Tensor> {
        let node = &self.graph.nodes[index];
        let from_zero = node.op.accumulates() && self.get(index, Part::Low).is_none();
        let high = self.high(index).filter(|_| from_zero)?;
        let on_grid = self.on_grid(Site::Output(index), mode.quantised);
        on_grid.then(|| quantise::step(&high, self.output_bits(index)))
    }

    /// Codes of values in units of a sixth of their range; gradients pass as if they were only clamped.
    fn round(&self, values: Tensor, bits: Bits) -> Tensor {
        let mut codes = values.relu6() * steps_of_sixth(bits);
        // In place: the product's gradient does not need what it gave.
        tch::no_grad(|| {
            let _ = match self.rounding {
                Rounding::Nearest => codes.round_(),
                Rounding::Floor => codes.floor_(),
            };
        });
        codes
    }

    fn activate(&self, index: usize, computed: Tensor, mode: Mode) -> Value {
        let node = &self.graph.nodes[index];
        let own = self.high(index);
        match own.filter(|_| self.on_grid(Site::Output(index), mode.quantised)) {
            Some(high) => {
                let low = self.get(index, Part::Low);
                let bits = self.output_bits(index);
                let grids = quantise::activation_grids(low, &high, bits);
                // The device adds with rounding, whatever the setting, and so tables are made.
                let rounding = match node.op {
                    Op::Add(_) | Op::Multiply(_) | Op::Constants(_) | Op::Prelu(_) | Op::Elementwise(_) => {
                        Rounding::Nearest
                    }
                    Op::Conv(_) | Op::Depthwise(_) | Op::GroupedConv(_) | Op::Linear(_) => self.rounding,
                    Op::AveragePool(_)
                    | Op::MaxPool(_)
                    | Op::Flatten(_)
                    | Op::Rearrange(_)
                    | Op::Resize(_) => unreachable!("they keep their input's grid"),
                };
                let tensor = quantise::activation(&computed, low, &high, &grids, bits, rounding);
                Value { tensor, unit: None, scale: Some(grids.scale) }
            }
            None => {
                let tensor = match node.activation {
                    Activation::None => computed,
                    // What bounds a ReLU has been done.
                    Activation::Relu | Activation::ReluUpTo(_) => computed.relu(),
                    Activation::Function(_) => unreachable!("a function is a node of its own"),
                };
                Value { tensor, unit: None, scale: None }
            }
        }
    }
}

/// Steps of a grid in a sixth of its range. In sixths ReLU6 clamps, whose gradient libtorch computes in one
/// pass over memory; that of a clamp to any range takes four, a third of a whole step's time.
fn steps_of_sixth(bits: Bits) -> f64 {
    f64::from(bits.max_code()) / 6.0
}
