//! What a network is trained for, and all that depends on it.
//!
//! Dataset, training, evaluation and report do not know what the outputs of a network mean: they ask the
//! [`Rules`] of the model's task. A new task is a file here that implements them, a line in [`rules()`], and
//! the variant of [`Task`] that both are named by.

pub mod classify;
mod rules;
mod targets;

pub use mixq_format::Task;
pub use rules::{
    Column, Columns, DatasetRules, LastLayer, NetworkRules, Part, Rules, ScoreRules, TrainingRules, Wrong,
};
pub use targets::Targets;

/// The rules of a task.
pub fn rules(task: Task) -> &'static dyn Rules {
    match task {
        Task::Classification => &classify::Classification,
    }
}
