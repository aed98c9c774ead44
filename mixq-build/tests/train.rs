//! Trainings from the images to the artifact, with libtorch: small, but whole.
#![cfg(feature = "train")]

#[cfg(all(unix, feature = "cli"))]
#[path = "train/command.rs"]
mod command;
mod common;
#[path = "train/diverged.rs"]
mod diverged;
#[path = "train/mistakes.rs"]
mod mistakes;
#[path = "train/results.rs"]
mod results;
#[path = "train/resumed.rs"]
mod resumed;

use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;

use common::package::Package;
use mixq_build::artifact::{self, Lock, State};
use mixq_build::config::Config;
use mixq_build::dataset::{Dataset, digest};
use mixq_build::error::Error;
use mixq_build::observer::{Epoch, Observer};
use mixq_build::prepare::Prepared;
use mixq_build::retrain::{Retrained, retrain};
use mixq_build::train::{Job, pace};
use mixq_build::{evaluate, report};
use mixq_format::{Artifact, Bits};

/// A residual addition, pools of both kinds, a depthwise layer.
const NETWORK: &str = r#"
input = [8, 8, 1]
layer = [
    { op = "conv", filters = 12, kernel = 3 },
    { op = "max_pool", kernel = 2 },
    { op = "depthwise", kernel = 3 },
    { op = "pointwise", name = "a", filters = 16, activation = "none" },
    { op = "conv", name = "b", filters = 16, kernel = 3, activation = "none" },
    { op = "add", inputs = ["a", "b"], activation = "relu" },
    { op = "average_pool", kernel = 2 },
    { op = "linear", features = 10 },
]
"#;

/// Every width occurs at these budgets.
const BUDGET: [(&str, &str); 2] = [("48 KiB", "2600 B"), ("6 KiB", "400 B")];

/// Two epochs of each phase.
const SHORT: &str = "epochs = 2, quantised-epochs = 2, batch = 128";

/// A package with 500 of the handwritten digits, the last 100 of them to measure with.
fn digits(scheme: &str, training: &str) -> Package {
    let package = Package::new();
    package.write("net.toml", NETWORK);
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/digits/data/digits.csv.gz");
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(all).unwrap()).read_to_string(&mut text).unwrap();
    // The digits of a writer stand together: every third, so that the parts have writers in common.
    let some = text.lines().step_by(3).take(500).map(|line| format!("{line}\n"));
    package.write("images.csv", &some.collect::<String>());
    package.replace("Cargo.toml", "test = 4", "test = 100");
    BUDGET.iter().for_each(|(from, to)| package.replace("Cargo.toml", from, to));
    package.replace("Cargo.toml", "\"per-channel\"", &format!("{scheme:?}"));
    package.replace("Cargo.toml", "training = {}", &format!("training = {{ {training} }}"));
    package
}

fn scratch(package: &Package) -> PathBuf {
    package.path("scratch")
}

fn train_with(
    package: &Package,
    force: bool,
    observer: &mut dyn Observer,
) -> Result<(Artifact, bool), Error> {
    let config: Config = package.config();
    let prepared = Prepared::new(&config.models[0])?;
    let (path, scratch) = (package.artifact(), scratch(package));
    let Retrained { artifact, effort } = retrain(&prepared, &path, &scratch, force, || (), observer)?;
    Ok((artifact, effort.is_some()))
}

fn train(package: &Package) -> Artifact {
    let (artifact, trained) = train_with(package, true, &mut ()).unwrap_or_else(|error| panic!("{error}"));
    assert!(trained);
    artifact
}

fn bytes(package: &Package) -> Vec<u8> {
    std::fs::read(package.artifact()).unwrap()
}

/// The checkpoints of one phase.
fn checkpoints(package: &Package, phase: &str) -> Vec<PathBuf> {
    let files = std::fs::read_dir(scratch(package)).unwrap().map(|entry| entry.unwrap().path());
    let of_phase = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        name.starts_with(phase) && name.ends_with(".checkpoint")
    };
    files.filter(of_phase).collect()
}

/// Nothing is left that a training could go on from.
fn forget(package: &Package) {
    let _ = std::fs::remove_dir_all(scratch(package));
    let _ = std::fs::remove_file(package.artifact());
}

/// Counts the epochs of each phase.
#[derive(Default)]
struct Counter {
    float: usize,
    quantised: usize,
}

impl Observer for Counter {
    fn warn(&mut self, _: &str) {}

    fn epoch(&mut self, epoch: &Epoch) {
        match epoch.phase {
            "float" => self.float += 1,
            "quantised" => self.quantised += 1,
            other => panic!("no phase is called {other}"),
        }
        assert!(epoch.epoch >= 1 && epoch.epoch <= epoch.epochs && epoch.accuracy.is_some());
    }
}
