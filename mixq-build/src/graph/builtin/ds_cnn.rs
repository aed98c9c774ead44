//! DS-CNN of MLPerf Tiny's keyword spotting (arXiv 1711.07128, 2106.07597).
//!
//! The image is a spectrogram: a row for each frame, a column for each of 10 coefficients. The published
//! model's last pool has a window of 24x5 on 25x5 pixels and so leaves the last frames out; here it averages
//! over all.

use crate::graph::{LayerSpec, OpSpec, Spec};

use super::{Options, conv, depthwise, image, logits, pointwise, scaled};

const COEFFICIENTS: usize = 10;
const BLOCKS: usize = 4;

pub(super) fn spec(options: &Options) -> Spec {
    let &Options { width, resolution, channels, classes, stem_stride, padding } = options;
    let filters = scaled(64, width);
    let mut layers =
        vec![LayerSpec::new("stem", conv(filters, [10, 4], stem_stride.unwrap_or(2), padding, true))];
    for number in 1..=BLOCKS {
        layers.push(LayerSpec::new(format!("block{number}_depthwise"), depthwise(1, padding)));
        layers.push(LayerSpec::new(format!("block{number}_pointwise"), pointwise(filters, true)));
    }
    layers.push(LayerSpec::new("pool", OpSpec::GlobalAveragePool));
    layers.push(LayerSpec::new("logits", logits(classes)));
    Spec { input: image(resolution, COEFFICIENTS, channels), layers }
}
