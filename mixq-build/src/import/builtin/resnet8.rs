//! ResNet-8 of MLPerf Tiny's image classification (arXiv 2106.07597).

use crate::graph::op::{Add, GlobalAveragePool, PointwiseSpec};
use crate::graph::{Activation, LayerSpec, Spec};

use super::{Options, conv, image, logits, scaled};

/// Channels and stride of the residual blocks.
const BLOCKS: [(usize, usize); 3] = [(16, 1), (32, 2), (64, 2)];

pub(super) fn spec(options: &Options) -> Spec {
    let &Options { width, resolution, channels, classes, stem_stride, padding } = options;
    let stride = stem_stride.unwrap_or(1);
    let mut layers = vec![conv("stem", scaled(16, width), [3, 3], stride, padding, Activation::Relu)];
    let mut before = "stem".to_string();
    for (number, (filters, stride)) in (1..).zip(BLOCKS) {
        let [first, second, shortcut, add] =
            ["conv1", "conv2", "shortcut", "add"].map(|part| format!("block{number}_{part}"));
        let filters = scaled(filters, width);
        let begins = conv(&first, filters, [3, 3], stride, padding, Activation::Relu);
        layers.push(begins.reads([before.as_str()]));
        layers.push(conv(&second, filters, [3, 3], 1, padding, Activation::None));
        if stride != 1 {
            // As published: a bias instead of batch norm.
            let narrows = LayerSpec::new(&shortcut, PointwiseSpec { filters, stride: [stride; 2] });
            layers.push(narrows.followed_by(false, Activation::None).reads([before.as_str()]));
            before = shortcut;
        }
        let sum = LayerSpec::new(&add, Add).followed_by(false, Activation::Relu);
        layers.push(sum.reads([before.as_str(), second.as_str()]));
        before = add;
    }
    layers.push(LayerSpec::new("pool", GlobalAveragePool));
    layers.push(logits(classes));
    Spec::new(image(resolution, resolution, channels), layers)
}
