//! One training at a time for an artifact, over all processes that reach it.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::error::Problem;

/// Held until dropped, or until the process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    /// The open file is the lock.
    file: File,
    path: PathBuf,
}

impl Lock {
    /// Waits until no other process makes this artifact; `waiting` is called once if that takes time.
    ///
    /// The lock is a hidden file beside the artifact, `.NAME.mixq.lock`: all processes that could write the
    /// artifact use the same one, whatever their target folders and folders for temporary files are. It is
    /// removed at the end. The file that a killed process leaves is not locked, and the next one removes it.
    ///
    /// # Errors
    /// The lock file cannot be made: the artifact could not be written either.
    pub fn acquire(artifact: &Path, waiting: impl FnOnce()) -> Result<Lock, Problem> {
        let mut name = std::ffi::OsString::from(".");
        name.push(artifact.file_name().unwrap_or_default());
        name.push(".lock");
        let path = artifact.with_file_name(name);
        let failed = |error: &io::Error| Problem::io("lock", &path, error);
        fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).map_err(|e| failed(&e))?;
        let mut waiting = Some(waiting);
        loop {
            let file = File::options().create(true).append(true).open(&path).map_err(|e| failed(&e))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    if let Some(waiting) = waiting.take() {
                        waiting();
                    }
                    file.lock().map_err(|e| failed(&e))?;
                }
                Err(TryLockError::Error(error)) => return Err(failed(&error)),
            }
            // The process that held it has removed the file: others now use a new one.
            if is_at(&file, &path).map_err(|e| failed(&e))? {
                return Ok(Lock { file, path });
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // While it is locked: the name then still means this file.
        if cfg!(unix) && is_at(&self.file, &self.path).unwrap_or(false) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Whether this is the file that whoever opens `path` now gets.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let own = file.metadata()?;
    match fs::metadata(path) {
        Ok(other) => Ok((own.dev(), own.ino()) == (other.dev(), other.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Elsewhere the file stays, since nothing tells whether it is the same.
#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> io::Result<bool> {
    Ok(true)
}
