//! The network's parameters as libtorch tensors, by name and in one order.

use std::collections::BTreeMap;

use mixq_format::Bits;
use tch::{Kind, Tensor};

use crate::config::{Rounding, Scheme};
use crate::convert::Grid;
use crate::graph::{Graph, Op};
use crate::memory::Allocation;

/// A network in training.
pub struct Model<'a> {
    /// What is computed.
    pub graph: &'a Graph,
    /// At which bits.
    pub allocation: &'a Allocation,
    /// How weights share grids.
    pub scheme: Scheme,
    /// How activations are rounded.
    pub rounding: Rounding,
    /// The image's grid, which normalises it.
    pub image: Grid,
    /// The one tensor on a grid, at these bits, in an otherwise float network: to measure what it minds.
    pub only: Option<(Site, Bits)>,
    /// All tensors: `<node>.<part>`, see the constants below.
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

/// Parts of a node, which name its tensors.
pub mod part {
    /// Weights, `[out, in, height, width]` or `[out, in]`.
    pub const WEIGHT: &str = "weight";
    /// Bias of a layer without batch norm.
    pub const BIAS: &str = "bias";
    /// Scale of the batch norm.
    pub const GAMMA: &str = "norm.gamma";
    /// Shift of the batch norm.
    pub const BETA: &str = "norm.beta";
    /// Running mean; not trained.
    pub const MEAN: &str = "norm.mean";
    /// Running variance; not trained.
    pub const VARIANCE: &str = "norm.variance";
    /// Upper bound of the activation (PACT's alpha).
    pub const HIGH: &str = "activation.high";
    /// Lower bound of an activation without ReLU.
    pub const LOW: &str = "activation.low";
    /// Lower bound of per-layer weights.
    pub const WEIGHT_LOW: &str = "weight.low";
    /// Upper bound of per-layer weights.
    pub const WEIGHT_HIGH: &str = "weight.high";
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
        image: Grid,
    ) -> Model<'a> {
        let mut tensors = BTreeMap::new();
        for (index, node) in graph.nodes.iter().enumerate() {
            let mut insert =
                |part: &str, tensor: Tensor| tensors.insert(format!("{}.{part}", node.name), tensor);
            let options = (Kind::Float, tch::Device::Cpu);
            let channels = node.output.channels as i64;
            if node.op.weighted() {
                let shape = libtorch_shape(graph, index);
                let fan_in: i64 = shape[1..].iter().product();
                let deviation = (2.0 / fan_in as f64).sqrt();
                insert(part::WEIGHT, Tensor::randn(&shape[..], options) * deviation);
                if node.op.batch_norm() {
                    insert(part::GAMMA, Tensor::ones([channels], options));
                    insert(part::BETA, Tensor::zeros([channels], options));
                    insert(part::MEAN, Tensor::zeros([channels], options));
                    insert(part::VARIANCE, Tensor::ones([channels], options));
                } else {
                    insert(part::BIAS, Tensor::zeros([channels], options));
                }
                if scheme == Scheme::PerLayer {
                    insert(part::WEIGHT_LOW, Tensor::from(-1f32));
                    insert(part::WEIGHT_HIGH, Tensor::from(1f32));
                }
            }
            if has_own_grid(graph, index) {
                // The paper's start; training replaces it by one from data.
                insert(part::HIGH, Tensor::from(6f32));
                if !node.op.relu() {
                    insert(part::LOW, Tensor::from(-6f32));
                }
            }
        }
        Model { graph, allocation, scheme, rounding, image, only: None, tensors }
    }

    /// One tensor of a node, if it has that part.
    pub fn get(&self, node: usize, part: &str) -> Option<&Tensor> {
        self.tensors.get(&format!("{}.{part}", self.graph.nodes[node].name))
    }

    /// Replaces the value of one tensor of a node.
    pub fn set(&mut self, node: usize, part: &str, value: Tensor) {
        self.tensors.insert(format!("{}.{part}", self.graph.nodes[node].name), value);
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
        self.get(node, part::WEIGHT_LOW).zip(self.get(node, part::WEIGHT_HIGH))
    }

    /// Copies of all tensors, cut off from training.
    pub fn snapshot(&self) -> BTreeMap<String, Tensor> {
        self.tensors.iter().map(|(name, tensor)| (name.clone(), tensor.detach().copy())).collect()
    }
}

/// Whether a node's output has a quantiser of its own: pools and flatten keep their input's, logits have none.
pub fn has_own_grid(graph: &Graph, node: usize) -> bool {
    let op = &graph.nodes[node].op;
    (op.weighted() || matches!(op, Op::Add { .. })) && node + 1 < graph.nodes.len()
}

/// Shape of a node's weights as libtorch wants them; channels of a flattened input stay last.
fn libtorch_shape(graph: &Graph, node: usize) -> Vec<i64> {
    let shape: Vec<i64> = graph.weight_shape(node).iter().map(|size| *size as i64).collect();
    match graph.nodes[node].op {
        Op::Conv { .. } => vec![shape[0], shape[3], shape[1], shape[2]],
        Op::Depthwise { .. } => vec![shape[2], 1, shape[0], shape[1]],
        _ => vec![shape[0], shape[1] * shape[2]],
    }
}
