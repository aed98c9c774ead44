//! The state of a phase of training: all that it needs to go on.

use std::collections::BTreeMap;

use tch::Tensor;

use super::device::Machine;
use super::group::Group;
use super::optimiser::Optimiser;
use super::oscillations::Oscillations;
use crate::observer::Effort;
use crate::settings::OptimiserKind;

/// Parameters by name.
pub type Parameters = BTreeMap<String, Tensor>;

/// The state of a phase.
pub struct State {
    /// The parameters now.
    pub parameters: Parameters,
    /// Their running average, if the settings ask for one: it is evaluated and kept instead of them.
    pub average: Option<Parameters>,
    /// The optimiser.
    pub optimiser: Optimiser,
    /// How the codes of weights change, by the names of the weights; none, where that is not watched.
    pub oscillations: BTreeMap<String, Oscillations>,
    /// Epochs that are done.
    pub epoch: usize,
    /// Batches of the next epoch that are done.
    pub batch: usize,
    /// The sum of the losses of these batches.
    pub loss_sum: f64,
    /// The number of times that the learning rate was halved, because the loss was not finite.
    pub halvings: u32,
    /// Images that were learned from, in all epochs.
    pub images: u64,
    /// Seconds of learning from them.
    pub seconds: f64,
    /// The machine where it began; it goes on with the same number of threads.
    pub machine: Machine,
    /// The best epoch so far.
    pub best: Option<Best>,
}

/// The best epoch of a phase, on the validation part.
pub struct Best {
    /// Score on the validation part, 0 to 1.
    pub accuracy: f64,
    /// Mean loss on the validation part.
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
            oscillations: BTreeMap::new(),
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

    /// The parameters that are evaluated and kept.
    pub fn result(&self) -> &Parameters {
        self.average.as_ref().unwrap_or(&self.parameters)
    }

    /// Images learned from in a second.
    pub fn images_per_second(&self) -> f64 {
        self.images as f64 / self.seconds.max(1e-9)
    }

    /// What it cost. The time of exchanges with other processes is taken from the group.
    pub fn effort(&self, group: &mut Group) -> Effort {
        let Machine { threads, cpu } = self.machine.clone();
        Effort {
            seconds: self.seconds,
            images_per_second: self.images_per_second(),
            threads,
            cpu,
            exchange_seconds: group.take_seconds(),
        }
    }

    /// Drops what a finished phase does not need.
    pub fn finish(&mut self) {
        self.parameters.clear();
        self.average = None;
        self.optimiser.moments.clear();
        self.oscillations.clear();
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
            oscillations: self
                .oscillations
                .iter()
                .map(|(name, oscillations)| (name.clone(), oscillations.copy()))
                .collect(),
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
