//! `cargo xtask demo`: from a fresh clone to a trained network on an emulated microcontroller.
//!
//! Trains in a copy of the examples: the committed artifact stays as it is.

use std::ffi::OsString;
use std::fs;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result};
use mixq_elf::{Elf, Place};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::example::Examples;
use crate::logits::{Comparison, Host};
use crate::mixq::{Mixq, Profile};
use crate::process::thousands;
use crate::{firmware, logits, setup};

/// What `cargo mixq retrain` and `report` say of a model; bytes, and accuracies of 0 to 1.
#[derive(Deserialize)]
struct Trained {
    flash_bytes: u64,
    flash_budget: u64,
    ram_bytes: u64,
    ram_budget: u64,
    /// Of each weighted layer.
    weight_bits: Vec<u8>,
    activation_bits: Vec<u8>,
    float_accuracy: f64,
    fake_quant_accuracy: f64,
    integer_accuracy: f64,
    test_images: u64,
}

/// Bytes of the network in the linked firmware.
#[derive(PartialEq, Eq)]
struct Memory {
    /// Constants: the layer table and the parameters.
    flash: u64,
    /// The static `NETWORK`.
    ram: u64,
}

/// What the demo found out.
struct Findings {
    trained: Trained,
    device_accuracy: f64,
    comparison: Comparison,
    linked: Memory,
}

/// Trains, builds, runs and compares.
///
/// # Errors
/// If one of these cannot be done. That device and host, or linker and report, differ is in the exit code.
pub fn run(json: bool) -> Result<ExitCode> {
    let start = Instant::now();
    let findings = find_out()?;
    print!("{}", findings.text());
    println!("{:<16}{:>7.0} s", "the demo took", start.elapsed().as_secs_f64());
    if json {
        println!("{}", findings.json(start.elapsed().as_secs_f64()));
    }
    Ok(if findings.agree() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn find_out() -> Result<Findings> {
    let libtorch = setup::everything(Profile::Release)?;
    eprintln!("compiling cargo-mixq");
    let mixq = Mixq::build(Profile::Release, Some(&libtorch))?;
    let examples = Examples::copy()?;
    eprintln!("training a copy of examples/digits in {}", examples.package("digits").display());
    let answer = mixq.json("retrain", &of_digits(&examples, &["--force"]))?;
    let trained: Trained = model(&answer).context("`cargo mixq retrain`")?;

    eprintln!("compiling the firmware");
    let elf = firmware::build(&examples.package("digits"))?;
    let symbols = Elf::read(&elf)?;
    let linked = Memory { flash: symbols.constants("digits")?, ram: symbols.bytes(Place::Ram, "::NETWORK")? };
    eprintln!("running {} images on an emulated STM32F405", trained.test_images);
    let device = logits::parse_device(&firmware::logits(&elf, trained.test_images)?)?;
    let host = on_host(&mixq, &examples, &elf.with_extension("logits.csv"))?;
    Ok(Findings {
        device_accuracy: logits::accuracy(&device, &host.labels),
        comparison: logits::compare(&device, &host.logits)?,
        trained,
        linked,
    })
}

/// Arguments of `cargo mixq` for the copied example.
fn of_digits(examples: &Examples, more: &[&str]) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = ["--package", "digits", "--manifest-path"].map(Into::into).to_vec();
    arguments.push(examples.manifest().into());
    arguments.extend(more.iter().map(Into::into));
    arguments
}

/// Labels and logits by the artifact on this machine, by way of a file.
fn on_host(mixq: &Mixq, examples: &Examples, file: &std::path::Path) -> Result<Host> {
    let path = file.to_string_lossy();
    mixq.json("eval", &of_digits(examples, &["--logits", &path]))?;
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {path}"))?;
    logits::parse_host(&text).with_context(|| path.into_owned())
}

/// The figures of the one model in an answer of `cargo mixq`.
fn model(answer: &Value) -> Result<Trained> {
    Ok(Trained::deserialize(&answer["models"][0])?)
}

impl Findings {
    /// Whether the device computes what the host does, and the linker holds what was announced.
    fn agree(&self) -> bool {
        self.comparison.different == 0 && self.linked == self.announced()
    }

    fn announced(&self) -> Memory {
        Memory { flash: self.trained.flash_bytes, ram: self.trained.ram_bytes }
    }

    /// For people.
    fn text(&self) -> String {
        let Findings { trained, device_accuracy, comparison, linked } = self;
        let memory = |what: &str, linked: u64, announced: u64, budget: u64| {
            let verdict = match linked == announced {
                true => "linker agrees".to_string(),
                false => format!("but the linker holds {} B", thousands(linked)),
            };
            let (announced, budget) = (thousands(announced), thousands(budget));
            format!("{what:<16}{announced:>7} B of {budget:>7} B, {verdict}\n")
        };
        let accuracy = |what: &str, share: f64| format!("{what:<16}{:>7.2} %\n", 100.0 * share);
        let mut text = "\nin the linked firmware\n".to_string();
        text += &memory("flash", linked.flash, trained.flash_bytes, trained.flash_budget);
        text += &memory("RAM", linked.ram, trained.ram_bytes, trained.ram_budget);
        text += &format!("\naccuracy on {} test images\n", trained.test_images);
        text += &accuracy("float", trained.float_accuracy);
        text += &accuracy("fake-quantised", trained.fake_quant_accuracy);
        text += &accuracy("integer, host", trained.integer_accuracy);
        text += &accuracy("integer, device", *device_accuracy);
        text += &match &comparison.first {
            None => {
                format!("\nall {} logits of the device are the host's\n", thousands(comparison.total as u64))
            }
            Some(first) => format!(
                "\n{} of {} logits of the device are not the host's: {first}\n",
                thousands(comparison.different as u64),
                thousands(comparison.total as u64)
            ),
        };
        text
    }

    /// For programs.
    fn json(&self, seconds: f64) -> Value {
        let Findings { trained, device_accuracy, comparison, linked } = self;
        json!({
            "float_accuracy": trained.float_accuracy,
            "fake_quant_accuracy": trained.fake_quant_accuracy,
            "integer_accuracy": trained.integer_accuracy,
            "device_accuracy": device_accuracy,
            "device_matches_host": comparison.different == 0,
            "test_images": trained.test_images,
            "flash_bytes": linked.flash,
            "flash_budget": trained.flash_budget,
            "ram_bytes": linked.ram,
            "ram_budget": trained.ram_budget,
            "weight_bits": trained.weight_bits,
            "activation_bits": trained.activation_bits,
            "linker_agrees": *linked == self.announced(),
            "seconds": seconds,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer() -> Value {
        json!({ "ok": true, "models": [{
            "model": "digits", "layers": [], "macs": 1, "trained": true,
            "flash_bytes": 100, "flash_budget": 200, "ram_bytes": 30, "ram_budget": 40,
            "weight_bits": [8, 4, 2], "activation_bits": [4, 8, 32],
            "float_accuracy": 0.99, "fake_quant_accuracy": 0.98, "integer_accuracy": 0.975,
            "test_images": 360,
        }]})
    }

    fn findings(different: usize, flash: u64) -> Findings {
        let first = (different > 0).then(|| "logit 3 of image 5 is 1".to_string());
        Findings {
            trained: model(&answer()).unwrap(),
            device_accuracy: 0.975,
            comparison: Comparison { total: 3600, different, first },
            linked: Memory { flash, ram: 30 },
        }
    }

    #[test]
    fn agreement_is_said_in_words_and_figures() {
        let found = findings(0, 100);
        assert!(found.agree());
        let text = found.text();
        assert!(text.contains("all 3,600 logits of the device are the host's"), "{text}");
        assert_eq!(text.matches("linker agrees").count(), 2, "{text}");
        let json = found.json(1.5);
        assert_eq!(json["device_matches_host"], true);
        assert_eq!(json["weight_bits"], json!([8, 4, 2]));
        assert_eq!(json["fake_quant_accuracy"], 0.98);
        assert_eq!(json["seconds"], 1.5);
    }

    #[test]
    fn a_single_other_logit_is_a_failure() {
        let found = findings(1, 100);
        assert!(!found.agree());
        assert!(
            found.text().contains("1 of 3,600 logits of the device are not the host's: logit 3 of image 5")
        );
        assert_eq!(found.json(0.0)["device_matches_host"], false);
    }

    #[test]
    fn another_size_in_the_elf_is_a_failure() {
        let found = findings(0, 101);
        assert!(!found.agree());
        assert!(found.text().contains("100 B of     200 B, but the linker holds 101 B"), "{}", found.text());
        assert_eq!(found.json(0.0)["flash_bytes"], 101);
    }

    #[test]
    fn a_missing_figure_is_named() {
        let mut answer = answer();
        answer["models"][0].as_object_mut().unwrap().remove("ram_budget");
        let error = model(&answer).err().unwrap().to_string();
        assert!(error.contains("ram_budget"), "{error}");
        assert!(model(&json!({ "models": [] })).is_err());
    }
}
