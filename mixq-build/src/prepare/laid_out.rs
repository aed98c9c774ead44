//! A trained network in another place: the same integers, where the budget lays their tensors now.

use mixq_format::{Artifact, Budget, Layer, Tensor};

use super::Prepared;
use crate::artifact::{self, Change, State};
use crate::memory::Allocation;
use crate::settings::Policy;

/// Inputs of an artifact that say where tensors lie, and how many bits they have, but nothing else.
const OF_MEMORY: [&str; 5] = ["budget.flash", "budget.ram", "delta", "execution", "hop"];

impl Prepared<'_> {
    /// The network of an artifact that is not fresh, laid out as the model says now, if it has the very bits
    /// that the budget gives, and nothing else has changed: then nothing has to be trained.
    ///
    /// (Bits by sensitivity are known only after training.)
    pub fn laid_out(&self, state: &State) -> Option<Artifact> {
        let only_memory = |change: &Change| OF_MEMORY.contains(&change.input.as_str());
        let old = match state {
            State::Stale(artifact, changes) if changes.iter().all(only_memory) => artifact,
            State::Other(artifact, _) => artifact,
            State::Fresh(_) | State::Stale(..) | State::Missing | State::Damaged(_) => return None,
        };
        if self.model.policy == Policy::Sensitivity || self.model.as_imported {
            return None;
        }
        let allocation = self.allocate().ok()?;
        let mut artifact = (**old).clone();
        place(&mut artifact, &allocation)?;
        artifact.header.fingerprint = self.fingerprint.clone();
        artifact.header.budget = Budget { flash: self.model.flash, ram: self.model.ram };
        let layers = artifact.layers();
        let is_valid = artifact.network(&layers).validate().is_ok();
        let differences = artifact::differences(&artifact, self.model, &self.graph, Some(&allocation));
        (is_valid && differences.is_empty()).then_some(artifact)
    }
}

/// Moves all tensors to where an allocation has them; `None`, if it has other layers.
fn place(artifact: &mut Artifact, allocation: &Allocation) -> Option<()> {
    let header = &mut artifact.header;
    let steps = &allocation.schedule.steps;
    if header.layers.len() != steps.len() {
        return None;
    }
    let old: Vec<Layer> = header.layers.iter().map(|named| named.layer).collect();
    for (named, step) in header.layers.iter_mut().zip(steps) {
        // What a layer writes in place of its last input is one tensor of the layer.
        let mut count = 0;
        named.layer.with_tensors(|tensor| {
            count += 1;
            *tensor
        });
        let mut places = step.inputs.iter().take(count - 1).chain([&step.output]);
        named.layer = named.layer.with_tensors(|tensor| {
            let place = places.next().map_or(tensor.offset, |place| offset(allocation, *place));
            Tensor { offset: place, ..*tensor }
        });
    }
    // Outputs are those of the layers that wrote them.
    let moved = |tensor: &Tensor| {
        let writer = old.iter().rposition(|layer| layer.output() == tensor)?;
        Some(Tensor { offset: offset(allocation, steps[writer].output), ..*tensor })
    };
    header.output = moved(&header.output)?;
    for output in &mut header.outputs {
        output.tensor = moved(&output.tensor)?;
    }
    // Inputs are the first tensors.
    header.input.offset = offset(allocation, 0);
    for (index, input) in header.inputs.iter_mut().enumerate() {
        input.tensor.offset = offset(allocation, index);
    }
    header.stages = allocation.stages.iter().map(|stripes| stripes.stage).collect();
    header.arena_bytes = u32::try_from(allocation.ram).ok()?;
    Some(())
}

fn offset(allocation: &Allocation, tensor: usize) -> u32 {
    allocation.tensors[tensor].offset as u32
}
