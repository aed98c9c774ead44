//! Networks that come with mixq.

mod ds_cnn;
mod mobilenet_v1;
mod mobilenet_v2;
mod mobilenet_v3;
mod resnet8;
mod shufflenet_v2;
mod squeezenet;

use serde::Serialize;

use crate::error::{Problem, nearest};

use crate::graph::op::{ConvSpec, DepthwiseSpec, LinearSpec, PointwiseSpec};
use crate::graph::{Activation, LayerSpec, Padding, Shape, Spec};

/// The names of all built-in networks.
pub const NAMES: [&str; 7] = [
    "ds_cnn",
    "mobilenet_v1",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "resnet8",
    "shufflenet_v2",
    "squeezenet",
];

/// The options of a built-in network.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// The width multiplier: channels become this multiple, rounded to a multiple of 8, at least 8.
    pub width: f64,
    /// Height and width of the image; of `ds_cnn` the height (frames), its width is 10 coefficients.
    pub resolution: usize,
    /// Channels of the image.
    pub channels: usize,
    /// The number of classes.
    pub classes: usize,
    /// The stride of the first layer, if other than published; 1 suits images of 32x32.
    pub stem_stride: Option<usize>,
    /// Whose padding the windows have; those of MLPerf Tiny have TensorFlow's.
    pub padding: PaddingStyle,
}

/// Whose padding windows have: weights that were trained with one do not suit the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PaddingStyle {
    /// [`Padding::Same`]: a stride of 2 on an even side pads at the bottom and the right only.
    #[default]
    Tensorflow,
    /// [`Padding::Symmetric`]; of `squeezenet` [`Padding::Valid`] for the stem and the pools.
    Pytorch,
}

impl PaddingStyle {
    /// Both by their names.
    pub const CHOICES: [(&str, PaddingStyle); 2] =
        [("tensorflow", PaddingStyle::Tensorflow), ("pytorch", PaddingStyle::Pytorch)];
}

impl From<PaddingStyle> for Padding {
    fn from(style: PaddingStyle) -> Padding {
        match style {
            PaddingStyle::Tensorflow => Padding::Same,
            PaddingStyle::Pytorch => Padding::Symmetric,
        }
    }
}

/// The options with which a network was published; `None` if there is no such network.
pub fn published(name: &str) -> Option<Options> {
    let (resolution, channels, classes) = match name {
        "ds_cnn" => (49, 1, 12),
        "mobilenet_v1" | "mobilenet_v2" | "mobilenet_v3_small" | "shufflenet_v2" | "squeezenet" => {
            (224, 3, 1000)
        }
        "resnet8" => (32, 3, 10),
        _ => return None,
    };
    Some(Options {
        width: 1.0,
        resolution,
        channels,
        classes,
        stem_stride: None,
        padding: PaddingStyle::Tensorflow,
    })
}

/// A built-in network.
///
/// # Errors
/// If there is none of this name, if an option is zero or not finite, or if the network has no choice of
/// padding.
pub fn spec(name: &str, options: &Options) -> Result<Spec, Problem> {
    let network = match name {
        "ds_cnn" => ds_cnn::spec,
        "mobilenet_v1" => mobilenet_v1::spec,
        "mobilenet_v2" => mobilenet_v2::spec,
        "mobilenet_v3_small" => mobilenet_v3::spec,
        "resnet8" => resnet8::spec,
        "shufflenet_v2" => shufflenet_v2::spec,
        "squeezenet" => squeezenet::spec,
        _ => {
            let help = match nearest(name, NAMES) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => format!("built in are {}", NAMES.join(", ")),
            };
            let message = format!("there is no built-in network \"{}\"", name.escape_debug());
            return Err(Problem::new(message).help(help));
        }
    };
    if !(options.width.is_finite() && options.width > 0.0) {
        let message = format!("the width multiplier is {}", options.width);
        return Err(Problem::new(message).help("it must be over 0; 0.25, 0.5, 0.75 and 1 are usual"));
    }
    let Options { resolution, channels, classes, stem_stride, .. } = *options;
    for (what, number) in [
        ("resolution", resolution),
        ("number of channels", channels),
        ("number of classes", classes),
        ("stem's stride", stem_stride.unwrap_or(1)),
    ] {
        if number == 0 {
            return Err(Problem::new(format!("the {what} is 0")).help("it must be at least 1"));
        }
    }
    if options.padding != PaddingStyle::Tensorflow && ["ds_cnn", "resnet8"].contains(&name) {
        let message = format!("{name} has no choice of padding: it was published with TensorFlow's");
        return Err(Problem::new(message).help("leave `padding` out"));
    }
    Ok(network(options))
}

/// Channels times the width multiplier, as TensorFlow's MobileNets round: to the nearest multiple of 8, at
/// least 8, and not below nine tenths of what was asked for.
fn scaled(channels: usize, width: f64) -> usize {
    let wanted = channels as f64 * width;
    let nearest = (((wanted + 4.0) / 8.0).floor() * 8.0).max(8.0);
    let rounded = if nearest < 0.9 * wanted { nearest + 8.0 } else { nearest };
    // Saturates; what is too large the resolver reports with the layer's name.
    rounded as usize
}

fn image(height: usize, width: usize, channels: usize) -> Shape {
    Shape { height, width, channels }
}

/// A convolution with batch norm and an activation.
fn conv(
    name: &str,
    filters: usize,
    kernel: [usize; 2],
    stride: usize,
    padding: PaddingStyle,
    activation: Activation,
) -> LayerSpec {
    let (stride, padding) = ([stride; 2], padding.into());
    LayerSpec::new(name, ConvSpec { filters, kernel, stride, padding }).followed_by(true, activation)
}

/// A 3x3 depthwise convolution with batch norm and ReLU.
fn depthwise(name: &str, stride: usize, padding: PaddingStyle) -> LayerSpec {
    let op = DepthwiseSpec { kernel: [3, 3], stride: [stride; 2], padding: padding.into() };
    LayerSpec::new(name, op).followed_by(true, Activation::Relu)
}

/// A pointwise convolution with batch norm and an activation.
fn pointwise(name: &str, filters: usize, activation: Activation) -> LayerSpec {
    LayerSpec::new(name, PointwiseSpec { filters, stride: [1, 1] }).followed_by(true, activation)
}

/// The logits.
fn logits(classes: usize) -> LayerSpec {
    LayerSpec::new("logits", LinearSpec { features: classes }).followed_by(false, Activation::None)
}
