//! Settings by which glibc's malloc keeps memory that is freed.
//!
//! Every step of a training takes and frees the same hundreds of megabytes. By default glibc gives such
//! blocks back to the system at once, which then clears every page anew: a quarter of the time of a
//! MobileNet's step. It reads its settings when a program
//! starts: hence this program starts itself again, with other ones.

use std::os::unix::process::CommandExt;
use std::process::Command;

/// Bytes up to which a block comes from the heap; bytes at the heap's end that are kept; bytes that it grows
/// by.
const SETTINGS: [(&str, &str); 3] = [
    ("MALLOC_MMAP_THRESHOLD_", "2000000000"),
    ("MALLOC_TRIM_THRESHOLD_", "8000000000"),
    ("MALLOC_TOP_PAD_", "268435456"),
];

/// Executes this program again with these settings, unless the environment has some already. If that fails,
/// the program continues as it is, and is slower.
pub fn apply() {
    if SETTINGS.iter().any(|(name, _)| std::env::var_os(name).is_some()) {
        return;
    }
    if let Ok(program) = std::env::current_exe() {
        let _ = Command::new(program).args(std::env::args_os().skip(1)).envs(SETTINGS).exec();
    }
}
