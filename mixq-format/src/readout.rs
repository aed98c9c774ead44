//! How the integers that a network writes are read, and how good they are in detail.

use serde::{Deserialize, Serialize};

use crate::Task;

/// How outputs are read. What a task does not need is empty.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Readout {
    /// The quantity that each output stands for, of a regression.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub units: Vec<Unit>,
    /// How good the integer network is on the test part, beyond the one score.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub figures: Option<Figures>,
}

/// The quantity that an output stands for: `scale * output + offset`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unit {
    /// What one unit of the output is worth, over 0.
    pub scale: f64,
    /// The quantity for which the output is 0.
    pub offset: f64,
}

impl Unit {
    /// The quantity that an output stands for.
    pub fn real(&self, output: f64) -> f64 {
        self.scale * output + self.offset
    }
}

/// How good a network is on some images, by task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Figures {
    /// Of a regression, by output.
    Regression(Vec<ValueFigures>),
}

/// How good an output of a regression is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValueFigures {
    /// The coefficient of determination R^2: 1 minus the squared error over that of the targets' mean.
    pub r2: f64,
    /// Mean absolute error, in units of the targets.
    pub mean_absolute_error: f64,
    /// The least target.
    pub least: f64,
    /// The largest target.
    pub largest: f64,
}

impl Readout {
    /// Whether nothing is to be said.
    pub fn is_empty(&self) -> bool {
        *self == Readout::default()
    }

    /// What is wrong with it for a network of this task and number of outputs.
    pub(crate) fn check(&self, task: Task, outputs: usize) -> Result<(), String> {
        let units = match task {
            Task::Classification => 0,
            Task::Regression => outputs,
        };
        if self.units.len() != units {
            return Err(format!(
                "it has units of {} outputs, a {} of {outputs} outputs has {units}",
                self.units.len(),
                task.name()
            ));
        }
        let is_wrong = |unit: &Unit| !(unit.scale.is_finite() && unit.scale > 0.0 && unit.offset.is_finite());
        match self.units.iter().position(is_wrong) {
            Some(output) => Err(format!("the unit of output {output} is not a positive number")),
            None => Ok(()),
        }
    }
}
