//! Digests of datasets, for fingerprints: of what readers read, not of what an operating system adds.
//!
//! Of CSV the fields count, of an archive the files in it, of a folder the files that readers take, of NPZ
//! the arrays. So line ends, times, owners, the order in an archive and its compression change nothing. Of an
//! image its file counts, not its pixels: decoders of JPEG differ from version to version by a step in a
//! pixel, and an update of a library would make all artifacts stale.

mod content;
mod hash;
mod index;
mod stamp;

use std::path::{Path, PathBuf};

pub use content::told;
pub use hash::sha256;

use self::index::{Entry, Index, Watermark};
use self::stamp::Stamp;
use super::walk::walk;
use super::{formats, names};
use crate::error::{Error, Problem};
use crate::hex::hexadecimal;

/// SHA-256 of what readers read of a dataset, in hexadecimal.
///
/// Of CSV: the file as a plain CSV, one line a row, without spaces around fields and without quotes that are
/// not needed. Of folders, archives and NPZ: the names of all files that readers take (in a folder relative
/// to it), sorted, each followed by a zero byte and the SHA-256 of its contents, unpacked. A file beside
/// images that is none counts by its name.
///
/// With a folder for an index, only files are read of which anything tells that they have changed.
///
/// # Errors
/// A file that cannot be read, or a kind of dataset that mixq does not read.
pub fn digest(path: &Path, cache: Option<&Path>) -> Result<String, Error> {
    Ok(look(path, cache)?.digest)
}

/// Files by their names in a dataset.
type Files = Vec<(String, PathBuf)>;

/// A dataset as it was at one time.
#[derive(PartialEq, Eq)]
pub(super) struct Look {
    /// Its digest.
    pub digest: String,
    /// What is known of its files without reading them.
    stamps: Vec<Option<Stamp>>,
}

/// Finds out the digest of a dataset, and what would show that it has been changed since.
pub(super) fn look(path: &Path, cache: Option<&Path>) -> Result<Look, Problem> {
    let folder = path.is_dir();
    // Before anything is looked at: a file that is changed later than that has another time.
    let watermark = cache.and_then(Watermark::now);
    let index = cache.map_or_else(Index::default, |cache| Index::load(cache, path));
    let (files, others) = if folder { list(path)? } else { (named(formats::files_of(path)), Vec::new()) };
    let mut entries = Vec::with_capacity(files.len());
    let mut stamps = Vec::with_capacity(files.len());
    let mut news = false;
    for (name, file) in files {
        let stamp = Stamp::of(&file)?;
        let hash = match stamp.and_then(|stamp| index.hash_of(&name, stamp)) {
            Some(hash) => hash,
            None => {
                news = true;
                if folder { content::of_file(&name, &file)? } else { content::of_dataset(&file)? }
            }
        };
        stamps.push(stamp);
        entries.push((name, file, hash));
    }
    if let Some(watermark) = watermark
        && (news || index.len() != entries.len())
    {
        let settled = entries.iter().zip(&stamps).filter_map(|((name, file, hash), stamp)| {
            // A file that was changed while it was read is read again the next time.
            let stamp = stamp.filter(|stamp| watermark.is_after(*stamp))?;
            let unchanged = index.hash_of(name, stamp).is_some() || Stamp::of(file) == Ok(Some(stamp));
            unchanged.then(|| Entry { name: name.clone(), stamp, hash: *hash })
        });
        // Without an index everything is read again the next time, which is slower and no less right.
        let _ = watermark.store(path, settled.collect());
    }
    let digest = match &entries[..] {
        [(_, _, hash)] if !folder => *hash,
        _ => content::whole(entries.into_iter().map(|(name, _, hash)| (name, hash)).collect(), others),
    };
    Ok(Look { digest: hexadecimal(&digest), stamps })
}

/// Files that are a dataset, by their own names; a single one has none.
fn named(files: Vec<PathBuf>) -> Files {
    let is_single = files.len() == 1;
    let name = |path: &Path| match path.file_name() {
        Some(name) if !is_single => name.to_string_lossy().into_owned(),
        Some(_) | None => String::new(),
    };
    files.into_iter().map(|path| (name(&path), path)).collect()
}

/// The files of a folder that readers take, by names that are the same on every system, in their order; and
/// the names of others.
fn list(path: &Path) -> Result<(Files, Vec<String>), Problem> {
    let (mut files, mut others) = (Vec::new(), Vec::new());
    for (name, path) in walk(path)?.files {
        let is_read = name.last().is_some_and(|name| names::is_read(name));
        let name = name.join("/");
        if is_read { files.push((name, path)) } else { others.push(name) }
    }
    files.sort();
    Ok((files, others))
}
