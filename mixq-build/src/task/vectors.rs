//! What tasks have in common whose targets are vectors: a number for each output.

use std::path::Path;

use mixq_format::{Accuracy, Header};

use super::{ScoreRules, Targets};
use crate::error::Problem;
use crate::text::enumerate;

/// What is wrong with the names that Cargo.toml gives the outputs, called `what`.
pub(super) fn names(outputs: usize, labels: Option<&[String]>, what: &str) -> Vec<Problem> {
    let wrong = labels.filter(|labels| labels.len() != outputs).map(|labels| {
        let message = format!("`labels` names {} {what}, but the network has {outputs}", labels.len());
        Problem::new(message).help("name every output once, in the order of the targets")
    });
    wrong.into_iter().collect()
}

/// That a dataset says a class for each image, by name, where a network for `task` wants `wanted`.
pub(super) fn classes(path: &Path, found: &[&str], task: &str, wanted: &str) -> Problem {
    let message = format!(
        "{} says a class for each image ({}), but task = \"{task}\" wants {wanted}",
        path.display(),
        enumerate(found)
    );
    Problem::new(message).help("write the dataset as CSV or NPZ, or set task = \"classification\"")
}

/// A target has a number for each output; else what is wrong with it.
pub(super) fn length(target: &[f64], outputs: usize) -> Result<(), String> {
    let found = target.len();
    match found == outputs {
        true => Ok(()),
        false => Err(format!("a target has {found} numbers, but the network has {outputs} outputs")),
    }
}

/// The columns that a header names are one for each output.
pub(super) fn columns(path: &Path, found: &[&str], outputs: usize) -> Option<Problem> {
    (found.len() != outputs).then(|| {
        let message = format!(
            "{} has {} targets ({}), but the network has {outputs} outputs",
            path.display(),
            found.len(),
            enumerate(found)
        );
        Problem::new(message).help("the network's last layer must have one output for each target")
    })
}

/// What an artifact says of its outputs that is not so by Cargo.toml.
pub(super) fn differences(header: &Header, outputs: usize, labels: Option<&[String]>) -> Vec<String> {
    let mut found = Vec::new();
    let own = usize::from(header.output.channels);
    if own != outputs {
        found.push(format!("it has {own} outputs, the network {outputs}"));
    }
    if let Some(labels) = labels.filter(|labels| *labels != header.labels) {
        let (own, labels) = (header.labels.join(", "), labels.join(", "));
        found.push(format!("its outputs are called {own}, in Cargo.toml {labels}"));
    }
    found
}

/// The warning after the training of a network that is not better than guessing, with what would help.
pub(super) fn warning(
    rules: &dyn ScoreRules,
    accuracy: &Accuracy,
    targets: &Targets,
    labels: &[String],
) -> Option<String> {
    let kinds = [
        (
            "float",
            accuracy.float,
            "check that the targets belong to the images and that the images show them; or train for more \
             `epochs`, with another `learning-rate` or another network",
        ),
        (
            "fake-quantised",
            accuracy.fake_quant,
            "the float network was better: give more flash and RAM for more bits, or more `quantised-epochs`",
        ),
        (
            "integer",
            accuracy.integer,
            "the network trained with fake quantisation was better: please report this",
        ),
    ];
    kinds.into_iter().find_map(|(network, score, help)| {
        let what = format!("{network} {}", rules.measure());
        Some(format!("{}; {help}", rules.no_better_than_guessing(&what, score, targets, labels)?))
    })
}

/// Puts targets that are called `found` into the order of the outputs of a trained network, `known`. Names of
/// which none is known say nothing: the order is then that of the file.
///
/// # Errors
/// The network knows some of them only.
pub(super) fn reorder(
    path: &Path,
    targets: &mut Targets,
    found: &[String],
    known: &[String],
) -> Result<(), Problem> {
    let places: Vec<Option<usize>> =
        known.iter().map(|name| found.iter().position(|found| found == name)).collect();
    if places.iter().all(Option::is_none) && found.len() == known.len() {
        return Ok(());
    }
    let Some(places) = places.into_iter().collect::<Option<Vec<usize>>>() else {
        let message = format!(
            "{} has the targets {}, but the outputs of the model are called {}",
            path.display(),
            enumerate(found),
            enumerate(known)
        );
        return Err(Problem::new(message).help("call the columns what the model calls them, in any order"));
    };
    let each = targets.bytes().len() / targets.len().max(1) / found.len().max(1);
    let mut ordered = Targets::default();
    for target in targets.iter() {
        let fields: Vec<&[u8]> = target.chunks(each.max(1)).collect();
        ordered.push(&places.iter().map(|place| fields[*place]).collect::<Vec<_>>().concat());
    }
    *targets = ordered;
    Ok(())
}
