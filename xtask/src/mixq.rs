//! `cargo mixq`, built from this repository, for the examples.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::process::{self, build, cargo, last_line, repository};
use crate::setup::libtorch::Libtorch;

/// How the tool is compiled.
#[derive(Clone, Copy)]
pub enum Profile {
    /// As the tests, which compile most of what it depends on.
    Dev,
    /// As people have it.
    Release,
}

/// The command line tool.
pub struct Mixq {
    executable: PathBuf,
}

impl Mixq {
    /// Builds it, with training if libtorch is given.
    ///
    /// # Errors
    /// If it does not compile.
    pub fn build(profile: Profile, libtorch: Option<&Libtorch>) -> Result<Mixq> {
        let mut cargo = cargo("");
        cargo.args(["build", "--package", "cargo-mixq"]);
        if let Profile::Release = profile {
            cargo.arg("--release");
        }
        if let Some(libtorch) = libtorch {
            cargo.args(["--features", "distributed"]).env("LIBTORCH", &libtorch.folder);
        }
        Ok(Mixq { executable: build(&mut cargo, "cargo-mixq")? })
    }

    /// `cargo mixq <command>`; for the examples if the command is about packages and the arguments name no
    /// other workspace.
    pub fn command(&self, command: &str, arguments: &[impl AsRef<OsStr>]) -> Command {
        let mut mixq = Command::new(&self.executable);
        process::with_data(&mut mixq);
        mixq.args(["mixq", command]);
        let about_packages = !["allocate", "chips", "data", "import", "setup"].contains(&command);
        if about_packages && !arguments.iter().any(|argument| names_manifest(argument.as_ref())) {
            mixq.arg("--manifest-path").arg(repository("examples/Cargo.toml"));
        }
        mixq.args(arguments);
        mixq
    }

    /// What a command with `--json` answers; its output for people is printed.
    ///
    /// # Errors
    /// If it fails or ends in something else.
    pub fn json(&self, command: &str, arguments: &[impl AsRef<OsStr>]) -> Result<Value> {
        let mut command = self.command(command, arguments);
        let line = last_line(command.arg("--json"))?;
        serde_json::from_str(&line).with_context(|| format!("`{}` ended in {line}", process::shown(&command)))
    }

    /// What a command with `--json` answers, well or not, without its output for people.
    ///
    /// # Errors
    /// If it cannot be started, or ends in something else than JSON.
    pub fn quiet_json(&self, command: &str, arguments: &[impl AsRef<OsStr>]) -> Result<Value> {
        let mut command = self.command(command, arguments);
        let shown = process::shown(&command);
        let output = command.arg("--json").output().with_context(|| format!("cannot start `{shown}`"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let line = text.lines().last().unwrap_or_default();
        serde_json::from_str(line).with_context(|| {
            format!("`{shown}` ended in {line}\n{}", String::from_utf8_lossy(&output.stderr))
        })
    }
}

/// `cargo xtask <command> <arguments>`.
///
/// # Errors
/// If the tool cannot be built; what the command finds wrong is in the exit code.
pub fn run(command: &str, arguments: &[OsString]) -> Result<ExitCode> {
    let help = arguments.iter().any(|argument| argument == "--help" || argument == "-h");
    let trains = ["pace", "retrain"].contains(&command) && !help;
    let libtorch = if trains { Some(crate::setup::training()?) } else { None };
    let mut command = Mixq::build(Profile::Release, libtorch.as_ref())?.command(command, arguments);
    process::become_program(&mut command)
}

fn names_manifest(argument: &OsStr) -> bool {
    argument.to_string_lossy().split('=').next() == Some("--manifest-path")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(given: &[&str]) -> Vec<String> {
        let mixq = Mixq { executable: "cargo-mixq".into() };
        let command = mixq.command("eval", given);
        command.get_args().map(|argument| argument.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn arguments_are_passed_as_they_are() {
        let examples = repository("examples/Cargo.toml").to_string_lossy().into_owned();
        let passed = arguments(&["-p", "digits", "--logits", "a b.csv"]);
        assert_eq!(
            passed,
            ["mixq", "eval", "--manifest-path", &examples, "-p", "digits", "--logits", "a b.csv"]
        );
    }

    #[test]
    fn another_manifest_replaces_that_of_the_examples() {
        assert_eq!(
            arguments(&["--manifest-path=x/Cargo.toml"]),
            ["mixq", "eval", "--manifest-path=x/Cargo.toml"]
        );
        assert_eq!(arguments(&["--manifest-path", "x"]), ["mixq", "eval", "--manifest-path", "x"]);
    }
}
