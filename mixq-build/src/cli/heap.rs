//! A heap that keeps its memory.
//!
//! Every step of a training takes and frees the same hundreds of megabytes. By default glibc gives such
//! blocks back to the system at once, which then clears every page anew: a quarter of the time of a
//! MobileNet's step. Its settings are read when a program starts, hence a start with other ones.

use std::os::unix::process::CommandExt;
use std::process::Command;

/// Bytes up to which a block comes from the heap; bytes at the heap's end that are kept; bytes that it grows
/// by.
const SETTINGS: [(&str, &str); 3] = [
    ("MALLOC_MMAP_THRESHOLD_", "2000000000"),
    ("MALLOC_TRIM_THRESHOLD_", "8000000000"),
    ("MALLOC_TOP_PAD_", "268435456"),
];

/// Starts this program again with these settings, unless the environment has some. Goes on as it is if that
/// fails: it is but slower.
pub fn keep() {
    if SETTINGS.iter().any(|(name, _)| std::env::var_os(name).is_some()) {
        return;
    }
    if let Ok(program) = std::env::current_exe() {
        let _ = Command::new(program).args(std::env::args_os().skip(1)).envs(SETTINGS).exec();
    }
}
