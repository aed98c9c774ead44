//! A network as it is written: layers before names and shapes are known.

use crate::error::Location;

use super::{Activation, OpSpec, Shape};

/// The name by which layers read the input of a network that has one, unless it has another name.
pub(crate) const IMAGE: &str = "image";

/// A network as a list of layers.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// The inputs, one or more.
    pub inputs: Vec<InputSpec>,
    /// The layers; each reads inputs or earlier layers.
    pub layers: Vec<LayerSpec>,
}

impl Spec {
    /// A network that reads one image.
    pub fn new(image: Shape, layers: Vec<LayerSpec>) -> Spec {
        Spec { inputs: vec![InputSpec { name: IMAGE.to_string(), shape: image, location: None }], layers }
    }
}

/// An input as it is written.
#[derive(Clone, Debug, PartialEq)]
pub struct InputSpec {
    /// The name by which layers read it.
    pub name: String,
    /// Its shape.
    pub shape: Shape,
    /// Where it is written.
    pub location: Option<Location>,
}

/// One layer as it is written.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerSpec {
    /// Its name; without one it is called after its operator, with a running number ("conv2").
    pub name: Option<String>,
    /// What it computes.
    pub op: OpSpec,
    /// Whether batch norm follows. `None` means: it follows a convolution, a depthwise and a pointwise layer,
    /// but not the last layer of the network, and a layer that is read by a
    /// [`BatchNorm`](super::op::BatchNorm) or a [`Relu`](super::op::Relu) has what is written there.
    pub norm: Option<bool>,
    /// The activation that follows. `None` means ReLU where batch norm follows by default, elsewhere none.
    pub activation: Option<Activation>,
    /// Names of inputs or of earlier layers; empty for the layer before, or for the first input.
    pub inputs: Vec<String>,
    /// Whether the network also offers what this layer writes. The last layer's output is one in any case.
    pub is_output: bool,
    /// Where it is written.
    pub location: Option<Location>,
}

impl LayerSpec {
    /// A layer that reads the layer before it.
    pub fn new(name: impl Into<String>, op: impl Into<OpSpec>) -> LayerSpec {
        LayerSpec {
            name: Some(name.into()),
            op: op.into(),
            norm: None,
            activation: None,
            inputs: Vec::new(),
            is_output: false,
            location: None,
        }
    }

    /// The same, with what follows it.
    pub fn followed_by(self, norm: bool, activation: Activation) -> LayerSpec {
        LayerSpec { norm: Some(norm), activation: Some(activation), ..self }
    }

    /// The same with other inputs.
    pub fn reads<'a>(self, inputs: impl IntoIterator<Item = &'a str>) -> LayerSpec {
        LayerSpec { inputs: inputs.into_iter().map(String::from).collect(), ..self }
    }
}

/// What surrounds the input of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// As TensorFlow pads: the output has `ceil(input / stride)` pixels, and an odd row or column of padding
    /// goes to the bottom or the right.
    Same,
    /// None.
    Valid,
    /// As is usual in PyTorch: `kernel / 2`, rounded down, on all sides.
    Symmetric,
    /// Pixels at top, bottom, left, right.
    Explicit([usize; 4]),
}
