//! A phase of training: float training, or training with fake quantisation (QAT).

use super::images::Images;
use super::model::Model;
use super::part::Part;
use crate::settings::{OptimiserKind, Scheme, Training};
use crate::task::{Fit, Rules, Task};

/// One phase of training.
pub struct Phase<'a> {
    /// The rules of the task: its loss, and what an answer is.
    pub rules: &'static dyn Rules,
    /// The task.
    pub task: Task,
    /// What it knows of all targets.
    pub fit: &'a Fit,
    /// The settings.
    pub settings: &'a Training,
    /// How weights are scaled.
    pub scheme: Scheme,
    /// Whether weights and activations are on their grids.
    pub quantised: bool,
    /// Nodes on which the loss does not depend, by name: they keep what they have.
    pub aside: Vec<&'a str>,
    /// The inputs that are varied.
    pub varied: Vec<usize>,
    /// Images to learn from.
    pub train: &'a Images<'a>,
    /// Images on which the best epoch is chosen.
    pub validation: &'a Images<'a>,
    /// The network whose outputs are learned beside the targets: in QAT the float network, if at all.
    pub teacher: Option<Model<'a>>,
}

impl Phase<'_> {
    /// Epochs of this phase.
    pub fn epochs(&self) -> usize {
        let settings = self.settings;
        if self.quantised { settings.quantised_epochs as usize } else { settings.epochs(false) as usize }
    }

    /// Its name, as messages and metrics have it.
    pub fn name(&self) -> &'static str {
        if self.quantised { "quantised" } else { "float" }
    }

    /// Its optimiser: QAT always has Adam, as in the paper; the bounds are on scales of their own.
    pub fn optimiser(&self) -> OptimiserKind {
        if self.quantised { OptimiserKind::Adam } else { self.settings.optimiser }
    }

    /// L2 penalty of the parameter of this name; `None` if this phase does not train it.
    pub fn decay(&self, name: &str, frozen: bool) -> Option<f64> {
        let settings = self.settings;
        let part = Part::of(name)?;
        if self.aside.iter().any(|node| part.name(node) == name) {
            return None;
        }
        match part {
            Part::Mean | Part::Variance | Part::Constant | Part::WeightZero => None,
            Part::Weight if self.quantised => Some(settings.quantised_weight_decay),
            Part::Weight => Some(settings.weight_decay),
            Part::High | Part::Low => self.quantised.then_some(settings.activation_decay),
            Part::WeightStep => self.quantised.then_some(0.0),
            // The paper's.
            Part::WeightLow | Part::WeightHigh => self.quantised.then_some(5e-4),
            Part::Gamma | Part::Beta => {
                // Where they are folded they are part of weights and bias, which never freeze.
                let trained = !frozen || self.scheme == Scheme::PerLayerFolded;
                trained.then_some(0.0)
            }
            Part::Bias | Part::Slope => Some(0.0),
        }
    }

    /// Whether batch norm is frozen in this epoch: from the start where its running statistics are part of
    /// the weights.
    pub fn frozen(&self, epoch: usize) -> bool {
        let share = self.settings.freeze_batch_norm;
        let folded = self.scheme == Scheme::PerLayerFolded;
        self.quantised && (folded || epoch as f64 >= share * self.epochs() as f64)
    }

    /// The learning rate at a position in epochs: a cosine, with a linear start over the first epoch; halved
    /// as often as the training diverged.
    pub fn rate(&self, position: f64, halvings: u32) -> f64 {
        let highest =
            if self.quantised { self.settings.quantised_learning_rate } else { self.settings.learning_rate };
        let share = position / self.epochs() as f64;
        let cosine = 0.5 * (1.0 + (std::f64::consts::PI * share).cos());
        highest * (position + 0.05).min(1.0) * cosine * 0.5f64.powi(halvings as i32)
    }

    /// The number of an epoch over both phases, so that each epoch draws batches of its own.
    pub fn position(&self, epoch: usize) -> usize {
        epoch + if self.quantised { self.settings.epochs(false) as usize } else { 0 }
    }
}
