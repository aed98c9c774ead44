//! The network's parameters as libtorch tensors, by name and in one order.

use std::collections::BTreeMap;

use mixq_format::{Bits, Operation};
use tch::{Device, Kind, Tensor};

use crate::convert::Grid;
use crate::graph::op::Weights;
use crate::graph::{Graph, Op};
use crate::memory::Allocation;
use crate::settings::{Rounding, Scheme};

use super::batches::{Form, InputForm};
use super::normalisation::Normalisation;
use super::part::Part;

/// A network in training.
pub struct Model<'a> {
    /// The network.
    pub graph: &'a Graph,
    /// For each node the one that has the bounds of its output's grid; see [`Graph::grids`].
    pub grids: Vec<usize>,
    /// Its bits.
    pub allocation: &'a Allocation,
    /// Which weights share a grid.
    pub scheme: Scheme,
    /// How activations are rounded.
    pub rounding: Rounding,
    /// The grid of each input, which normalises all its channels alike.
    pub inputs: Vec<Grid>,
    /// For each input factors by channel, `[channels]`, on the weights of the layers that read it: they
    /// normalise what its grid does not. None where a layer without such weights reads it.
    pub gains: Vec<Option<Tensor>>,
    /// The device that holds the tensors.
    pub device: Device,
    /// The one tensor that is quantised, at these bits, in an otherwise float network: its sensitivity is
    /// measured so.
    pub only: Option<(Site, Bits)>,
    /// All tensors by their names, see [`Part::name`].
    pub tensors: BTreeMap<String, Tensor>,
}

/// A tensor that can be quantised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Site {
    /// The weights of a node.
    Weights(usize),
    /// The output of a node.
    Output(usize),
}

/// Added to the variance of a batch norm.
pub const EPSILON: f64 = 1e-5;

impl<'a> Model<'a> {
    /// Fresh parameters (He initialisation for weights) from libtorch's generator.
    pub fn new(
        graph: &'a Graph,
        allocation: &'a Allocation,
        scheme: Scheme,
        rounding: Rounding,
        normalisations: &[Normalisation],
        device: Device,
    ) -> Model<'a> {
        let mut tensors = BTreeMap::new();
        let (grids, zero_based) = (graph.grids(), graph.zero_based());
        for (index, node) in graph.nodes.iter().enumerate() {
            let mut insert = |part: Part, tensor: Tensor| {
                // Drawn by the CPU's generator wherever they go.
                tensors.insert(part.name(&node.name), tensor.to_device(device));
            };
            let options = (Kind::Float, Device::Cpu);
            let channels = node.output.channels as i64;
            if let Some(layout) = node.op.weights() {
                let shape = libtorch_shape(graph, index, layout);
                let fan_in: i64 = shape[1..].iter().product();
                let deviation = (2.0 / fan_in as f64).sqrt();
                let weights = Tensor::randn(&shape[..], options) * deviation;
                // A window of one pixel only scales channels: it begins by changing nothing, as constants do.
                let (part, weights) = match (node.op, layout) {
                    (_, Weights::Channels { kernel: [1, 1] }) => (Part::Weight, weights.ones_like()),
                    (Op::Constants(constants), _) => {
                        let nothing = match constants.operation {
                            Operation::Sum => weights.zeros_like(),
                            Operation::Product => weights.ones_like(),
                        };
                        (if constants.trained { Part::Weight } else { Part::Constant }, nothing)
                    }
                    _ => (Part::Weight, weights),
                };
                insert(part, weights);
                if !node.op.accumulates() {
                    // Nothing follows.
                } else if node.norm {
                    insert(Part::Gamma, Tensor::ones([channels], options));
                    insert(Part::Beta, Tensor::zeros([channels], options));
                    insert(Part::Mean, Tensor::zeros([channels], options));
                    insert(Part::Variance, Tensor::ones([channels], options));
                } else {
                    insert(Part::Bias, Tensor::zeros([channels], options));
                }
                if scheme.per_layer() {
                    insert(Part::WeightLow, Tensor::from(-1f32));
                    insert(Part::WeightHigh, Tensor::from(1f32));
                }
            }
            if let Op::Prelu(_) = node.op {
                // As in PyTorch.
                insert(Part::Slope, Tensor::full([channels], 0.25, options));
            }
            if has_own_grid(graph, index) && grids[index] == index {
                // The paper's start; training replaces it by one from data.
                insert(Part::High, Tensor::from(6f32));
                if !zero_based[index] {
                    insert(Part::Low, Tensor::from(-6f32));
                }
            }
        }
        let gains = normalisations.iter().enumerate().map(|(input, normalisation)| {
            let gains = normalisation.gains.iter().map(|gain| *gain as f32).collect::<Vec<_>>();
            meets_weights_only(graph, input).then(|| Tensor::from_slice(&gains).to_device(device))
        });
        let gains = gains.collect();
        let inputs = normalisations.iter().map(|normalisation| normalisation.image).collect();
        Model { graph, grids, allocation, scheme, rounding, inputs, gains, device, only: None, tensors }
    }

    /// The form of its batches.
    pub fn form(&self) -> Form {
        let inputs = self.graph.inputs.iter().zip(&self.inputs);
        let inputs =
            inputs.map(|(input, grid)| InputForm { shape: input.shape, order: input.order, grid: *grid });
        Form { inputs: inputs.collect(), device: self.device }
    }

    /// Another network of the same graph, with these tensors.
    pub fn with_tensors(&self, tensors: BTreeMap<String, Tensor>) -> Model<'a> {
        let &Model { graph, allocation, scheme, rounding, device, .. } = self;
        let gains = self.gains.iter().map(|gains| gains.as_ref().map(Tensor::shallow_clone)).collect();
        let (grids, inputs) = (self.grids.clone(), self.inputs.clone());
        Model { graph, grids, allocation, scheme, rounding, inputs, gains, device, only: None, tensors }
    }

    /// Weights as the integer network will hold them, before they are rounded: with the input's
    /// normalisation, and with batch norm where the scheme folds it.
    pub fn real_weight(&self, node: usize) -> Tensor {
        let weight = self.unfolded_weight(node);
        match self.folded_factor(node) {
            Some(factor) => {
                let mut shape = vec![1; weight.dim()];
                shape[0] = -1;
                weight * factor.view(&shape[..])
            }
            None => weight,
        }
    }

    /// Weights with the normalisation of the input that the node reads, if it reads one.
    pub fn unfolded_weight(&self, node: usize) -> Tensor {
        let weight = self.get(node, Part::Weight).or_else(|| self.get(node, Part::Constant));
        let weight = weight.expect("a weighted node").shallow_clone();
        let node = &self.graph.nodes[node];
        // A layer with weights reads one tensor.
        let Some(input) = self.graph.input_of(node.inputs[0]) else { return weight };
        let Some(gains) = &self.gains[input] else { return weight };
        match node.op.weights().expect("a weighted node") {
            Weights::Channels { .. } => weight * gains.view([-1, 1, 1, 1]),
            Weights::Filters { groups, .. } => {
                // A row of gains for each filter: those of its group's channels.
                let (groups, filters) = (groups as i64, weight.size()[0]);
                let rows = gains.view([groups, -1]).repeat_interleave_self_int(filters / groups, 0, None);
                weight * rows.view([filters, -1, 1, 1])
            }
            Weights::Dense | Weights::Elements => {
                unreachable!("there are gains only where convolutions alone read the input")
            }
        }
    }

    /// `gamma / sigma` of a node whose batch norm the scheme folds into its weights.
    pub fn folded_factor(&self, node: usize) -> Option<Tensor> {
        if self.scheme != Scheme::PerLayerFolded {
            return None;
        }
        self.norm_factor(node, Kind::Float)
    }

    /// `gamma / sigma` of a node with batch norm, `[channels]`, from the running statistics; computed in
    /// numbers of this kind.
    pub fn norm_factor(&self, node: usize, kind: Kind) -> Option<Tensor> {
        let of = |part| self.get(node, part).map(|tensor| tensor.to_kind(kind));
        let (gamma, variance) = of(Part::Gamma).zip(of(Part::Variance))?;
        Some(gamma / (variance + EPSILON).sqrt())
    }

    /// `beta - mu gamma / sigma` of a node with batch norm, else its bias, `[channels]`; computed in numbers
    /// of this kind.
    pub fn norm_offset(&self, node: usize, kind: Kind) -> Option<Tensor> {
        let of = |part| self.get(node, part).map(|tensor| tensor.to_kind(kind));
        match self.norm_factor(node, kind) {
            Some(factor) => {
                let (beta, mean) = of(Part::Beta).zip(of(Part::Mean)).expect("a batch norm is whole");
                Some(beta - mean * factor)
            }
            None => of(Part::Bias),
        }
    }

    /// One tensor of a node, if it has that part.
    pub fn get(&self, node: usize, part: Part) -> Option<&Tensor> {
        self.tensors.get(&self.name_of(node, part))
    }

    /// Replaces the value of one tensor of a node.
    pub fn set(&mut self, node: usize, part: Part, value: Tensor) {
        self.tensors.insert(self.name_of(node, part), value);
    }

    /// Takes one tensor of a node away.
    pub fn remove(&mut self, node: usize, part: Part) {
        self.tensors.remove(&self.name_of(node, part));
    }

    /// The name of a tensor. Outputs of one grid share their bounds.
    fn name_of(&self, node: usize, part: Part) -> String {
        let node = match part {
            Part::High | Part::Low => self.grids[node],
            Part::Weight
            | Part::Constant
            | Part::Bias
            | Part::Gamma
            | Part::Beta
            | Part::Mean
            | Part::Variance
            | Part::Slope
            | Part::WeightLow
            | Part::WeightHigh
            | Part::WeightStep
            | Part::WeightZero => node,
        };
        part.name(&self.graph.nodes[node].name)
    }

    /// Bits of a node's weights.
    pub fn weight_bits(&self, node: usize) -> Bits {
        let allocated = self.allocation.weights[node].expect("a weighted node has bits");
        self.only_bits(Site::Weights(node)).unwrap_or(allocated)
    }

    /// Bits of a node's output.
    pub fn output_bits(&self, node: usize) -> Bits {
        self.only_bits(Site::Output(node)).unwrap_or(self.allocation.activations[node])
    }

    /// Whether a tensor is on its grid in a forward pass.
    pub fn on_grid(&self, site: Site, quantised: bool) -> bool {
        quantised || self.only_bits(site).is_some()
    }

    fn only_bits(&self, site: Site) -> Option<Bits> {
        self.only.filter(|(only, _)| *only == site).map(|(_, bits)| bits)
    }

    /// The learned bounds of per-layer weights.
    pub fn weight_bounds(&self, node: usize) -> Option<(&Tensor, &Tensor)> {
        self.get(node, Part::WeightLow).zip(self.get(node, Part::WeightHigh))
    }

    /// Copies of all tensors, cut off from training.
    pub fn snapshot(&self) -> BTreeMap<String, Tensor> {
        self.tensors.iter().map(|(name, tensor)| (name.clone(), tensor.detach().copy())).collect()
    }
}

/// Whether all that reads an input are convolutions, whose weights can take over its normalisation. Moving
/// its elements changes nothing.
fn meets_weights_only(graph: &Graph, input: usize) -> bool {
    let mut readers = graph.readers_of_input(input).into_iter();
    readers.all(|node| match graph.nodes[node].op.weights() {
        Some(Weights::Filters { .. } | Weights::Channels { .. }) => true,
        Some(Weights::Dense | Weights::Elements) | None => false,
    })
}

/// Whether a node's output has a quantiser of its own: pools and flatten keep their input's, logits have
/// none.
pub fn has_own_grid(graph: &Graph, node: usize) -> bool {
    graph.nodes[node].op.output().has_own_grid() && !graph.is_logits(node)
}

/// Shape of a weighted node's weights as libtorch wants them; channels of a flattened input stay last.
fn libtorch_shape(graph: &Graph, node: usize, layout: Weights) -> Vec<i64> {
    let shape: Vec<i64> = graph.weight_shape(node).iter().map(|size| *size as i64).collect();
    match layout {
        Weights::Filters { .. } => vec![shape[0], shape[3], shape[1], shape[2]],
        Weights::Channels { .. } => vec![shape[2], 1, shape[0], shape[1]],
        Weights::Dense => vec![shape[0], shape[1] * shape[2]],
        Weights::Elements => vec![1, shape[2], shape[0], shape[1]],
    }
}

/// Weights in libtorch's layout as the network has them.
pub(super) fn from_libtorch(weights: &Tensor, layout: Weights) -> Tensor {
    match layout {
        Weights::Filters { .. } | Weights::Elements => weights.permute([0, 2, 3, 1]),
        Weights::Channels { .. } => weights.permute([2, 3, 0, 1]),
        Weights::Dense => weights.shallow_clone(),
    }
}
