//! Trainings that are stopped and go on, and those that need not begin.

use super::*;

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

/// Counts epochs, and keeps what was warned of.
#[derive(Default)]
struct Heard {
    counter: Counter,
    warnings: Vec<String>,
}

impl Observer for Heard {
    fn epoch(&mut self, epoch: &Epoch) {
        self.counter.epoch(epoch);
    }

    fn warn(&mut self, message: &str) {
        self.warnings.push(message.to_string());
    }
}

/// Trains again; the epochs of either phase that this took, and what was warned of but for the poor accuracy
/// of so short a training.
fn train_again(package: &Package) -> ((usize, usize), Vec<String>) {
    let _ = std::fs::remove_file(package.artifact());
    let mut heard = Heard::default();
    train_with(package, false, &mut heard).unwrap();
    heard.warnings.retain(|warning| !warning.contains("is not clearly better than always answering"));
    ((heard.counter.float, heard.counter.quantised), heard.warnings)
}

/// Whatever is wrong with a checkpoint, its phase is trained anew, and one line that names the file says why.
#[test]
fn a_damaged_checkpoint_is_started_over() {
    let package = digits("per-channel", SHORT);
    train(&package);
    let expected = bytes(&package);
    let [float] = &checkpoints(&package, "float")[..] else { panic!("one float training") };
    let [quantised] = &checkpoints(&package, "quantised")[..] else { panic!("one QAT") };
    for (checkpoint, phase, again) in [(float, "float", (2, 0)), (quantised, "quantised", (0, 2))] {
        let good = std::fs::read(checkpoint).unwrap();
        let flipped = |byte: usize| {
            let mut other = good.clone();
            other[byte] ^= 1 << (byte % 8);
            other
        };
        // In the first line, in the numbers, in the first and in the last value of the tensors.
        let values = good.windows(2).position(|pair| pair == b"}\n").unwrap() + 2;
        let mut damaged = [3, 90, 150, values + 2, good.len() / 2, good.len() - 1].map(flipped).to_vec();
        damaged.extend([0, good.len() / 2, good.len() - 1].map(|length| good[..length].to_vec()));
        damaged.push(b"no checkpoint".to_vec());
        let old = String::from_utf8_lossy(&good[..20]).replace("checkpoint 2", "checkpoint 1");
        damaged.push([old.as_bytes(), &good[20..]].concat());
        for bad in damaged {
            std::fs::write(checkpoint, &bad).unwrap();
            let (trained, warnings) = train_again(&package);
            assert_eq!(trained, again, "{} bytes of {}", bad.len(), good.len());
            let [warning] = &warnings[..] else { panic!("one warning: {warnings:?}") };
            let name = checkpoint.display();
            assert!(warning.starts_with(&format!("the checkpoint {name} is not used: it is ")), "{warning}");
            assert!(warning.ends_with(&format!("; the {phase} training starts over")), "{warning}");
            assert!(!warning.contains('\n'), "{warning}");
            assert!(bytes(&package) == expected);
        }
        assert_eq!(train_again(&package), ((0, 0), Vec::new()), "the checkpoint is whole again");
    }
}

/// A checkpoint under this network's name, but from another network, or from another training of the same
/// network.
#[test]
fn a_checkpoint_of_another_training_is_not_used() {
    let package = digits("per-channel", SHORT);
    train(&package);
    let expected = bytes(&package);
    let other_network = digits("per-channel", SHORT);
    other_network.replace("net.toml", "filters = 12", "filters = 20");
    let other_seed = digits("per-channel", &format!("{SHORT}, seed = 2"));
    for other in [other_network, other_seed] {
        train(&other);
        for phase in ["float", "quantised"] {
            let (own, foreign) = (&checkpoints(&package, phase)[0], &checkpoints(&other, phase)[0]);
            std::fs::copy(foreign, own).unwrap();
        }
        let (trained, warnings) = train_again(&package);
        assert_eq!(trained, (2, 2));
        assert_eq!(warnings.len(), 2, "{warnings:?}");
        assert!(warnings.iter().all(|warning| warning.contains("it is of another training")), "{warnings:?}");
        assert!(bytes(&package) == expected);
    }
}

/// The float network does not depend on the budget; with thresholds instead of multipliers nothing is trained
/// at all.
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

/// Stops after this number of batches, as Ctrl-C does.
struct Stop(usize);

impl Observer for Stop {
    fn warn(&mut self, _: &str) {}

    fn batch(&mut self, _: &Epoch) {
        self.0 -= 1;
    }

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

impl Observer for Begun {
    fn warn(&mut self, _: &str) {}

    fn batch(&mut self, _: &Epoch) {
        if let Some(begun) = self.0.take() {
            begun.send(()).unwrap();
        }
    }
}

#[test]
fn two_at_once_train_once() {
    for force in [false, true] {
        let package = digits("per-channel", SHORT);
        let (begun, begins) = std::sync::mpsc::channel();
        let config = package.config();
        let prepared = Prepared::new(&config.models[0], None).unwrap();
        let (path, folder) = (&package.artifact(), &scratch(&package));
        let prepared = &prepared;
        let (first, (second, waited)) = std::thread::scope(|scope| {
            let first = scope.spawn(move || {
                let (mut begun, nobody) = (Begun(Some(begun)), || panic!("nobody else"));
                retrain(prepared, path, folder, force, nobody, &mut begun).unwrap()
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
        assert_eq!((first.effort.is_some(), second.effort.is_some(), waited), (true, false, 1));
        assert_eq!(first.artifact, second.artifact);
    }
}

/// The data are those that were read, not those that were there before the wait.
#[test]
fn data_that_change_while_another_one_trains_are_those_that_count() {
    let package = digits("per-channel", SHORT);
    let config = package.config();
    let prepared = Prepared::new(&config.models[0], None).unwrap();
    let data = &config.models[0].dataset.path;
    let (path, folder) = (package.artifact(), scratch(&package));
    let before = prepared.fingerprint["dataset"].clone();
    let other = Lock::acquire(&path, || panic!("nobody else")).unwrap();
    let trained = std::thread::scope(|scope| {
        let (waits, waited) = std::sync::mpsc::channel();
        let (prepared, path, folder) = (&prepared, &path, &folder);
        let second = scope.spawn(move || {
            let waiting = || waits.send(()).unwrap();
            retrain(prepared, path, folder, false, waiting, &mut ()).unwrap()
        });
        waited.recv().unwrap();
        let text = std::fs::read_to_string(data).unwrap();
        let (first, rest) = text.split_once('\n').unwrap();
        std::fs::write(data, format!("{rest}{first}\n")).unwrap();
        drop(other);
        second.join().unwrap()
    });
    let after = digest(data, None).unwrap();
    assert_ne!(before, after);
    assert_eq!(trained.artifact.header.fingerprint["dataset"], after);
    let config = package.config();
    let now = Prepared::new(&config.models[0], None).unwrap();
    assert_eq!(now.state(&path).unwrap(), State::Fresh(Box::new(trained.artifact)));
}
