//! Runs targets in processes of their own, and keeps what fails.

mod child;
mod coverage;
mod cpu;
mod figures;
mod parent;
mod protocol;

use std::path::{Path, PathBuf};

use tempfile::TempDir;

pub use child::{Part, run as run_child};
pub use coverage::{CASE, Coverage, Covered, FOLDER_VARIABLE, SCRATCH, TARGET_VARIABLE};
pub use figures::{Failure, Figures};
pub use parent::run;

/// Seconds that a case may compute, or do nothing. Where many programs share the machine, it may take longer.
pub const SECONDS: u64 = 5;
/// Bytes that a target's process may have at a time.
pub const BYTES: usize = 1 << 30;

/// How long, from which seed, and beside which corpus a target runs.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Seconds of new cases; 0: the corpus alone.
    pub seconds: f64,
    /// Of the first new case; each further case has the next one.
    pub seed: u64,
    /// A folder for each target, a file for each case.
    pub corpus: PathBuf,
}

/// Cases in a second.
fn per_second(cases: u64, seconds: f64) -> f64 {
    if seconds > 0.0 { cases as f64 / seconds } else { 0.0 }
}

/// A new folder for the files of a target: in memory where the system has such a place, since a disk takes
/// longer than a reader.
fn folder() -> std::io::Result<TempDir> {
    let memory = Path::new("/dev/shm");
    tempfile::tempdir_in(memory).or_else(|_| tempfile::tempdir())
}
