//! Progress bars of a model that is made.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use indicatif::{ProgressBar, ProgressStyle};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use super::reading::Reading;
use mixq_build::engine::observer::{Epoch, Observer};
use mixq_build::engine::task::rules;

/// What signals have asked for.
struct Stop {
    /// The last signal; 0: none.
    signal: Arc<AtomicUsize>,
    /// Whether the next one ends the program at once: there is nothing to save, or one was there already.
    at_once: Arc<AtomicBool>,
}

static STOP: LazyLock<Stop> =
    LazyLock::new(|| Stop { signal: Arc::default(), at_once: Arc::new(AtomicBool::new(true)) });

/// The first Ctrl-C or SIGTERM asks a training to save and stop, a second one stops at once; so does the
/// first where nothing is trained.
pub fn save_on_signals() {
    for signal in [SIGINT, SIGTERM] {
        // In this order: the program ends if the flag was set before. Without a handler the signal still ends
        // it, and what was saved after the last epoch is there.
        let _ = flag::register_conditional_shutdown(signal, 128 + signal, STOP.at_once.clone())
            .and_then(|_| flag::register_usize(signal, STOP.signal.clone(), signal as usize))
            .and_then(|_| flag::register(signal, STOP.at_once.clone()));
    }
}

/// The exit code of a program that a signal has stopped, as shells have it.
pub fn stopped() -> Option<u8> {
    let signal = STOP.signal.load(Ordering::SeqCst);
    (signal != 0).then(|| 128 + signal as u8)
}

/// One bar for the dataset and one for each phase, on stderr. If stderr is not a terminal, these are lines:
/// one for every tenth of a phase.
pub struct Bars {
    model: String,
    reading: Reading,
    warnings: Vec<String>,
    phase: &'static str,
    bar: ProgressBar,
    accuracy: f64,
    /// Whether there is something to save.
    begun: Cell<bool>,
    /// Whether another process shows what this one would.
    quiet: bool,
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
            begun: Cell::new(false),
            quiet: false,
        }
    }

    /// Shows nothing any more: another process does.
    #[cfg(feature = "distributed")]
    pub fn hide(&mut self) {
        self.quiet = true;
    }

    /// Leaves the last bar as it is, since all is saved; all warnings that were shown.
    pub fn finish(self) -> Vec<String> {
        self.bar.abandon();
        STOP.at_once.store(true, Ordering::SeqCst);
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
        let shown = |score: f64| rules(epoch.task).shown(score);
        let accuracy = if self.accuracy.is_nan() { "-".to_string() } else { shown(self.accuracy) };
        let (epochs, loss, speed) = (epoch.epochs, epoch.loss, epoch.images_per_second);
        format!("{running}/{epochs}, loss {loss:.4}, validation {accuracy}, {speed:.0} images/s")
    }
}

impl Observer for Bars {
    fn warn(&mut self, message: &str) {
        if self.quiet {
            return;
        }
        let Bars { model, reading, bar, .. } = self;
        bar.suspend(|| reading.warn(&format!("model `{model}`: {message}")));
        self.warnings.push(message.to_string());
    }

    fn read(&mut self, done: u64, total: u64) {
        if !self.quiet {
            self.reading.read(done, total);
        }
    }

    fn batch(&mut self, epoch: &Epoch) {
        if self.quiet {
            return;
        }
        self.enter(epoch);
        self.bar.set_position((epoch.epoch * epoch.batches + epoch.batch) as u64);
        self.bar.set_message(self.message(epoch, epoch.epoch + 1));
    }

    fn epoch(&mut self, epoch: &Epoch) {
        if self.quiet {
            return;
        }
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
        let stopped = stopped().is_some();
        if !self.begun.replace(true) {
            STOP.at_once.store(stopped, Ordering::SeqCst);
        }
        if stopped && !self.quiet {
            self.bar.suspend(|| eprintln!("saving; press Ctrl-C again to stop at once"));
        }
        stopped
    }
}
