//! Observers are told how a dataset is read, how a training goes, and what looks wrong.

use mixq_format::Task;

/// The progress of a training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Epoch {
    /// "float" or "quantised".
    pub phase: &'static str,
    /// Epochs done.
    pub epoch: usize,
    /// Epochs of the phase.
    pub epochs: usize,
    /// Batches of the epoch done.
    pub batch: usize,
    /// Batches of an epoch.
    pub batches: usize,
    /// Mean loss of the epoch so far.
    pub loss: f64,
    /// The learning rate now.
    pub learning_rate: f64,
    /// Images learned from in a second, in the whole phase so far.
    pub images_per_second: f64,
    /// Score on the validation part, at most 1, at the end of an epoch.
    pub accuracy: Option<f64>,
    /// What is trained for: its rules say what the score is called and how it is shown.
    pub task: Task,
    /// Threads that compute.
    pub threads: u32,
    /// The kind of processor that computes.
    pub cpu: &'static str,
}

/// The cost of a phase of training; of an interrupted one, all its parts together.
#[derive(Clone, Debug, PartialEq)]
pub struct Effort {
    /// Seconds of learning, without the time for reading images, validation and checkpoints.
    pub seconds: f64,
    /// Images learned from in a second.
    pub images_per_second: f64,
    /// Threads that computed.
    pub threads: u32,
    /// The kind of processor where it began.
    pub cpu: String,
    /// Of several processes: the seconds in which this one, since it began or went on, waited for the others
    /// and exchanged with them.
    pub exchange_seconds: f64,
}

/// An observer of how a model is made, from its dataset to its artifact.
///
/// Progress may be ignored. Warnings may not: an implementation decides where the user reads them.
pub trait Observer {
    /// A warning of one or more sentences: a dataset or a network can be used, but something looks like a
    /// mistake.
    fn warn(&mut self, message: &str);
    /// `done` of `total` files of a folder, or bytes of an archive, are read.
    fn read(&mut self, _done: u64, _total: u64) {}
    /// A batch is done.
    fn batch(&mut self, _epoch: &Epoch) {}
    /// An epoch is done.
    fn epoch(&mut self, _epoch: &Epoch) {}
    /// Whether the training should save all and stop; asked before each batch.
    fn interrupted(&self) -> bool {
        false
    }
}

/// Ignores all: for tests, and for warnings that the user has already read.
impl Observer for () {
    fn warn(&mut self, _: &str) {}
}
