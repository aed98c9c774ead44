//! Each task from the data to the device: trained, converted, measured, compiled, executed in QEMU.
#![cfg(feature = "train")]

#[path = "tasks/classification.rs"]
mod classification;
#[path = "tasks/dense.rs"]
mod dense;
#[path = "tasks/ends.rs"]
mod ends;
#[path = "tasks/functions.rs"]
mod functions;
#[path = "tasks/inputs.rs"]
mod inputs;
#[path = "tasks/layouts.rs"]
mod layouts;
#[path = "tasks/messages.rs"]
mod messages;
#[path = "tasks/motions.rs"]
mod motions;
#[path = "tasks/multi_label.rs"]
mod multi_label;
#[path = "tasks/reconstruction.rs"]
mod reconstruction;
#[path = "tasks/regression.rs"]
mod regression;

use std::fmt::Write;
use std::path::Path;

use fastrand::Rng;
use mixq_build::engine::dataset::Dataset;
use mixq_build::engine::evaluate;
use mixq_build::engine::pipeline::retrain;
use mixq_build::engine::prepare::Prepared;
use mixq_build::engine::report::Report;
use mixq_build::engine::target::Placed;
use mixq_format::Artifact;
use mixq_tests::firmware::{self, Board, Options, Part};
use mixq_tests::package::Package;

/// What a training came to.
struct Trained {
    artifact: Artifact,
    dataset: Dataset,
    /// The logits of the test images.
    logits: Vec<i32>,
    /// What was warned of.
    warnings: Vec<String>,
}

/// Keeps warnings.
struct Warnings(Vec<String>);

impl mixq_build::engine::observer::Observer for Warnings {
    fn warn(&mut self, warning: &str) {
        self.0.push(warning.to_string());
    }
}

/// A package with this network, these rows and this task; `dataset` are further keys of the dataset's table.
fn package(task: &str, network: &str, rows: &str, dataset: &str, training: &str) -> Package {
    let package = Package::new();
    package.write("net.toml", network);
    package.write("images.csv", rows);
    package.replace(
        "Cargo.toml",
        "network = \"net.toml\"",
        &format!("network = \"net.toml\"\ntask = {task:?}"),
    );
    package.replace("Cargo.toml", ", test = 4", dataset);
    package.replace("Cargo.toml", "training = {}", &format!("training = {{ {training} }}"));
    package
}

fn train(package: &Package) -> Trained {
    let config = package.config();
    let prepared = Prepared::new(&config.models[0], None).unwrap_or_else(|error| panic!("{error}"));
    let mut warnings = Warnings(Vec::new());
    let made = retrain(&prepared, &package.artifact(), &package.path("scratch"), true, || (), &mut warnings);
    let artifact = made.unwrap_or_else(|error| panic!("{error}")).artifact;
    let graph = &prepared.graph;
    let dataset = Dataset::load(&config.models[0].dataset, &graph.inputs, graph.output(), &mut ()).unwrap();
    let logits = evaluate::logits(&artifact, &dataset.test).unwrap();
    // What is written is read again, and fresh.
    assert_eq!(Artifact::from_bytes(&artifact.to_bytes()).as_ref(), Ok(&artifact));
    assert!(prepared.reason(&prepared.state(&package.artifact()).unwrap()).is_none());
    Trained { artifact, dataset, logits, warnings: warnings.0 }
}

/// What errors a package's data have, as a person reads them.
fn refused(package: &Package) -> String {
    let config = package.config();
    let prepared = Prepared::new(&config.models[0], None).unwrap_or_else(|error| panic!("{error}"));
    let (graph, dataset) = (&prepared.graph, &config.models[0].dataset);
    let error = Dataset::load(dataset, &graph.inputs, graph.output(), &mut ()).unwrap_err();
    error.to_string()
}

/// The first test images as firmware takes them: the bytes of all inputs, one after the other.
fn bytes(trained: &Trained, images: usize) -> Vec<Vec<u8>> {
    let packed = |index| trained.artifact.header.packed(trained.dataset.test.image(index));
    (0..images).map(|index| packed(index).into_iter().flat_map(|(_, bytes)| bytes).collect()).collect()
}

/// What the firmware of a network prints for the first test images, a line for each.
fn on_device(name: &str, trained: &Trained, images: usize) -> Vec<String> {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let folder = scratch.join(format!("task-{name}"));
    let images = bytes(trained, images);
    firmware::write_models(&folder, std::slice::from_ref(&trained.artifact), |_| images.clone());
    let options = Options {
        target: "thumbv7em-none-eabihf",
        board: Board::Stm32f405,
        part: Part::Tasks,
        opt_level: "3",
    };
    let printed = firmware::run(options.board, &firmware::build(&folder, &options, scratch), &[]);
    let model = format!("{}: ", trained.artifact.header.name);
    let lines = printed.lines().map(|line| line.strip_prefix(&model).expect("the model's name").to_string());
    let lines: Vec<String> = lines.collect();
    assert_eq!(lines.len(), images.len());
    lines
}

/// The report of an artifact.
fn report(artifact: &Artifact) -> Report {
    Report::new(&Placed::least(artifact))
}

/// Integers as the firmware lists them.
fn list<T: ToString>(values: impl IntoIterator<Item = T>) -> String {
    values.into_iter().map(|value| value.to_string()).collect::<Vec<_>>().join(",")
}

/// 8x8 pixels with a round spot at a place, as CSV with a comma at the end.
fn spot(rng: &mut Rng, [x, y]: [f64; 2], brightness: f64) -> String {
    let mut text = String::new();
    for pixel in 0..64 {
        let (dx, dy) = (f64::from(pixel % 8) - x, f64::from(pixel / 8) - y);
        let light = brightness * (-(dx * dx + dy * dy) / 4.0).exp() + 4.0 * rng.f64();
        let _ = write!(text, "{},", light.clamp(0.0, 255.0) as u8);
    }
    text
}
