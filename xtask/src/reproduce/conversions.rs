//! Table a: the conversions of the paper, of networks of two widths.

use std::fmt::Write;

use super::Networks;
use super::page::{MISSING, percent, points};
use crate::process::thousands;

/// Models and their labels.
type Rows = &'static [(&'static str, &'static str)];

/// Of width 0.25.
const CONVERSIONS: Rows = &[
    ("int8_folded", "INT8, per layer, folded batch norm"),
    ("int4_folded", "INT4, per layer, folded batch norm"),
    ("int4_per_layer", "INT4, per layer, ICN"),
    ("int4_per_channel", "INT4, per channel, ICN"),
    ("int4_thresholds", "INT4, per channel, thresholds"),
    ("paper_folded", "INT4, per layer, folded batch norm, the paper's recipe"),
    ("paper_per_layer", "INT4, per layer, ICN, the paper's recipe"),
    ("paper_per_channel", "INT4, per channel, ICN, the paper's recipe"),
    ("int2_folded", "INT2, per layer, folded batch norm"),
    ("int2_per_channel", "INT2, per channel, ICN"),
];

/// The same conversions without QAT.
const POST_TRAINING: Rows = &[
    ("post_training_int8_folded", "INT8, per layer, folded batch norm"),
    ("post_training_int4_folded", "INT4, per layer, folded batch norm"),
    ("post_training_int4_per_layer", "INT4, per layer, ICN"),
    ("post_training_int4_per_channel", "INT4, per channel, ICN"),
    ("post_training_int4_thresholds", "INT4, per channel, thresholds"),
];

/// Of width 0.5.
const WIDER: Rows = &[
    ("w50_int8_folded", "INT8, per layer, folded batch norm"),
    ("w50_int4_folded", "INT4, per layer, folded batch norm"),
    ("w50_int4_per_layer", "INT4, per layer, ICN"),
    ("w50_int4_per_channel", "INT4, per channel, ICN"),
    ("w50_int4_thresholds", "INT4, per channel, thresholds"),
];

const WIDER_POST_TRAINING: Rows = &[
    ("w50_post_training_int8_folded", "INT8, per layer, folded batch norm"),
    ("w50_post_training_int4_folded", "INT4, per layer, folded batch norm"),
    ("w50_post_training_int4_per_layer", "INT4, per layer, ICN"),
    ("w50_post_training_int4_per_channel", "INT4, per channel, ICN"),
];

/// All models.
#[cfg(test)]
pub fn names() -> impl Iterator<Item = &'static str> {
    [CONVERSIONS, POST_TRAINING, WIDER, WIDER_POST_TRAINING].into_iter().flatten().map(|(name, _)| *name)
}

/// The whole section.
pub fn section(networks: &Networks) -> String {
    let mut text = "\n## a. Conversions of one network\n\nThe table of the paper (table 2 of arXiv \
                    1905.13082), for MobileNetV1 0.5. All rows are quantised from one float network; \
                    thresholds are made from the network of the row above them.\n\n"
        .to_string();
    text += &table("network of width 0.5", WIDER, networks);
    text += "\nWithout QAT: the float network as it is, bounds of activations and of per-layer weights \
             where quantisation loses least on 512 training images. These rows were made before \
             `quantised-epochs = 0` also quantised weights layer after layer.\n\n";
    text += &table("width 0.5, not retrained", WIDER_POST_TRAINING, networks);
    text += "\nFolded batch norm collapses, as in the paper, and QAT does not bring it back: two depthwise \
             layers of this float network have a channel that never varies, so that its batch norm's \
             factor, and its folded weights, are many times those of the others, which one grid for all \
             channels leaves no codes. `cargo xtask retrain` says so before QAT begins, with layer, channel \
             and factor. ICN keeps batch norm out of the weights.\n\n\
             In the narrower network of width 0.25 no channel is like that, and folding costs a point or so \
             at 4 bits, more at 2. The paper's recipe: bounds that start at 6 and at the extreme weights, \
             floor in place of nearest, no distillation, Adam at 1e-4; the other rows have mixq's \
             defaults.\n\n";
    text += &table("network of width 0.25", CONVERSIONS, networks);
    text += "\nWithout QAT (`quantised-epochs = 0`): bounds where quantisation loses least, and weights \
             quantised layer after layer, on 512 training images.\n\n";
    text += &table("width 0.25, not retrained", POST_TRAINING, networks);
    text
}

/// One table: the float network that all rows are made from, and what became of it.
fn table(head: &str, models: Rows, networks: &Networks) -> String {
    let mut text = format!("| {head} | right, % | to float | flash, B |\n| --- | ---: | ---: | ---: |\n");
    if let Some(float) = models.iter().find_map(|(name, _)| networks.get(*name)) {
        let (accuracy, bytes) = (percent(float.float_accuracy), thousands(float.float_bytes));
        let _ = writeln!(text, "| float | {accuracy} | | {bytes} |");
    }
    for (name, label) in models {
        let _ = match networks.get(*name) {
            None => writeln!(text, "| {label} | {MISSING} | | |"),
            Some(network) => writeln!(
                text,
                "| {label} | {} | {} | {} |",
                percent(network.integer_accuracy),
                points(network.integer_accuracy - network.float_accuracy),
                thousands(network.flash_bytes)
            ),
        };
    }
    text
}
