//! What a network is trained for, and all that depends on it.
//!
//! Dataset, training, evaluation and report do not know what the outputs of a network mean: they ask the
//! [`Rules`] of the model's task. A new task is a folder here that implements them, a line in [`rules()`],
//! and the variant of [`Task`] that both are named by.

pub mod classify;
pub mod dense;
mod fit;
mod last_layer;
pub mod multilabel;
mod numbers;
mod ranking;
pub mod reconstruct;
pub mod regress;
mod rules;
mod targets;
mod values;
mod vectors;

pub use fit::{End, Fit, Made};
pub use last_layer::LastLayer;
pub use mixq_format::Task;
#[cfg(feature = "train")]
pub use rules::Batch;
pub use rules::{
    Column, Columns, DatasetRules, NetworkRules, Outputs, Part, Places, Rules, ScoreRules, TrainingRules,
    Wrong,
};
pub use targets::{Mask, Targets};

/// The rules of a task.
pub fn rules(task: Task) -> &'static dyn Rules {
    match task {
        Task::Classification => &classify::Classification,
        Task::Dense => &dense::Dense,
        Task::MultiLabel => &multilabel::MultiLabel,
        Task::Reconstruction => &reconstruct::Reconstruction,
        Task::Regression => &regress::Regression,
    }
}
