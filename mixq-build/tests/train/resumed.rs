//! Trainings that are stopped and go on.

use super::*;

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
    let low_bits = "weight-steps = \"learned\", freeze-oscillations = 0.005, batch-norm-images = 100";
    let settings = [("average = 0.9, optimiser = \"sgd\"", 8), (low_bits, 2)];
    for (settings, bits) in settings {
        let package = digits("per-channel", &format!("{SHORT}, {settings}"));
        if bits == 2 {
            package.replace("Cargo.toml", "training = ", "policy = \"uniform-2\"\ntraining = ");
        }
        goes_on_in_the_middle_of_an_epoch(&package);
    }
}

fn goes_on_in_the_middle_of_an_epoch(package: &Package) {
    train(package);
    let expected = bytes(package);
    // Three batches an epoch, four epochs.
    for batches in [1, 3, 5, 7, 11] {
        forget(package);
        let error = train_with(package, false, &mut Stop(batches)).unwrap_err().to_string();
        let phase = if batches < 6 { "float" } else { "quantised" };
        let epoch = batches % 6 / 3 + 1;
        assert!(error.contains(&format!("interrupted in {phase} epoch {epoch} of 2")), "{error}");
        // What is left is the other batches.
        let mut rest = Killer { epochs: 9, batches: 12 - batches };
        train_with(package, false, &mut rest).unwrap();
        assert_eq!(rest.batches, 0);
        assert!(bytes(package) == expected, "{batches}");
    }
}
