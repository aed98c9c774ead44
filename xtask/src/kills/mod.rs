//! `cargo xtask kills`: trainings that are killed again and again must come to the same artifact.

mod package;
mod stage;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::mixq::Mixq;
use package::Package;
use stage::{STAGES, Stage};

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

/// How long a process may take to reach what it is to be killed in.
const PATIENCE: Duration = Duration::from_secs(300);

/// How often files are looked at.
const PAUSE: Duration = Duration::from_micros(500);

/// What came of it.
#[derive(Default)]
struct Findings {
    trainings: usize,
    kills: BTreeMap<Stage, usize>,
    /// Kills in the middle of writing a file.
    half_written: usize,
    /// Whatever is not as in an undisturbed training, in words.
    wrong: Vec<String>,
}

/// Trains, kills and compares.
///
/// # Errors
/// If nothing can be trained at all. What kills have spoilt is in the exit code.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let libtorch = crate::setup::training()?;
    let mixq = Mixq::build(Some(&libtorch))?;
    let start = Instant::now();
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let trainings =
        Trainings { mixq, package: Package::write(folder.path())?, said: folder.path().join("said") };
    let findings = trainings.kill(arguments.kills, &mut fastrand::Rng::with_seed(arguments.seed))?;
    let seconds = start.elapsed().as_secs_f64();
    println!("{}", findings.text(seconds));
    if arguments.json {
        println!("{}", findings.json(arguments.seed, seconds));
    }
    Ok(if findings.wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What is trained, with what.
struct Trainings {
    mixq: Mixq,
    package: Package,
    /// Where a training's messages go.
    said: std::path::PathBuf,
}

impl Trainings {
    fn kill(&self, kills: usize, random: &mut fastrand::Rng) -> Result<Findings> {
        let (expected, durations) = self.undisturbed()?;
        let style = ProgressStyle::with_template("killing {bar:30} {pos} of {len}, {eta} left");
        let bar = ProgressBar::new(kills as u64).with_style(style.context("a valid template")?);
        let mut findings = Findings::default();
        let mut made = 0;
        loop {
            self.package.clean()?;
            let mut killed = Vec::new();
            loop {
                let goal = if made < kills { Some(self.goal(&durations, random)) } else { None };
                match self.train(goal)? {
                    Some(stage) => {
                        *findings.kills.entry(stage).or_default() += 1;
                        findings.half_written += self.temporary().count();
                        killed.push(stage.name());
                        made += 1;
                        bar.inc(1);
                    }
                    None => break,
                }
                self.said_nothing(&mut findings)?;
            }
            findings.trainings += 1;
            self.said_nothing(&mut findings)?;
            let found = self.artifact()?;
            let mut wrong = |what: String| {
                findings.wrong.push(format!("killed in {}: {what}", killed.join(", then in ")));
            };
            if found != expected {
                wrong("the artifact is another".to_string());
            }
            self.temporary().for_each(|path| wrong(format!("{} is left", path.display())));
            stage::lines(&self.package).unwrap_or_else(|error| {
                wrong(format!("{error:#}"));
                Vec::new()
            });
            if made == kills {
                break;
            }
        }
        bar.finish_and_clear();
        Ok(findings)
    }

    /// The artifact of a training that nothing happens to, and how long each stage takes.
    fn undisturbed(&self) -> Result<(Vec<u8>, BTreeMap<Stage, Duration>)> {
        let mut child = self.start()?;
        let mut durations: BTreeMap<Stage, Duration> = BTreeMap::new();
        let mut last = Instant::now();
        while child.try_wait()?.is_none() {
            std::thread::sleep(PAUSE);
            let now = Instant::now();
            *durations.entry(Stage::of(&self.package)).or_default() += now - last;
            last = now;
        }
        self.ended(&mut child)?;
        Ok((self.artifact()?, durations))
    }

    /// In which stage to kill next, of those that are to come, and how long after its beginning.
    fn goal(&self, durations: &BTreeMap<Stage, Duration>, random: &mut fastrand::Rng) -> (Stage, Duration) {
        let now = Stage::of(&self.package);
        let stages: Vec<Stage> = STAGES.into_iter().filter(|stage| *stage >= now).collect();
        let stage = stages[random.usize(0..stages.len())];
        let length = |stage| durations.get(&stage).copied().unwrap_or_default();
        // A program that goes on has to start first.
        let start =
            if stage == now && now > Stage::Reading { length(Stage::Reading) } else { Duration::ZERO };
        (stage, (start + length(stage)).mul_f64(random.f64()))
    }

    /// Trains until the goal, and kills; in which stage that was. `None`: the training ended before.
    fn train(&self, goal: Option<(Stage, Duration)>) -> Result<Option<Stage>> {
        let mut child = self.start()?;
        if let Some((stage, delay)) = goal {
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
                std::thread::sleep(PAUSE.min(end.saturating_duration_since(Instant::now())));
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
        let mut command: Command =
            self.mixq.command("retrain", &["--manifest-path".as_ref(), manifest.as_os_str()]);
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
    fn temporary(&self) -> impl Iterator<Item = std::path::PathBuf> {
        let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.package.files().into_iter().filter(move |path| name(path).starts_with('.'))
    }
}

impl Findings {
    fn total(&self) -> usize {
        self.kills.values().sum()
    }

    fn text(&self, seconds: f64) -> String {
        let mut text =
            format!("{} kills over {} trainings in {seconds:.0} s\n", self.total(), self.trainings);
        for stage in STAGES {
            let kills = self.kills.get(&stage).copied().unwrap_or_default();
            text += &format!("{:>6} while {}\n", kills, stage.name());
        }
        text += &format!("{:>6} of them in the middle of writing a file\n", self.half_written);
        if self.wrong.is_empty() {
            text += "all artifacts are that of an undisturbed training, byte for byte; nothing is left or damaged";
            return text;
        }
        for wrong in &self.wrong {
            text += &format!("wrong: {wrong}\n");
        }
        text.trim_end().to_string()
    }

    fn json(&self, seed: u64, seconds: f64) -> serde_json::Value {
        let stages = self.kills.iter().map(|(stage, kills)| (stage.name().to_string(), json!(kills)));
        json!({
            "passed": self.wrong.is_empty(),
            "kills": self.total(),
            "trainings": self.trainings,
            "stages": stages.collect::<serde_json::Map<_, _>>(),
            "half_written": self.half_written,
            "wrong": self.wrong,
            "seed": seed,
            "seconds": seconds,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kills_have_spoilt_is_said() {
        let mut findings = Findings { trainings: 3, half_written: 1, ..Findings::default() };
        findings.kills.extend([(Stage::Reading, 2), (Stage::Writing, 5)]);
        let text = findings.text(61.4);
        assert!(text.starts_with("7 kills over 3 trainings in 61 s\n     2 while reading"), "{text}");
        assert!(text.ends_with("nothing is left or damaged"), "{text}");
        assert_eq!(findings.json(4, 1.0)["passed"], true);
        findings.wrong.push("killed in float: the artifact is another".to_string());
        assert!(findings.text(1.0).ends_with("wrong: killed in float: the artifact is another"));
        let json = findings.json(4, 1.0);
        assert_eq!((&json["passed"], &json["kills"], &json["seed"]), (&json!(false), &json!(7), &json!(4)));
    }
}
