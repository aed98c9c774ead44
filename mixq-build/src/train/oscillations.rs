//! Oscillations: weights whose codes go back and forth between two values, and their freezing (arXiv
//! 2203.11086).
//!
//! A weight near the edge between two codes is pushed over it by one step and back by another. Such weights
//! never settle, and the statistics of batch norm follow them.

use tch::{Kind, Tensor};

use super::model::Model;
use super::part::Part;
use super::phase::Phase;
use super::quantise::weight_codes;
use super::state::State;

/// The share of each step in the running means.
const SHARE: f64 = 0.02;

/// By how much the limit is higher when QAT begins.
const START: f64 = 4.0;

/// How the codes of a tensor of weights have changed.
pub struct Oscillations {
    /// The codes after the last step, without their zero point.
    pub codes: Tensor,
    /// The sign of each one's last change; 0: it never changed.
    pub change: Tensor,
    /// Running mean of how often it turned round: 1 where a step changed it in the other direction than the
    /// change before.
    pub turns: Tensor,
    /// Running mean of the codes.
    pub mean: Tensor,
}

impl Oscillations {
    /// Before the first step.
    pub fn new(codes: &Tensor) -> Oscillations {
        let [change, turns] = [codes.zeros_like(), codes.zeros_like()];
        Oscillations { codes: codes.copy(), change, turns, mean: codes.copy() }
    }

    /// Shares no memory.
    pub fn copy(&self) -> Oscillations {
        let [codes, change, turns, mean] =
            [&self.codes, &self.change, &self.turns, &self.mean].map(Tensor::copy);
        Oscillations { codes, change, turns, mean }
    }

    /// All of them, in the order of [`Oscillations::of`].
    pub fn tensors(&self) -> [&Tensor; 4] {
        [&self.codes, &self.change, &self.turns, &self.mean]
    }

    /// Of what [`Oscillations::tensors`] gave, if it is whole.
    pub fn of(tensors: Vec<Tensor>) -> Option<Oscillations> {
        let [codes, change, turns, mean] = tensors.try_into().ok()?;
        Some(Oscillations { codes, change, turns, mean })
    }

    /// Takes note of the codes after a step. Where weights are frozen, nothing changes.
    pub fn follow(&mut self, codes: &Tensor, frozen: &Tensor) {
        let change = (codes - &self.codes).sign();
        // Opposite signs: neither is 0.
        let turned = (&change * &self.change).lt(0.0).to_kind(Kind::Float);
        let turns = &self.turns + (turned - &self.turns) * SHARE;
        self.turns = self.turns.where_self(frozen, &turns);
        let mean = &self.mean + (codes - &self.mean) * SHARE;
        self.mean = self.mean.where_self(frozen, &mean);
        self.change = self.change.where_self(&change.eq(0.0), &change);
        self.codes = codes.copy();
    }

    /// Which weights turned round more often than in this share of steps.
    pub fn above(&self, limit: f64) -> Tensor {
        self.turns.gt(limit)
    }
}

impl Phase<'_> {
    /// Whether it watches how codes of weights change.
    pub fn follows_oscillations(&self) -> bool {
        self.quantised && self.settings.freeze_oscillations > 0.0
    }

    /// The share of steps that freezes a weight: it falls over QAT, by a cosine, to that of the settings.
    fn oscillation_limit(&self, position: f64) -> f64 {
        let share = position / self.epochs() as f64;
        let cosine = 0.5 * (1.0 + (std::f64::consts::PI * share).cos());
        self.settings.freeze_oscillations * (1.0 + (START - 1.0) * cosine)
    }

    /// Follows the codes of all weights after a step, and gives those that oscillate too often the code that
    /// they have on average, for good.
    pub fn freeze_oscillations(&self, model: &mut Model<'_>, state: &mut State, position: f64) {
        if !self.follows_oscillations() {
            return;
        }
        let limit = self.oscillation_limit(position);
        tch::no_grad(|| {
            for node in 0..model.graph.nodes.len() {
                if !model.graph.nodes[node].op.accumulates() {
                    continue;
                }
                let Some(mut weight) = model.get(node, Part::Weight).map(Tensor::shallow_clone) else {
                    continue;
                };
                let real = model.real_weight(node);
                let grids = model.grids_of(node, &real);
                let codes = weight_codes(&real, &grids, model.weight_bits(node), model.weight_bounds(node))
                    - &grids.zero_point;
                let name = Part::Weight.name(&model.graph.nodes[node].name);
                let oscillations =
                    state.oscillations.entry(name).or_insert_with(|| Oscillations::new(&codes));
                oscillations.follow(&codes, &oscillations.above(limit));
                let frozen = oscillations.above(limit);
                // What the scheme and the input's normalisation multiply weights by is taken off again.
                model.set(node, Part::Weight, weight.ones_like());
                let factor = model.real_weight(node);
                let values = oscillations.mean.round() * &grids.scale / &factor;
                weight.copy_(&values.where_self(&frozen.logical_and(&factor.ne(0.0)), &weight));
                model.set(node, Part::Weight, weight);
            }
        });
    }
}

#[cfg(test)]
mod tests;
