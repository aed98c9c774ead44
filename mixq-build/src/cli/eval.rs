//! `cargo mixq eval`.

use std::fmt::Write;
use std::path::Path;
use std::time::Instant;

use serde_json::json;

use super::packages::Models;
use super::reading::Reading;
use super::{Outcome, Selection};
use crate::artifact::State;
use crate::dataset::{Dataset, Split};
use crate::error::{Error, Problem};
use crate::evaluate;
use crate::guessing;
use crate::prepare::Prepared;

pub fn run(selection: &Selection, file: Option<&Path>) -> Result<Outcome, Error> {
    let chosen = Models::select(selection)?;
    if file.is_some() && chosen.models.len() > 1 {
        return Err(Problem::new("--logits is for one model").help("choose it with --model").into());
    }
    let mut models = Vec::new();
    for (model, path) in &chosen.models {
        let start = Instant::now();
        let prepared = Prepared::new(model)?;
        let state = prepared.state(path)?;
        let reason = prepared.reason(&state).unwrap_or_default();
        let State::Fresh(artifact) = state else {
            let message = format!("{} {reason}", path.display());
            return Err(Problem::new(message).help("run `cargo mixq retrain`").into());
        };
        let dataset = Dataset::load(
            &model.dataset,
            prepared.graph.input,
            prepared.graph.classes(),
            &mut Reading::new(),
        )?;
        let logits = evaluate::logits(&artifact, &dataset.test)?;
        let accuracy = evaluate::accuracy(&logits, &dataset.test);
        if let Some(file) = file {
            std::fs::write(file, lines(&logits, &dataset.test))
                .map_err(|e| Problem::io("write", file, &e))?;
        }
        let seconds = start.elapsed().as_secs_f64();
        say!(
            "model `{}`: {:.2} % of {} test images right, in {seconds:.1} s",
            model.name,
            100.0 * accuracy,
            dataset.test.len()
        );
        let guessing = guessing::sentence("integer accuracy", accuracy, &dataset.test, &dataset.labels);
        guessing.iter().for_each(|sentence| eprintln!("warning: model `{}`: {sentence}", model.name));
        models.push(json!({
            "model": model.name,
            "integer_accuracy": accuracy,
            "no_better_than_guessing": guessing.is_some(),
            "test_images": dataset.test.len(),
            "flash_bytes": artifact.flash_bytes(),
            "ram_bytes": artifact.ram_bytes(),
            "seconds": seconds,
        }));
    }
    Ok(Outcome { models, firmware: Vec::new(), well: true })
}

/// Label and logits of each image.
fn lines(logits: &[i32], images: &Split) -> String {
    let classes = logits.len() / images.len();
    let mut text = String::new();
    for (logits, label) in logits.chunks(classes).zip(&images.labels) {
        let _ = write!(text, "{label}");
        logits.iter().for_each(|logit| {
            let _ = write!(text, ",{logit}");
        });
        text.push('\n');
    }
    text
}
