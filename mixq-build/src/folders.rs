//! Folders of the user: those of data, which paths that begin with `$MIXQ_DATA/` lead to, and the cache.

use std::path::{Path, PathBuf};

/// The environment variable that names the folder of data. Paths in configuration begin with `$MIXQ_DATA/`.
pub const VARIABLE: &str = "MIXQ_DATA";

/// What follows `$MIXQ_DATA/` in a path; `None`: it does not begin so.
pub fn shared(written: &str) -> Option<&Path> {
    written.strip_prefix('$')?.strip_prefix(VARIABLE)?.strip_prefix('/').map(Path::new)
}

/// The folders of datasets, in the order in which they are looked through: that of `MIXQ_DATA`, and the
/// user's own, which `cargo mixq data` fills.
pub fn data_folders() -> Vec<PathBuf> {
    let named = std::env::var_os(VARIABLE).filter(|folder| !folder.is_empty()).map(PathBuf::from);
    named.into_iter().chain(user_folder()).collect()
}

/// The user's own folder of datasets; `None`: there is no home folder.
pub fn user_folder() -> Option<PathBuf> {
    Some(cache_folder()?.join("data"))
}

/// Where mixq keeps what it has fetched for the user; `None`: there is no home folder.
pub fn cache_folder() -> Option<PathBuf> {
    let (variable, below_home) =
        if cfg!(windows) { ("LOCALAPPDATA", "AppData/Local") } else { ("XDG_CACHE_HOME", ".cache") };
    // A relative path is invalid, by the XDG Base Directory Specification.
    let named = std::env::var_os(variable).map(PathBuf::from).filter(|folder| folder.is_absolute());
    let caches = named.or_else(|| Some(std::env::home_dir()?.join(below_home)))?;
    Some(caches.join("mixq"))
}

/// The path of a file that begins with `$MIXQ_DATA/`: where it lies, or where it would lie.
pub fn resolve(rest: &Path, folders: &[PathBuf]) -> PathBuf {
    let places = || folders.iter().map(|folder| folder.join(rest));
    places().find(|path| path.exists()).or_else(|| places().next()).unwrap_or_else(|| rest.to_path_buf())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_dataset_is_where_it_is_found_first() {
        let folder = tempfile::tempdir().unwrap();
        let folders = ["shared", "own"].map(|name| folder.path().join(name));
        let rest = Path::new("sets/d.csv");
        let [shared, own] = folders.clone().map(|folder| folder.join(rest));
        assert_eq!(resolve(rest, &folders), shared, "nowhere: where it would be looked for first");
        for path in [&own, &shared] {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
            assert_eq!(resolve(rest, &folders), *path);
        }
        assert_eq!(resolve(rest, &folders[1..]), own);
        assert_eq!(resolve(rest, &[]), rest);
    }

    #[test]
    fn paths_of_the_folder_of_data_begin_with_its_variable() {
        assert_eq!(shared("$MIXQ_DATA/a/b.csv"), Some(Path::new("a/b.csv")));
        for own in ["a.csv", "MIXQ_DATA/a", "$MIXQ_DATA", "$MIXQ_DATAS/a", "/$MIXQ_DATA/a"] {
            assert_eq!(shared(own), None, "{own}");
        }
    }
}
