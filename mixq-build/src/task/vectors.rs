//! What tasks have in common whose targets are vectors: a number for each output.

use std::path::Path;

use super::Targets;
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
