//! Files in the cache folder.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use memmap2::Mmap;
use sha2::{Digest, Sha256};

use super::digest::hexadecimal;

/// Where something about a dataset is kept: named for people, told apart by where the dataset lies and by `detail`.
pub(super) fn place(cache: &Path, dataset: &Path, detail: &str, extension: &str) -> PathBuf {
    let absolute = fs::canonicalize(dataset).unwrap_or_else(|_| dataset.to_path_buf());
    let mut hasher = Sha256::new();
    hasher.update(absolute.as_os_str().as_encoded_bytes());
    hasher.update([0]);
    hasher.update(detail);
    let name = absolute.file_name().unwrap_or_default().to_string_lossy().into_owned();
    cache.join(format!("{name}-{}.{extension}", &hexadecimal(&hasher.finalize())[..16]))
}

/// The contents of a file that [`write`] wrote, mapped into memory: what nobody reads takes none, and what was read can be taken
/// back when memory is short.
#[allow(unsafe_code)]
pub(super) fn map(path: &Path) -> io::Result<Bytes> {
    let file = File::open(path)?;
    // SAFETY: the contents must not change while they are mapped. Files in the cache are ours; they are whole before they have
    // their name, none is ever written to again, and a new one takes an old one's name but not its contents.
    let map = unsafe { Mmap::map(&file)? };
    Ok(Bytes::from_owner(map))
}

/// Writes a file, atomically: whatever happens, it is the old one or the new one.
pub(super) fn write(path: &Path, contents: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    contents(file.as_file_mut())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_full_disk_leaves_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b");
        write(&path, |file| file.write_all(b"old")).unwrap();
        let result = write(&path, |file| {
            file.write_all(b"new and lo")?;
            Err(io::ErrorKind::StorageFull.into())
        });
        assert_eq!(result.unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path().join("a")).unwrap().count(), 1, "nothing is left behind");
    }

    #[test]
    fn every_dataset_has_its_place() {
        let cache = Path::new("c");
        let name = |dataset: &str, detail: &str| place(cache, Path::new(dataset), detail, "index");
        assert_eq!(name("no/d.csv", "x"), name("no/d.csv", "x"));
        assert_ne!(name("no/d.csv", "x"), name("no/d.csv", "y"));
        assert_ne!(name("no/d.csv", "x"), name("other/d.csv", "x"));
        assert!(name("no/d.csv", "x").to_string_lossy().starts_with("c/d.csv-"));
    }
}
