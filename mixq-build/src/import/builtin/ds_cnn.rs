//! DS-CNN of MLPerf Tiny's keyword spotting (arXiv 1711.07128, 2106.07597).
//!
//! The image is a spectrogram: a row for each frame, a column for each of 10 coefficients. The published
//! model's last pool has a window of 24x5 on 25x5 pixels and so leaves the last frames out; here it averages
//! over all.

use crate::graph::op::GlobalAveragePool;
use crate::graph::{Activation, LayerSpec, Spec};

use super::{Options, conv, depthwise, image, logits, pointwise, scaled};

const COEFFICIENTS: usize = 10;
const BLOCKS: usize = 4;

pub(super) fn spec(options: &Options) -> Spec {
    let &Options { width, resolution, channels, classes, stem_stride, padding } = options;
    let filters = scaled(64, width);
    let stride = stem_stride.unwrap_or(2);
    let mut layers = vec![conv("stem", filters, [10, 4], stride, padding, Activation::Relu)];
    for number in 1..=BLOCKS {
        layers.push(depthwise(&format!("block{number}_depthwise"), 1, padding));
        layers.push(pointwise(&format!("block{number}_pointwise"), filters, Activation::Relu));
    }
    layers.push(LayerSpec::new("pool", GlobalAveragePool));
    layers.push(logits(classes));
    Spec::new(image(resolution, COEFFICIENTS, channels), layers)
}
