//! What an artifact was made from, to tell whether it is fresh.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::config::Model;
use crate::dataset;
use crate::error::{Error, Problem};
use crate::graph::Graph;

/// The inputs of a model by name. Short ones stand as they are, so that a stale artifact can say what changed; long
/// ones as SHA-256.
pub type Fingerprint = BTreeMap<String, String>;

/// The name of the dataset's entry.
pub const DATASET: &str = "dataset";

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

/// The fingerprint of a model as configured. A dataset that is not there leaves its entry out: firmware builds
/// from a committed artifact without the images.
///
/// # Errors
/// The dataset is there but cannot be read.
pub fn fingerprint(model: &Model, graph: &Graph) -> Result<Fingerprint, Error> {
    let mut inputs = Fingerprint::new();
    let mut insert = |name: &str, value: String| inputs.insert(name.to_string(), value);
    insert("format", mixq_format::FORMAT_VERSION.to_string());
    insert("network", digest(&json(graph)?));
    insert("budget.flash", model.flash.to_string());
    insert("budget.ram", model.ram.to_string());
    insert("scheme", text(&json(&model.scheme)?));
    if let serde_json::Value::Object(settings) = json(&model.training)? {
        for (name, value) in settings {
            insert(&format!("training.{name}"), text(&value));
        }
    }
    if model.dataset.path.exists() {
        let contents = dataset::digest(&model.dataset.path)?;
        insert(DATASET, digest(&serde_json::json!([contents, json(&model.dataset)?])));
    }
    Ok(inputs)
}

/// What differs between an artifact's fingerprint and that of the model now. Without a dataset now, there is
/// nothing to compare it with.
pub fn changes(was: &Fingerprint, now: &Fingerprint) -> Vec<Change> {
    let names: std::collections::BTreeSet<&String> = was.keys().chain(now.keys()).collect();
    let value = |inputs: &Fingerprint, name: &str| inputs.get(name).cloned().unwrap_or_default();
    (names.into_iter())
        .filter(|name| *name != DATASET || now.contains_key(*name))
        .map(|name| Change { input: name.clone(), was: value(was, name), now: value(now, name) })
        .filter(|change| change.was != change.now)
        .collect()
}

/// One name for the whole: what a checkpoint is found by.
pub fn short_digest(inputs: &Fingerprint) -> Result<String, Error> {
    Ok(digest(&json(inputs)?)[..16].to_string())
}

fn json(value: &impl serde::Serialize) -> Result<serde_json::Value, Error> {
    serde_json::to_value(value).map_err(|e| Problem::new(format!("a setting has no JSON form: {e}")).into())
}

fn text(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), String::from)
}

fn digest(value: &serde_json::Value) -> String {
    Sha256::digest(value.to_string()).iter().map(|byte| format!("{byte:02x}")).collect()
}
