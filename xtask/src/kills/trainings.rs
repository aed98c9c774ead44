//! Trainings that are killed.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};

use super::findings::Findings;
use super::package::Package;
use super::plan::{self, Kill, Lengths};
use super::stage::{self, Stage};
use crate::mixq::Mixq;

/// How long a process may take to reach what it is to be killed in.
const PATIENCE: Duration = Duration::from_secs(300);

/// How often files are looked at.
const PAUSE: Duration = Duration::from_micros(500);

/// What is trained, with what.
pub struct Trainings {
    mixq: Mixq,
    package: Package,
    /// Where a training's messages go.
    said: PathBuf,
}

impl Trainings {
    /// Of this package; `said` is a file for what a training says.
    pub fn new(mixq: Mixq, package: Package, said: PathBuf) -> Trainings {
        Trainings { mixq, package, said }
    }

    /// So many kills, over as many trainings as they take, each then trained to its end.
    ///
    /// # Errors
    /// A training cannot be started, fails, or does not go on.
    pub fn kill(&self, kills: usize, random: &mut fastrand::Rng) -> Result<Findings> {
        let style = ProgressStyle::with_template("killing {bar:30} {pos} of {len}, {eta} left");
        let bar = ProgressBar::new(kills as u64).with_style(style.context("a valid template")?);
        bar.tick();
        let (expected, lengths) = self.undisturbed()?;
        let mut findings = Findings::default();
        while findings.total() < kills {
            self.package.clean()?;
            let mut killed = Vec::new();
            for kill in plan::of(&lengths, random) {
                if findings.total() == kills || Stage::of(&self.package) > kill.stage {
                    continue;
                }
                let before: Vec<PathBuf> = self.temporary().collect();
                let Some(stage) = self.train(Some(kill))? else { break };
                *findings.kills.entry(stage).or_default() += 1;
                findings.half_written += usize::from(self.temporary().any(|path| !before.contains(&path)));
                killed.push(stage.name());
                bar.inc(1);
                self.said_nothing(&mut findings)?;
            }
            self.train(None)?;
            self.said_nothing(&mut findings)?;
            findings.trainings += 1;
            let wrong = self.compare(&expected)?.into_iter();
            findings
                .wrong
                .extend(wrong.map(|what| format!("killed in {}: {what}", killed.join(", then in "))));
        }
        bar.finish_and_clear();
        Ok(findings)
    }

    /// What is not as in a training that nothing happened to.
    fn compare(&self, expected: &[u8]) -> Result<Vec<String>> {
        let mut wrong: Vec<String> =
            self.temporary().map(|path| format!("{} is left", path.display())).collect();
        if self.artifact()? != expected {
            wrong.push("the artifact is another".to_string());
        }
        wrong.extend(stage::lines(&self.package).err().map(|error| format!("{error:#}")));
        Ok(wrong)
    }

    /// The artifact of a training that nothing happens to, and how long each stage takes.
    fn undisturbed(&self) -> Result<(Vec<u8>, Lengths)> {
        let mut child = self.start()?;
        let mut lengths = Lengths::new();
        let mut last = Instant::now();
        while child.try_wait()?.is_none() {
            std::thread::sleep(PAUSE);
            let now = Instant::now();
            *lengths.entry(Stage::of(&self.package)).or_default() += now - last;
            last = now;
        }
        self.ended(&mut child)?;
        Ok((self.artifact()?, lengths))
    }

    /// Trains until a kill; in which stage that was. `None`: the training ended before.
    fn train(&self, kill: Option<Kill>) -> Result<Option<Stage>> {
        let mut child = self.start()?;
        if let Some(Kill { stage, delay, at_write }) = kill {
            let start = Instant::now();
            while Stage::of(&self.package) < stage && child.try_wait()?.is_none() {
                if start.elapsed() > PATIENCE {
                    child.kill()?;
                    bail!("a training has not come to {} in {PATIENCE:?}", stage.name());
                }
                std::thread::sleep(PAUSE);
            }
            let end = Instant::now() + delay;
            while Instant::now() < end && child.try_wait()?.is_none() {
                match at_write {
                    // Without a pause: a file is written in less than a millisecond.
                    true if self.temporary().next().is_some() => break,
                    true => {}
                    false => std::thread::sleep(PAUSE.min(end.saturating_duration_since(Instant::now()))),
                }
            }
            if child.try_wait()?.is_none() {
                let stage = Stage::of(&self.package);
                // On Unix signal 9, which no program can do anything about.
                child.kill()?;
                if child.wait()?.code().is_none() {
                    return Ok(Some(stage));
                }
            }
        }
        self.ended(&mut child)?;
        Ok(None)
    }

    fn start(&self) -> Result<Child> {
        let manifest = self.package.manifest();
        let mut command = self.mixq.command("retrain", &["--manifest-path".as_ref(), manifest.as_os_str()]);
        // What cargo tells this task is not for the cargo that the training asks.
        command.env_remove("CARGO_TARGET_DIR").env_remove("CARGO_BUILD_TARGET_DIR");
        let said = File::create(&self.said).context("cannot write what a training says")?;
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(said).spawn();
        child.context("cannot start `cargo mixq retrain`")
    }

    fn ended(&self, child: &mut Child) -> Result<()> {
        let status = child.wait()?;
        if !status.success() {
            bail!("a training failed ({status}): {}", self.heard()?);
        }
        Ok(())
    }

    fn heard(&self) -> Result<String> {
        fs::read_to_string(&self.said).context("cannot read what a training said")
    }

    /// A training that was killed before must find nothing to warn of.
    fn said_nothing(&self, findings: &mut Findings) -> Result<()> {
        let said = self.heard()?;
        let warnings = said.lines().filter(|line| line.contains("warning") || line.contains("not used"));
        findings.wrong.extend(warnings.map(str::to_string));
        Ok(())
    }

    fn artifact(&self) -> Result<Vec<u8>> {
        let path = self.package.artifact();
        fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
    }

    /// Files that were being written.
    fn temporary(&self) -> impl Iterator<Item = PathBuf> {
        let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.package.files().into_iter().filter(move |path| name(path).starts_with('.'))
    }
}
