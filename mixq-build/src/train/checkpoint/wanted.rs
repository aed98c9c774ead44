//! What a phase requires of a checkpoint, and whether its tensors are that.

use std::collections::BTreeMap;

use tch::{Device, Tensor};

use super::super::optimiser::Optimiser;
use super::super::oscillations::Oscillations;
use super::super::part::{Part, is_bound};
use super::super::state::Parameters;
use crate::settings::OptimiserKind;

/// What a phase requires of a checkpoint.
pub struct Wanted<'a> {
    /// The phase's optimiser.
    pub optimiser: OptimiserKind,
    /// The phase's epochs.
    pub epochs: usize,
    /// Whether the phase keeps a running average.
    pub averaged: bool,
    /// Whether the phase follows how codes of weights change.
    pub oscillations: bool,
    /// The network's tensors: names and shapes.
    pub tensors: &'a Parameters,
    /// Whether quantisers' bounds must be among them. A float state has none, or those of another scheme:
    /// they are not trained.
    pub bounds: bool,
    /// The device that computes.
    pub device: Device,
}

impl Wanted<'_> {
    /// Checks that tensors are those of the network.
    pub fn check(&self, found: &Parameters) -> Result<(), String> {
        for (name, tensor) in found {
            let own = self.tensors.get(name).map(Tensor::size);
            if own.is_none() && !self.bounds && is_bound(name) {
                continue;
            }
            let own = own.ok_or_else(|| format!("the network has no `{name}`"))?;
            if own != tensor.size() {
                return Err(format!("`{name}` has shape {:?}, and the network has {own:?}", tensor.size()));
            }
        }
        let missing = |name: &&String| !found.contains_key(*name) && (self.bounds || !is_bound(name));
        match self.tensors.keys().find(missing) {
            Some(name) => Err(format!("the network's `{name}` is not there")),
            None => Ok(()),
        }
    }

    /// The optimiser's moments by parameter. After the first step all weights have moments.
    pub fn moments(
        &self,
        groups: [Parameters; 2],
        parameters: &Parameters,
        steps: i64,
    ) -> Result<BTreeMap<String, Vec<Tensor>>, String> {
        let mut moments: BTreeMap<String, Vec<Tensor>> = BTreeMap::new();
        for (name, moment) in groups.into_iter().flatten() {
            if parameters.get(&name).map(Tensor::size) != Some(moment.size()) {
                return Err(format!("moments of `{name}` are of another shape"));
            }
            moments.entry(name).or_default().push(moment);
        }
        let count = Optimiser::moments_of(self.optimiser);
        let mut weights = parameters.keys().filter(|name| Part::of(name) == Some(Part::Weight));
        let none = steps > 0 && weights.any(|name| !moments.contains_key(name));
        if none || moments.values().any(|moments| moments.len() != count) {
            return Err("some moments of its optimiser are not there".to_string());
        }
        Ok(moments)
    }

    /// How codes of weights change, by the names of the weights. After the first step all that are followed
    /// are there; a finished phase has none.
    pub fn oscillations(
        &self,
        groups: [Parameters; 4],
        parameters: &Parameters,
        steps: i64,
    ) -> Result<BTreeMap<String, Oscillations>, String> {
        let mut found: BTreeMap<String, Vec<Tensor>> = BTreeMap::new();
        for (name, tensor) in groups.into_iter().flatten() {
            if parameters.get(&name).map(Tensor::size) != Some(tensor.size()) {
                return Err(format!("codes of `{name}` are of another shape"));
            }
            found.entry(name).or_default().push(tensor);
        }
        let is_due = self.oscillations && steps > 0 && !parameters.is_empty();
        let whole = found.into_iter().map(|(name, tensors)| Some((name, Oscillations::of(tensors)?)));
        let whole = whole.collect::<Option<BTreeMap<_, _>>>().filter(|found| found.is_empty() != is_due);
        whole.ok_or_else(|| "some codes of its weights are not there".to_string())
    }
}
