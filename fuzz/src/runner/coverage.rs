//! The long form: libFuzzer, guided by what code a case reaches.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use fastrand::Rng;
use serde_json::{Value, json};

use super::{BYTES, Plan, SECONDS};
use crate::Target;

/// Names the target for the program that libFuzzer drives.
pub const TARGET_VARIABLE: &str = "MIXQ_FUZZ_TARGET";
/// Names a folder for its files.
pub const SCRATCH_VARIABLE: &str = "MIXQ_FUZZ_SCRATCH";

/// Counters at every branch and for every comparison, by a pass of LLVM that stable Rust has.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1";

/// Cases made from seeds from which libFuzzer begins, beside the corpus.
const FIRST_CASES: u64 = 300;

/// What libFuzzer says at its end.
#[derive(Clone, Debug, PartialEq)]
pub struct Covered {
    /// The target.
    pub target: &'static str,
    /// Cases that were run.
    pub cases: u64,
    /// Cases that are kept since each reaches code that no other does.
    pub useful: u64,
    /// Branches and other places in the code that were reached.
    pub places: u64,
    /// The most MiB that the process had at a time, all counted.
    pub peak: u64,
    /// The last lines, if a case failed; it is in the corpus.
    pub failure: Option<String>,
}

/// Compiles the program that libFuzzer drives, apart from all other builds; its path.
///
/// # Errors
/// If it does not compile.
pub fn build(repository: &Path) -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let host = host()?;
    // With a target of its own, build scripts and macros get no counters.
    let status = Command::new(cargo)
        .current_dir(repository)
        .args(["build", "--package", "mixq-fuzz", "--bin", "mixq-fuzz-coverage", "--features", "coverage"])
        .args(["--target", &host, "--target-dir", "target/coverage"])
        .env("RUSTFLAGS", FLAGS)
        .stdout(Stdio::null())
        .status()
        .context("cannot start cargo")?;
    if !status.success() {
        bail!("the program for libFuzzer does not compile ({status})");
    }
    Ok(repository.join("target/coverage").join(host).join("debug/mixq-fuzz-coverage"))
}

/// The machine that this is.
fn host() -> Result<String> {
    let output = Command::new("rustc").arg("-vV").output().context("cannot start rustc")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let host = text.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names no host")?;
    Ok(host.to_string())
}

/// Runs a target for the time of the plan, or until a case fails.
///
/// # Errors
/// If the program cannot be started.
pub fn run_covered(target: &Target, plan: &Plan, program: &Path) -> Result<Covered> {
    let folder = tempfile::tempdir()?;
    let [first, found, scratch] = ["first", "found", "scratch"].map(|name| folder.path().join(name));
    let corpus = plan.corpus.join(target.name);
    for folder in [&first, &found, &scratch, &corpus] {
        std::fs::create_dir_all(folder)?;
    }
    for seed in plan.seed..plan.seed + FIRST_CASES {
        let case = (target.generate)(&mut Rng::with_seed(seed));
        std::fs::write(first.join(seed.to_string()), case)?;
    }
    let output = Command::new(program)
        .env(TARGET_VARIABLE, target.name)
        .env(SCRATCH_VARIABLE, &scratch)
        .env("RUST_BACKTRACE", "0")
        .arg(format!("-max_total_time={}", plan.seconds.ceil()))
        .arg(format!("-timeout={SECONDS}"))
        .arg(format!("-rss_limit_mb={0}", BYTES >> 20))
        .arg(format!("-malloc_limit_mb={0}", BYTES >> 20))
        .arg(format!("-seed={}", plan.seed as u32))
        .arg(format!("-artifact_prefix={}/", corpus.display()))
        .args(["-print_final_stats=1", "-max_len=65536"])
        .args([&found, &first, &corpus])
        .output()
        .context("cannot start the program for libFuzzer")?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let lines: Vec<&str> = text.lines().collect();
    let failure = (!output.status.success()).then(|| {
        let ends =
            |line: &&&str| ["panicked", "ERROR", "Test unit written"].iter().any(|word| line.contains(word));
        let said: Vec<&str> = lines.iter().filter(ends).copied().collect();
        if said.is_empty() { format!("it ended with {}", output.status) } else { said.join("\n") }
    });
    let number = |words: &str, name: &str| number_after(&lines, words, name);
    Ok(Covered {
        target: target.name,
        cases: number("stat::", "number_of_executed_units:"),
        useful: std::fs::read_dir(&found)?.count() as u64,
        places: number("cov:", "cov:"),
        peak: number("stat::", "peak_rss_mb:"),
        failure,
    })
}

/// The number after a name, in the last line with these words.
fn number_after(lines: &[&str], words: &str, name: &str) -> u64 {
    let line = lines.iter().rev().find(|line| line.contains(words) && line.contains(name));
    let rest = line.and_then(|line| line.split_once(name)).map_or("", |(_, rest)| rest.trim_start());
    rest.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

impl Covered {
    /// For programs.
    pub fn json(&self) -> Value {
        json!({
            "target": self.target,
            "cases": self.cases,
            "useful_cases": self.useful,
            "places": self.places,
            "peak_bytes": self.peak << 20,
            "failures": self.failure.iter().map(|what| json!({ "what": what })).collect::<Vec<_>>(),
        })
    }
}

/// One line, and the failure.
impl std::fmt::Display for Covered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Covered { target, cases, useful, places, peak, failure } = self;
        write!(
            f,
            "{target:<11} {cases} cases, {useful} reached new code, {places} places in all, peak {peak} MiB"
        )?;
        match failure {
            Some(failure) => write!(f, "\n    {}", failure.replace('\n', "\n    ")),
            None => Ok(()),
        }
    }
}
