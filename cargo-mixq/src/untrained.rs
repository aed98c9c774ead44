//! What `cargo mixq retrain` shows where nothing is trained.

use super::reading::Reading;
use mixq_build::engine::observer::Observer;

/// A dataset is read, and that is all that takes time: signals end the program.
pub fn save_on_signals() {}

/// How the dataset is read, and the warnings.
pub struct Bars {
    reading: Reading,
    warnings: Vec<String>,
}

impl Bars {
    /// Of a model.
    pub fn new(_: &str) -> Bars {
        Bars { reading: Reading::new(), warnings: Vec::new() }
    }

    /// All warnings.
    pub fn finish(self) -> Vec<String> {
        self.warnings
    }
}

impl Observer for Bars {
    fn warn(&mut self, message: &str) {
        self.reading.warn(message);
        self.warnings.push(message.to_string());
    }

    fn read(&mut self, done: u64, total: u64) {
        self.reading.read(done, total);
    }
}
