//! Digests of datasets, for fingerprints.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::{Error, Problem};

/// SHA-256 of a dataset in hexadecimal: of a file its contents; of a folder the names of all files in it,
/// relative to it and sorted, each with the digest of its contents.
///
/// # Errors
/// A file that cannot be read.
pub fn digest(path: &Path) -> Result<String, Error> {
    let hash = if path.is_dir() { folder(path) } else { file(path) };
    Ok(hash?.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn file(path: &Path) -> Result<[u8; 32], Problem> {
    let failed = |error: io::Error| Problem::io("read", path, &error);
    let mut source = File::open(path).map_err(failed)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match source.read(&mut buffer) {
            Ok(0) => return Ok(hasher.finalize().into()),
            Ok(length) => hasher.update(&buffer[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(error)),
        }
    }
}

fn folder(path: &Path) -> Result<[u8; 32], Problem> {
    let mut files = Vec::new();
    list(path, path, &mut files)?;
    // By the names as they are hashed, so that the order is the same on every system.
    files.sort();
    let mut hasher = Sha256::new();
    for (name, contents) in files {
        // Names hold no zero bytes and digests have one length: no two folders look alike.
        hasher.update(name.as_bytes());
        hasher.update([0]);
        hasher.update(file(&contents)?);
    }
    Ok(hasher.finalize().into())
}

/// All files below `folder`: their names relative to `root`, with slashes, and their paths.
fn list(root: &Path, folder: &Path, files: &mut Vec<(String, PathBuf)>) -> Result<(), Problem> {
    let failed = |error: io::Error| Problem::io("read", folder, &error);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() {
            list(root, &path, files)?;
        } else {
            let relative = path.strip_prefix(root).unwrap_or(&path);
            let parts: Vec<_> = relative.iter().map(|part| part.to_string_lossy()).collect();
            files.push((parts.join("/"), path));
        }
    }
    Ok(())
}
