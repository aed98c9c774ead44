//! ResNet-8 of MLPerf Tiny's image classification (arXiv 2106.07597).

use crate::graph::{LayerSpec, OpSpec, Spec};

use super::{Options, conv, image, logits, scaled};

/// Channels and stride of the residual blocks.
const BLOCKS: [(usize, usize); 3] = [(16, 1), (32, 2), (64, 2)];

pub(super) fn spec(options: &Options) -> Spec {
    let &Options { width, resolution, channels, classes, stem_stride, padding } = options;
    let stem = conv(scaled(16, width), [3, 3], stem_stride.unwrap_or(1), padding, true);
    let mut layers = vec![LayerSpec::new("stem", stem)];
    let mut before = "stem".to_string();
    for (number, (filters, stride)) in (1..).zip(BLOCKS) {
        let [first, second, shortcut, add] =
            ["conv1", "conv2", "shortcut", "add"].map(|part| format!("block{number}_{part}"));
        let filters = scaled(filters, width);
        layers.push(
            LayerSpec::new(&first, conv(filters, [3, 3], stride, padding, true)).reads([before.as_str()]),
        );
        layers.push(LayerSpec::new(&second, conv(filters, [3, 3], 1, padding, false)));
        if stride != 1 {
            // As published: a bias instead of batch norm.
            let op = OpSpec::Pointwise {
                filters,
                stride: [stride; 2],
                batch_norm: Some(false),
                relu: Some(false),
            };
            layers.push(LayerSpec::new(&shortcut, op).reads([before.as_str()]));
            before = shortcut;
        }
        let op = OpSpec::Add { relu: Some(true) };
        layers.push(LayerSpec::new(&add, op).reads([before.as_str(), second.as_str()]));
        before = add;
    }
    layers.push(LayerSpec::new("pool", OpSpec::GlobalAveragePool));
    layers.push(LayerSpec::new("logits", logits(classes)));
    Spec { input: image(resolution, resolution, channels), layers }
}
