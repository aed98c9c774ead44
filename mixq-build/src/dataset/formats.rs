//! The formats of datasets, and their readers.

use std::path::{Path, PathBuf};

use super::parts::{Read, Wanted};
use super::{check, csv};
#[cfg(feature = "datasets")]
use super::{files, npz, npz_inputs, recordings};
use crate::error::Problem;

/// The format of a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// Rows of numbers.
    Csv,
    /// A folder of files.
    Folder,
    /// An archive of such files.
    Archive,
    /// Arrays of NumPy.
    Npz,
    /// Series of the UEA and UCR archives.
    Ts,
}

/// Formats by the end of the file's name.
const FORMATS: [(&str, Format); 10] = [
    (".csv", Format::Csv),
    (".csv.gz", Format::Csv),
    (".npz", Format::Npz),
    (".ts", Format::Ts),
    (".tar", Format::Archive),
    (".tar.gz", Format::Archive),
    (".tgz", Format::Archive),
    (".tar.zst", Format::Archive),
    (".tzst", Format::Archive),
    (".zip", Format::Archive),
];

/// The format of a file of this name, or of a folder.
pub(super) fn of(path: &Path) -> Result<Format, Problem> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    match FORMATS.iter().find(|(suffix, _)| name.ends_with(suffix)) {
        // A folder may be called so, too: the reader then says that it is not a file.
        Some((_, format)) => Ok(*format),
        None if path.is_dir() => Ok(Format::Folder),
        None => Err(unknown(path)),
    }
}

/// The files that a dataset is, if it is not a folder: the file, and for `NAME_TRAIN.ts` that of its test
/// part.
pub fn files_of(path: &Path) -> Vec<PathBuf> {
    let test = || {
        let name = path.file_name()?.to_str()?;
        let (start, end) = name.split_at_checked(name.len().checked_sub("_TRAIN.ts".len())?)?;
        let test = match end {
            "_TRAIN.ts" => "_TEST.ts",
            "_train.ts" => "_test.ts",
            _ => return None,
        };
        Some(path.with_file_name(format!("{start}{test}"))).filter(|path| path.is_file())
    };
    [path.to_path_buf()].into_iter().chain(test()).collect()
}

/// The reader of the dataset. One with a part for each input of a network is an NPZ file.
#[cfg(feature = "datasets")]
pub(super) fn reader(wanted: &Wanted<'_>) -> Result<Read, Problem> {
    let path = &wanted.config.path;
    let format = of(path)?;
    if !matches!(format, Format::Folder | Format::Archive) {
        check::unlabelled(wanted)?;
    }
    if wanted.is_named() {
        return match format {
            Format::Npz => Ok(npz_inputs::read),
            Format::Csv | Format::Folder | Format::Archive | Format::Ts => Err(of_one_input(wanted)),
        };
    }
    Ok(match format {
        Format::Csv => csv::read,
        Format::Folder | Format::Archive => files::read,
        Format::Npz => npz::read,
        Format::Ts => recordings::ts::read,
    })
}

/// The reader of the dataset.
#[cfg(not(feature = "datasets"))]
pub(super) fn reader(wanted: &Wanted<'_>) -> Result<Read, Problem> {
    let path = &wanted.config.path;
    check::unlabelled(wanted)?;
    match of(path)? {
        Format::Csv if wanted.is_named() => Err(of_one_input(wanted)),
        Format::Csv => Ok(csv::read),
        Format::Folder | Format::Archive | Format::Npz | Format::Ts => Err(unread(path)),
    }
}

/// The error for a format that only the full set of readers reads.
#[cfg(not(feature = "datasets"))]
pub(super) fn unread(path: &Path) -> Problem {
    let message = format!("{}: this mixq-build reads no datasets but CSV", path.display());
    Problem::new(message).help("build it with feature `datasets`, which `train` and `cli` include")
}

/// The error for a dataset whose format has one array of images, where the network reads more.
fn of_one_input(wanted: &Wanted<'_>) -> Problem {
    let (path, inputs) = (wanted.config.path.display(), wanted.inputs.describe());
    let message = match wanted.inputs.are_several() {
        true => format!("{path} has one array of images, but the network reads {inputs}"),
        false => format!("{path} has one array of images, but the dataset's table has `inputs` by name"),
    };
    Problem::new(message).help(
        "an NPZ file has an array for each input: numpy.savez(\"data.npz\", NAME_train=..., y_train=..., \
         NAME_test=..., y_test=...)",
    )
}

fn unknown(path: &Path) -> Problem {
    let read = |format: &Format| cfg!(feature = "datasets") || *format == Format::Csv;
    let suffixes: Vec<_> =
        FORMATS.iter().filter(|(_, format)| read(format)).map(|(suffix, _)| *suffix).collect();
    let folders = if cfg!(feature = "datasets") { "folders, and " } else { "" };
    Problem::new(format!("{} is not a kind of dataset that mixq reads", path.display()))
        .help(format!("supported are {folders}files that end in {}", suffixes.join(", ")))
}
