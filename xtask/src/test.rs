//! `cargo xtask test`: all that can be checked on this machine.

use std::process::{Command, ExitCode};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::fuzz;
use crate::mixq::Profile;
use crate::process::{self, cargo};
use crate::setup::{self, RUST_TARGETS};

/// Those of `.ci/run`, with which libtorch's bindings are compiled once.
const FEATURES: &str = "mixq-build/distributed,cargo-mixq/distributed";

/// One command and how it went.
struct Step {
    name: String,
    passed: bool,
    seconds: f64,
}

/// Runs every step, also after one that failed.
///
/// # Errors
/// If something is missing that setup cannot install, or cargo cannot be started.
pub fn run(json: bool) -> Result<ExitCode> {
    let start = Instant::now();
    let libtorch = setup::everything(Profile::Dev)?;
    let mut tests = cargo("");
    tests.args(["test", "--workspace", "--no-fail-fast", "--features", FEATURES]);
    tests.env("LIBTORCH", &libtorch.folder);
    // An empty cargo folder and an empty cache: minutes, 540 MB. With the workspace's features nothing else
    // is compiled twice.
    let mut install = cargo("");
    install.args(["test", "--workspace", "--features", FEATURES]);
    install.args(["--test", "install", "--", "--ignored", "--nocapture"]);
    install.env("LIBTORCH", &libtorch.folder);
    let mut commands = vec![fuzz::command(&["--seconds", "10", "--seed", "1"])];
    // As clippy is run, so that macros and build scripts are compiled once; the tests build firmware with
    // optimisation.
    let mut runtime = cargo("");
    runtime.args(["build", "--package", "mixq-rt"]);
    runtime.args(RUST_TARGETS.iter().flat_map(|target| ["--target", target]));
    commands.push(runtime);
    let mut examples = cargo("examples");
    examples.args(["build", "--release"]);
    commands.push(examples);

    let mut steps = beside(tests, install)?;
    for command in commands {
        steps.push(step(command)?);
    }
    let seconds = start.elapsed().as_secs_f64();
    println!("\n{}", summary(&steps, seconds));
    let passed = steps.iter().all(|step| step.passed);
    if json {
        let steps: Vec<Value> = steps.iter().map(Step::json).collect();
        println!("{}", json!({ "passed": passed, "seconds": seconds, "steps": steps }));
    }
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs two commands at a time: each has minutes in which it keeps one core busy. What the second one prints
/// follows.
fn beside(first: Command, mut second: Command) -> Result<Vec<Step>> {
    let name = process::shown(&second);
    let (first, output, seconds) = thread::scope(|scope| {
        let second = scope.spawn(|| {
            let start = Instant::now();
            (second.output(), start.elapsed().as_secs_f64())
        });
        let first = step(first);
        let (output, seconds) = second.join().expect("it does not panic");
        (first, output, seconds)
    });
    let output = output.with_context(|| format!("cannot start `{name}`"))?;
    eprintln!("\n{name}");
    eprint!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Ok(vec![first?, Step { name, passed: output.status.success(), seconds }])
}

fn step(mut command: Command) -> Result<Step> {
    let start = Instant::now();
    let folder = command.get_current_dir().and_then(|folder| folder.file_name());
    let inside = folder.filter(|folder| *folder == "examples").map_or("", |_| " (in examples)");
    let name = process::shown(&command) + inside;
    eprintln!("\n{name}");
    let status = command.status().with_context(|| format!("cannot start `{name}`"))?;
    Ok(Step { name, passed: status.success(), seconds: start.elapsed().as_secs_f64() })
}

impl Step {
    fn json(&self) -> Value {
        json!({ "name": self.name, "passed": self.passed, "seconds": self.seconds })
    }
}

/// One line, and one for each step that failed.
fn summary(steps: &[Step], seconds: f64) -> String {
    let failed: Vec<&Step> = steps.iter().filter(|step| !step.passed).collect();
    if failed.is_empty() {
        return format!("all {} steps passed in {seconds:.0} s", steps.len());
    }
    let mut text = format!("{} of {} steps failed, after {seconds:.0} s:", failed.len(), steps.len());
    for step in failed {
        text += &format!("\n  {}", step.name);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(passed: [bool; 3]) -> Vec<Step> {
        let name = |index: usize| format!("cargo step{index}");
        let step = |(index, passed)| Step { name: name(index), passed, seconds: 1.0 };
        passed.into_iter().enumerate().map(step).collect()
    }

    #[test]
    fn failed_steps_are_named() {
        assert_eq!(summary(&steps([true; 3]), 12.4), "all 3 steps passed in 12 s");
        let text = summary(&steps([false, true, false]), 60.0);
        assert_eq!(text, "2 of 3 steps failed, after 60 s:\n  cargo step0\n  cargo step2");
    }

    #[test]
    fn a_failing_command_is_a_failed_step() {
        let run = |argument| {
            step({
                let mut rustc = Command::new("rustc");
                rustc.arg(argument);
                rustc
            })
        };
        let found = run("--no-such-option").unwrap();
        assert!(!found.passed);
        assert_eq!(found.json()["name"], "rustc --no-such-option");
        assert!(run("--version").unwrap().passed);
        assert!(step(Command::new("/no/such/program")).is_err());
    }

    #[test]
    fn of_two_at_a_time_each_is_a_step() {
        let rustc = |argument| {
            let mut rustc = Command::new("rustc");
            rustc.arg(argument);
            rustc
        };
        let steps = beside(rustc("--version"), rustc("--no-such-option")).unwrap();
        assert_eq!([steps[0].passed, steps[1].passed], [true, false]);
        assert_eq!(steps[1].name, "rustc --no-such-option");
        assert!(beside(rustc("--version"), Command::new("/no/such/program")).is_err());
    }
}
