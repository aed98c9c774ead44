//! One training at a time for an artifact, over all processes of the machine.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::Problem;

/// Held until dropped, or until the process ends, however it ends.
#[derive(Debug)]
pub struct Lock(#[allow(dead_code, reason = "the open file is the lock")] File);

impl Lock {
    /// Waits until nobody else makes this artifact; `waiting` is called once if that takes time.
    ///
    /// The lock file lies in the folder for temporary files, named by the artifact's path, so that build scripts with
    /// different target folders meet.
    ///
    /// # Errors
    /// The lock file cannot be made.
    pub fn acquire(artifact: &Path, waiting: impl FnOnce()) -> Result<Lock, Problem> {
        let real = real(artifact).map_err(|e| Problem::io("find", artifact, &e))?;
        let digest = Sha256::digest(real.as_os_str().as_encoded_bytes());
        let name: String = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        let path = std::env::temp_dir().join(format!("mixq-{name}.lock"));
        let failed = |error: &std::io::Error| Problem::io("lock", &path, error);
        let file = File::options().create(true).append(true).open(&path).map_err(|e| failed(&e))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => {
                waiting();
                file.lock().map_err(|e| failed(&e))?;
            }
            Err(std::fs::TryLockError::Error(error)) => return Err(failed(&error)),
        }
        Ok(Lock(file))
    }
}

/// One name for all paths to a file, whether or not it (or its folder) is there.
fn real(path: &Path) -> io::Result<PathBuf> {
    let absolute = std::path::absolute(path)?;
    let known = absolute.ancestors().find_map(|ancestor| Some((ancestor, ancestor.canonicalize().ok()?)));
    Ok(match known {
        Some((ancestor, real)) => real.join(absolute.strip_prefix(ancestor).unwrap_or(Path::new(""))),
        None => absolute,
    })
}
