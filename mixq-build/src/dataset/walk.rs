//! What is in a folder.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::Problem;

/// The parts of a file's name relative to its folder or archive.
pub(super) type Name = Vec<String>;

/// What is in a folder and the folders in it, in no particular order.
#[derive(Default)]
pub(super) struct Found {
    /// Folders, empty or not.
    pub folders: Vec<Name>,
    /// Files and where they are.
    pub files: Vec<(Name, PathBuf)>,
}

/// Lists a folder, but for what systems leave behind.
pub(super) fn walk(root: &Path) -> Result<Found, Problem> {
    let mut found = Found::default();
    list(root, &mut Name::new(), &mut found)?;
    Ok(found)
}

fn list(folder: &Path, name: &mut Name, found: &mut Found) -> Result<(), Problem> {
    let failed = |error: std::io::Error| Problem::io("read", folder, &error);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        name.push(entry.file_name().to_string_lossy().into_owned());
        // Asking the file itself is only needed where the entry is a link.
        let kind = entry.file_type().map_err(failed)?;
        if hidden(name) {
            // Nothing that anyone put there.
        } else if kind.is_dir() || kind.is_symlink() && path.is_dir() {
            found.folders.push(name.clone());
            list(&path, name, found)?;
        } else {
            found.files.push((name.clone(), path));
        }
        name.pop();
    }
    Ok(())
}

/// What systems leave behind: `.DS_Store`, and in ZIP files made by macOS a folder of attributes.
pub(super) fn hidden(name: &[String]) -> bool {
    name.iter().any(|part| part.starts_with('.') || part == "__MACOSX")
}
