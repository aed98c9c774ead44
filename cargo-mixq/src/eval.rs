//! `cargo mixq eval`.

use std::fmt::Write;
use std::path::Path;
use std::time::Instant;

use mixq_format::Artifact;
use serde_json::json;

use super::packages::Models;
use super::reading::Reading;
use super::{Outcome, Selection};
use mixq_build::engine::artifact::{Fingerprint, State};
use mixq_build::engine::config::Model;
use mixq_build::engine::dataset::{Dataset, Split, find, labelled, measure_artifact};
use mixq_build::engine::error::{Error, Problem};
use mixq_build::engine::prepare::Prepared;
use mixq_build::engine::report::{self, figures};
use mixq_build::engine::task::{Rules, rules};
use mixq_build::engine::{artifact, evaluate};

/// A network and the images that it is to run on.
struct Case {
    artifact: Box<Artifact>,
    images: Split,
    /// Which images these are, as a sentence goes on after "of 360".
    which: String,
}

pub fn run(selection: &Selection, file: Option<&Path>, other: Option<&str>) -> Result<Outcome, Error> {
    let chosen = Models::select(selection)?;
    for (option, given) in [("--logits", file.is_some()), ("--dataset", other.is_some())] {
        if given && chosen.models.len() > 1 {
            return Err(Problem::new(format!("{option} is for one model"))
                .help("choose it with --model")
                .into());
        }
    }
    let mut models = Vec::new();
    for (model, path) in &chosen.models {
        let start = Instant::now();
        let Case { artifact, images, which } = match other {
            Some(other) => elsewhere(model, path, other)?,
            None => own(model, path, &chosen.cache)?,
        };
        let logits = evaluate::logits(&artifact, &images)?;
        let rules = rules(artifact.header.task);
        let accuracy = evaluate::score(&artifact, &logits, &images);
        if let Some(file) = file {
            std::fs::write(file, lines(rules, &logits, &images))
                .map_err(|e| Problem::io("write", file, &e))?;
        }
        let seconds = start.elapsed().as_secs_f64();
        say!(
            "model `{}`: {} {} on {} {which} in {seconds:.1} s",
            model.name,
            rules.measure(),
            rules.shown(accuracy),
            images.len()
        );
        let answers = evaluate::answers(&artifact, &logits, &images);
        let found = rules.figures(&answers, &images.targets, &artifact.header.readout);
        if let Some(found) = &found {
            say!("{}", figures::text(found, &artifact.header.labels).trim_end());
        }
        let labels = &artifact.header.labels;
        let guessing = rules.no_better_than_guessing(
            &format!("integer {}", rules.measure()),
            accuracy,
            &images.targets,
            labels,
        );
        guessing.iter().for_each(|sentence| eprintln!("warning: model `{}`: {sentence}", model.name));
        let mut json = json!({
            "model": model.name,
            "task": artifact.header.task.name(),
            "measure": rules.measure(),
            "integer_accuracy": accuracy,
            "no_better_than_guessing": guessing.is_some(),
            "inputs": report::inputs(&artifact.header),
            "test_images": images.len(),
            "flash_bytes": artifact.flash_bytes(),
            "ram_bytes": chosen.placed(path, &artifact)?.artifact.ram_bytes(),
            "seconds": seconds,
        });
        if let Some(found) = &found {
            json["figures"] = figures::json(found, &artifact.header.labels);
        }
        if let Some(other) = other {
            json["dataset"] = other.into();
            json["images"] = images.len().into();
        }
        models.push(json);
    }
    Ok(Outcome { models, firmware: Vec::new(), well: true })
}

/// The test images that belong to the model, whose artifact must be fresh.
fn own(model: &Model, path: &Path, cache: &Path) -> Result<Case, Error> {
    let prepared = Prepared::new(model, Some(cache))?;
    let state = prepared.state(path)?;
    let reason = prepared.reason(&state).unwrap_or_default();
    let State::Fresh(artifact) = state else { return Err(unusable(path, &state, &reason)) };
    if model.as_imported {
        let found = measure_artifact(&model.dataset, &artifact.header, &mut Reading::new())?;
        labelled(found.unlabelled, &model.name)?;
        return Ok(Case { artifact, images: found.images, which: "images".to_string() });
    }
    let (input, outputs) = (&prepared.graph.inputs, prepared.graph.output());
    let reading = &mut Reading::new();
    let (dataset, _) = Dataset::load_with_digest(&model.dataset, Some(cache), input, outputs, reading)?;
    labelled(dataset.unlabelled[1], &model.name)?;
    Ok(Case { artifact, images: dataset.test, which: "test images".to_string() })
}

/// Other images, for an artifact that need not be fresh: what it takes and what its outputs mean
/// stands in itself.
fn elsewhere(model: &Model, path: &Path, other: &str) -> Result<Case, Error> {
    let artifact = match artifact::state(path, &Fingerprint::new())? {
        State::Fresh(artifact) | State::Stale(artifact, _) | State::Other(artifact, _) => artifact,
        state @ (State::Missing | State::Damaged(_)) => {
            return Err(unusable(path, &state, &state.reason().unwrap_or_default()));
        }
    };
    let mut config = model.dataset.elsewhere(other);
    config.task = artifact.header.task;
    let found = measure_artifact(&config, &artifact.header, &mut Reading::new())?;
    let part = if found.own_test_part { "images of the test part of" } else { "images, all of" };
    let which = format!("{part} {},", find(&config).display());
    Ok(Case { artifact, images: found.images, which })
}

fn unusable(path: &Path, state: &State, reason: &str) -> Error {
    let message = format!("{} {reason}", path.display());
    let help = match state {
        State::Stale(..) | State::Other(..) => {
            "run `cargo mixq retrain`, or measure it as it is on other images with --dataset"
        }
        State::Fresh(_) | State::Missing | State::Damaged(_) => "run `cargo mixq retrain`",
    };
    Problem::new(message).help(help).into()
}

/// Target and logits of each image.
fn lines(rules: &dyn Rules, logits: &[i32], images: &Split) -> String {
    let outputs = logits.len() / images.len();
    let mut text = String::new();
    for (logits, target) in logits.chunks(outputs).zip(images.targets.iter()) {
        text += &rules.text(target);
        logits.iter().for_each(|logit| {
            let _ = write!(text, ",{logit}");
        });
        text.push('\n');
    }
    text
}
