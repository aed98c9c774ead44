//! Which reader a dataset is for.

use std::path::Path;

use super::csv;
use super::parts::Read;
#[cfg(feature = "datasets")]
use super::{files, npz};
use crate::error::Problem;

/// A kind of dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Rows of numbers.
    Csv,
    /// A folder of files.
    Folder,
    /// The same in one file.
    Archive,
    /// Arrays of NumPy.
    Npz,
}

/// Kinds of datasets by the end of their file's name.
const KINDS: [(&str, Kind); 9] = [
    (".csv", Kind::Csv),
    (".csv.gz", Kind::Csv),
    (".npz", Kind::Npz),
    (".tar", Kind::Archive),
    (".tar.gz", Kind::Archive),
    (".tgz", Kind::Archive),
    (".tar.zst", Kind::Archive),
    (".tzst", Kind::Archive),
    (".zip", Kind::Archive),
];

/// The kind of a file of this name, or of a folder.
pub(super) fn of(path: &Path) -> Result<Kind, Problem> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    match KINDS.iter().find(|(suffix, _)| name.ends_with(suffix)) {
        // A folder that is called so: its reader says that it is none.
        Some((_, kind)) => Ok(*kind),
        None if path.is_dir() => Ok(Kind::Folder),
        None => Err(unknown(path)),
    }
}

/// The reader of a file of this name, or of a folder.
#[cfg(feature = "datasets")]
pub(super) fn reader(path: &Path) -> Result<Read, Problem> {
    Ok(match of(path)? {
        Kind::Csv => csv::read,
        Kind::Folder | Kind::Archive => files::read,
        Kind::Npz => npz::read,
    })
}

/// The reader of a file of this name.
#[cfg(not(feature = "datasets"))]
pub(super) fn reader(path: &Path) -> Result<Read, Problem> {
    match of(path)? {
        Kind::Csv => Ok(csv::read),
        Kind::Folder | Kind::Archive | Kind::Npz => Err(unread(path)),
    }
}

/// What the full set of readers would take.
#[cfg(not(feature = "datasets"))]
pub(super) fn unread(path: &Path) -> Problem {
    let message = format!("{}: this mixq-build reads no datasets but CSV", path.display());
    Problem::new(message).help("build it with feature `datasets`, which `train` and `cli` include")
}

fn unknown(path: &Path) -> Problem {
    let read = |kind: &Kind| cfg!(feature = "datasets") || *kind == Kind::Csv;
    let suffixes: Vec<_> = KINDS.iter().filter(|(_, kind)| read(kind)).map(|(suffix, _)| *suffix).collect();
    let folders = if cfg!(feature = "datasets") { "folders, and " } else { "" };
    Problem::new(format!("{} is no kind of dataset that mixq reads", path.display()))
        .help(format!("supported are {folders}files that end in {}", suffixes.join(", ")))
}
