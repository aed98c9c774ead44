//! MobileNetV1 (arXiv 1704.04861), table 1.

use crate::graph::op::GlobalAveragePool;
use crate::graph::{Activation, LayerSpec, Spec};

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
    let stride = stem_stride.unwrap_or(2);
    let mut layers = vec![conv("stem", scaled(32, width), [3, 3], stride, padding, Activation::Relu)];
    for (number, (filters, stride)) in (1..).zip(BLOCKS) {
        let [spatial, mixing] = ["depthwise", "pointwise"].map(|part| format!("block{number}_{part}"));
        layers.push(depthwise(&spatial, stride, padding));
        layers.push(pointwise(&mixing, scaled(filters, width), Activation::Relu));
    }
    layers.push(LayerSpec::new("pool", GlobalAveragePool));
    layers.push(logits(classes));
    Spec::new(image(resolution, resolution, channels), layers)
}
