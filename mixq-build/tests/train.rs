//! Trainings from the images to the artifact, with libtorch: small, but whole.
#![cfg(feature = "train")]

#[path = "train/combinations.rs"]
mod combinations;
#[path = "train/diverged.rs"]
mod diverged;
#[path = "train/fixed.rs"]
mod fixed;
#[path = "train/functions.rs"]
mod functions;
#[path = "train/imported.rs"]
mod imported;
#[path = "train/kept.rs"]
mod kept;
#[path = "train/mistakes.rs"]
mod mistakes;
#[path = "train/on_device.rs"]
mod on_device;
#[path = "train/post.rs"]
mod post;
#[path = "train/results.rs"]
mod results;
#[path = "train/resumed.rs"]
mod resumed;
#[path = "train/unlabelled.rs"]
mod unlabelled;
#[path = "train/unlabelled_tasks.rs"]
mod unlabelled_tasks;
#[path = "train/weights.rs"]
mod weights;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::Sender;

use mixq_build::engine::artifact::{Lock, State};
use mixq_build::engine::config::Config;
use mixq_build::engine::dataset::{Dataset, digest};
use mixq_build::engine::error::Error;
use mixq_build::engine::observer::{Epoch, Observer};
use mixq_build::engine::pipeline::{Retrained, retrain};
use mixq_build::engine::prepare::Prepared;
use mixq_build::engine::train::{Job, pace};
use mixq_build::engine::{artifact, evaluate, report};
use mixq_format::{Artifact, Bits};
use mixq_tests::digits::{BUDGET, SHORT, digits};
use mixq_tests::package::Package;

fn scratch(package: &Package) -> PathBuf {
    package.path("scratch")
}

fn train_with(
    package: &Package,
    force: bool,
    observer: &mut dyn Observer,
) -> Result<(Artifact, bool), Error> {
    let config: Config = package.config();
    let prepared = Prepared::new(&config.models[0], None)?;
    let (path, scratch) = (package.artifact(), scratch(package));
    let Retrained { artifact, effort, .. } = retrain(&prepared, &path, &scratch, force, || (), observer)?;
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

/// Ends the training, as a killed process does, after this number of calls.
struct Killer {
    epochs: usize,
    batches: usize,
}

impl Observer for Killer {
    fn warn(&mut self, _: &str) {}

    fn batch(&mut self, _: &Epoch) {
        self.batches = self.batches.checked_sub(1).expect("killed in a batch");
    }

    fn epoch(&mut self, _: &Epoch) {
        self.epochs = self.epochs.checked_sub(1).expect("killed in an epoch");
    }
}
