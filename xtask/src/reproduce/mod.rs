//! `cargo xtask reproduce`: the comparisons of the paper, on CIFAR-10 and ImageNet, as a page with a plot.
//!
//! The networks are the models of `experiments/Cargo.toml`. Those whose artifact is fresh are not trained
//! again; what the training of the others took is kept in `docs/results.json`, with all figures.

mod budgets;
mod conversions;
mod families;
mod imagenet;
mod page;
mod plot;
mod tiny;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::mixq::{Mixq, Profile};
use crate::process::repository;
use crate::setup;

const EXPERIMENTS: &str = "experiments/Cargo.toml";
const FIGURES: &str = "docs/results.json";
const PAGE: &str = "docs/results.md";
const PLOT: &str = "docs/results.svg";
const PACE: &str = "docs/pace.json";

/// One network's figures; bytes, accuracies of 0 to 1.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Network {
    model: String,
    macs: u64,
    flash_bytes: u64,
    ram_bytes: u64,
    flash_budget: u64,
    ram_budget: u64,
    float_bytes: u64,
    weight_bits: Vec<u8>,
    activation_bits: Vec<u8>,
    float_accuracy: f64,
    fake_quant_accuracy: f64,
    integer_accuracy: f64,
    float_validation: f64,
    fake_quant_validation: f64,
    test_images: u64,
    disagreements: u64,
    /// Whether accuracies are agreement with the float network: the images have no labels.
    #[serde(default)]
    agreement: bool,
    /// Of an inference on a Cortex-M4, by the cost model.
    #[serde(default)]
    instructions: Option<u64>,
    /// Of learning; `None` if it was trained elsewhere.
    float_seconds: Option<f64>,
    quantised_seconds: Option<f64>,
    float_images_per_second: Option<f64>,
    quantised_images_per_second: Option<f64>,
}

/// All networks by name.
type Networks = BTreeMap<String, Network>;

/// What to train.
pub enum Extent {
    /// Nothing: the page speaks of the networks that are fresh.
    Nothing,
    /// These models, or all if there are none, as far as they are stale.
    Stale(Vec<String>),
}

/// Trains what is stale, and writes page, plot and figures of the networks that are fresh then.
///
/// What a training took is written down when it ends: several processes may train different models.
///
/// # Errors
/// If something is missing that setup cannot install, a training fails, or a file cannot be written.
pub fn run(json: bool, extent: Extent) -> Result<ExitCode> {
    let libtorch = match extent {
        Extent::Nothing => None,
        Extent::Stale(_) => Some(setup::training()?),
    };
    let mixq = Mixq::build(Profile::Release, libtorch.as_ref())?;
    let manifest = repository(EXPERIMENTS);
    let all: &[&OsStr] = &["--manifest-path".as_ref(), manifest.as_os_str()];
    let one = |command: &str, name: &str| {
        let arguments = [all, &["--model".as_ref(), name.as_ref()]].concat();
        if command == "retrain" {
            mixq.json(command, &arguments)
        } else {
            mixq.quiet_json(command, &arguments)
        }
    };
    let models = |fresh: bool| -> Result<Vec<String>> {
        let checked = mixq.quiet_json("check", all)?;
        let models = checked["models"].as_array().into_iter().flatten();
        let models = models.filter(|model| !fresh || model["fresh"] == true);
        Ok(models.filter_map(|model| model["model"].as_str()).map(str::to_string).collect())
    };
    if let Extent::Stale(chosen) = extent {
        for name in if chosen.is_empty() { models(false)? } else { chosen } {
            let answer = one("retrain", &name)?;
            let mut networks = earlier()?;
            networks.extend(merge(&[answer], &networks)?);
            write(FIGURES, &(serde_json::to_string_pretty(&networks)? + "\n"))?;
        }
    }
    let reports = models(true)?.iter().map(|name| one("report", name)).collect::<Result<Vec<_>>>()?;
    let networks = merge(&reports, &earlier()?)?;
    write(FIGURES, &(serde_json::to_string_pretty(&networks)? + "\n"))?;
    write(PLOT, &plot::svg(&networks)?)?;
    write(PAGE, &page::page(&networks, pace()?.as_ref()))?;
    println!("wrote {PAGE}, {PLOT} and {FIGURES}: {} networks", networks.len());
    if json {
        println!("{}", json!({ "page": PAGE, "plot": PLOT, "networks": networks }));
    }
    Ok(ExitCode::SUCCESS)
}

/// The figures of the last time, if there was one.
fn earlier() -> Result<Networks> {
    match fs::read_to_string(repository(FIGURES)) {
        Ok(text) => serde_json::from_str(&text).with_context(|| format!("{FIGURES} is damaged: delete it")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Networks::new()),
        Err(error) => Err(error).with_context(|| format!("cannot read {FIGURES}")),
    }
}

/// What `cargo xtask pace --json` has said, if somebody kept it.
fn pace() -> Result<Option<Value>> {
    match fs::read_to_string(repository(PACE)) {
        Ok(text) => Ok(Some(serde_json::from_str(&text).with_context(|| format!("{PACE} is damaged"))?)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {PACE}")),
    }
}

/// The figures of `cargo mixq retrain` or `report`; what a network took that was fresh is what it took
/// before.
fn merge(answers: &[Value], earlier: &Networks) -> Result<Networks> {
    let mut networks = Networks::new();
    for answer in answers {
        let Some(models) = answer["models"].as_array() else { bail!("`cargo mixq` answered {answer}") };
        for model in models {
            add(&mut networks, model, earlier)?;
        }
    }
    Ok(networks)
}

fn add(networks: &mut Networks, model: &Value, earlier: &Networks) -> Result<()> {
    let mut network = Network::deserialize(model).context("`cargo mixq` has no such figures")?;
    if let Some(before) = earlier.get(&network.model).filter(|_| network.float_seconds.is_none()) {
        network.float_seconds = before.float_seconds;
        network.quantised_seconds = before.quantised_seconds;
        network.float_images_per_second = before.float_images_per_second;
        network.quantised_images_per_second = before.quantised_images_per_second;
    }
    networks.insert(network.model.clone(), network);
    Ok(())
}

fn write(file: &str, text: &str) -> Result<()> {
    fs::write(repository(file), text).with_context(|| format!("cannot write {file}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A network as `cargo mixq retrain` describes it.
    pub fn network(name: &str, flash: u64, accuracy: f64) -> Network {
        Network {
            model: name.to_string(),
            macs: 3_331_072,
            flash_bytes: flash,
            ram_bytes: 16_384,
            flash_budget: 131_072,
            ram_budget: 16_384,
            float_bytes: 860_000,
            weight_bits: vec![8, 4, 2],
            activation_bits: vec![8, 4, 32],
            float_accuracy: 0.8,
            fake_quant_accuracy: accuracy,
            integer_accuracy: accuracy,
            float_validation: 0.81,
            fake_quant_validation: accuracy,
            test_images: 10_000,
            disagreements: 12,
            agreement: false,
            instructions: Some(2_345_678),
            float_seconds: None,
            quantised_seconds: None,
            float_images_per_second: None,
            quantised_images_per_second: None,
        }
    }

    #[test]
    fn what_a_fresh_network_took_is_remembered() {
        let mut trained = network("a", 1000, 0.7);
        trained.float_seconds = Some(60.0);
        trained.quantised_seconds = Some(30.0);
        let fresh = network("a", 1000, 0.7);
        let earlier = Networks::from([("a".to_string(), trained.clone())]);
        let answer = |network: &Network| [json!({ "models": [network] })];
        let merged = merge(&answer(&fresh), &earlier).unwrap();
        assert_eq!(merged["a"].float_seconds, Some(60.0));
        trained.float_seconds = Some(50.0);
        let merged = merge(&answer(&trained), &earlier).unwrap();
        assert_eq!(merged["a"].float_seconds, Some(50.0), "trained anew");
        assert!(merge(&[json!({ "errors": [] })], &earlier).is_err());
    }

    #[test]
    fn the_experiments_are_those_that_the_page_speaks_of() {
        let manifest = fs::read_to_string(repository(EXPERIMENTS)).unwrap();
        let heads = manifest
            .lines()
            .filter_map(|line| line.strip_prefix("[package.metadata.mixq.models.")?.strip_suffix(']'));
        let mut models: Vec<&str> = heads.collect();
        models.sort_unstable();
        let mut named = page::names();
        named.sort_unstable();
        named.dedup();
        assert_eq!(models, named);
    }
}
