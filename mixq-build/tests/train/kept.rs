//! Trainings that need not begin: another model, or another process, has trained the same.

use super::*;

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
    let ranges = "equalise = true, calibration-images = 99, epochs = 2, q";
    package.replace("Cargo.toml", "epochs = 2, q", ranges);
    assert_eq!(count(&package, false), (0, 2), "other ranges");
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
