//! What can be counted on a network.

use super::op::{Elementwise, Output};
use super::{Activation, Graph, Node, Op, Shape, Source};

/// # Panics
/// All methods that take the index of a node panic if there is no such node.
impl Graph {
    /// The shape of the first input: of a network that has one, of all that it reads.
    pub fn input(&self) -> Shape {
        self.inputs[0].shape
    }

    /// The shape of the tensor that a source writes.
    pub fn shape(&self, source: Source) -> Shape {
        match source {
            Source::Input(index) => self.inputs[index].shape,
            Source::Node(index) => self.nodes[index].output,
        }
    }

    /// The name of a source.
    pub fn name(&self, source: Source) -> &str {
        match source {
            Source::Input(index) => &self.inputs[index].name,
            Source::Node(index) => &self.nodes[index].name,
        }
    }

    /// The shape of input `which` (0, for an addition 0 or 1) of a node.
    ///
    /// # Panics
    /// Also if the node has no such input.
    pub fn input_shape(&self, index: usize, which: usize) -> Shape {
        self.shape(self.nodes[index].inputs[which])
    }

    /// The source whose tensor holds the elements of `source`: itself, or what a flatten reads, because
    /// flattening moves nothing.
    pub fn storage(&self, source: Source) -> Source {
        let Source::Node(index) = source else { return source };
        match self.nodes[index].op.output() {
            Output::InputTensor => self.storage(self.nodes[index].inputs[0]),
            Output::Own | Output::InPlace | Output::InputGrid | Output::SecondInput => source,
        }
    }

    /// The nodes that read a source, in order, each once.
    pub fn readers(&self, source: Source) -> Vec<usize> {
        let reads = |index: &usize| self.nodes[*index].inputs.contains(&source);
        (0..self.nodes.len()).filter(reads).collect()
    }

    /// The nodes with weights, in order.
    pub fn weighted(&self) -> impl Iterator<Item = usize> {
        (0..self.nodes.len()).filter(|&node| self.nodes[node].op.weighted())
    }

    /// The node that writes the output of the network: the last one, or what a flatten at the end reads.
    ///
    /// # Panics
    /// If no node computes anything, which [`Graph::resolve`] refuses.
    pub fn output_node(&self) -> usize {
        match self.storage(Source::Node(self.nodes.len() - 1)) {
            Source::Node(node) => node,
            Source::Input(_) => unreachable!("a network computes something"),
        }
    }

    /// Whether a node's output is one of the network.
    pub fn is_output(&self, node: usize) -> bool {
        node == self.output_node() || self.outputs.iter().any(|output| output.node == node)
    }

    /// The nodes that the last layer does not depend on: they lead to other outputs alone.
    pub fn aside(&self) -> Vec<&Node> {
        let mut needed = vec![false; self.nodes.len()];
        needed[self.nodes.len() - 1] = true;
        for index in (0..self.nodes.len()).rev() {
            if needed[index] {
                for source in &self.nodes[index].inputs {
                    if let Source::Node(before) = source {
                        needed[*before] = true;
                    }
                }
            }
        }
        self.nodes.iter().zip(needed).filter(|(_, needed)| !needed).map(|(node, _)| node).collect()
    }

    /// Whether a node's output are logits: sums of 32 bits, on the one scale of the accumulators. It is the
    /// output of a network that ends in a layer with weights, without an activation. All other outputs of
    /// nodes are codes on a grid.
    pub fn is_logits(&self, node: usize) -> bool {
        let Node { op, activation, .. } = &self.nodes[node];
        node == self.output_node() && op.accumulates() && *activation == Activation::None
    }

    /// The least and the largest value that the last layer writes, by the function or the activation that it
    /// ends in; infinite where there is none. What moves values, or pools them, keeps the range.
    pub fn output_range(&self) -> [f64; 2] {
        self.range(Source::Node(self.nodes.len() - 1))
    }

    fn range(&self, source: Source) -> [f64; 2] {
        let any = [f64::NEG_INFINITY, f64::INFINITY];
        let Source::Node(index) = source else { return any };
        let Node { op, activation, inputs, .. } = &self.nodes[index];
        match op {
            Op::Elementwise(Elementwise { function }) => function.range(),
            op if !op.output().has_own_grid() => {
                let ranges = inputs.iter().map(|input| self.range(*input));
                let joined = |all: [f64; 2], own: [f64; 2]| [all[0].min(own[0]), all[1].max(own[1])];
                ranges.reduce(joined).unwrap_or(any)
            }
            _ => activation.range(),
        }
    }

    /// The shape of the network's output.
    pub fn output(&self) -> Shape {
        self.nodes[self.output_node()].output
    }

    /// The number of outputs of the network for each pixel of its output: its channels.
    pub fn outputs(&self) -> usize {
        self.output().channels
    }

    /// The first node whose batch norm has a single value of each channel in an image, if there is one: it
    /// can only be trained with two or more images at a time.
    pub fn normalises_single_pixels(&self) -> Option<&Node> {
        self.nodes.iter().find(|node| node.norm && node.output.height * node.output.width == 1)
    }

    /// The shape of a node's weights, in elements: `[out, kernel height, kernel width, in]` of a convolution,
    /// `[kernel height, kernel width, channels]` of a depthwise layer, `[out, pixels, in]` of a linear layer
    /// (pixels and channels of the tensor before any flatten),
    /// `[height, width, channels]` of constants; empty without weights.
    pub fn weight_shape(&self, index: usize) -> Vec<usize> {
        let node = &self.nodes[index];
        let input = self.shape(self.storage(node.inputs[0]));
        node.op.weights().map_or(Vec::new(), |weights| weights.shape(input, node.output))
    }

    /// The number of a node's weights.
    pub fn weight_count(&self, index: usize) -> usize {
        let shape = self.weight_shape(index);
        if shape.is_empty() { 0 } else { shape.iter().product() }
    }

    /// The number of a node's trained parameters: weights, and for each output channel a bias or, with batch
    /// norm, gamma and beta; or a slope.
    pub fn parameters(&self, index: usize) -> usize {
        let Node { op, norm, output, .. } = &self.nodes[index];
        let of_a_channel = match (op.accumulates(), norm) {
            (false, _) => usize::from(matches!(op, Op::Prelu(_))),
            (true, false) => 1,
            (true, true) => 2,
        };
        self.weight_count(index) + of_a_channel * output.channels
    }

    /// Multiply-accumulates of a node for one image. Padding counts like pixels, as in published figures;
    /// nodes without sums of products count 0.
    pub fn macs(&self, index: usize) -> u64 {
        if !self.nodes[index].op.accumulates() {
            return 0;
        }
        // Each weight is used once for each output pixel; a linear layer writes one.
        let Shape { height, width, .. } = self.nodes[index].output;
        height as u64 * width as u64 * self.weight_count(index) as u64
    }
}
