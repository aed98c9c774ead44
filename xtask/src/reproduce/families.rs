//! Table e: networks of other families, each at 8, 4 and mixed bits.

use std::fmt::Write;

use super::Networks;
use super::page::{MISSING, percent, points};
use crate::process::thousands;

/// A network and its models: at 8 bits, at 4, and with the bits that the rules give it in a budget.
const FAMILIES: [(&str, [(&str, &str); 3]); 3] = [
    (
        "ShuffleNetV2 0.5",
        [("8", "shufflenet_8_bits"), ("4", "shufflenet_4_bits"), ("rules", "shufflenet_mixed")],
    ),
    (
        "SqueezeNet 0.25",
        [("8", "squeezenet_8_bits"), ("4", "squeezenet_4_bits"), ("rules", "squeezenet_mixed")],
    ),
    (
        "MobileNetV3-Small 0.35",
        [("8", "mobilenet_v3_8_bits"), ("4", "mobilenet_v3_4_bits"), ("rules", "mobilenet_v3_mixed")],
    ),
];

/// The table in Markdown.
pub fn section(networks: &Networks) -> String {
    let mut text = "\n## e. Other families\n\nWhat concatenates, splits and shuffles channels, or has \
                    squeeze and excite and hard swish. Ten epochs of floats, two of QAT: a third of the \
                    training above, so these figures say what bits cost, not what the families can \
                    reach.\n\n\
                    | network | bits | float, % | right, % | to float | flash, B | RAM, B |\n\
                    | --- | --- | ---: | ---: | ---: | ---: | ---: |\n"
        .to_string();
    for (family, models) in FAMILIES {
        for (bits, name) in models {
            let Some(network) = networks.get(name) else {
                let _ = writeln!(text, "| {family} | {bits} | {MISSING} | | | | |");
                continue;
            };
            let _ = writeln!(
                text,
                "| {family} | {bits} | {} | {} | {} | {} | {} |",
                percent(network.float_accuracy),
                percent(network.integer_accuracy),
                points(network.integer_accuracy - network.float_accuracy),
                thousands(network.flash_bytes),
                thousands(network.ram_bytes)
            );
        }
    }
    text
}

/// The models of the table.
#[cfg(test)]
pub fn names() -> impl Iterator<Item = &'static str> {
    FAMILIES.into_iter().flat_map(|(_, models)| models.map(|(_, name)| name))
}
