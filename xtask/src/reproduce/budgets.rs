//! Table b: the best network that fits a budget.

use std::fmt::Write;

use super::page::{MISSING, percent, points};
use super::{Networks, PLOT};
use crate::process::thousands;

/// A budget in bytes, and the best networks of the family that fit.
pub struct Budget {
    pub flash: u64,
    pub ram: u64,
    /// `None`: no width fits.
    eight: Option<(&'static str, &'static str)>,
    rules: (&'static str, &'static str),
    sensitivity: (&'static str, &'static str),
}

/// A column of table b.
#[derive(Clone, Copy)]
pub enum Choice {
    Eight,
    Rules,
    Sensitivity,
}

impl Budget {
    /// The model's name.
    pub fn model(&self, choice: Choice) -> Option<&'static str> {
        Some(self.entry(choice)?.0)
    }

    /// Model and width.
    fn entry(&self, choice: Choice) -> Option<(&'static str, &'static str)> {
        match choice {
            Choice::Eight => self.eight,
            Choice::Rules => Some(self.rules),
            Choice::Sensitivity => Some(self.sensitivity),
        }
    }
}

/// Of the widths 0.125, 0.25 and 0.5 the largest that fits at 8 bits, and the largest that fits at all.
pub const BUDGETS: [Budget; 3] = [
    Budget {
        flash: 64 << 10,
        ram: 16 << 10,
        eight: None,
        rules: ("w12_in_64_by_rules", "0.125"),
        sensitivity: ("w12_in_64_by_sensitivity", "0.125"),
    },
    Budget {
        flash: 128 << 10,
        ram: 16 << 10,
        eight: Some(("w12_8_bits", "0.125")),
        rules: ("w25_in_128_by_rules", "0.25"),
        sensitivity: ("w25_in_128_by_sensitivity", "0.25"),
    },
    Budget {
        flash: 512 << 10,
        ram: 48 << 10,
        eight: Some(("w25_8_bits", "0.25")),
        rules: ("w50_in_512_by_rules", "0.5"),
        sensitivity: ("w50_in_512_by_sensitivity", "0.5"),
    },
];

/// The table, and the bits of the networks in it, in Markdown.
pub fn section(networks: &Networks) -> String {
    let mut text = format!(
        "\n## b. The best network that fits\n\nOf the widths 0.125, 0.25 and 0.5: the largest that fits \
         with 8 bits for every tensor, and the largest that fits with mixed bits, chosen by the paper's \
         rules or by what each tensor minds (`policy = \"sensitivity\"`).\n\n![accuracy over \
         flash]({})\n\n| budget: flash, RAM | bits | width | right, % | to 8 bits | flash, B | RAM, B |\n| \
         --- | --- | --- | ---: | ---: | ---: | ---: |\n",
        PLOT.trim_start_matches("docs/")
    );
    for budget in &BUDGETS {
        let eight = budget.model(Choice::Eight).and_then(|name| networks.get(name));
        let (flash, ram) = (budget.flash >> 10, budget.ram >> 10);
        let rows = [("8", Choice::Eight), ("rules", Choice::Rules), ("sensitivity", Choice::Sensitivity)];
        for (label, choice) in rows {
            let Some((name, width)) = budget.entry(choice) else {
                let _ = writeln!(text, "| {flash} KiB, {ram} KiB | {label} | none fits | | | | |");
                continue;
            };
            let Some(network) = networks.get(name) else {
                let _ = writeln!(text, "| {flash} KiB, {ram} KiB | {label} | {width} | {MISSING} | | | |");
                continue;
            };
            let difference = match (choice, eight) {
                (Choice::Rules | Choice::Sensitivity, Some(eight)) => {
                    points(network.integer_accuracy - eight.integer_accuracy)
                }
                _ => String::new(),
            };
            let _ = writeln!(
                text,
                "| {flash} KiB, {ram} KiB | {label} | {width} | {} | {difference} | {} | {} |",
                percent(network.integer_accuracy),
                thousands(network.flash_bytes),
                thousands(network.ram_bytes)
            );
        }
    }
    text += "\nThe bits of weights and outputs, layer by layer:\n\n| network | weights | outputs |\n| --- | \
             --- | --- |\n";
    for budget in &BUDGETS {
        for choice in [Choice::Rules, Choice::Sensitivity] {
            let Some(network) = budget.model(choice).and_then(|name| networks.get(name)) else { continue };
            let (weights, outputs) = (runs(&network.weight_bits), runs(&network.activation_bits));
            let _ = writeln!(text, "| `{}` | {weights} | {outputs} |", network.model);
        }
    }
    text
}

/// "8 8 4" of `[8, 8, 4]`; logits, of 32 bits, left out.
fn runs(bits: &[u8]) -> String {
    let words: Vec<String> = bits.iter().filter(|bits| **bits < 32).map(u8::to_string).collect();
    words.join(" ")
}

/// The models of the table, some more than once.
#[cfg(test)]
pub fn names() -> impl Iterator<Item = &'static str> {
    let choices = [Choice::Eight, Choice::Rules, Choice::Sensitivity];
    BUDGETS.iter().flat_map(move |budget| choices.into_iter().filter_map(|choice| budget.model(choice)))
}
