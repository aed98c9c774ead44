//! One thing in a folder or an archive.

use std::path::PathBuf;

use crate::dataset::walk::Name;

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
    /// A file whose contents are not needed.
    Other,
}

/// Receives everything that is found.
pub type Take<'a> = &'a mut dyn FnMut(Name, Entry);
