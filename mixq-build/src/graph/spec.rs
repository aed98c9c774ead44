//! A network as it is written: layers before names and shapes are known.

use crate::error::Location;

use super::Shape;

/// The name by which layers read the image.
pub(super) const IMAGE: &str = "image";

/// A network as a list of layers.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// The image.
    pub input: Shape,
    /// The layers; each reads the image or earlier layers.
    pub layers: Vec<LayerSpec>,
}

/// One layer as it is written.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerSpec {
    /// Its name; without one it is called after its operator, with a running number ("conv2").
    pub name: Option<String>,
    /// What it computes.
    pub op: OpSpec,
    /// Names of earlier layers, or "image"; empty for the layer before.
    pub inputs: Vec<String>,
    /// Where it is written.
    pub location: Option<Location>,
}

impl LayerSpec {
    /// A layer that reads the layer before it.
    pub fn new(name: impl Into<String>, op: OpSpec) -> LayerSpec {
        LayerSpec { name: Some(name.into()), op, inputs: Vec::new(), location: None }
    }

    /// The same with other inputs.
    pub fn reads<'a>(self, inputs: impl IntoIterator<Item = &'a str>) -> LayerSpec {
        LayerSpec { inputs: inputs.into_iter().map(String::from).collect(), ..self }
    }
}

/// An operator with what must be known of it. Kernels and strides are `[height, width]` in pixels.
///
/// `batch_norm` and `relu` say whether these follow. `None` means: both follow a convolution, a depthwise and
/// a pointwise layer, neither follows a linear layer or an addition, neither follows the last layer of the
/// network, and a layer that is read by a [`OpSpec::BatchNorm`] or [`OpSpec::Relu`] gets what is written
/// there.
#[derive(Clone, Debug, PartialEq)]
pub enum OpSpec {
    /// Standard convolution.
    Conv {
        /// Output channels.
        filters: usize,
        /// Size of the window.
        kernel: [usize; 2],
        /// Step of the window.
        stride: [usize; 2],
        /// What surrounds the input.
        padding: Padding,
        /// Whether batch norm follows.
        batch_norm: Option<bool>,
        /// Whether ReLU follows.
        relu: Option<bool>,
    },
    /// Depthwise convolution, one filter a channel.
    Depthwise {
        /// Size of the window.
        kernel: [usize; 2],
        /// Step of the window.
        stride: [usize; 2],
        /// What surrounds the input.
        padding: Padding,
        /// Whether batch norm follows.
        batch_norm: Option<bool>,
        /// Whether ReLU follows.
        relu: Option<bool>,
    },
    /// Convolution with a window of one pixel.
    Pointwise {
        /// Output channels.
        filters: usize,
        /// Step of the window.
        stride: [usize; 2],
        /// Whether batch norm follows.
        batch_norm: Option<bool>,
        /// Whether ReLU follows.
        relu: Option<bool>,
    },
    /// Fully connected.
    Linear {
        /// Output channels.
        features: usize,
        /// Whether batch norm follows.
        batch_norm: Option<bool>,
        /// Whether ReLU follows.
        relu: Option<bool>,
    },
    /// Average pool; padding does not count.
    AveragePool {
        /// Size of the window.
        kernel: [usize; 2],
        /// Step of the window.
        stride: [usize; 2],
        /// What surrounds the input.
        padding: Padding,
    },
    /// Average over all pixels.
    GlobalAveragePool,
    /// Maximum pool.
    MaxPool {
        /// Size of the window.
        kernel: [usize; 2],
        /// Step of the window.
        stride: [usize; 2],
        /// What surrounds the input.
        padding: Padding,
    },
    /// Residual addition of two tensors of one shape.
    Add {
        /// Whether ReLU follows.
        relu: Option<bool>,
    },
    /// All elements as one pixel.
    Flatten,
    /// Batch norm, to be folded into the layer before it.
    BatchNorm,
    /// ReLU, to be folded into the layer before it.
    Relu,
}

impl OpSpec {
    /// The operator's name in a layer list.
    pub fn name(&self) -> &'static str {
        match self {
            OpSpec::Conv { .. } => "conv",
            OpSpec::Depthwise { .. } => "depthwise",
            OpSpec::Pointwise { .. } => "pointwise",
            OpSpec::Linear { .. } => "linear",
            OpSpec::AveragePool { .. } => "average_pool",
            OpSpec::GlobalAveragePool => "global_average_pool",
            OpSpec::MaxPool { .. } => "max_pool",
            OpSpec::Add { .. } => "add",
            OpSpec::Flatten => "flatten",
            OpSpec::BatchNorm => "batch_norm",
            OpSpec::Relu => "relu",
        }
    }

    /// What is written of batch norm and ReLU behind this operator.
    pub(super) fn written(&self) -> (Option<bool>, Option<bool>) {
        match *self {
            OpSpec::Conv { batch_norm, relu, .. }
            | OpSpec::Depthwise { batch_norm, relu, .. }
            | OpSpec::Pointwise { batch_norm, relu, .. }
            | OpSpec::Linear { batch_norm, relu, .. } => (batch_norm, relu),
            OpSpec::Add { relu } => (None, relu),
            OpSpec::AveragePool { .. }
            | OpSpec::GlobalAveragePool
            | OpSpec::MaxPool { .. }
            | OpSpec::Flatten
            | OpSpec::BatchNorm
            | OpSpec::Relu => (None, None),
        }
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
