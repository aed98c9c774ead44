//! The long form: libFuzzer, guided by the code that a case reaches.

use std::fmt::{Display, Formatter};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use fastrand::Rng;
use serde_json::{Value, json};

use super::figures::{Failure, LARGEST_KEPT, keep};
use super::{Plan, SECONDS};
use crate::Target;

/// Names the target for the program that libFuzzer drives.
pub const TARGET_VARIABLE: &str = "MIXQ_FUZZ_TARGET";
/// Names the folder for its files: [`CASE`] and [`SCRATCH`].
pub const FOLDER_VARIABLE: &str = "MIXQ_FUZZ_FOLDER";
/// The file of the case that is read now.
pub const CASE: &str = "case";
/// The folder that a reader may use.
pub const SCRATCH: &str = "scratch";

/// Counters at every branch and for every comparison, made by a pass of LLVM that stable Rust has.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1";

/// Cases made from seeds from which libFuzzer begins, beside the corpus and what earlier runs found.
const FIRST_CASES: u64 = 300;

/// Cases over [`SECONDS`] after which a run of libFuzzer ends. It writes down each of them.
const ENDS_AFTER: u64 = 6;

/// What came out of a target under libFuzzer.
#[derive(Clone, Debug, PartialEq)]
pub struct Covered {
    /// The target.
    pub target: &'static str,
    /// Files of the corpus that were read.
    pub kept: u64,
    /// Cases that were run, with those from which it began.
    pub cases: u64,
    /// Seconds that they took.
    pub seconds: f64,
    /// Edges between blocks of code that were reached.
    pub edges: u64,
    /// Cases that this run and earlier ones found, each of which reaches what no other does.
    pub found: u64,
    /// The most MiB that the process had at a time, libFuzzer's own with them.
    pub peak: u64,
    /// Cases that took over [`SECONDS`] under libFuzzer, but compute for less in the usual form.
    pub slow: u64,
    /// Cases that failed: a target ends with the first one.
    pub failures: Vec<Failure>,
}

/// What is compiled for coverage, and what was found by it.
pub struct Coverage {
    program: PathBuf,
    found: PathBuf,
}

impl Coverage {
    /// Compiles the program that libFuzzer drives, in a folder of its own: with its counters, all builds
    /// differ from the usual ones.
    ///
    /// # Errors
    /// If it does not compile.
    pub fn build() -> Result<Coverage> {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("a crate without folder")?;
        let folder = repository.join("target/fuzz-coverage");
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let host = host()?;
        // With a target named, build scripts and macros get no counters.
        let status = Command::new(cargo)
            .current_dir(repository)
            .args(["build", "--package", "mixq-fuzz", "--bin", "mixq-fuzz-coverage"])
            .args(["--features", "coverage", "--target", &host, "--target-dir"])
            .arg(&folder)
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .env("RUSTFLAGS", FLAGS)
            .stdout(Stdio::null())
            .status()
            .context("cannot start cargo")?;
        if !status.success() {
            bail!("the program for libFuzzer does not compile ({status}); it needs a C++ compiler");
        }
        let program = folder.join(host).join("debug/mixq-fuzz-coverage");
        Ok(Coverage { program, found: folder.join("found") })
    }

    /// Reads the corpus of a target in the usual form, then runs libFuzzer for the time of the plan, or until
    /// a case fails.
    ///
    /// # Errors
    /// If a program cannot be started, or files cannot be written.
    pub fn run(&self, target: &Target, plan: &Plan) -> Result<Covered> {
        let corpus = super::run(target, &Plan { seconds: 0.0, ..plan.clone() })?;
        let mut covered = Covered {
            target: target.name,
            kept: corpus.kept,
            cases: 0,
            seconds: 0.0,
            edges: 0,
            found: 0,
            peak: 0,
            slow: 0,
            failures: corpus.failures,
        };
        let end = Instant::now() + Duration::from_secs_f64(plan.seconds);
        while covered.failures.is_empty() && Instant::now() < end {
            self.process(target, plan, end - Instant::now(), &mut covered)?;
        }
        Ok(covered)
    }

    /// Runs libFuzzer until the time is over or a case ends it.
    fn process(&self, target: &Target, plan: &Plan, time: Duration, covered: &mut Covered) -> Result<()> {
        let folder = super::folder()?;
        let first = folder.path().join("first");
        let (corpus, found) = (plan.corpus.join(target.name), self.found.join(target.name));
        for folder in [&first, &found, &corpus, &folder.path().join(SCRATCH)] {
            fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        for seed in (0..FIRST_CASES).map(|index| plan.seed.wrapping_add(index)) {
            fs::write(first.join(seed.to_string()), (target.generate)(&mut Rng::with_seed(seed)))?;
        }
        let start = Instant::now();
        let output = Command::new(&self.program)
            .env(TARGET_VARIABLE, target.name)
            .env(FOLDER_VARIABLE, folder.path())
            .env("RUST_BACKTRACE", "0")
            .arg(format!("-max_total_time={}", time.as_secs_f64().ceil()))
            .arg(format!("-report_slow_units={SECONDS}"))
            .arg(format!("-timeout={}", SECONDS * ENDS_AFTER))
            .arg(format!("-max_len={LARGEST_KEPT}"))
            // Other runs of the same seed find other cases.
            .arg(format!("-seed={}", (plan.seed as u32).wrapping_add(covered.slow as u32).max(1)))
            .arg(format!("-artifact_prefix={}/", folder.path().display()))
            // The program itself counts the memory of readers; cases are long from the beginning.
            .args(["-rss_limit_mb=0", "-len_control=0", "-print_final_stats=1"])
            .args([&found, &first, &corpus])
            .stdout(Stdio::null())
            .output()
            .with_context(|| format!("cannot start {}", self.program.display()))?;
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        covered.seconds += start.elapsed().as_secs_f64();
        covered.cases += last_number(&text, "cov: ", "#");
        covered.edges = covered.edges.max(last_number(&text, "cov: ", "cov: "));
        covered.peak = covered.peak.max(last_number(&text, "stat::", "peak_rss_mb: "));
        covered.found = fs::read_dir(&found)?.count() as u64;
        for file in super::child::files(folder.path())? {
            if file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("slow-unit-")) {
                slow(target, plan, &fs::read(file)?, covered)?;
            }
        }
        if output.status.success() {
            return Ok(());
        }
        let case = fs::read(folder.path().join(CASE));
        let case = case.with_context(|| format!("libFuzzer failed before its first case: {text}"))?;
        if text.contains("libFuzzer: timeout") {
            return slow(target, plan, &case, covered);
        }
        let said = text.lines().rfind(|line| line.contains("panicked") || line.contains("ERROR"));
        let said = format!("under libFuzzer only: {}", said.unwrap_or("it said nothing"));
        let what = again(target, &case)?.unwrap_or(said);
        covered.failures.push(failure(target, plan, &case, what)?);
        Ok(())
    }
}

/// Reads a case that took long once more: counters make all slower, and other programs do too.
fn slow(target: &Target, plan: &Plan, case: &[u8], covered: &mut Covered) -> Result<()> {
    match again(target, case)? {
        Some(what) => covered.failures.push(failure(target, plan, case, what)?),
        None => covered.slow += 1,
    }
    Ok(())
}

/// Reads a case in the usual form; what is wrong with it.
fn again(target: &Target, case: &[u8]) -> Result<Option<String>> {
    let alone = super::folder()?;
    keep(&alone.path().join(target.name), case)?;
    let plan = Plan { seconds: 0.0, seed: 0, corpus: alone.path().to_path_buf() };
    Ok(super::run(target, &plan)?.failures.pop().map(|failure| failure.what))
}

/// Keeps a case that failed in the corpus.
fn failure(target: &Target, plan: &Plan, case: &[u8], what: String) -> Result<Failure> {
    let file = keep(&plan.corpus.join(target.name), case)?;
    Ok(Failure { case: "found by libFuzzer".to_string(), what, file })
}

/// The machine that this is, as the compiler calls it.
fn host() -> Result<String> {
    let output = Command::new("rustc").arg("-vV").output().context("cannot start rustc")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let host = text.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names no host")?;
    Ok(host.to_string())
}

/// The number after a name in the last line with both; 0 if there is none.
fn last_number(text: &str, words: &str, name: &str) -> u64 {
    let line = text.lines().rfind(|line| line.contains(words) && line.contains(name));
    let rest = line.and_then(|line| line.split_once(name)).map_or("", |(_, rest)| rest.trim_start());
    rest.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

impl Covered {
    /// Cases in a second.
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
            "edges": self.edges,
            "found_cases": self.found,
            "slow_cases": self.slow,
            "peak_bytes": self.peak << 20,
            "failures": self.failures.iter().map(Failure::json).collect::<Vec<_>>(),
        })
    }
}

/// One line, and two for each failure.
impl Display for Covered {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let Covered { target, kept, cases, edges, found, peak, slow, .. } = self;
        write!(f, "{target:<10} {kept} corpus files, {cases} cases ({:.0} a second), ", self.per_second())?;
        write!(f, "{edges} edges, {found} cases found, peak {peak} MiB, {} failures", self.failures.len())?;
        if *slow > 0 {
            write!(f, "; {slow} cases over {SECONDS} s under libFuzzer only")?;
        }
        self.failures.iter().try_for_each(|failure| write!(f, "{failure}"))
    }
}
