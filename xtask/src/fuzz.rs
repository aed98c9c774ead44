//! `cargo xtask fuzz`: the program in `fuzz/`, built when it is needed.

use std::ffi::{OsStr, OsString};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::process::{self, cargo};

/// Compiles and runs the program, with its own arguments.
///
/// The build is that of the tests, which checks every sum for overflow: what would be a wrong result
/// otherwise is a panic.
pub fn command(arguments: &[impl AsRef<OsStr>]) -> Command {
    let mut cargo = cargo("");
    cargo.args(["run", "--quiet", "--package", "mixq-fuzz", "--bin", "mixq-fuzz", "--"]).args(arguments);
    cargo
}

/// Runs it.
///
/// # Errors
/// If cargo cannot be started; what fails is in the exit code.
pub fn run(arguments: &[OsString]) -> Result<ExitCode> {
    let mut command = command(arguments);
    let status = command.status().with_context(|| format!("cannot start `{}`", process::shown(&command)))?;
    // Killed by a signal: no code.
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
