//! How a reader tells where it stands.

pub use crate::observer::Observer as Watch;

/// Passes everything on and keeps what was warned of.
pub(super) struct Noting<'a> {
    /// Who is told.
    pub watch: &'a mut dyn Watch,
    /// All warnings so far.
    pub warnings: Vec<String>,
}

impl Watch for Noting<'_> {
    fn warn(&mut self, message: &str) {
        self.warnings.push(message.to_string());
        self.watch.warn(message);
    }

    fn read(&mut self, done: u64, total: u64) {
        self.watch.read(done, total);
    }
}
