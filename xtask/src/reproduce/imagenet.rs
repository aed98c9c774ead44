//! Table f: ImageNet with imported weights, as in the headline of the paper.

use std::fmt::Write;

use super::Networks;
use super::page::{MISSING, percent, points};
use crate::process::thousands;

/// A row: its budget in bytes of flash and RAM, its network, its bits, what became of the weights, its model.
struct Row {
    budget: [u64; 2],
    network: &'static str,
    bits: &'static str,
    weights: &'static str,
    model: &'static str,
}

const LARGE: [u64; 2] = [2_048_000, 512_000];
const LESS_RAM: [u64; 2] = [2_048_000, 256_000];
const SMALL: [u64; 2] = [1_024_000, 256_000];

const ROWS: [Row; 9] = [
    row(LARGE, "0.5_160", "8", "as imported", "imagenet_8_bits"),
    row(LARGE, "0.75_224", "rules, whole tensors", "calibrated", "imagenet_rules_calibrated"),
    row(LARGE, "0.75_224", "sensitivity, whole tensors", "calibrated", "imagenet_sensitivity_calibrated"),
    row(LARGE, "0.75_224", "rules, whole tensors", "fine-tuned", "imagenet_rules"),
    row(LARGE, "0.75_224", "rules", "calibrated", "imagenet_stripes"),
    row(LARGE, "0.75_224", "sensitivity", "calibrated", "imagenet_stripes_by_sensitivity"),
    row(LESS_RAM, "0.75_224", "sensitivity", "calibrated", "imagenet_less_ram"),
    row(SMALL, "0.25_160", "8", "as imported", "imagenet_small_8_bits"),
    row(SMALL, "0.5_160", "sensitivity, whole tensors", "calibrated", "imagenet_small"),
];

const fn row(
    budget: [u64; 2],
    network: &'static str,
    bits: &'static str,
    weights: &'static str,
    model: &'static str,
) -> Row {
    Row { budget, network, bits, weights, model }
}

/// The table in Markdown.
pub fn section(networks: &Networks) -> String {
    let mut text = "\n## f. ImageNet, with weights from elsewhere\n\nThe headline of the paper: the largest \
                    MobileNetV1 that fits with mixed bits, against the largest that fits with 8 bits. \
                    Float weights are those of an ONNX file (0.75_224) or those of a TFLite file times \
                    their scales (0.5_160); 8-bit networks are taken over as their files have them. \
                    Accuracies are of 650 validation images, which are easier than all 50,000: compare \
                    within this table. The standard error of a single figure is 1.6 points; two networks \
                    on the same images differ by less chance.\n\nCalibrated: quantised layer after layer \
                    on 512 of the 1,000 training images, nothing trained. In stripes it is on \
                    two views of 950, and weights also make up for what the layers before them have lost \
                    (`reconstruct = 2`): with one view of 800 images that brings the squared error of the \
                    logits on the other 200 from 1.32 to 0.97 % of their variance. \
                    Fine-tuned: eight epochs towards the answers of the float network on 900 of them; the \
                    others choose the epoch. Whole tensors: activations lose bits until the input and the \
                    output of each layer fit the RAM; otherwise layers are executed in stripes of rows \
                    where that saves bits.\n\n\
                    | budget: flash, RAM | network | bits | weights | float, % | fake-quantised, % | \
                    right, % | to float | flash, B | RAM, B |\n\
                    | --- | --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n"
        .to_string();
    for Row { budget, network, bits, weights, model } in ROWS {
        let [flash, ram] = budget.map(thousands);
        let head = format!("| {flash} B, {ram} B | {network} | {bits} | {weights} |");
        let Some(network) = networks.get(model) else {
            let _ = writeln!(text, "{head} {MISSING} | | | | | |");
            continue;
        };
        let _ = writeln!(
            text,
            "{head} {} | {} | {} | {} | {} | {} |",
            percent(network.float_accuracy),
            percent(network.fake_quant_accuracy),
            percent(network.integer_accuracy),
            points(network.integer_accuracy - network.float_accuracy),
            thousands(network.flash_bytes),
            thousands(network.ram_bytes)
        );
    }
    text
}

/// The models of the table.
#[cfg(test)]
pub fn names() -> impl Iterator<Item = &'static str> {
    ROWS.into_iter().map(|row| row.model)
}
