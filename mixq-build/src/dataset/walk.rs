//! What is in a folder.

use std::collections::HashMap;
use std::fs::{self, File, FileType};
use std::io;
use std::path::{Path, PathBuf};

use crate::error::Problem;
use crate::text::enumerate;

/// The parts of a file's name relative to its folder or archive.
pub(super) type Name = Vec<String>;

/// What is in a folder and the folders in it, in no particular order.
#[derive(Default)]
pub(super) struct Found {
    /// Folders, empty or not.
    pub folders: Vec<Name>,
    /// Regular files, or links to them, and where they are.
    pub files: Vec<(Name, PathBuf)>,
}

/// Lists a folder, but for what systems leave behind. Links are followed. Anything else than files and
/// folders is an error, and so is a link to a folder that is listed already: it may have no end, and its
/// files would count twice.
pub(super) fn walk(root: &Path) -> Result<Found, Problem> {
    let real = fs::canonicalize(root).map_err(|error| Problem::io("read", root, &error))?;
    let mut walk = Walk::default();
    walk.list(root, real, &mut Name::new(), false)?;
    if walk.odd.is_empty() {
        return Ok(walk.found);
    }
    let message = format!("{} holds what cannot be read: {}", root.display(), enumerate(&walk.odd));
    Err(Problem::new(message).help("remove it, or move it out of the dataset"))
}

#[derive(Default)]
struct Walk {
    found: Found,
    /// The folders listed so far by their places without links: their names, and whether a link leads there.
    listed: HashMap<PathBuf, (Name, bool)>,
    /// What cannot be read, and why.
    odd: Vec<String>,
}

impl Walk {
    /// `real` is the folder's place without links; `linked`: it was reached by one.
    fn list(&mut self, folder: &Path, real: PathBuf, name: &mut Name, linked: bool) -> Result<(), Problem> {
        let failed = |error: io::Error| Problem::io("read", folder, &error);
        // Without links no folder is met twice.
        if let Some((first, before)) = self.listed.get(&real)
            && (linked || *before)
        {
            let first = if first.is_empty() { "the dataset itself".to_string() } else { first.join("/") };
            self.odd.push(format!("{} (the same folder as {first}, by a link)", name.join("/")));
            return Ok(());
        }
        self.listed.insert(real.clone(), (name.clone(), linked));
        let entries: io::Result<Vec<_>> = fs::read_dir(folder).map_err(failed)?.collect();
        let mut entries = entries.map_err(failed)?;
        // Which of two links is the second one must not depend on the file system.
        entries.sort_by_cached_key(fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            name.push(entry.file_name().to_string_lossy().into_owned());
            // Asking the file itself is only needed where the entry is a link.
            let kind = entry.file_type().map_err(failed)?;
            if hidden(name) {
                // Nothing that anyone put there.
            } else if kind.is_symlink() {
                self.link(path, name)?;
            } else if kind.is_dir() {
                let real = real.join(entry.file_name());
                self.found.folders.push(name.clone());
                self.list(&path, real, name, linked)?;
            } else {
                self.file(path, name, kind);
            }
            name.pop();
        }
        Ok(())
    }

    fn link(&mut self, path: PathBuf, name: &mut Name) -> Result<(), Problem> {
        let target = fs::metadata(&path).and_then(|target| Ok((target, fs::canonicalize(&path)?)));
        match target {
            Ok((target, real)) if target.is_dir() => {
                self.found.folders.push(name.clone());
                self.list(&path, real, name, true)?;
            }
            Ok((target, _)) => self.file(path, name, target.file_type()),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                return Err(Problem::io("read", &path, &error));
            }
            Err(_) => {
                let target = fs::read_link(&path).unwrap_or_default();
                let reason = format!("a broken link to {}", target.display());
                self.odd.push(format!("{} ({reason})", name.join("/")));
            }
        }
        Ok(())
    }

    fn file(&mut self, path: PathBuf, name: &Name, kind: FileType) {
        if kind.is_file() {
            self.found.files.push((name.clone(), path));
        } else {
            self.odd.push(format!("{} ({})", name.join("/"), describe(kind)));
        }
    }
}

/// Opens a file to read it; not what is none: a FIFO would never be opened, a device never end.
pub(super) fn open(path: &Path) -> Result<File, Problem> {
    let failed = |error: io::Error| Problem::io("read", path, &error);
    let kind = fs::metadata(path).map_err(failed)?.file_type();
    if !kind.is_file() {
        let message = format!("cannot read {}: it is {}", path.display(), describe(kind));
        return Err(Problem::new(message).help("a regular file is needed"));
    }
    File::open(path).map_err(failed)
}

#[cfg(unix)]
fn describe(kind: FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    if kind.is_dir() {
        "a folder"
    } else if kind.is_fifo() {
        "a FIFO"
    } else if kind.is_socket() {
        "a socket"
    } else if kind.is_block_device() || kind.is_char_device() {
        "a device"
    } else {
        "no regular file"
    }
}

#[cfg(not(unix))]
fn describe(kind: FileType) -> &'static str {
    if kind.is_dir() { "a folder" } else { "no regular file" }
}

/// Files and folders that systems leave behind, in lower case: of Windows, macOS, Linux and network storage.
const LEFT_BEHIND: [&str; 12] = [
    "$recycle.bin",
    "system volume information",
    "thumbs.db",
    "ehthumbs.db",
    "ehthumbs_vista.db",
    "desktop.ini",
    "__macosx",
    "icon\r",
    "network trash folder",
    "temporary items",
    "lost+found",
    "@eadir",
];

/// Whether something is what systems leave behind, or lies in that: names that begin with a dot, `Thumbs.db`,
/// `desktop.ini`, the folder `__MACOSX` of attributes in ZIP files. Such files are no part of a dataset.
pub(super) fn hidden(name: &[String]) -> bool {
    let is = |part: &String| {
        part.starts_with('.') || LEFT_BEHIND.iter().any(|known| part.eq_ignore_ascii_case(known))
    };
    name.iter().any(is)
}
