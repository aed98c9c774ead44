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
use mixq_build::retrain::{Retrained, retrain};
use mixq_build::train::{Epoch, Progress, Task, pace};
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
    let (path, scratch) = (package.artifact(), scratch(package));
    let Retrained { artifact, effort } =
        retrain(&prepared, &path, &scratch, force, || (), progress, &mut ())?;
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
            let dataset =
                Dataset::load(&config.models[0].dataset, graph.input, graph.classes(), &mut ()).unwrap();
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
            forget(&package);
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
    let [float] = &checkpoints(&package, "float")[..] else { panic!("one float training") };
    let [quantised] = &checkpoints(&package, "quantised")[..] else { panic!("one QAT") };
    for (checkpoint, again) in [(float, (2, 0)), (quantised, (0, 2))] {
        let good = std::fs::read(checkpoint).unwrap();
        for bad in [&b"no checkpoint"[..], &good[..good.len() / 2], &good[..good.len() - 1], b""] {
            std::fs::write(checkpoint, bad).unwrap();
            std::fs::remove_file(package.artifact()).unwrap();
            let mut counter = Counter::default();
            train_with(&package, false, &mut counter).unwrap();
            assert_eq!((counter.float, counter.quantised), again, "{} bytes", bad.len());
            assert!(bytes(&package) == expected);
        }
    }
}

/// A checkpoint under this network's name, but from another network.
#[test]
fn a_checkpoint_of_another_network_is_not_used() {
    let package = digits("per-channel", SHORT);
    train(&package);
    let expected = bytes(&package);
    let other = digits("per-channel", SHORT);
    other.replace("net.toml", "filters = 12", "filters = 20");
    train(&other);
    for phase in ["float", "quantised"] {
        let (own, foreign) = (&checkpoints(&package, phase)[0], &checkpoints(&other, phase)[0]);
        std::fs::copy(foreign, own).unwrap();
    }
    std::fs::remove_file(package.artifact()).unwrap();
    let mut counter = Counter::default();
    train_with(&package, false, &mut counter).unwrap();
    assert_eq!((counter.float, counter.quantised), (2, 2));
    assert!(bytes(&package) == expected);
}

/// The float network does not depend on the budget; with thresholds instead of multipliers nothing is trained at all.
#[test]
fn what_another_model_has_trained_is_not_trained_again() {
    let package = digits("per-channel", SHORT);
    package.replace("Cargo.toml", "scheme =", "policy = \"uniform-4\"\nscheme =");
    BUDGET.iter().for_each(|(budget, tight)| package.replace("Cargo.toml", tight, budget));
    let count = |package: &Package, force: bool| {
        let mut counter = Counter::default();
        train_with(package, force, &mut counter).unwrap();
        (counter.float, counter.quantised)
    };
    assert_eq!(count(&package, false), (2, 2));
    package.replace("Cargo.toml", "\"per-channel\"", "\"per-channel-thresholds\"");
    assert_eq!(count(&package, false), (0, 0), "thresholds");
    package.replace("Cargo.toml", "\"per-channel-thresholds\"", "\"per-layer-folded\"");
    assert_eq!(count(&package, false), (0, 2), "another scheme");
    package.replace("Cargo.toml", "uniform-4", "rules");
    assert_eq!(count(&package, false), (0, 2), "other bits");
    package.replace("Cargo.toml", "48 KiB", "47 KiB");
    assert_eq!(count(&package, false), (0, 0), "another budget, the same bits");
    assert_eq!(count(&package, true), (2, 2), "force");
    package.replace("Cargo.toml", "epochs = 2, q", "epochs = 1, q");
    assert_eq!(count(&package, false), (1, 2), "another float training");
}

#[test]
fn the_pace_is_told_of_every_turn() {
    let package = digits("per-channel", SHORT);
    let config = package.config();
    let prepared = Prepared::new(&config.models[0]).unwrap();
    let (graph, allocation) = (&prepared.graph, prepared.allocate().unwrap());
    let model = &config.models[0];
    let dataset = Dataset::load(&model.dataset, graph.input, graph.classes(), &mut ()).unwrap();
    let task = Task {
        graph,
        allocation: &allocation,
        choose: None,
        scheme: model.scheme,
        settings: &model.training,
        dataset: &dataset,
    };
    let paces = pace(task, 2).unwrap();
    assert_eq!(paces.len(), 2);
    assert!(paces.iter().all(|pace| pace.float > 1.0 && pace.quantised > 1.0), "{paces:?}");
}

/// Post-training quantisation: what is trained is the float network alone.
#[test]
fn no_quantised_epochs_take_bounds_from_data_alone() {
    let settings = "epochs = 12, quantised-epochs = 0, batch = 16, learning-rate = 0.005";
    for scheme in ["per-layer", "per-layer-folded", "per-channel"] {
        let package = digits(scheme, settings);
        // So that no width is one that only training makes up for.
        package.replace("Cargo.toml", "scheme =", "policy = \"uniform-8\"\nscheme =");
        BUDGET.iter().for_each(|(budget, tight)| package.replace("Cargo.toml", tight, budget));
        let mut counter = Counter::default();
        let (artifact, _) = train_with(&package, false, &mut counter).unwrap();
        let accuracy = artifact.header.accuracy;
        assert_eq!((counter.float, counter.quantised), (12, 0));
        assert!(accuracy.float > 0.6 && (accuracy.float - accuracy.fake_quant).abs() < 0.05, "{accuracy:?}");
        assert!((accuracy.float_validation - accuracy.fake_quant_validation).abs() < 0.05, "{accuracy:?}");
        assert!((accuracy.fake_quant - accuracy.integer).abs() < 0.035, "{accuracy:?}");
        assert!(checkpoints(&package, "quantised").is_empty(), "there is nothing to go on from");
        let expected = bytes(&package);
        std::fs::remove_file(package.artifact()).unwrap();
        train_with(&package, false, &mut counter).unwrap();
        assert_eq!((counter.float, bytes(&package) == expected), (12, true));
    }
}

/// The float network of another scheme is taken over, but not its bounds.
#[test]
fn the_scheme_that_trained_the_float_network_does_not_matter() {
    for (first, second) in [("per-layer-folded", "per-channel"), ("per-channel", "per-layer")] {
        let package = digits(second, SHORT);
        train(&package);
        let expected = bytes(&package);
        forget(&package);
        package.replace("Cargo.toml", &format!("{second:?}"), &format!("{first:?}"));
        train(&package);
        package.replace("Cargo.toml", &format!("{first:?}"), &format!("{second:?}"));
        let mut counter = Counter::default();
        train_with(&package, false, &mut counter).unwrap();
        assert_eq!((counter.float, counter.quantised), (0, 2));
        assert!(bytes(&package) == expected, "{second} after {first}");
    }
}

/// Stops after so many batches, as Ctrl-C does.
struct Stop(usize);

impl Progress for Stop {
    fn batch(&mut self, _: &Epoch) {
        self.0 -= 1;
    }

    fn epoch(&mut self, _: &Epoch) {}

    fn interrupted(&self) -> bool {
        self.0 == 0
    }
}

#[test]
fn an_interrupted_training_goes_on_in_the_middle_of_its_epoch() {
    let package = digits("per-channel", &format!("{SHORT}, average = 0.9, optimiser = \"sgd\""));
    train(&package);
    let expected = bytes(&package);
    // Three batches an epoch, four epochs.
    for batches in [1, 3, 5, 7, 11] {
        forget(&package);
        let error = train_with(&package, false, &mut Stop(batches)).unwrap_err().to_string();
        let phase = if batches < 6 { "float" } else { "quantised" };
        let epoch = batches % 6 / 3 + 1;
        assert!(error.contains(&format!("interrupted in {phase} epoch {epoch} of 2")), "{error}");
        // What is left is the other batches.
        let mut rest = Killer { epochs: 9, batches: 12 - batches };
        train_with(&package, false, &mut rest).unwrap();
        assert_eq!(rest.batches, 0);
        assert!(bytes(&package) == expected, "{batches}");
    }
}

#[test]
fn the_course_of_a_training_stands_in_json_lines() {
    let package = digits("per-channel", SHORT);
    train(&package);
    let text = std::fs::read_to_string(scratch(&package).join("tiny-metrics.jsonl")).unwrap();
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let phase = |line: &serde_json::Value| {
        (line["phase"].as_str().unwrap().to_string(), line["epoch"].as_u64().unwrap())
    };
    let phases: Vec<_> = lines.iter().map(phase).collect();
    let expected = [("float", 1), ("float", 2), ("quantised", 1), ("quantised", 2)];
    assert_eq!(phases, expected.map(|(phase, epoch)| (phase.to_string(), epoch)));
    for line in lines {
        for key in ["loss", "validation_accuracy", "learning_rate", "images_per_second"] {
            assert!(line[key].as_f64().unwrap() >= 0.0, "{key} of {line}");
        }
    }
}

#[test]
fn cuda_that_is_not_there_is_an_error() {
    let package = digits("per-channel", &format!("{SHORT}, device = \"cuda\""));
    match train_with(&package, false, &mut ()) {
        Ok(_) => println!("not tested: there is a GPU"),
        Err(error) => {
            let error = error.to_string();
            assert!(error.contains("`device` is \"cuda\", but this libtorch has no CUDA"), "{error}");
            assert!(error.contains("device = \"auto\""), "{error}");
        }
    }
}

/// Counts how often the float phase starts again, and keeps the rates after its first batch.
#[derive(Default)]
struct Restarts {
    last: usize,
    count: usize,
    rates: Vec<f64>,
}

impl Progress for Restarts {
    fn batch(&mut self, epoch: &Epoch) {
        self.count += usize::from(epoch.batch <= self.last);
        self.last = epoch.batch;
        if epoch.batch == 1 {
            self.rates.push(epoch.learning_rate);
        }
    }

    fn epoch(&mut self, _: &Epoch) {}
}

#[test]
fn a_loss_that_is_no_number_halves_the_rate_once() {
    let package = digits("per-channel", "epochs = 2, quantised-epochs = 1, learning-rate = 1e30");
    let mut restarts = Restarts::default();
    let error = train_with(&package, false, &mut restarts).unwrap_err().to_string();
    assert_eq!(restarts.count, 1, "{error}");
    let [first, second] = &restarts.rates[..] else { panic!("two attempts: {:?}", restarts.rates) };
    assert_eq!(first / 2.0, *second);
}

#[test]
fn a_training_that_diverges_says_where_and_keeps_what_was_there() {
    let package = digits("per-channel", "epochs = 2, quantised-epochs = 2, quantised-learning-rate = 1e30");
    std::fs::create_dir(package.artifact().parent().unwrap()).unwrap();
    std::fs::write(package.artifact(), b"old").unwrap();
    let error = train_with(&package, false, &mut ()).unwrap_err().to_string();
    println!("{error}");
    let start = "model `tiny`: training diverged, again at half of the learning rate: the loss is ";
    let rest = error.strip_prefix(start).unwrap_or_else(|| panic!("{error}"));
    assert!(rest.starts_with("NaN") || rest.starts_with("inf"), "{error}");
    assert!(rest.contains(" in quantised epoch 1 of 2, batch 2; no epoch was finished"), "{error}");
    assert!(error.ends_with("; lower `quantised-learning-rate`"), "{error}");
    assert_eq!(std::fs::read(package.artifact()).unwrap(), b"old");
    assert_eq!(checkpoints(&package, "float").len(), 1, "the float training is kept");
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
                let (mut begun, nobody) = (Begun(Some(begun)), || panic!("nobody else"));
                retrain(prepared, path, folder, force, nobody, &mut begun, &mut ()).unwrap()
            });
            let second = scope.spawn(move || {
                begins.recv().expect("the first one trains");
                let mut waited = 0;
                let mut none = Killer { epochs: 0, batches: 0 };
                let result = retrain(prepared, path, folder, force, || waited += 1, &mut none, &mut ());
                (result.unwrap(), waited)
            });
            (first.join().unwrap(), second.join().unwrap())
        });
        assert_eq!((first.effort.is_some(), second.effort.is_some(), waited), (true, false, 1));
        assert_eq!(first.artifact, second.artifact);
    }
}

#[test]
fn what_cannot_be_trained_is_an_error_in_words() {
    let package = digits("per-channel", SHORT);
    std::fs::write(scratch(&package), b"a file in the folder's place").unwrap();
    let error = train_with(&package, false, &mut ()).unwrap_err().to_string();
    assert!(error.contains("cannot write ") && error.contains("scratch"), "{error}");
    assert!(!package.artifact().exists());

    std::fs::remove_file(scratch(&package)).unwrap();
    train(&package);
    std::fs::remove_file(package.artifact()).unwrap();
    let checkpoint = &checkpoints(&package, "quantised")[0];
    std::fs::remove_file(checkpoint).unwrap();
    std::fs::create_dir(checkpoint).unwrap();
    let error = train_with(&package, false, &mut ()).unwrap_err().to_string();
    assert!(error.contains("cannot write the checkpoint ") && error.contains("quantised-"), "{error}");
    assert!(!package.artifact().exists());
    std::fs::remove_file(package.path("images.csv")).unwrap();
    let error = train_with(&package, false, &mut ()).unwrap_err().to_string();
    assert!(error.contains("Cargo.toml:") && error.contains("there is no dataset at "), "{error}");
}
