//! The files of a folder or an archive, one by one.

use std::path::{Path, PathBuf};

use super::archive;
use crate::dataset::walk::{Name, walk};
use crate::dataset::watch::Watch;
use crate::error::Problem;

/// One thing in a folder or an archive.
pub enum Entry {
    /// A folder, empty or not.
    Folder,
    /// A file of a folder, to be read yet.
    File(PathBuf),
    /// A file of an archive, with its contents.
    Bytes(Vec<u8>),
    /// A link in an archive, and what it leads to.
    Link(Name),
    /// A file of an archive that is not read, and why.
    Unreadable(String),
    /// A file whose contents nobody wants.
    Other,
}

/// Who takes what is found.
pub type Take<'a> = &'a mut dyn FnMut(Name, Entry);

/// Hands over all that is in a folder or an archive, in no particular order; of files that are not `wanted`
/// the name alone.
pub fn each(
    path: &Path,
    wanted: fn(&str) -> bool,
    watch: &mut dyn Watch,
    take: Take<'_>,
) -> Result<(), Problem> {
    if !path.is_dir() {
        return archive::each(path, wanted, watch, take);
    }
    let found = walk(path)?;
    for folder in found.folders {
        take(folder, Entry::Folder);
    }
    let total = found.files.len() as u64;
    for (done, (name, file)) in found.files.into_iter().enumerate() {
        watch.read(done as u64, total);
        let is_wanted = name.last().is_some_and(|name| wanted(name));
        take(name, if is_wanted { Entry::File(file) } else { Entry::Other });
    }
    watch.read(total, total);
    Ok(())
}
