//! MobileNetV2 (arXiv 1801.04381), table 2: inverted residuals with linear bottlenecks.

use crate::graph::op::{Add, GlobalAveragePool};
use crate::graph::{Activation, LayerSpec, Spec};

use super::{Options, conv, depthwise, image, logits, pointwise, scaled};

/// Expansion t, output channels c, repetitions n and stride s of the first of them.
const BOTTLENECKS: [(usize, usize, usize, usize); 7] = [
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
];

/// Channels of the last convolution; a width multiplier under 1 leaves them as they are.
const HEAD: usize = 1280;

pub(super) fn spec(options: &Options) -> Spec {
    let &Options { width, resolution, channels, classes, stem_stride, padding } = options;
    let mut inputs = scaled(32, width);
    let stride = stem_stride.unwrap_or(2);
    let mut layers = vec![conv("stem", inputs, [3, 3], stride, padding, Activation::Relu)];
    let (mut number, mut before) = (0, "stem".to_string());
    for (expansion, filters, repetitions, stride) in BOTTLENECKS {
        let filters = scaled(filters, width);
        for repetition in 0..repetitions {
            number += 1;
            let stride = if repetition == 0 { stride } else { 1 };
            let [expand, spatial, project, add] =
                ["expand", "depthwise", "project", "add"].map(|part| format!("block{number}_{part}"));
            if expansion != 1 {
                let filters = inputs.saturating_mul(expansion);
                layers.push(pointwise(&expand, filters, Activation::Relu));
            }
            layers.push(depthwise(&spatial, stride, padding));
            layers.push(pointwise(&project, filters, Activation::None));
            if stride == 1 && inputs == filters {
                let sum = LayerSpec::new(&add, Add).followed_by(false, Activation::None);
                layers.push(sum.reads([before.as_str(), &project]));
                before = add;
            } else {
                before = project;
            }
            inputs = filters;
        }
    }
    layers.push(pointwise("head", scaled(HEAD, width.max(1.0)), Activation::Relu));
    layers.push(LayerSpec::new("pool", GlobalAveragePool));
    layers.push(logits(classes));
    Spec::new(image(resolution, resolution, channels), layers)
}
