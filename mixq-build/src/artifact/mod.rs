//! `.mixq` files in the firmware's folder: found, checked, written, one at a time.

mod agreement;
mod fingerprint;
mod lock;

use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

pub use agreement::differences;
pub use fingerprint::{Change, DATASET, Fingerprint, WEIGHTS, changes, fingerprint, short_digest};
pub use lock::Lock;
use mixq_format::{Artifact, ReadError};

use crate::atomic;
use crate::error::Problem;

/// The folder of the artifacts, in the package's folder.
pub const FOLDER: &str = "models";

/// Where a model's artifact lies.
pub fn path(manifest_dir: &Path, model: &str) -> PathBuf {
    manifest_dir.join(FOLDER).join(format!("{model}.mixq"))
}

/// Whether an artifact may be used.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// It was made from what the model says now.
    Fresh(Box<Artifact>),
    /// It was made from something else.
    Stale(Box<Artifact>, Vec<Change>),
    /// It says that it was made from what the model says, but it is another network: what differs.
    Other(Box<Artifact>, Vec<String>),
    /// There is none.
    Missing,
    /// There is a file, but it cannot be read.
    Damaged(ReadError),
}

impl State {
    /// What keeps the artifact from being used, in words; `None` if it is fresh.
    pub fn reason(&self) -> Option<String> {
        match self {
            State::Fresh(_) => None,
            State::Missing => Some("is not there".to_string()),
            State::Damaged(error) => Some(format!("cannot be used: {error}")),
            State::Stale(_, changes) => {
                let changes: Vec<String> = changes.iter().map(Change::to_string).collect();
                Some(format!("is stale: {}", changes.join(", ")))
            }
            State::Other(_, differences) => Some(format!(
                "is not the network that Cargo.toml describes, although its fingerprint says so: {}",
                differences.join(", ")
            )),
        }
    }

    /// The model's network, fresh or stale.
    pub fn artifact(self) -> Option<Artifact> {
        match self {
            State::Fresh(artifact) | State::Stale(artifact, _) => Some(*artifact),
            State::Other(..) | State::Missing | State::Damaged(_) => None,
        }
    }
}

/// Reads an artifact and holds it against the fingerprint of its model; `Prepared::state`
/// also holds the network in it against that of the model.
///
/// # Errors
/// The file is there but cannot be opened.
pub fn state(path: &Path, now: &Fingerprint) -> Result<State, Problem> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(State::Missing),
        Err(error) => return Err(Problem::io("read", path, &error)),
    };
    Ok(match Artifact::from_bytes(&bytes) {
        Err(error) => State::Damaged(error),
        Ok(artifact) => {
            let changes = changes(&artifact.header.fingerprint, now);
            let artifact = Box::new(artifact);
            if changes.is_empty() { State::Fresh(artifact) } else { State::Stale(artifact, changes) }
        }
    })
}

/// Writes an artifact, atomically: whatever happens, the file is the old one or the new one. What is written
/// is read back and compared before it takes its name.
///
/// # Errors
/// The disk is full or does not keep what is written, or the folder cannot be written to; the old file is
/// untouched.
pub fn write(path: &Path, artifact: &Artifact) -> Result<(), Problem> {
    let bytes = artifact.to_bytes();
    if Artifact::from_bytes(&bytes).as_ref() != Ok(artifact) {
        let message = format!("{} would not be read as it is written", path.display());
        return Err(Problem::new(message).help("this is a defect of mixq, please report it"));
    }
    write_with(path, &bytes, &mut |file, bytes| file.write_all(bytes))
}

/// Writes bytes into a file; a test replaces it by a full disk.
type Writer<'a> = &'a mut dyn FnMut(&mut std::fs::File, &[u8]) -> std::io::Result<()>;

fn write_with(path: &Path, bytes: &[u8], write: Writer<'_>) -> Result<(), Problem> {
    atomic::write(path, |file| {
        write(file, bytes)?;
        let mut found = Vec::with_capacity(bytes.len());
        file.rewind()?;
        file.read_to_end(&mut found)?;
        if found != bytes {
            return Err(std::io::Error::other(OTHER_BYTES));
        }
        make_readable(file)
    })
    .map_err(|error| {
        let problem = Problem::io("write", path, &error);
        let other_bytes = error.to_string() == OTHER_BYTES;
        if other_bytes { problem.help("check the disk and the memory of this machine") } else { problem }
    })
}

const OTHER_BYTES: &str = "what is read back is not what was written";

/// Temporary files are private; a file of a repository is not.
#[cfg(unix)]
fn make_readable(file: &std::fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn make_readable(_: &std::fs::File) -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_leaves_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = path(folder.path(), "digits");
        write_with(&path, b"old", &mut |file, bytes| file.write_all(bytes)).unwrap();
        let problem = write_with(&path, b"new and longer", &mut |file, bytes| {
            file.write_all(&bytes[..4])?;
            Err(std::io::ErrorKind::StorageFull.into())
        })
        .unwrap_err();
        assert!(problem.message.starts_with("cannot write "), "{problem}");
        assert!(problem.message.contains("digits.mixq"), "{problem}");
        assert!(problem.help.unwrap().contains("the disk is full"));
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing is left behind");
    }

    #[test]
    fn a_disk_that_keeps_other_bytes_leaves_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = path(folder.path(), "digits");
        write_with(&path, b"old", &mut |file, bytes| file.write_all(bytes)).unwrap();
        for wrong in [&b"new amd longer"[..], b"new and longe", b"new and longer ", b""] {
            let result = write_with(&path, b"new and longer", &mut |file, _| file.write_all(wrong));
            let problem = result.unwrap_err();
            assert!(problem.message.ends_with(": what is read back is not what was written"), "{problem}");
            assert_eq!(std::fs::read(&path).unwrap(), b"old");
        }
        write_with(&path, b"new", &mut |file, bytes| file.write_all(bytes)).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing is left behind");
    }
}
