//! Networks with an output before those of the classes, as TensorFlow's have: no image is of it.

use crate::config::DatasetConfig;
use crate::error::Problem;
use crate::task::{Targets, Task};

/// What that output means.
const LABEL: &str = "background";

/// The number of outputs that images can be of.
///
/// # Errors
/// `background` in the dataset's table is for other networks.
pub fn classes(config: &DatasetConfig, outputs: usize) -> Result<usize, Problem> {
    if !config.background {
        return Ok(outputs);
    }
    if config.task == Task::Classification && outputs > 2 {
        return Ok(outputs - 1);
    }
    let message = match config.task {
        Task::Classification => format!("`background` leaves {} of the network's outputs", outputs - 1),
        task => format!("`background` is of classifications, and `task` is {:?}", task.name()),
    };
    let help = "leave it out of the dataset's table, or give the network an output for each class";
    Err(Problem::new(message).help(help))
}

/// Classes as outputs: those after the first.
pub fn shifted(config: &DatasetConfig, classes: &mut Targets) {
    if config.background {
        // There are fewer classes than numbers of 16 bits: the network has one more output.
        *classes = classes.labels().into_iter().map(|class| class + 1).collect();
    }
}

/// Labels of outputs, from those of classes.
pub fn labels(config: &DatasetConfig, classes: Vec<String>) -> Vec<String> {
    if !config.background {
        return classes;
    }
    // Numbers are those of the classes, whatever comes before.
    std::iter::once(LABEL.to_string()).chain(classes).collect()
}
