//! ShuffleNetV2 (arXiv 1807.11164), table 5: half of the channels pass by, then all are shuffled.

use crate::graph::op::{ChannelShuffle, Concat, GlobalAveragePool, MaxPoolSpec, Slice};
use crate::graph::{Activation, LayerSpec, Padding, Spec};

use super::{Options, PaddingStyle, conv, depthwise, image, logits, pointwise, scaled};

/// Units of each stage; the first of them halves height and width.
const STAGES: [usize; 3] = [4, 8, 4];

/// Half of a stage's channels, for the widths of the paper.
const PUBLISHED: [(f64, [usize; 3]); 4] =
    [(0.5, [24, 48, 96]), (1.0, [58, 116, 232]), (1.5, [88, 176, 352]), (2.0, [122, 244, 488])];

/// Half of the channels of each stage. For widths other than those of the paper, a multiple of 8.
fn halves(width: f64) -> [usize; 3] {
    let published = PUBLISHED.iter().find(|(published, _)| *published == width);
    published.map_or_else(|| [58, 116, 232].map(|half| scaled(half, width)), |(_, halves)| *halves)
}

/// Channels of the last convolution.
fn head(width: f64) -> usize {
    if width < 2.0 { 1024 } else { scaled(1024, width) }
}

pub(super) fn spec(options: &Options) -> Spec {
    let &Options { width, resolution, channels, classes, stem_stride, padding } = options;
    let stride = stem_stride.unwrap_or(2);
    let mut layers = vec![conv("stem", 24, [3, 3], stride, padding, Activation::Relu)];
    let op = MaxPoolSpec { kernel: [3, 3], stride: [2, 2], padding: Padding::from(padding) };
    layers.push(LayerSpec::new("stem_pool", op));
    let mut before = "stem_pool".to_string();
    for ((stage, units), half) in (2..).zip(STAGES).zip(halves(width)) {
        for unit in 1..=units {
            before = if unit == 1 {
                narrowing(&mut layers, &before, stage, half, padding)
            } else {
                splitting(&mut layers, &before, (stage, unit), half, padding)
            };
        }
    }
    layers.push(pointwise("head", head(width), Activation::Relu));
    layers.push(LayerSpec::new("pool", GlobalAveragePool));
    layers.push(logits(classes));
    Spec::new(image(resolution, resolution, channels), layers)
}

/// The first unit of a stage: both branches read all channels, and halve height and width. Returns the name
/// of its output.
fn narrowing(
    layers: &mut Vec<LayerSpec>,
    before: &str,
    stage: usize,
    half: usize,
    padding: PaddingStyle,
) -> String {
    let named = |part: &str| format!("stage{stage}_1_{part}");
    layers.push(linear_depthwise(&named("side_depthwise"), 2, padding).reads([before]));
    layers.push(pointwise(&named("side"), half, Activation::Relu));
    layers.push(pointwise(&named("expand"), half, Activation::Relu).reads([before]));
    layers.push(linear_depthwise(&named("depthwise"), 2, padding));
    layers.push(pointwise(&named("project"), half, Activation::Relu));
    shuffled(layers, [named("side"), named("project")], named)
}

/// Another unit: the first half of the channels stays as it is. Returns the name of its output.
fn splitting(
    layers: &mut Vec<LayerSpec>,
    before: &str,
    (stage, unit): (usize, usize),
    half: usize,
    padding: PaddingStyle,
) -> String {
    let named = |part: &str| format!("stage{stage}_{unit}_{part}");
    let slice = |part, first| LayerSpec::new(named(part), Slice { first, channels: half }).reads([before]);
    layers.extend([slice("side", 0), slice("main", half)]);
    layers.push(pointwise(&named("expand"), half, Activation::Relu));
    layers.push(linear_depthwise(&named("depthwise"), 1, padding));
    layers.push(pointwise(&named("project"), half, Activation::Relu));
    shuffled(layers, [named("side"), named("project")], named)
}

/// A 3x3 depthwise convolution with batch norm and without ReLU.
fn linear_depthwise(name: &str, stride: usize, padding: PaddingStyle) -> LayerSpec {
    depthwise(name, stride, padding).followed_by(true, Activation::None)
}

/// The channels of both branches in turns. Returns the name of the output.
fn shuffled(layers: &mut Vec<LayerSpec>, branches: [String; 2], named: impl Fn(&str) -> String) -> String {
    layers.push(LayerSpec::new(named("concat"), Concat).reads(branches.iter().map(String::as_str)));
    layers.push(LayerSpec::new(named("shuffle"), ChannelShuffle { groups: 2 }));
    named("shuffle")
}
