//! MobileNetV2 (arXiv 1801.04381), table 2: inverted residuals with linear bottlenecks.

use crate::graph::{LayerSpec, OpSpec, Spec};

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
    let stem = conv(inputs, [3, 3], stem_stride.unwrap_or(2), padding, true);
    let mut layers = vec![LayerSpec::new("stem", stem)];
    let (mut number, mut before) = (0, "stem".to_string());
    for (expansion, filters, repetitions, stride) in BOTTLENECKS {
        let filters = scaled(filters, width);
        for repetition in 0..repetitions {
            number += 1;
            let stride = if repetition == 0 { stride } else { 1 };
            let [expand, spatial, project, add] =
                ["expand", "depthwise", "project", "add"].map(|part| format!("block{number}_{part}"));
            if expansion != 1 {
                layers.push(LayerSpec::new(expand, pointwise(inputs.saturating_mul(expansion), true)));
            }
            layers.push(LayerSpec::new(spatial, depthwise(stride, padding)));
            layers.push(LayerSpec::new(&project, pointwise(filters, false)));
            if stride == 1 && inputs == filters {
                let op = OpSpec::Add { relu: Some(false) };
                layers.push(LayerSpec::new(&add, op).reads([before.as_str(), &project]));
                before = add;
            } else {
                before = project;
            }
            inputs = filters;
        }
    }
    layers.push(LayerSpec::new("head", pointwise(scaled(HEAD, width.max(1.0)), true)));
    layers.push(LayerSpec::new("pool", OpSpec::GlobalAveragePool));
    layers.push(LayerSpec::new("logits", logits(classes)));
    Spec { input: image(resolution, resolution, channels), layers }
}
