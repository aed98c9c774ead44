//! An observer that also remembers the warnings.

use crate::observer::Observer;

/// Passes everything on to another observer and keeps the warnings, which are stored with decoded images.
pub(super) struct Noting<'a> {
    /// The other observer.
    pub observer: &'a mut dyn Observer,
    /// All warnings so far, in order.
    pub warnings: Vec<String>,
}

impl Observer for Noting<'_> {
    fn warn(&mut self, message: &str) {
        self.warnings.push(message.to_string());
        self.observer.warn(message);
    }

    fn read(&mut self, done: u64, total: u64) {
        self.observer.read(done, total);
    }
}
