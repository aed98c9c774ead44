//! MobileNetV3-Small (arXiv 1905.02244), table 2: inverted residuals, of which most have squeeze and excite.
//!
//! As TensorFlow and PyTorch have it, the last convolution has no squeeze and excite, and an expansion is a
//! multiple of the channels that it reads.

use crate::graph::op::{Add, DepthwiseSpec, Function, GlobalAveragePool, Multiply, Number, PointwiseSpec};
use crate::graph::{Activation, LayerSpec, Spec};

use super::{Options, PaddingStyle, conv, image, logits, pointwise, scaled};

const SWISH: Activation = Activation::Function(Function::HardSwish);

/// Side of the window k, expanded channels and those that they are of, output channels, squeeze and excite,
/// activation, stride.
type Bottleneck = (usize, [usize; 2], usize, bool, Activation, usize);

const BOTTLENECKS: [Bottleneck; 11] = [
    (3, [16, 16], 16, true, Activation::Relu, 2),
    (3, [72, 16], 24, false, Activation::Relu, 2),
    (3, [88, 24], 24, false, Activation::Relu, 1),
    (5, [96, 24], 40, true, SWISH, 2),
    (5, [240, 40], 40, true, SWISH, 1),
    (5, [240, 40], 40, true, SWISH, 1),
    (5, [120, 40], 48, true, SWISH, 1),
    (5, [144, 48], 48, true, SWISH, 1),
    (5, [288, 48], 96, true, SWISH, 2),
    (5, [576, 96], 96, true, SWISH, 1),
    (5, [576, 96], 96, true, SWISH, 1),
];

/// The last convolution has this multiple of the channels that it reads.
const LAST: f64 = 6.0;

/// Channels of the layer before the logits; a width multiplier under 1 leaves them as they are.
const HEAD: usize = 1024;

pub(super) fn spec(options: &Options) -> Spec {
    let &Options { width, resolution, channels, classes, stem_stride, padding } = options;
    let mut inputs = scaled(16, width);
    let mut layers = vec![conv("stem", inputs, [3, 3], stem_stride.unwrap_or(2), padding, SWISH)];
    let mut before = "stem".to_string();
    for (number, (kernel, [expanded, of], filters, excites, activation, stride)) in (1..).zip(BOTTLENECKS) {
        let name = |part: &str| format!("block{number}_{part}");
        let filters = scaled(filters, width);
        let expanded = match expanded == of {
            true => inputs,
            false => {
                let expanded = scaled(inputs, expanded as f64 / of as f64);
                layers.push(pointwise(&name("expand"), expanded, activation));
                expanded
            }
        };
        layers.push(depthwise(&name("depthwise"), kernel, stride, padding, activation));
        if excites {
            layers.extend(squeeze_and_excite(&name, expanded));
        }
        layers.push(pointwise(&name("project"), filters, Activation::None));
        let project = name("project");
        before = if stride == 1 && inputs == filters {
            let sum = LayerSpec::new(name("add"), Add).followed_by(false, Activation::None);
            layers.push(sum.reads([before.as_str(), &project]));
            name("add")
        } else {
            project
        };
        inputs = filters;
    }
    layers.push(pointwise("last", scaled(inputs, LAST), SWISH));
    layers.push(LayerSpec::new("pool", GlobalAveragePool));
    let head = PointwiseSpec { filters: scaled(HEAD, width.max(1.0)), stride: [1, 1] };
    layers.push(LayerSpec::new("head", head).followed_by(false, SWISH));
    layers.push(logits(classes));
    Spec::new(image(resolution, resolution, channels), layers)
}

/// A depthwise convolution with batch norm.
fn depthwise(
    name: &str,
    kernel: usize,
    stride: usize,
    padding: PaddingStyle,
    activation: Activation,
) -> LayerSpec {
    let op = DepthwiseSpec { kernel: [kernel; 2], stride: [stride; 2], padding: padding.into() };
    LayerSpec::new(name, op).followed_by(true, activation)
}

/// Multiplies the channels of a block's depthwise convolution by what their means say.
fn squeeze_and_excite(name: &impl Fn(&str) -> String, channels: usize) -> [LayerSpec; 4] {
    let gate = Activation::Function(Function::HardSigmoid { slope: Number::SIXTH, offset: Number::HALF });
    let dense = |part, filters, activation| {
        LayerSpec::new(name(part), PointwiseSpec { filters, stride: [1, 1] }).followed_by(false, activation)
    };
    let product = LayerSpec::new(name("scale"), Multiply).followed_by(false, Activation::None);
    [
        LayerSpec::new(name("squeeze"), GlobalAveragePool),
        dense("reduce", scaled(channels, 0.25), Activation::Relu),
        dense("excite", channels, gate),
        product.reads([name("depthwise").as_str(), &name("excite")]),
    ]
}
