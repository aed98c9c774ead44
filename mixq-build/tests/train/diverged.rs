//! Trainings whose loss is not a number.

use super::*;

/// Counts how often the float phase starts again, and keeps the rates after its first batch.
#[derive(Default)]
struct Restarts {
    last: usize,
    count: usize,
    rates: Vec<f64>,
}

impl Observer for Restarts {
    fn warn(&mut self, _: &str) {}

    fn batch(&mut self, epoch: &Epoch) {
        self.count += usize::from(epoch.batch <= self.last);
        self.last = epoch.batch;
        if epoch.batch == 1 {
            self.rates.push(epoch.learning_rate);
        }
    }
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
