//! How long the tensors of an integer network live.

use mixq_format::target::Steps;
use mixq_format::{Layer, Stage, Tensor, held_input};

use super::arena::{Lifetime, live_bytes};

/// The step during which most bytes of the arena are alive (of several, the first), and these bytes; tensors
/// take whole words, and of a stage what its places hold. Outputs that are kept live until the end.
pub fn peak(inputs: &[Tensor], steps: Steps<'_>) -> (usize, u64) {
    let held = |input: &Tensor| held_input(input, steps.layers, steps.stages);
    let inputs: Vec<Tensor> = inputs.iter().map(held).collect();
    let mut places = lifetimes(&inputs, steps.placed, steps.kept);
    for stage in steps.stages {
        let (range, state) = (stage.range(), stage.state_bytes());
        let during = |bytes: usize| Lifetime { bytes, first: range.start, last: range.start };
        places.extend([during(Stage::SCRATCH_BYTES), during(state)]);
        let stage = range;
        for place in &mut places {
            // All of a stage is executed again and again.
            if stage.contains(&place.first) {
                place.first = stage.start;
            }
            if stage.contains(&place.last) {
                place.last = stage.end - 1;
            }
        }
    }
    let alive = |step: usize| live_bytes(&places, step) as u64;
    let busiest = (0..steps.layers.len()).rev().max_by_key(|step| alive(*step)).unwrap_or(0);
    (busiest, alive(busiest))
}

/// Bytes and lives of all places in the arena, as the layers read and write them. What a layer
/// writes in the place of its input lengthens the life of that place.
fn lifetimes(inputs: &[Tensor], layers: &[Layer], kept: &[Tensor]) -> Vec<Lifetime> {
    let place = |tensor: &Tensor, now: usize| Lifetime { bytes: tensor.bytes(), first: now, last: now };
    let mut places: Vec<Lifetime> = inputs.iter().map(|input| place(input, 0)).collect();
    // Each tensor with its place.
    let mut tensors: Vec<(Tensor, usize)> = inputs.iter().copied().zip(0..).collect();
    for (now, layer) in layers.iter().enumerate() {
        let mut taken = None;
        for read in layer.inputs() {
            // Of several equal tensors the latest is the one that is read.
            let Some((_, index)) = tensors.iter().rev().find(|(tensor, _)| tensor == read) else { continue };
            places[*index].last = now;
            if read.offset == layer.output().offset {
                taken = Some(*index);
            }
        }
        let index = taken.unwrap_or(places.len());
        if index == places.len() {
            places.push(place(layer.output(), now));
        }
        tensors.push((*layer.output(), index));
    }
    for tensor in kept {
        if let Some((_, index)) = tensors.iter().rev().find(|(other, _)| other == tensor) {
            places[*index].last = layers.len().saturating_sub(1);
        }
    }
    places
}
