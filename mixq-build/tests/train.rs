//! Trainings from the images to the artifact, with libtorch: small, but whole.
#![cfg(feature = "train")]

mod common;

use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;

use common::package::Package;
use mixq_build::artifact::{self, State};
use mixq_build::config::Config;
use mixq_build::dataset::Dataset;
use mixq_build::error::Error;
use mixq_build::prepare::Prepared;
use mixq_build::retrain::retrain;
use mixq_build::train::{Epoch, Progress};
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
    progress: &mut dyn Progress,
) -> Result<(Artifact, bool), Error> {
    let config: Config = package.config();
    let prepared = Prepared::new(&config.models[0])?;
    retrain(&prepared, &package.artifact(), &scratch(package), force, || (), progress)
}

fn train(package: &Package) -> Artifact {
    let (artifact, trained) = train_with(package, true, &mut ()).unwrap_or_else(|error| panic!("{error}"));
    assert!(trained);
    artifact
}

/// The file, which must be all that the training leaves behind.
fn bytes(package: &Package) -> Vec<u8> {
    assert_eq!(std::fs::read_dir(scratch(package)).unwrap().count(), 0, "the checkpoint is removed");
    std::fs::read(package.artifact()).unwrap()
}

#[test]
fn the_integer_network_is_as_good_as_the_fake_quantised_one() {
    for scheme in ["per-layer", "per-channel"] {
        for rounding in ["nearest", "floor"] {
            let training = format!(
                "epochs = 12, quantised-epochs = 6, batch = 16, learning-rate = 0.005, rounding = {rounding:?}"
            );
            let package = digits(scheme, &training);
            let artifact = train(&package);
            let accuracy = artifact.header.accuracy;
            println!("{scheme} {rounding}: {accuracy:?}");
            assert_eq!(accuracy.test_images, 100);
            assert!(accuracy.float > 0.6 && accuracy.fake_quant > 0.5, "it learns: {accuracy:?}");
            assert!((accuracy.fake_quant - accuracy.integer).abs() < 0.035, "{accuracy:?}");

            let config = package.config();
            let prepared = Prepared::new(&config.models[0]).unwrap();
            let (graph, allocation) = (&prepared.graph, prepared.allocate().unwrap());
            assert_eq!(artifact.flash_bytes() as u64, allocation.flash);
            assert_eq!(artifact.ram_bytes() as u64, allocation.ram);
            let widths = allocation.activations.iter().chain(allocation.weights.iter().flatten());
            let narrow = widths.filter(|bits| matches!(bits, Bits::B2 | Bits::B4)).count();
            assert!(narrow >= 3, "the budgets cut: {allocation:?}");
            let dataset = Dataset::load(&config.models[0].dataset, graph.input, graph.classes()).unwrap();
            let logits = evaluate::logits(&artifact, &dataset.test);
            assert_eq!(evaluate::accuracy(&logits, &dataset.test), accuracy.integer);
            assert_eq!(report::Report::new(&artifact).integer_accuracy, accuracy.integer);
            let state = artifact::state(&package.artifact(), &prepared.fingerprint).unwrap();
            assert_eq!(state, State::Fresh(Box::new(artifact)));
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let package = digits("per-layer", SHORT);
    train(&package);
    let first = bytes(&package);
    train(&package);
    assert!(bytes(&package) == first);
    let other = digits("per-layer", &format!("{SHORT}, seed = 2"));
    assert_ne!(train(&other).parameters, Artifact::from_bytes(&first).unwrap().parameters);
}

/// What the float network minds least is cut, within the budgets; the kernels agree with fake quantisation there, too.
#[test]
fn bits_by_sensitivity() {
    let package =
        digits("per-channel", "epochs = 12, quantised-epochs = 6, batch = 16, learning-rate = 0.005");
    package.replace("Cargo.toml", "scheme =", "policy = \"sensitivity\"\nscheme =");
    let artifact = train(&package);
    let config = package.config();
    assert!(artifact.flash_bytes() as u64 <= config.models[0].flash);
    assert!(artifact.ram_bytes() as u64 <= config.models[0].ram);
    let report = report::Report::new(&artifact);
    let widths = report.weight_bits.iter().chain(&report.activation_bits);
    assert!(widths.filter(|bits| **bits < 8).count() >= 3, "the budgets cut: {report:?}");
    let accuracy = artifact.header.accuracy;
    println!("{accuracy:?} {:?} {:?}", report.weight_bits, report.activation_bits);
    assert!(
        accuracy.fake_quant > 0.5 && (accuracy.fake_quant - accuracy.integer).abs() < 0.035,
        "{accuracy:?}"
    );
}

/// Ends the training, as a killed process does, after so many calls.
struct Killer {
    epochs: usize,
    batches: usize,
}

impl Progress for Killer {
    fn batch(&mut self, _: &Epoch) {
        self.batches = self.batches.checked_sub(1).expect("killed in a batch");
    }

    fn epoch(&mut self, _: &Epoch) {
        self.epochs = self.epochs.checked_sub(1).expect("killed in an epoch");
    }
}

/// Counts the epochs of each phase.
#[derive(Default)]
struct Counter {
    float: usize,
    quantised: usize,
}

impl Progress for Counter {
    fn batch(&mut self, _: &Epoch) {}

    fn epoch(&mut self, epoch: &Epoch) {
        match epoch.phase {
            "float" => self.float += 1,
            "quantised" => self.quantised += 1,
            other => panic!("no phase is called {other}"),
        }
        assert!(epoch.epoch >= 1 && epoch.epoch <= epoch.epochs && epoch.accuracy.is_some());
    }
}

#[test]
fn a_killed_training_goes_on_to_the_same_bytes() {
    for (scheme, policy) in [("per-layer", "rules"), ("per-channel", "sensitivity")] {
        let package = digits(scheme, &format!("{SHORT}, average = 0.9, flip = true, rotation = 10"));
        package.replace("Cargo.toml", "training = ", &format!("policy = {policy:?}\ntraining = "));
        train(&package);
        let expected = bytes(&package);
        // 400 images, 60 of them for validation: three batches an epoch, four epochs.
        let killers = [(0, 99), (1, 99), (2, 99), (3, 99), (9, 4), (9, 8), (9, 11)];
        for (epochs, batches) in killers {
            std::fs::remove_file(package.artifact()).unwrap();
            let mut killer = Killer { epochs, batches };
            let killed = catch_unwind(AssertUnwindSafe(|| train_with(&package, false, &mut killer)));
            assert!(killed.is_err() && !package.artifact().exists());
            let mut counter = Counter::default();
            let (_, trained) = train_with(&package, false, &mut counter).unwrap();
            // An epoch is kept once it has been reported.
            let done = epochs.min(batches / 3);
            let left = (2usize.saturating_sub(done), 4 - done.max(2));
            assert_eq!(
                (trained, counter.float, counter.quantised),
                (true, left.0, left.1),
                "{epochs} {batches}"
            );
            assert!(bytes(&package) == expected, "{epochs} {batches}");
        }
    }
}

#[test]
fn a_checkpoint_that_cannot_be_read_is_started_over() {
    let package = digits("per-channel", SHORT);
    train(&package);
    let expected = bytes(&package);
    let mut killer = Killer { epochs: 3, batches: 99 };
    assert!(catch_unwind(AssertUnwindSafe(|| train_with(&package, true, &mut killer))).is_err());
    let files = std::fs::read_dir(scratch(&package)).unwrap();
    let checkpoints: Vec<PathBuf> = files.map(|entry| entry.unwrap().path()).collect();
    let [checkpoint] = &checkpoints[..] else { panic!("{checkpoints:?}") };
    let good = std::fs::read(checkpoint).unwrap();
    for bad in [&b"no checkpoint"[..], &good[..good.len() / 2], &good[..good.len() - 1], b""] {
        std::fs::write(checkpoint, bad).unwrap();
        let mut counter = Counter::default();
        train_with(&package, true, &mut counter).unwrap();
        assert_eq!((counter.float, counter.quantised), (2, 2), "{} bytes", bad.len());
        assert!(bytes(&package) == expected);
    }
}

#[test]
fn a_training_that_diverges_says_where_and_keeps_what_was_there() {
    let package = digits("per-channel", "epochs = 2, quantised-epochs = 2, quantised-learning-rate = 1e30");
    std::fs::create_dir(package.artifact().parent().unwrap()).unwrap();
    std::fs::write(package.artifact(), b"old").unwrap();
    let error = train_with(&package, false, &mut ()).unwrap_err().to_string();
    println!("{error}");
    let start = "model `tiny`: training diverged: the loss is ";
    let rest = error.strip_prefix(start).unwrap_or_else(|| panic!("{error}"));
    assert!(rest.starts_with("NaN") || rest.starts_with("inf"), "{error}");
    assert!(rest.contains(" in quantised epoch 1 of 2, batch 2; no epoch was finished"), "{error}");
    assert!(error.ends_with("; lower `quantised-learning-rate`"), "{error}");
    assert_eq!(std::fs::read(package.artifact()).unwrap(), b"old");
    assert_eq!(std::fs::read_dir(scratch(&package)).unwrap().count(), 1, "the float training is kept");
    // It is there to be used again, and comes to the same end.
    let mut counter = Counter::default();
    assert_eq!(train_with(&package, false, &mut counter).unwrap_err().to_string(), error);
    assert_eq!((counter.float, counter.quantised), (0, 0));

    let package = digits("per-layer", "epochs = 2, quantised-epochs = 2, learning-rate = 1e30");
    let error = train_with(&package, false, &mut ()).unwrap_err().to_string();
    assert!(error.contains(" in float epoch 1 of 2, batch 2; "), "{error}");
    assert!(error.ends_with("; lower `learning-rate`"), "{error}");
    assert!(!package.artifact().exists());
}

#[test]
fn a_fresh_artifact_is_not_trained_again() {
    let package = digits("per-channel", SHORT);
    let first = train(&package);
    let mut killer = Killer { epochs: 0, batches: 0 };
    assert_eq!(train_with(&package, false, &mut killer).unwrap(), (first.clone(), false));
    package.replace("Cargo.toml", "epochs = 2, q", "epochs = 1, q");
    let (second, trained) = train_with(&package, false, &mut ()).unwrap();
    assert!(trained && second.header.fingerprint != first.header.fingerprint);
}

/// Says that this training is in the middle of its work.
struct Begun(Option<Sender<()>>);

impl Progress for Begun {
    fn batch(&mut self, _: &Epoch) {
        if let Some(begun) = self.0.take() {
            begun.send(()).unwrap();
        }
    }

    fn epoch(&mut self, _: &Epoch) {}
}

#[test]
fn two_at_once_train_once() {
    for force in [false, true] {
        let package = digits("per-channel", SHORT);
        let (begun, begins) = std::sync::mpsc::channel();
        let config = package.config();
        let prepared = Prepared::new(&config.models[0]).unwrap();
        let (path, folder) = (&package.artifact(), &scratch(&package));
        let prepared = &prepared;
        let (first, (second, waited)) = std::thread::scope(|scope| {
            let first = scope.spawn(move || {
                let mut begun = Begun(Some(begun));
                retrain(prepared, path, folder, force, || panic!("nobody else"), &mut begun).unwrap()
            });
            let second = scope.spawn(move || {
                begins.recv().expect("the first one trains");
                let mut waited = 0;
                let mut none = Killer { epochs: 0, batches: 0 };
                let result = retrain(prepared, path, folder, force, || waited += 1, &mut none);
                (result.unwrap(), waited)
            });
            (first.join().unwrap(), second.join().unwrap())
        });
        assert_eq!((first.1, second.1, waited), (true, false, 1));
        assert_eq!(first.0, second.0);
    }
}

#[test]
fn what_cannot_be_trained_is_an_error_in_words() {
    let package = digits("per-channel", SHORT);
    std::fs::write(scratch(&package), b"a file in the folder's place").unwrap();
    let error = train_with(&package, false, &mut ()).unwrap_err().to_string();
    assert!(error.contains("cannot write the checkpoint ") && error.contains("scratch"), "{error}");
    assert!(!package.artifact().exists());
    std::fs::remove_file(package.path("images.csv")).unwrap();
    let error = train_with(&package, false, &mut ()).unwrap_err().to_string();
    assert!(error.contains("Cargo.toml:") && error.contains("there is no dataset at "), "{error}");
}
