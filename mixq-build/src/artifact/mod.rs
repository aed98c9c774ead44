//! `.mixq` files in the firmware's folder: found, checked, written, one at a time.

mod fingerprint;
mod lock;

use std::io::Write;
use std::path::{Path, PathBuf};

pub use fingerprint::{Change, DATASET, Fingerprint, changes, fingerprint, short_digest};
pub use lock::Lock;
use mixq_format::{Artifact, ReadError};

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
        }
    }

    /// What is there, fresh or stale.
    pub fn artifact(self) -> Option<Artifact> {
        match self {
            State::Fresh(artifact) | State::Stale(artifact, _) => Some(*artifact),
            State::Missing | State::Damaged(_) => None,
        }
    }
}

/// Reads an artifact and holds it against the fingerprint of its model.
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

/// Writes an artifact, atomically: whatever happens, the file is the old one or the new one.
///
/// # Errors
/// The disk is full, or the folder cannot be written to; the old file is untouched.
pub fn write(path: &Path, artifact: &Artifact) -> Result<(), Problem> {
    write_with(path, &artifact.to_bytes(), &mut |file, bytes| file.write_all(bytes))
}

/// What puts bytes into a file; a test puts a full disk in its place.
type Writer<'a> = &'a mut dyn FnMut(&mut std::fs::File, &[u8]) -> std::io::Result<()>;

fn write_with(path: &Path, bytes: &[u8], write: Writer<'_>) -> Result<(), Problem> {
    let failed = |error: &std::io::Error| Problem::io("write", path, error);
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(|e| failed(&e))?;
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(|e| failed(&e))?;
    write(file.as_file_mut(), bytes).map_err(|e| failed(&e))?;
    file.as_file().sync_all().map_err(|e| failed(&e))?;
    make_readable(file.as_file()).map_err(|e| failed(&e))?;
    file.persist(path).map_err(|e| failed(&e.error))?;
    Ok(())
}

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
}
