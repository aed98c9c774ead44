//! Progress bars of a model that is made.

use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::{ProgressBar, ProgressStyle};

use super::reading::Reading;
use crate::observer::{Epoch, Observer};

/// Whether Ctrl-C was pressed.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// The first Ctrl-C asks the training to save and stop, a second one stops at once.
pub fn save_on_ctrl_c() {
    // Without a handler Ctrl-C still ends the program, and what was saved after the last epoch is there.
    let _ = ctrlc::set_handler(|| {
        if INTERRUPTED.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        eprintln!("\nsaving; press Ctrl-C again to stop at once");
    });
}

/// One bar for the dataset and one for each phase, on stderr; nothing where stderr is no terminal but a line
/// every tenth of a phase.
pub struct Bars {
    model: String,
    reading: Reading,
    warnings: Vec<String>,
    phase: &'static str,
    bar: ProgressBar,
    accuracy: f64,
}

impl Bars {
    /// Before the first epoch.
    pub fn new(model: &str) -> Bars {
        Bars {
            model: model.to_string(),
            reading: Reading::new(),
            warnings: Vec::new(),
            phase: "",
            bar: ProgressBar::hidden(),
            accuracy: f64::NAN,
        }
    }

    /// Leaves the last bar as it is; all warnings that were shown.
    pub fn finish(self) -> Vec<String> {
        self.bar.abandon();
        self.warnings
    }

    fn enter(&mut self, epoch: &Epoch) {
        if self.phase == epoch.phase {
            return;
        }
        self.bar.abandon();
        self.phase = epoch.phase;
        self.accuracy = f64::NAN;
        let style = ProgressStyle::with_template("{prefix} {bar:30} epoch {msg}, {eta} left");
        let total = (epoch.epochs * epoch.batches) as u64;
        // Starts where an interrupted training goes on, which must not count as progress.
        let done = (epoch.epoch * epoch.batches) as u64;
        self.bar = ProgressBar::new(total)
            .with_style(style.expect("a valid template"))
            .with_prefix(format!("{} {:<9}", self.model, epoch.phase))
            .with_position(done);
        self.bar.reset_eta();
    }

    fn message(&self, epoch: &Epoch, running: usize) -> String {
        let accuracy =
            if self.accuracy.is_nan() { "-".to_string() } else { format!("{:.2} %", 100.0 * self.accuracy) };
        let (epochs, loss, speed) = (epoch.epochs, epoch.loss, epoch.images_per_second);
        format!("{running}/{epochs}, loss {loss:.4}, validation {accuracy}, {speed:.0} images/s")
    }
}

impl Observer for Bars {
    fn warn(&mut self, message: &str) {
        let Bars { model, reading, bar, .. } = self;
        bar.suspend(|| reading.warn(&format!("model `{model}`: {message}")));
        self.warnings.push(message.to_string());
    }

    fn read(&mut self, done: u64, total: u64) {
        self.reading.read(done, total);
    }

    fn batch(&mut self, epoch: &Epoch) {
        self.enter(epoch);
        self.bar.set_position((epoch.epoch * epoch.batches + epoch.batch) as u64);
        self.bar.set_message(self.message(epoch, epoch.epoch + 1));
    }

    fn epoch(&mut self, epoch: &Epoch) {
        self.enter(epoch);
        self.accuracy = epoch.accuracy.unwrap_or(f64::NAN);
        let message = self.message(epoch, epoch.epoch);
        self.bar.set_message(message.clone());
        let tenth = epoch.epochs.div_ceil(10);
        if self.bar.is_hidden() && (epoch.epoch.is_multiple_of(tenth) || epoch.epoch == epoch.epochs) {
            eprintln!("{} {} epoch {message}", self.model, epoch.phase);
        }
    }

    fn interrupted(&self) -> bool {
        INTERRUPTED.load(Ordering::Relaxed)
    }
}
