//! What a system keeps of a file beside its contents.

use std::path::Path;

use crate::error::Problem;

/// What tells a changed file without reading it. Size and time of change of the contents are not enough: both
/// stay when a file is copied with its time or set back, and two files of one size from one archive have the
/// same. The time of change of the inode cannot be set by anyone, and a file that is moved in another's place
/// has another inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::dataset) struct Stamp {
    /// The file system.
    pub device: u64,
    /// The file's number there.
    pub inode: u64,
    /// Bytes.
    pub size: u64,
    /// When the contents were changed, in nanoseconds since 1970.
    pub modified: i128,
    /// When the inode was changed, in nanoseconds since 1970.
    pub changed: i128,
}

impl Stamp {
    /// Of a file as it is now; `None` where the system does not keep enough to tell a change.
    pub fn of(path: &Path) -> Result<Option<Stamp>, Problem> {
        let metadata = std::fs::metadata(path).map_err(|error| Problem::io("read", path, &error))?;
        Ok(Stamp::from(&metadata))
    }

    #[cfg(unix)]
    fn from(metadata: &std::fs::Metadata) -> Option<Stamp> {
        use std::os::unix::fs::MetadataExt;
        // FAT and its like keep no time of the inode, but show that of the contents; all of them count in
        // steps of ten milliseconds or more, as do old file systems whose steps are too coarse to tell two
        // changes.
        const STEP: i64 = 1_000_000;
        if metadata.ctime_nsec() % STEP == 0 {
            return None;
        }
        let time = |seconds: i64, part: i64| i128::from(seconds) * 1_000_000_000 + i128::from(part);
        Some(Stamp {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: time(metadata.mtime(), metadata.mtime_nsec()),
            changed: time(metadata.ctime(), metadata.ctime_nsec()),
        })
    }

    #[cfg(not(unix))]
    fn from(_: &std::fs::Metadata) -> Option<Stamp> {
        None
    }
}
