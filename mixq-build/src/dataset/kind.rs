//! Which reader a dataset is for.

use std::path::Path;

use super::csv;
use super::parts::Read;
#[cfg(feature = "datasets")]
use super::{files, npz};
use crate::error::Problem;

/// Kinds of datasets by the end of their file's name.
#[cfg(feature = "datasets")]
const KINDS: [(&str, Read); 9] = [
    (".csv", csv::read),
    (".csv.gz", csv::read),
    (".npz", npz::read),
    (".tar", files::read),
    (".tar.gz", files::read),
    (".tgz", files::read),
    (".tar.zst", files::read),
    (".tzst", files::read),
    (".zip", files::read),
];

/// Kinds of datasets by the end of their file's name.
#[cfg(not(feature = "datasets"))]
const KINDS: [(&str, Read); 2] = [(".csv", csv::read), (".csv.gz", csv::read)];

/// The reader of a file of this name, or of a folder.
pub(super) fn reader(path: &Path) -> Result<Read, Problem> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let kind = KINDS.iter().find(|(suffix, _)| name.ends_with(suffix));
    match kind {
        // A folder that is called so: its reader says that it is none.
        Some((_, read)) => Ok(*read),
        None => other(path),
    }
}

#[cfg(feature = "datasets")]
fn other(path: &Path) -> Result<Read, Problem> {
    if path.is_dir() { Ok(files::read) } else { Err(unknown(path)) }
}

/// What the full set of readers would take.
#[cfg(not(feature = "datasets"))]
fn other(path: &Path) -> Result<Read, Problem> {
    const MORE: [&str; 7] = [".npz", ".tar", ".tar.gz", ".tgz", ".tar.zst", ".tzst", ".zip"];
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    if !path.is_dir() && !MORE.iter().any(|suffix| name.ends_with(suffix)) {
        return Err(unknown(path));
    }
    let message = format!("{}: this mixq-build reads no datasets but CSV", path.display());
    Err(Problem::new(message).help("build it with feature `datasets`, which `train` and `cli` include"))
}

fn unknown(path: &Path) -> Problem {
    let suffixes: Vec<_> = KINDS.iter().map(|(suffix, _)| *suffix).collect();
    let folders = if cfg!(feature = "datasets") { "folders, and " } else { "" };
    Problem::new(format!("{} is no kind of dataset that mixq reads", path.display()))
        .help(format!("supported are {folders}files that end in {}", suffixes.join(", ")))
}
