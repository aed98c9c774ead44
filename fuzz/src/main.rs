//! Fuzzes the readers of mixq: `cargo xtask fuzz` passes its arguments on to this.

use std::alloc::System;
use std::fmt::Display;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Duration;

use anyhow::Result;
use cap::Cap;
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use mixq_fuzz::runner::{self, BYTES, Coverage, Covered, Figures, Part, Plan};
use mixq_fuzz::{ALL, Target, find};
use serde_json::{Value, json};

/// Counts, and refuses what goes beyond the limit of a target's process: that ends it, with its case.
#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

/// Targets that run at a time: readers of images use all cores themselves.
const AT_A_TIME: usize = 2;

#[derive(Parser)]
#[command(name = "fuzz", bin_name = "cargo xtask fuzz", about = "Gives mutated input to what mixq reads")]
struct Arguments {
    /// What to fuzz; all if none is named
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,
    /// Seconds of new cases a target; 0 reads the corpus alone
    #[arg(long, default_value_t = 60.0, value_parser = seconds)]
    seconds: f64,
    /// Seed of the first new case, the next one has the next; at random if not given
    #[arg(long)]
    seed: Option<u64>,
    /// Lets libFuzzer look for cases that reach new code, for long runs; takes minutes to compile
    #[arg(long)]
    coverage: bool,
    /// End with one line of JSON
    #[arg(long)]
    json: bool,
    /// Folder of the cases that are read before new ones, a folder in it for each target
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/corpus"), hide_default_value = true)]
    corpus: PathBuf,
    /// Runs a part of a target in this process, with this folder for files
    #[arg(long, hide = true)]
    child: Option<PathBuf>,
    #[arg(long, hide = true, default_value_t = 0)]
    skip: usize,
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|error| format!("{error}"))?;
    if (0.0..=1e6).contains(&seconds) { Ok(seconds) } else { Err("it must be 0 to 1,000,000".to_string()) }
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<ExitCode> {
    let named = arguments.targets.iter().map(|name| find(name)).collect::<Result<Vec<_>>>()?;
    if let (Some(scratch), [target]) = (arguments.child.clone(), &named[..]) {
        return child(target, arguments, scratch);
    }
    let targets = if named.is_empty() { ALL.to_vec() } else { named };
    let seed = arguments.seed.unwrap_or_else(|| fastrand::u64(..1 << 32) << 16);
    let plan = Plan { seconds: arguments.seconds, seed, corpus: arguments.corpus };
    if arguments.coverage {
        let coverage = Coverage::build()?;
        let covered = all(&targets, |target| coverage.run(target, &plan))?;
        let failures = covered.iter().map(|one| one.failures.len()).sum();
        let cases = covered.iter().map(|one| one.cases).sum();
        let targets = covered.iter().map(Covered::json).collect();
        return Ok(end(&Total { seed, cases, failures, targets }, arguments.json));
    }
    let figures = all(&targets, |target| runner::run(target, &plan))?;
    let failures = figures.iter().map(|one| one.failures.len()).sum();
    let cases = figures.iter().map(|one| one.cases).sum();
    let targets = figures.iter().map(Figures::json).collect();
    Ok(end(&Total { seed, cases, failures, targets }, arguments.json))
}

/// What came out of all targets.
struct Total {
    seed: u64,
    cases: u64,
    failures: usize,
    targets: Vec<Value>,
}

/// Says it.
fn end(total: &Total, json: bool) -> ExitCode {
    let Total { seed, cases, failures, targets } = total;
    let passed = *failures == 0;
    println!("seed {seed}: {} targets, {cases} new cases, {failures} failures", targets.len());
    if json {
        println!("{}", json!({ "passed": passed, "seed": seed, "targets": targets }));
    }
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// One part of a target, in this process.
fn child(target: &Target, arguments: Arguments, scratch: PathBuf) -> Result<ExitCode> {
    let Arguments { corpus, skip, .. } = arguments;
    let (seed, time) = (arguments.seed.unwrap_or(0), Duration::from_secs_f64(arguments.seconds));
    ALLOCATOR
        .set_limit(BYTES)
        .map_err(|()| anyhow::anyhow!("more than {BYTES} bytes are in use at the start"))?;
    runner::run_child(target, &Part { corpus, skip, seed, time, scratch }, || {
        ALLOCATOR.max_allocated() as u64
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Some targets at a time; a line for each as soon as it has ended. Results are in the order of the targets.
fn all<T: Display + Send>(
    targets: &[&'static Target],
    run: impl Fn(&'static Target) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let bar = ProgressBar::new(targets.len() as u64);
    bar.set_style(ProgressStyle::with_template("{elapsed} {wide_bar} {pos} of {len} targets")?);
    bar.enable_steady_tick(Duration::from_secs(1));
    let waiting = Mutex::new(targets.iter().enumerate());
    let next = || waiting.lock().ok()?.next();
    let results = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                while let Some((index, target)) = next() {
                    let result = run(target);
                    if let Ok(figures) = &result {
                        bar.suspend(|| println!("{figures}"));
                    }
                    bar.inc(1);
                    results.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((index, result));
                }
            });
        }
    });
    bar.finish_and_clear();
    let mut results = results.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}
