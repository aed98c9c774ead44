//! How long the tensors of an integer network live.

use mixq_format::target::Steps;
use mixq_format::{Layer, Stage, Tensor, Trace, held_input};

use super::arena::{Lifetime, Lives, Overlap};
use super::stripes;

/// The step during which most bytes of the arena are alive (of several, the first), and these bytes; tensors
/// take whole words, and of a stage what its places hold. Outputs that are kept live until the end.
pub fn peak(inputs: &[Tensor], steps: Steps<'_>) -> (usize, u64) {
    let held = |input: &Tensor| held_input(input, steps.layers, steps.stages);
    let inputs: Vec<Tensor> = inputs.iter().map(held).collect();
    let mut living = Living::new(&inputs, steps.placed, steps.kept);
    for stage in steps.stages {
        let range = stage.range();
        let during = |bytes: usize| Lifetime { bytes, first: range.start, last: range.start };
        living.places.push(during(stage.state_bytes()));
        for place in &mut living.places {
            // All of a stage is executed again and again; and what it holds is kept for the next window.
            if range.contains(&place.first) {
                place.first = range.start;
                if stage.hop > 0 {
                    place.last = steps.layers.len() - 1;
                }
            }
            if range.contains(&place.last) {
                place.last = range.end - 1;
            }
        }
        let scratch = Lifetime { bytes: Stage::SCRATCH_BYTES, first: range.start, last: range.end - 1 };
        living.places.push(scratch);
    }
    let whole = |index: &usize| !steps.stages.is_empty() && steps.stage(*index).is_none();
    let scratch = (0..steps.layers.len())
        .filter(whole)
        .filter(|index| matches!(steps.layers[*index], Layer::Conv(_) | Layer::GroupedConv(_)));
    let scratch = scratch.map(|step| Lifetime { bytes: Stage::SCRATCH_BYTES, first: step, last: step });
    living.places.extend(scratch);
    let overlaps = steps.stages.iter().filter_map(|stage| living.overlap(stage, steps.layers)).collect();
    let lives = Lives { places: living.places, overlaps };
    let alive = |step: usize| lives.bytes(step) as u64;
    let busiest = (0..steps.layers.len()).rev().max_by_key(|step| alive(*step)).unwrap_or(0);
    (busiest, alive(busiest))
}

/// All places in the arena, as the layers read and write them.
struct Living {
    places: Vec<Lifetime>,
    /// By layer: the places of what it reads, if a layer before it or an input of the network is there.
    read: Vec<Vec<Option<usize>>>,
    /// By layer: the place that it writes.
    written: Vec<usize>,
}

impl Living {
    /// What a layer writes in the place of its input lengthens the life of that place.
    fn new(inputs: &[Tensor], layers: &[Layer], kept: &[Tensor]) -> Living {
        let place = |tensor: &Tensor, now: usize| Lifetime { bytes: tensor.bytes(), first: now, last: now };
        let mut places: Vec<Lifetime> = inputs.iter().map(|input| place(input, 0)).collect();
        // Each tensor with its place.
        let mut tensors: Vec<(Tensor, usize)> = inputs.iter().copied().zip(0..).collect();
        let (mut read, mut written) = (Vec::new(), Vec::new());
        for (now, layer) in layers.iter().enumerate() {
            // Of several equal tensors the latest is the one that is read.
            let find = |tensor: &Tensor| Some(tensors.iter().rev().find(|(other, _)| other == tensor)?.1);
            let from: Vec<Option<usize>> = layer.inputs().map(find).collect();
            from.iter().flatten().for_each(|index| places[*index].last = now);
            let over = layer.inputs().zip(&from).filter(|(read, _)| read.offset == layer.output().offset);
            let index = over.filter_map(|(_, index)| *index).last().unwrap_or(places.len());
            if index == places.len() {
                places.push(place(layer.output(), now));
            }
            tensors.push((*layer.output(), index));
            read.push(from);
            written.push(index);
        }
        for tensor in kept {
            if let Some((_, index)) = tensors.iter().rev().find(|(other, _)| other == tensor) {
                places[*index].last = layers.len().saturating_sub(1);
            }
        }
        Living { places, read, written }
    }

    /// How the output of a stage may lie over what the stage reads: as
    /// [`Schedule::lives`](super::schedule::Schedule) finds it.
    fn overlap(&self, stage: &Stage, layers: &[Layer]) -> Option<Overlap> {
        let (range, lines) = (stage.range(), stage.lines(layers).ok()?);
        let over = stripes::over(&layers[range.clone()], &lines, &Trace::new(stage, &lines))?;
        let reader = &layers[range.start + over.reader];
        let (input, output) = (reader.inputs().nth(over.which)?, layers[range.end - 1].output());
        let row = |tensor: &Tensor| usize::from(tensor.width) * tensor.pixel_bytes();
        let rows = [row(input), row(output)];
        let read = self.read[range.start + over.reader][over.which]?;
        over.overlap([read, self.written[range.end - 1]], rows, &range, &self.places)
    }
}
