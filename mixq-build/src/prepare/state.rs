//! Whether a model's artifact may be used, where its budget is a share that other models move.

use std::path::Path;

use mixq_format::Artifact;

use super::Prepared;
use crate::artifact::{self, Change, State};
use crate::config::BudgetOf;
use crate::error::Error;
use crate::memory::Allocation;
use crate::settings::Policy;

impl Prepared<'_> {
    /// Whether the model's artifact may be used: it must have been made from what the model says now, and be
    /// the network that this comes to.
    ///
    /// Where the budget is a share, and nothing else has changed, an artifact with the very bits that the new
    /// share gives stays fresh. (Bits by sensitivity are known only after training: there the share counts as
    /// it is.)
    ///
    /// # Errors
    /// The file is there but cannot be opened, or no allocation meets the budget.
    pub fn state(&self, path: &Path) -> Result<State, Error> {
        let by_budget = self.model.policy != Policy::Sensitivity;
        Ok(match artifact::state(path, &self.fingerprint)? {
            State::Fresh(artifact) => {
                let allocation = if by_budget { Some(self.allocate()?) } else { None };
                let differences = self.differences(&artifact, allocation.as_ref());
                let same = differences.is_empty();
                if same { State::Fresh(artifact) } else { State::Other(artifact, differences) }
            }
            State::Stale(artifact, changes)
                if by_budget && changes.iter().all(|change| self.of_share(change)) =>
            {
                let same = |allocation| self.differences(&artifact, Some(&allocation)).is_empty();
                let same = self.allocate().is_ok_and(same);
                if same { State::Fresh(artifact) } else { State::Stale(artifact, changes) }
            }
            state => state,
        })
    }

    fn differences(&self, artifact: &Artifact, allocation: Option<&Allocation>) -> Vec<String> {
        artifact::differences(artifact, self.model, &self.graph, allocation)
    }

    /// [`State::reason`], and where a share of the budget has moved, what that means.
    pub fn reason(&self, state: &State) -> Option<String> {
        let reason = state.reason()?;
        let moved =
            matches!(state, State::Stale(_, changes) if changes.iter().any(|change| self.of_share(change)));
        Some(match moved {
            true => format!(
                "{reason} (its share of what all models of the firmware take together: `flash` and `ram` in \
                 the model's own table fix it)"
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
}
