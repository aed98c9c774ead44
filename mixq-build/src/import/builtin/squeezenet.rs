//! SqueezeNet 1.1 (arXiv 1602.07360, and the release notes of version 1.1): fire modules.
//!
//! Batch norm follows each convolution; the published network has biases instead. A device executes both
//! alike, and batch norm makes training from scratch easier. The classifier averages before its pointwise
//! convolution, not after it, and has no ReLU.

use crate::graph::op::{Concat, ConvSpec, GlobalAveragePool, MaxPoolSpec};
use crate::graph::{Activation, LayerSpec, Padding, Spec};

use super::{Options, PaddingStyle, conv, image, logits, pointwise, scaled};

/// Channels that a fire module squeezes to, and that each of its two branches expands to; by the three sizes
/// of images between the pools.
const FIRES: [&[(usize, usize)]; 3] =
    [&[(16, 64), (16, 64)], &[(32, 128), (32, 128)], &[(48, 192), (48, 192), (64, 256), (64, 256)]];

pub(super) fn spec(options: &Options) -> Spec {
    let &Options { width, resolution, channels, classes, stem_stride, padding } = options;
    let windows = match padding {
        PaddingStyle::Tensorflow => Padding::Same,
        PaddingStyle::Pytorch => Padding::Valid,
    };
    let stride = [stem_stride.unwrap_or(2); 2];
    let stem = ConvSpec { filters: scaled(64, width), kernel: [3, 3], stride, padding: windows };
    let mut layers = vec![LayerSpec::new("stem", stem).followed_by(true, Activation::Relu)];
    let mut number = 1;
    for (pool, fires) in (1..).zip(FIRES) {
        let op = MaxPoolSpec { kernel: [3, 3], stride: [2, 2], padding: windows };
        layers.push(LayerSpec::new(format!("pool{pool}"), op));
        for (squeeze, expand) in fires {
            number += 1;
            let [narrow, one, three, joined] =
                ["squeeze", "expand1x1", "expand3x3", "concat"].map(|part| format!("fire{number}_{part}"));
            let expand = scaled(*expand, width);
            layers.push(pointwise(&narrow, scaled(*squeeze, width), Activation::Relu));
            layers.push(pointwise(&one, expand, Activation::Relu));
            let wide = conv(&three, expand, [3, 3], 1, padding, Activation::Relu);
            layers.push(wide.reads([narrow.as_str()]));
            layers.push(LayerSpec::new(&joined, Concat).reads([one.as_str(), &three]));
        }
    }
    layers.push(LayerSpec::new("pool", GlobalAveragePool));
    layers.push(logits(classes));
    Spec::new(image(resolution, resolution, channels), layers)
}
