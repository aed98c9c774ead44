//! Watches the process of a target: what it reports, how long a case takes, how it ends.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::cpu;
use super::figures::Figures;
use super::protocol::{Case, Line, Outcome};
use super::{Plan, SECONDS};
use crate::Target;

/// Reads the corpus of a target, then new cases; goes on after a case that ended the process.
///
/// # Errors
/// If the process cannot be started, or fails outside of a case.
pub fn run(target: &Target, plan: &Plan) -> Result<Figures> {
    let corpus = plan.corpus.join(target.name);
    let figures = Figures::new(target.name);
    let mut runner = Runner { target, plan, corpus, skip: 0, seed: plan.seed, end: None, figures };
    while runner.process()? {}
    Ok(runner.figures)
}

/// Microseconds that a case may compute.
const LIMIT: u64 = SECONDS * 1_000_000;
/// Who has computed for fewer microseconds in [`SECONDS`] waits for something that does not come.
const IDLE: u64 = 50_000;

/// How the process of a target ended.
enum Ending {
    Done,
    /// With this case, for this reason.
    Failed(Case, String),
}

struct Runner<'a> {
    target: &'a Target,
    plan: &'a Plan,
    corpus: PathBuf,
    /// Files of the corpus that are behind us.
    skip: usize,
    /// The next one.
    seed: u64,
    /// When new cases end; known with the first.
    end: Option<Instant>,
    figures: Figures,
}

impl Runner<'_> {
    /// Runs a process to its end; whether another one must carry on.
    fn process(&mut self) -> Result<bool> {
        let folder = super::folder()?;
        let errors = folder.path().join("errors");
        let mut child = self.start(folder.path(), &errors)?;
        let lines = lines(&mut child)?;
        let ending = self.watch(&lines, child.id());
        // Whatever happened: nothing of it goes on.
        let _ = child.kill();
        let status = child.wait()?;
        let ending = match ending? {
            Some(ending) => ending,
            None if status.success() => Ending::Done,
            None => bail!("the process of target {} failed: {}", self.target.name, said(&errors)),
        };
        let Ending::Failed(case, what) = ending else { return Ok(false) };
        let what =
            if what.is_empty() { format!("ends the process ({status}): {}", said(&errors)) } else { what };
        match case {
            Case::Kept(_, index) => self.skip = index + 1,
            Case::Seed(seed) => (self.skip, self.seed) = (usize::MAX, seed.wrapping_add(1)),
        }
        self.figures.failed(self.target, &self.corpus, case, what)?;
        Ok(true)
    }

    fn start(&self, folder: &Path, errors: &Path) -> Result<Child> {
        let scratch = folder.join("scratch");
        std::fs::create_dir(&scratch)?;
        // The corpus takes as long as it takes: time begins with the first new case.
        let left = match self.end {
            None => Duration::from_secs_f64(self.plan.seconds),
            Some(end) => end.saturating_duration_since(Instant::now()),
        };
        let mut command = Command::new(std::env::current_exe()?);
        command.args([self.target.name, "--child"]).arg(scratch).arg("--corpus").arg(&self.corpus);
        command.args(["--skip", &self.skip.to_string(), "--seed", &self.seed.to_string()]);
        command.args(["--seconds", &left.as_secs_f64().to_string()]);
        // The last line on standard error says why the process ends, not where.
        command.env("RUST_BACKTRACE", "0");
        let errors = File::create(errors)?;
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors).spawn();
        child.with_context(|| format!("cannot start the process of target {}", self.target.name))
    }

    /// Takes down what the process says, until it says nothing more; `None` if no case was going on then.
    fn watch(&mut self, lines: &Receiver<String>, process: u32) -> Result<Option<Ending>> {
        let mut current = None;
        // Microseconds that it had computed when the case began, and at the last look.
        let (mut begin, mut before) = (0, 0);
        loop {
            let line = match lines.recv_timeout(Duration::from_secs(SECONDS)) {
                Ok(line) => line,
                Err(RecvTimeoutError::Timeout) => {
                    // Starting may take long where many programs share the machine.
                    let Some(case) = current.take() else { continue };
                    let now = cpu::of(process).unwrap_or(u64::MAX);
                    if now.saturating_sub(begin) >= LIMIT {
                        return Ok(Some(Ending::Failed(
                            case,
                            format!("hangs: computes for over {SECONDS} s"),
                        )));
                    }
                    // On a busy machine a process may get no processor for as long.
                    if now.saturating_sub(before) < IDLE && cpu::waits(process) {
                        return Ok(Some(Ending::Failed(case, format!("hangs: waits for over {SECONDS} s"))));
                    }
                    (current, before) = (Some(case), now);
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Ok(current.map(|case| Ending::Failed(case, String::new())));
                }
            };
            match serde_json::from_str(&line).with_context(|| format!("a target said {line}"))? {
                Line::Begin { case, computed } => {
                    (begin, before) = (computed, computed);
                    if matches!(case, Case::Seed(_)) {
                        let time = Duration::from_secs_f64(self.plan.seconds);
                        self.end.get_or_insert_with(|| Instant::now() + time);
                    }
                    current = Some(case);
                }
                Line::End { mut outcome, micros, computed, peak } => {
                    let computed = computed.saturating_sub(begin).min(micros);
                    if computed >= LIMIT && !matches!(outcome, Outcome::Failed(_)) {
                        outcome = Outcome::Failed(format!("hangs: computes for over {SECONDS} s"));
                    }
                    let case = current.take().context("a case ended that had not begun")?;
                    self.figures.count(&case, &outcome, micros, peak);
                    if let Outcome::Failed(what) = outcome {
                        self.figures.failed(self.target, &self.corpus, case, what)?;
                    }
                }
            }
        }
    }
}

/// The lines of a process as they come.
fn lines(child: &mut Child) -> Result<Receiver<String>> {
    let output = child.stdout.take().context("the process has no output")?;
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    Ok(receiver)
}

/// The last that a process said before it ended.
fn said(errors: &Path) -> String {
    let text = std::fs::read(errors).unwrap_or_default();
    let text = String::from_utf8_lossy(&text).trim().to_string();
    // Notes on how to debug say nothing about this end.
    let line = text.lines().rfind(|line| !line.starts_with("note:"));
    line.unwrap_or("it said nothing").to_string()
}
