//! MobileNetV1 (arXiv 1704.04861), table 1.

use crate::graph::{LayerSpec, OpSpec, Spec};

use super::{Options, conv, depthwise, image, logits, pointwise, scaled};

/// Output channels and stride of the depthwise separable blocks.
const BLOCKS: [(usize, usize); 13] = [
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (1024, 2),
    (1024, 1),
];

pub(super) fn spec(options: &Options) -> Spec {
    let &Options { width, resolution, channels, classes, stem_stride, padding } = options;
    let stem = conv(scaled(32, width), [3, 3], stem_stride.unwrap_or(2), padding, true);
    let mut layers = vec![LayerSpec::new("stem", stem)];
    for (number, (filters, stride)) in (1..).zip(BLOCKS) {
        layers.push(LayerSpec::new(format!("block{number}_depthwise"), depthwise(stride, padding)));
        layers.push(LayerSpec::new(
            format!("block{number}_pointwise"),
            pointwise(scaled(filters, width), true),
        ));
    }
    layers.push(LayerSpec::new("pool", OpSpec::GlobalAveragePool));
    layers.push(LayerSpec::new("logits", logits(classes)));
    Spec { input: image(resolution, resolution, channels), layers }
}
