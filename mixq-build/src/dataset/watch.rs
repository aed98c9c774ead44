//! How a reader tells where it stands.

/// Who wants to know how a dataset is read.
pub trait Watch {
    /// `done` of `total` files of a folder, or bytes of an archive, are read.
    fn read(&mut self, done: u64, total: u64);
    /// Something that does not keep the dataset from being used.
    fn warn(&mut self, message: &str);
}

/// Nobody.
impl Watch for () {
    fn read(&mut self, _: u64, _: u64) {}
    fn warn(&mut self, _: &str) {}
}

/// Passes everything on and keeps what was warned of.
pub(super) struct Noting<'a> {
    /// Who is told.
    pub watch: &'a mut dyn Watch,
    /// All warnings so far.
    pub warnings: Vec<String>,
}

impl Watch for Noting<'_> {
    fn read(&mut self, done: u64, total: u64) {
        self.watch.read(done, total);
    }

    fn warn(&mut self, message: &str) {
        self.warnings.push(message.to_string());
        self.watch.warn(message);
    }
}
