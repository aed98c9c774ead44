//! Layers that sum products with weights, in float or on their grids.

use tch::{Kind, Tensor};

use super::forward::Mode;
use super::model::{EPSILON, Model, Site};
use super::part::Part;
use super::pools::{ints, padded};
use super::quantise;
use super::value::Value;
use crate::graph::Op;
use crate::graph::op::{Conv, Depthwise, GroupedConv};

impl Model<'_> {
    /// What a layer with weights computes of `x` before its activation, with bias or batch norm, divided by
    /// `unit`: `[n, channels, height, width]`.
    pub(super) fn weighted_sums(&self, index: usize, x: &Value, mode: Mode, unit: Option<&Tensor>) -> Tensor {
        match self.convolution(index) {
            Some(conv) => self.convolve(index, x, &conv, mode, unit),
            None => self.linear(index, x, mode, unit),
        }
    }

    /// A layer with weights as a convolution, if it has a window.
    pub(super) fn convolution(&self, index: usize) -> Option<GroupedConv> {
        let node = &self.graph.nodes[index];
        match node.op {
            Op::Conv(Conv { window }) => Some(GroupedConv { window, groups: 1, dilation: [1, 1] }),
            Op::Depthwise(Depthwise { window }) => {
                Some(GroupedConv { window, groups: node.output.channels, dilation: [1, 1] })
            }
            Op::GroupedConv(conv) => Some(conv),
            _ => None,
        }
    }

    /// Weights and bias as the forward pass uses them, for inputs in units of `x.unit`.
    ///
    /// The bias is a folded batch norm's too; else batch norm is still to come.
    fn weight(&self, index: usize, x: &Value, mode: Mode) -> (Tensor, Option<Tensor>) {
        let on_grid = self.on_grid(Site::Weights(index), mode.quantised);
        let weight = if on_grid {
            let real = self.real_weight(index);
            let grids = self.grids_of(index, &real);
            let bits = self.weight_bits(index);
            match self.get(index, Part::WeightStep) {
                Some(_) => quantise::stepped_weights(&real, &grids, bits),
                None => quantise::weights(&real, &grids, bits, self.weight_bounds(index)),
            }
        } else {
            self.unfolded_weight(index)
        };
        let weight = x.unit.as_ref().map_or_else(|| weight.shallow_clone(), |unit| &weight * unit);
        let folded = on_grid && self.folded_factor(index).is_some();
        let bias = if folded {
            self.norm_offset(index, Kind::Float)
        } else {
            self.get(index, Part::Bias).map(Tensor::shallow_clone)
        };
        (weight, bias)
    }

    /// The grids of a node's weights: scalars, or one for each output channel.
    pub fn weight_grids(&self, index: usize) -> quantise::Grids {
        self.grids_of(index, &self.real_weight(index))
    }

    /// The same of weights that are at hand.
    pub fn grids_of(&self, index: usize, real: &Tensor) -> quantise::Grids {
        let bits = self.weight_bits(index);
        if let Some(grids) = self.learned_grid(index) {
            return grids;
        }
        match self.weight_bounds(index) {
            Some((low, high)) => quantise::per_layer_grids(low, high, bits),
            None => quantise::per_channel_grids(real, bits),
        }
    }

    fn convolve(
        &self,
        index: usize,
        x: &Value,
        conv: &GroupedConv,
        mode: Mode,
        unit: Option<&Tensor>,
    ) -> Tensor {
        let (weight, bias) = self.weight(index, x, mode);
        let GroupedConv { window, groups, dilation } = conv;
        let [top, bottom, left, right] = window.padding;
        let (x, padding) = if top == bottom && left == right {
            (x.tensor.shallow_clone(), ints([top, left]))
        } else {
            (padded(&x.tensor, window, 0.0), [0, 0])
        };
        let (stride, dilation) = (ints(window.stride), ints(*dilation));
        let y = x.conv2d::<Tensor>(&weight, None, stride, padding, dilation, *groups as i64);
        self.normalise(index, y, bias, mode, unit)
    }

    fn linear(&self, index: usize, x: &Value, mode: Mode, unit: Option<&Tensor>) -> Tensor {
        let (weight, bias) = self.weight(index, x, mode);
        let rows = x.tensor.permute([0, 2, 3, 1]).flatten(1, -1);
        let y = rows.linear::<Tensor>(&weight, None).unsqueeze(-1).unsqueeze(-1);
        self.normalise(index, y, bias, mode, unit)
    }

    /// Bias or batch norm, whose result is divided by `unit`.
    fn normalise(
        &self,
        index: usize,
        y: Tensor,
        bias: Option<Tensor>,
        mode: Mode,
        unit: Option<&Tensor>,
    ) -> Tensor {
        let in_units = |tensor: &Tensor| unit.map_or_else(|| tensor.shallow_clone(), |unit| tensor / unit);
        if let Some(bias) = bias {
            return in_units(&(y + bias.view([1, -1, 1, 1])));
        }
        let (gamma, beta) = (self.get(index, Part::Gamma), self.get(index, Part::Beta));
        y.batch_norm(
            gamma.map(in_units),
            beta.map(in_units),
            self.get(index, Part::Mean).map(Tensor::shallow_clone),
            self.get(index, Part::Variance).map(Tensor::shallow_clone),
            mode.batch_statistics,
            0.1,
            EPSILON,
            false,
        )
    }
}
