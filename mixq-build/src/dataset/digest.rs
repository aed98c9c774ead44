//! Digests of datasets, for fingerprints.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::index::{self, Hash, Index, Stamp};
use super::walk::{open, walk};
use crate::error::{Error, Problem};

/// SHA-256 of a dataset in hexadecimal: of a file its contents; of a folder the names of all files in it but hidden ones,
/// relative to it and sorted, each with the digest of its contents.
///
/// With a folder for an index, only files are read whose size or time of change is not what it was.
///
/// # Errors
/// A file that cannot be read.
pub fn digest(path: &Path, cache: Option<&Path>) -> Result<String, Error> {
    let files = list(path)?;
    let index = cache.map_or_else(Index::default, |cache| Index::load(cache, path));
    let stamps: Result<Vec<Stamp>, Problem> = files.iter().map(|(_, file)| Stamp::of(file)).collect();
    let stamps = stamps?;
    if let Some(whole) = index.whole(&files, &stamps) {
        return Ok(whole.to_string());
    }
    let mut buffer = buffer();
    let hash_of = |((name, file), stamp): (&(String, PathBuf), &Stamp)| match index.hash_of(name, *stamp) {
        Some(hash) => Ok(hash),
        None => hash(file, &mut buffer),
    };
    let hashes: Result<Vec<Hash>, Problem> = files.iter().zip(&stamps).map(hash_of).collect();
    let hashes = hashes?;
    let whole = hexadecimal(&whole(&files, &hashes));
    if let Some(cache) = cache {
        // Without an index everything is read again the next time, which is slower and no less right.
        let _ = index::store(cache, path, &whole, &files, &stamps, &hashes);
    }
    Ok(whole)
}

/// All files of a dataset by the names that they are hashed with, so that the order is the same on every system. A file that is
/// no folder is its only file, without a name.
fn list(path: &Path) -> Result<Vec<(String, PathBuf)>, Problem> {
    if !path.is_dir() {
        return Ok(vec![(String::new(), path.to_path_buf())]);
    }
    let mut files: Vec<_> =
        walk(path)?.files.into_iter().map(|(name, path)| (name.join("/"), path)).collect();
    files.sort();
    Ok(files)
}

fn whole(files: &[(String, PathBuf)], hashes: &[Hash]) -> Hash {
    if let ([(name, _)], [hash]) = (files, hashes)
        && name.is_empty()
    {
        return *hash;
    }
    let mut hasher = Sha256::new();
    for ((name, _), hash) in files.iter().zip(hashes) {
        // Names hold no zero bytes and digests have one length: no two folders look alike.
        hasher.update(name.as_bytes());
        hasher.update([0]);
        hasher.update(hash);
    }
    hasher.finalize().into()
}

/// One for many files: most are smaller.
fn buffer() -> Vec<u8> {
    vec![0; 1 << 16]
}

fn hash(path: &Path, buffer: &mut [u8]) -> Result<Hash, Problem> {
    let failed = |error: io::Error| Problem::io("read", path, &error);
    let mut source = open(path)?;
    let mut hasher = Sha256::new();
    loop {
        match source.read(buffer) {
            Ok(0) => return Ok(hasher.finalize().into()),
            Ok(length) => hasher.update(&buffer[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(error)),
        }
    }
}

/// SHA-256 of a file's contents, in hexadecimal.
///
/// # Errors
/// The file cannot be read.
pub fn sha256(path: &Path) -> Result<String, Problem> {
    Ok(hexadecimal(&hash(path, &mut buffer())?))
}

/// Bytes as people write digests.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
