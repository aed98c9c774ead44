//! What an artifact was made from, to tell whether it is fresh.

use std::collections::BTreeMap;
use std::path::Path;

use hmac_sha256::Hash as Sha256;

use crate::config::{DatasetConfig, Model};
use crate::dataset;
use crate::error::{Error, Problem};
use crate::graph::Graph;
use crate::hex::hexadecimal;
use crate::import::{Imported, weights};
use crate::settings::{Execution, Policy, TestPart};

/// The inputs of a model by name. Short ones stand as they are, so that a stale artifact can say what
/// changed; long ones as SHA-256.
pub type Fingerprint = BTreeMap<String, String>;

/// The name of the entry that the contents of the dataset have.
pub const DATASET: &str = "dataset";

/// The name of the entry that the contents of the weights' file have.
pub const WEIGHTS: &str = "weights";

/// An input that is not what it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Name of the input: "network", "training.epochs", ...
    pub input: String,
    /// What it was when the artifact was made; empty if it was not there.
    pub was: String,
    /// What it is; empty if it is gone.
    pub now: String,
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let readable = |value: &str| !value.is_empty() && value.len() < 40;
        if readable(&self.was) && readable(&self.now) {
            write!(f, "`{}` was {}, is {}", self.input, self.was, self.now)
        } else {
            write!(f, "`{}` has changed", self.input)
        }
    }
}

/// The fingerprint of a model as configured. A dataset or a file of weights that is not there, or a dataset
/// that this mixq-build does not look into, leaves the entry of its contents out: firmware builds from a
/// committed artifact without them. `cache` is the folder that keeps digests of datasets; with `None`
/// everything is read anew.
///
/// # Errors
/// The dataset or the file of weights is there but cannot be read.
pub fn fingerprint(
    model: &Model,
    imported: &Imported,
    graph: &Graph,
    cache: Option<&Path>,
) -> Result<Fingerprint, Error> {
    let mut inputs = Fingerprint::new();
    let mut insert = |name: &str, value: String| inputs.insert(name.to_string(), value);
    insert("format", mixq_format::FORMAT_VERSION.to_string());
    insert("network", digest(graph)?);
    insert("budget.flash", model.flash.to_string());
    insert("budget.ram", model.ram.to_string());
    insert("scheme", plain(&serde_json::to_value(model.scheme).map_err(unwritable)?));
    if model.execution.is_fed() {
        insert("execution", "rows".to_string());
    }
    if model.execution.hop() > 0 {
        insert("hop", model.execution.hop().to_string());
    }
    if model.as_imported {
        insert("bits", "as imported".to_string());
    } else {
        insert("delta", model.delta.to_string());
        insert("policy", plain(&serde_json::to_value(model.policy).map_err(unwritable)?));
        // By other policies the bits themselves are compared.
        if (model.policy, model.execution) == (Policy::Sensitivity, Execution::Whole) {
            insert("execution", "whole".to_string());
        }
        let training = serde_json::to_value(&model.training).map_err(unwritable)?;
        if let serde_json::Value::Object(settings) = training {
            for (name, value) in settings {
                insert(&format!("training.{name}"), plain(&value));
            }
        }
        insert("training.epochs", model.training.epochs(imported.weights.is_some()).to_string());
    }
    for (input, normalisation) in graph.inputs.iter().zip(&imported.normalisations) {
        let Some(normalisation) = normalisation else { continue };
        match graph.inputs.are_several() {
            true => insert(&format!("normalisation.{}", input.name), json(normalisation)?),
            false => insert("normalisation", json(normalisation)?),
        };
    }
    if let Some(file) = imported.weights.as_ref().filter(|file| file.path.exists()) {
        insert(WEIGHTS, weights::digest(file)?);
    }
    // What Cargo.toml says of the images is known without them.
    let DatasetConfig {
        test,
        shape,
        max,
        labels,
        targets,
        background,
        unlabelled,
        task,
        mask_values,
        mask_colours,
        resize,
        tolerate,
        input,
        inputs: named,
        recordings,
        path: _,
        shared: _,
        // It follows from the settings of training.
        may_lack_targets: _,
        location,
    } = &model.dataset;
    let test = match test.unwrap_or_default() {
        TestPart::Rows(rows) => rows.to_string(),
        TestPart::Share(share) => share.to_string(),
    };
    insert("dataset.test", test);
    insert("dataset.shape", shape.map_or("the network's".to_string(), |shape| shape.to_string()));
    insert("dataset.max", max.to_string());
    insert("dataset.labels", labels.as_ref().map_or(Ok("numbers".to_string()), json)?);
    // Not there by default, so that the artifacts of datasets that never needed them stay fresh.
    if !task.is_default() {
        insert("task", task.name().to_string());
    }
    if let Some(targets) = targets {
        insert("dataset.targets", json(targets)?);
    }
    if *background {
        insert("dataset.background", background.to_string());
    }
    if *unlabelled {
        insert("dataset.unlabelled", unlabelled.to_string());
    }
    if let Some(values) = mask_values {
        insert("dataset.mask-values", json(values)?);
    }
    if let Some(colours) = mask_colours {
        insert("dataset.mask-colours", json(colours)?);
    }
    if *resize {
        insert("dataset.resize", resize.to_string());
    }
    if *tolerate > 0.0 {
        insert("dataset.tolerate", tolerate.to_string());
    }
    if let Some(input) = input {
        insert("dataset.input", json(input)?);
    }
    if !named.is_empty() {
        insert("dataset.inputs", json(named)?);
    }
    if let serde_json::Value::Object(keys) = serde_json::to_value(recordings).map_err(unwritable)? {
        for (name, value) in keys {
            insert(&format!("dataset.{name}"), plain(&value));
        }
    }
    let path = dataset::find(&model.dataset);
    if path.exists() && dataset::told(&path) {
        let digest = dataset::digest(&path, cache).map_err(|mut error| {
            for problem in &mut error.problems {
                problem.location = problem.location.take().or_else(|| location.clone());
            }
            error
        });
        insert(DATASET, digest?);
    }
    Ok(inputs)
}

/// What differs between an artifact's fingerprint and that of the model now. Without a dataset or weights
/// now, there is nothing to compare them with.
pub fn changes(was: &Fingerprint, now: &Fingerprint) -> Vec<Change> {
    let names: std::collections::BTreeSet<&String> = was.keys().chain(now.keys()).collect();
    let value = |inputs: &Fingerprint, name: &str| inputs.get(name).cloned().unwrap_or_default();
    (names.into_iter())
        .filter(|name| ![DATASET, WEIGHTS].contains(&name.as_str()) || now.contains_key(*name))
        .map(|name| Change { input: name.clone(), was: value(was, name), now: value(now, name) })
        .filter(|change| change.was != change.now)
        .collect()
}

/// One name for the whole: what a checkpoint is found by.
pub fn short_digest(inputs: &Fingerprint) -> Result<String, Error> {
    Ok(digest(inputs)?[..16].to_string())
}

/// A value of one part, as it is.
fn plain(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), String::from)
}

/// SHA-256 of a value's JSON.
fn digest(value: &impl serde::Serialize) -> Result<String, Error> {
    Ok(hexadecimal(&Sha256::hash(json(value)?.as_bytes())))
}

/// Straight from the value: a `serde_json::Value` between has its keys in an order that another crate of the
/// build may change (feature `preserve_order`).
fn json(value: &impl serde::Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(unwritable)
}

fn unwritable(error: serde_json::Error) -> Error {
    Problem::new(format!("a setting has no JSON form: {error}")).into()
}
