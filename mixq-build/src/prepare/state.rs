//! Whether a model's artifact may be used, where its budget is a share that other models move.

use std::path::Path;

use mixq_format::Artifact;

use super::Prepared;
use crate::artifact::{self, Change, State};
use crate::config::{BudgetOf, Policy};
use crate::error::Problem;

impl Prepared<'_> {
    /// Reads the model's artifact and holds it against what the model says now.
    ///
    /// Where the budget is a share, and nothing else has changed, an artifact with the very bits that the new
    /// share gives stays fresh. (Bits by sensitivity are known only after training: there the share counts as
    /// it is.)
    ///
    /// # Errors
    /// The file is there but cannot be opened.
    pub fn state(&self, path: &Path) -> Result<State, Problem> {
        Ok(match artifact::state(path, &self.fingerprint)? {
            State::Stale(artifact, changes)
                if changes.iter().all(|change| self.of_share(change)) && self.has_bits(&artifact) =>
            {
                State::Fresh(artifact)
            }
            state => state,
        })
    }

    /// [`State::reason`], and where a share of the budget has moved, what that means.
    pub fn reason(&self, state: &State) -> Option<String> {
        let reason = state.reason()?;
        let moved =
            matches!(state, State::Stale(_, changes) if changes.iter().any(|change| self.of_share(change)));
        Some(match moved {
            true => format!(
                "{reason} (its share of what all models of the firmware take together: `flash` and `ram` in the \
                 model's own table fix it)"
            ),
            false => reason,
        })
    }

    /// Whether it is a budget that the models of the firmware divide.
    fn of_share(&self, change: &Change) -> bool {
        match change.input.as_str() {
            "budget.flash" => self.model.flash_of == BudgetOf::Share,
            "budget.ram" => self.model.ram_of == BudgetOf::Share,
            _ => false,
        }
    }

    /// Whether the artifact is what training under this budget would make: the bits of every tensor.
    fn has_bits(&self, artifact: &Artifact) -> bool {
        if self.model.policy == Policy::Sensitivity {
            return false;
        }
        let Ok(allocation) = self.allocate() else { return false };
        let steps = &allocation.schedule.steps;
        let layers = artifact.layers();
        layers.len() == steps.len()
            && layers.iter().zip(steps).all(|(layer, step)| {
                layer.weights().map(|(.., bits)| bits) == allocation.weights[step.node]
                    && layer.output().bits == allocation.activations[step.node]
            })
            && (artifact.flash_bytes() as u64, artifact.ram_bytes() as u64)
                == (allocation.flash, allocation.ram)
    }
}
