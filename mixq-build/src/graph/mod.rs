//! The float network: layers, shapes and operators.
//!
//! A [`Spec`] lists layers as `import` reads them; [`Graph::resolve`] gives them names, shapes and
//! padding in pixels, and checks every rule that the later steps rely on.

mod activation;
mod assemble;
mod description;
mod figures;
mod fold;
mod grids;
mod inputs;
mod layer;
mod layout;
pub mod op;
mod pads;
mod resolve;
mod rules;
mod shape;
mod spec;

pub use activation::Activation;
pub use inputs::{Input, Inputs};
pub(crate) use layout::AS_IT_IS;
pub use layout::Order;
pub use op::{Op, OpSpec};
pub(crate) use shape::LARGEST;
pub(crate) use spec::IMAGE;
pub use spec::{InputSpec, LayerSpec, Padding, Spec};

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

    /// With pixels at top, bottom, left, right.
    pub(crate) fn padded(&self, [top, bottom, left, right]: [usize; 4]) -> Shape {
        Shape { height: self.height + top + bottom, width: self.width + left + right, ..*self }
    }
}

/// One pixel with this number of channels.
impl From<usize> for Shape {
    fn from(channels: usize) -> Shape {
        Shape { height: 1, width: 1, channels }
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

impl Window {
    /// Its table in flash.
    pub fn table(&self) -> mixq_format::Window {
        let size = |size: usize| u16::try_from(size).expect("the graph bounds every axis");
        mixq_format::Window {
            kernel_height: size(self.kernel[0]),
            kernel_width: size(self.kernel[1]),
            stride_height: size(self.stride[0]),
            stride_width: size(self.stride[1]),
            pad_top: size(self.padding[0]),
            pad_left: size(self.padding[2]),
        }
    }
}

/// Where a node's input comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// The input of the network with this index; 0 of a network that reads an image.
    Input(usize),
    /// The output of the node with this index.
    Node(usize),
}

/// One node of the network. Batch norm and ReLU belong to the layer before them: ICN folds both away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Unique name.
    pub name: String,
    /// What it computes.
    pub op: Op,
    /// Whether batch norm follows.
    pub norm: bool,
    /// The activation that follows: no function that is a node of its own.
    pub activation: Activation,
    /// What it reads: one source, two for an addition or a product; only earlier nodes.
    pub inputs: Vec<Source>,
    /// What it writes.
    pub output: Shape,
}

impl Node {
    /// Whether its output surely is never negative, so that its codes have the zero point 0. Not of a node
    /// that keeps its input's grid.
    pub fn starts_at_zero(&self) -> bool {
        match self.op {
            Op::Elementwise(op::Elementwise { function }) => function.starts_at_zero(),
            Op::Prelu(_) => false,
            Op::Conv(_)
            | Op::Depthwise(_)
            | Op::GroupedConv(_)
            | Op::Linear(_)
            | Op::AveragePool(_)
            | Op::MaxPool(_)
            | Op::Add(_)
            | Op::Multiply(_)
            | Op::Constants(_)
            | Op::Flatten(_)
            | Op::Rearrange(_)
            | Op::Resize(_) => self.activation.starts_at_zero(),
        }
    }
}

/// A network: nodes in an order in which they can be executed. The last node writes the output, and no node
/// reads it.
///
/// Its serialised form is canonical: equal networks give equal text, whatever the layer list that they
/// were written in looks like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Graph {
    /// What it reads.
    #[serde(rename = "input")]
    pub inputs: Inputs,
    /// The nodes in order.
    pub nodes: Vec<Node>,
    /// Of a network with several outputs all of them, the first of which is that of the last node.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<NamedOutput>,
}

/// An output of a network that has several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NamedOutput {
    /// The name of its layer.
    pub name: String,
    /// The node that writes it.
    pub node: usize,
}
