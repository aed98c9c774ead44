//! Files in the cache folder.

use std::fs;
use std::path::{Path, PathBuf};

use hmac_sha256::Hash as Sha256;

pub(super) use crate::atomic::write;
use crate::hex::hexadecimal;

/// The file that keeps something about a dataset. Its name begins with the dataset's name, for people, and
/// ends with a digest of the dataset's place and of `detail`.
pub(super) fn place(cache: &Path, dataset: &Path, detail: &str, extension: &str) -> PathBuf {
    let absolute = fs::canonicalize(dataset).unwrap_or_else(|_| dataset.to_path_buf());
    let mut hasher = Sha256::new();
    hasher.update(absolute.as_os_str().as_encoded_bytes());
    hasher.update([0]);
    hasher.update(detail);
    let name = absolute.file_name().unwrap_or_default().to_string_lossy().into_owned();
    cache.join(format!("{name}-{}.{extension}", &hexadecimal(&hasher.finalize())[..16]))
}

#[cfg(test)]
mod tests {
    use super::*;

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
