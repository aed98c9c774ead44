//! The process of a target: one case after the other, said before and after.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use fastrand::Rng;

use super::cpu;
use super::protocol::{Case, Line, Outcome};
use crate::{Target, Verdict};

/// What one process does of a plan: another one may have done the beginning.
#[derive(Clone, Debug)]
pub struct Part {
    /// The target's corpus.
    pub corpus: PathBuf,
    /// How many of its files are behind us, in the order of their names.
    pub skip: usize,
    /// Of the first new case.
    pub seed: u64,
    /// How long new cases are made.
    pub time: Duration,
    /// Where a case may write files.
    pub scratch: PathBuf,
}

/// Where the last panic was, for its message.
static PANIC: Mutex<String> = Mutex::new(String::new());

/// Runs a part of a plan; `peak` says how many bytes the process has had at the most.
///
/// # Errors
/// If the corpus cannot be read, or the standard output is closed.
pub fn run(target: &Target, part: &Part, peak: fn() -> u64) -> Result<()> {
    std::panic::set_hook(Box::new(|panic| {
        *PANIC.lock().unwrap_or_else(PoisonError::into_inner) = panic.to_string();
    }));
    for (index, path) in files(&part.corpus)?.into_iter().enumerate().skip(part.skip) {
        let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        try_one(target, Case::Kept(name, index), |_| bytes, &part.scratch, peak)?;
    }
    let end = Instant::now() + part.time;
    let mut seed = part.seed;
    while Instant::now() < end {
        try_one(target, Case::Seed(seed), target.generate, &part.scratch, peak)?;
        seed = seed.wrapping_add(1);
    }
    Ok(())
}

/// The files of a folder in the order of their names; none if there is no folder.
pub(super) fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    files.sort();
    Ok(files)
}

fn try_one(
    target: &Target,
    case: Case,
    make: impl FnOnce(&mut Rng) -> Vec<u8>,
    scratch: &Path,
    peak: fn() -> u64,
) -> Result<()> {
    let seed = if let Case::Seed(seed) = case { seed } else { 0 };
    say(&Line::Begin { case, computed: cpu::own() })?;
    let start = Instant::now();
    let result = catch_unwind(AssertUnwindSafe(|| {
        let bytes = make(&mut Rng::with_seed(seed));
        (target.read)(&bytes, scratch)
    }));
    let outcome = match result {
        Ok(Verdict::Accepted) => Outcome::Accepted,
        Ok(Verdict::Refused) => Outcome::Refused,
        Err(_) => Outcome::Failed(PANIC.lock().unwrap_or_else(PoisonError::into_inner).clone()),
    };
    let micros = start.elapsed().as_micros() as u64;
    say(&Line::End { outcome, micros, computed: cpu::own(), peak: peak() })
}

fn say(line: &Line) -> Result<()> {
    let mut text = serde_json::to_string(line)?;
    text.push('\n');
    Ok(std::io::stdout().lock().write_all(text.as_bytes())?)
}
