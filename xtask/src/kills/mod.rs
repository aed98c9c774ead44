//! `cargo xtask kills`: trainings that are killed again and again must come to the same artifact.

mod findings;
mod package;
mod plan;
mod stage;
mod trainings;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::Args;

use crate::mixq::{Mixq, Profile};
use package::Package;
use trainings::Trainings;

/// How often, and when.
#[derive(Args)]
pub struct Arguments {
    /// Kills in all, over as many trainings as they take
    #[arg(long, default_value_t = 100)]
    kills: usize,
    /// Decides when
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// End with one line of JSON
    #[arg(long)]
    json: bool,
}

/// Trains, kills and compares.
///
/// # Errors
/// If nothing can be trained at all. What kills have spoilt is in the exit code.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let libtorch = crate::setup::training()?;
    let mixq = Mixq::build(Profile::Release, Some(&libtorch))?;
    let start = Instant::now();
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let package = Package::write(folder.path()).context("cannot write a package")?;
    let trainings = Trainings::new(mixq, package, folder.path().join("said"));
    let findings = trainings.kill(arguments.kills, &mut fastrand::Rng::with_seed(arguments.seed))?;
    let seconds = start.elapsed().as_secs_f64();
    println!("{}", findings.text(seconds));
    if arguments.json {
        println!("{}", findings.json(arguments.seed, seconds));
    }
    Ok(if findings.wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
