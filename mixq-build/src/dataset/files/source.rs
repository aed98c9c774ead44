//! The files of a folder or an archive, one by one.

use std::path::Path;

use super::archive;
use super::entry::{Entry, Take};
use crate::dataset::walk::walk;
use crate::error::Problem;
use crate::observer::Observer;

/// Hands over all that is in a folder or an archive, in no particular order; of files that are not `wanted`
/// the name alone.
pub fn each(
    path: &Path,
    wanted: fn(&str) -> bool,
    observer: &mut dyn Observer,
    take: Take<'_>,
) -> Result<(), Problem> {
    if !path.is_dir() {
        return archive::each(path, wanted, observer, take);
    }
    let found = walk(path)?;
    for folder in found.folders {
        take(folder, Entry::Folder);
    }
    let total = found.files.len() as u64;
    for (done, (name, file)) in found.files.into_iter().enumerate() {
        observer.read(done as u64, total);
        let is_wanted = name.last().is_some_and(|name| wanted(name));
        take(name, if is_wanted { Entry::File(file) } else { Entry::Other });
    }
    observer.read(total, total);
    Ok(())
}
