//! What came out of a target.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use fastrand::Rng;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::protocol::{Case, Outcome};
use crate::Target;

/// Larger cases do not belong into a repository: their seed makes them again.
pub(super) const LARGEST_KEPT: usize = 64 * 1024;

/// Failures of one kind that are kept.
const MOST_ALIKE: usize = 3;

/// A case that failed.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// `seed 7`, or a file of the corpus.
    pub case: String,
    /// What happened.
    pub what: String,
    /// Where the case is kept, unless it is too large.
    pub file: Option<PathBuf>,
}

impl Failure {
    /// For programs.
    pub fn json(&self) -> Value {
        json!({ "case": self.case, "what": self.what, "file": self.file })
    }
}

/// Two lines, each on a new one.
impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Failure { case, what, file } = self;
        write!(f, "\n    {case}: {}", what.replace('\n', "\n        "))?;
        match file {
            Some(file) => write!(f, "\n        kept as {}", file.display()),
            None => write!(f, "\n        too large for the corpus: `--seed` makes it again"),
        }
    }
}

/// What came out of a target.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    /// The target.
    pub target: &'static str,
    /// Files of the corpus that were read.
    pub kept: u64,
    /// New cases.
    pub cases: u64,
    /// New cases that were accepted.
    pub accepted: u64,
    /// Seconds that the new cases took.
    pub seconds: f64,
    /// Seconds of the longest case, and which it was.
    pub longest: (f64, String),
    /// The most bytes that a process had at a time.
    pub peak: u64,
    /// Cases that failed; of one kind only a few.
    pub failures: Vec<Failure>,
}

impl Figures {
    pub(super) fn new(target: &'static str) -> Figures {
        Figures {
            target,
            kept: 0,
            cases: 0,
            accepted: 0,
            seconds: 0.0,
            longest: (0.0, String::new()),
            peak: 0,
            failures: Vec::new(),
        }
    }

    /// Adds a case.
    pub(super) fn count(&mut self, case: &Case, outcome: &Outcome, micros: u64, peak: u64) {
        let seconds = micros as f64 / 1e6;
        match case {
            Case::Kept(..) => self.kept += 1,
            Case::Seed(_) => {
                self.cases += 1;
                self.accepted += u64::from(*outcome == Outcome::Accepted);
                self.seconds += seconds;
            }
        }
        if seconds > self.longest.0 {
            self.longest = (seconds, case.to_string());
        }
        self.peak = self.peak.max(peak);
    }

    /// Notes a failure and keeps its case in the corpus, unless one of the same kind is there.
    pub(super) fn failed(&mut self, target: &Target, corpus: &Path, case: Case, what: String) -> Result<()> {
        let file = match &case {
            Case::Kept(name, _) => Some(corpus.join(name)),
            // What many cases meet is told a few times.
            Case::Seed(_) if self.alike(&what) >= MOST_ALIKE => return Ok(()),
            Case::Seed(seed) => again(target, *seed).map_or(Ok(None), |case| keep(corpus, &case))?,
        };
        self.failures.push(Failure { case: case.to_string(), what, file });
        Ok(())
    }

    /// How many failures are known of the same kind: panics at one place, or one end of the process.
    fn alike(&self, what: &str) -> usize {
        let kind = |what: &str| what.lines().next().map(str::to_string);
        self.failures.iter().filter(|known| kind(&known.what) == kind(what)).count()
    }

    /// Share of the new cases that were accepted.
    pub fn accepted_share(&self) -> f64 {
        self.accepted as f64 / self.cases.max(1) as f64
    }

    /// New cases in a second.
    pub fn per_second(&self) -> f64 {
        super::per_second(self.cases, self.seconds)
    }

    /// For programs.
    pub fn json(&self) -> Value {
        json!({
            "target": self.target,
            "corpus_files": self.kept,
            "cases": self.cases,
            "cases_per_second": self.per_second(),
            "accepted_share": self.accepted_share(),
            "longest_seconds": self.longest.0,
            "longest_case": self.longest.1,
            "peak_bytes": self.peak,
            "failures": self.failures.iter().map(Failure::json).collect::<Vec<_>>(),
        })
    }
}

/// One line, and two for each failure.
impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Figures { target, kept, cases, longest: (longest, case), .. } = self;
        let peak = self.peak.div_ceil(1 << 20);
        write!(f, "{target:<10} {kept} corpus files, {cases} new cases ")?;
        write!(f, "({:.0} a second, {:.1} % accepted), ", self.per_second(), 100.0 * self.accepted_share())?;
        write!(f, "longest {longest:.2} s ({case}), peak {peak} MiB, {} failures", self.failures.len())?;
        if self.cases > 100 && (self.accepted == 0 || self.accepted == self.cases) {
            let all = if self.accepted == 0 { "refused" } else { "accepted" };
            write!(f, "; all new cases were {all}: this tests little")?;
        }
        self.failures.iter().try_for_each(|failure| write!(f, "{failure}"))
    }
}

/// Makes a case once more; none if that is what panics.
fn again(target: &Target, seed: u64) -> Option<Vec<u8>> {
    catch_unwind(AssertUnwindSafe(|| (target.generate)(&mut Rng::with_seed(seed)))).ok()
}

/// Writes a case into the corpus, if it is small.
pub(super) fn keep(corpus: &Path, bytes: &[u8]) -> Result<Option<PathBuf>> {
    if bytes.len() > LARGEST_KEPT {
        return Ok(None);
    }
    let digest = Sha256::digest(bytes);
    let name: String = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    let path = corpus.join(name);
    std::fs::create_dir_all(corpus)?;
    std::fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(Some(path))
}
