//! Everything that a phase of training needs to go on.

use std::collections::BTreeMap;

use tch::Tensor;

use super::device::Machine;
use super::optimiser::Optimiser;
use crate::settings::OptimiserKind;

/// Parameters by name.
pub type Parameters = BTreeMap<String, Tensor>;

/// Where a phase stands.
pub struct State {
    /// The parameters now.
    pub parameters: Parameters,
    /// Their running average, if there is one: it is what is evaluated and kept.
    pub average: Option<Parameters>,
    /// The optimiser.
    pub optimiser: Optimiser,
    /// Epochs that are done.
    pub epoch: usize,
    /// Batches of the next epoch that are done.
    pub batch: usize,
    /// Their losses together.
    pub loss_sum: f64,
    /// How often the learning rate was halved, because the loss became infinite.
    pub halvings: u32,
    /// Images that were learned from, for their number in a second.
    pub images: u64,
    /// Seconds that this took.
    pub seconds: f64,
    /// Where it began, and with how many threads: it goes on with as many.
    pub machine: Machine,
    /// The best epoch so far.
    pub best: Option<Best>,
}

/// The best epoch of a phase, on the validation part.
pub struct Best {
    /// Share of right answers, 0 to 1.
    pub accuracy: f64,
    /// Mean cross-entropy.
    pub loss: f64,
    /// The parameters after that epoch.
    pub parameters: Parameters,
}

impl State {
    /// Before the first epoch.
    pub fn new(parameters: Parameters, averaged: bool, kind: OptimiserKind, machine: Machine) -> State {
        State {
            average: averaged.then(|| copies(&parameters)),
            parameters,
            optimiser: Optimiser::new(kind),
            epoch: 0,
            batch: 0,
            loss_sum: 0.0,
            halvings: 0,
            images: 0,
            seconds: 0.0,
            machine,
            best: None,
        }
    }

    /// What is evaluated and kept.
    pub fn result(&self) -> &Parameters {
        self.average.as_ref().unwrap_or(&self.parameters)
    }

    /// Images learned from in a second.
    pub fn images_per_second(&self) -> f64 {
        self.images as f64 / self.seconds.max(1e-9)
    }

    /// Leaves out what only a training needs that goes on.
    pub fn finish(&mut self) {
        self.parameters.clear();
        self.average = None;
        self.optimiser.moments.clear();
    }
}

impl Clone for State {
    /// Shares no memory.
    fn clone(&self) -> State {
        let moments = self.optimiser.moments.iter();
        let moments =
            moments.map(|(name, moments)| (name.clone(), moments.iter().map(Tensor::copy).collect()));
        let best = |best: &Best| Best { parameters: copies(&best.parameters), ..*best };
        State {
            parameters: copies(&self.parameters),
            average: self.average.as_ref().map(copies),
            optimiser: Optimiser {
                kind: self.optimiser.kind,
                steps: self.optimiser.steps,
                moments: moments.collect(),
            },
            machine: self.machine.clone(),
            best: self.best.as_ref().map(best),
            ..*self
        }
    }
}

/// Copies that share no memory and are cut off from training.
pub fn copies(parameters: &Parameters) -> Parameters {
    parameters.iter().map(|(name, tensor)| (name.clone(), tensor.detach().copy())).collect()
}
