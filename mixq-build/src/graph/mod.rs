//! The float network: layers, shapes, built-in networks, and the layer list in TOML.
//!
//! A [`Spec`] lists layers as a person or an importer writes them; [`Graph::resolve`] gives them names,
//! shapes and padding in pixels, and checks every rule that the later steps rely on.

pub mod builtin;
mod figures;
mod fold;
mod keys;
mod layer;
mod names;
mod op;
mod parse;
mod resolve;
mod rules;
mod shape;
mod spec;

pub use spec::{LayerSpec, OpSpec, Padding, Spec};

use serde::Serialize;

/// Height, width and channels of a tensor of one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Shape {
    /// Rows of pixels.
    pub height: usize,
    /// Pixels in a row.
    pub width: usize,
    /// Elements of a pixel.
    pub channels: usize,
}

impl Shape {
    /// Elements of the tensor.
    pub fn elements(&self) -> usize {
        self.height * self.width * self.channels
    }
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}x{}", self.height, self.width, self.channels)
    }
}

/// A sliding window; sizes in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Window {
    /// Height and width.
    pub kernel: [usize; 2],
    /// Step down and to the right.
    pub stride: [usize; 2],
    /// Padding at top, bottom, left, right.
    pub padding: [usize; 4],
}

/// What a node computes. Batch norm and ReLU belong to the layer before them: ICN folds both away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Op {
    /// Standard convolution (pointwise if the kernel is 1x1); without batch norm it has a bias.
    Conv {
        /// The window.
        window: Window,
        /// Batch norm follows.
        batch_norm: bool,
        /// ReLU follows.
        relu: bool,
    },
    /// Depthwise convolution, one filter a channel; without batch norm it has a bias.
    Depthwise {
        /// The window.
        window: Window,
        /// Batch norm follows.
        batch_norm: bool,
        /// ReLU follows.
        relu: bool,
    },
    /// Fully connected, over pixels in the order row, column, channel; without batch norm it has a bias.
    Linear {
        /// Batch norm follows.
        batch_norm: bool,
        /// ReLU follows.
        relu: bool,
    },
    /// Average pool; padding does not count.
    AveragePool {
        /// The window; for a global pool the whole input.
        window: Window,
    },
    /// Maximum pool.
    MaxPool {
        /// The window.
        window: Window,
    },
    /// Residual addition of two tensors of one shape.
    Add {
        /// ReLU follows.
        relu: bool,
    },
    /// The same elements as one pixel, in the order row, column, channel.
    Flatten,
}

/// Where a node's input comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub enum Source {
    /// The image.
    Image,
    /// The output of the node with this index.
    Node(usize),
}

/// One node of the network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Node {
    /// Unique name.
    pub name: String,
    /// What it computes.
    pub op: Op,
    /// What it reads: one source, two for an addition; only earlier nodes.
    pub inputs: Vec<Source>,
    /// What it writes.
    pub output: Shape,
}

/// A network: nodes in an order in which they can be executed. The last node writes the logits: it is
/// a linear layer or a convolution with one output pixel, without ReLU, and nobody reads it.
///
/// Its serialised form is canonical: equal networks give equal text, whatever the layer list that they
/// were written in looks like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Graph {
    /// The image.
    pub input: Shape,
    /// The nodes in order.
    pub nodes: Vec<Node>,
}
