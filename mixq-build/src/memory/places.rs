//! Which bytes of the arena each tensor takes, and when: what a plan is made of.

use mixq_format::{Bits, Stage};

use super::arena::{Lifetime, Lives, Overlap, Plan, plan};
use super::schedule::{Schedule, Tensor};
use super::stripes::Stripes;
use crate::graph::Shape;

impl Schedule {
    /// Bytes and lives of all places in the arena at these widths, in their order, and after them of
    /// what each stage needs: bytes that kernels work in, and its state. `stages`: the runs of
    /// steps that are executed in stripes; what lives at one of their steps lives at all of them. Beside
    /// stages convolutions on whole tensors have bytes to work in, too: the turns take some of the stack.
    pub fn lives(&self, widths: &[Bits], stages: &[Stripes]) -> Lives {
        let mut places: Vec<Lifetime> = Vec::with_capacity(self.tensors.len() + 2 * stages.len());
        let around = |step: usize| match stage_at(stages, step) {
            Some(stripes) => stripes.stage.range(),
            None => step..step + 1,
        };
        // The next window of a signal needs what a stage holds.
        let until = |stripes: &Stripes, last: usize| {
            if stripes.stage.hop > 0 { self.steps.len() - 1 } else { last }
        };
        for (index, tensor) in self.tensors.iter().enumerate() {
            let Shape { height, width, channels } = tensor.shape;
            let rows = self.held(index, stages).unwrap_or(height);
            let bytes = rows * width * widths[tensor.width].row_bytes(channels);
            let first = if self.writer(index).is_some() { around(tensor.life.0).start } else { 0 };
            let last = around(tensor.life.1).end - 1;
            let last = stage_at(stages, first).map_or(last, |stripes| until(stripes, last));
            match places.get_mut(tensor.place) {
                // What is made in place follows an input, and has its shape and width.
                Some(place) => (place.last, place.bytes) = (place.last.max(last), place.bytes.max(bytes)),
                None => places.push(Lifetime { bytes, first, last }),
            }
        }
        for stripes in stages {
            let steps = stripes.stage.range();
            let during = |bytes: usize, last: usize| Lifetime { bytes, first: steps.start, last };
            let (scratch, last) = (Stage::SCRATCH_BYTES, steps.end - 1);
            places.extend([during(scratch, last), during(stripes.stage.state_bytes(), until(stripes, last))]);
        }
        if !stages.is_empty() {
            let is_whole = |step: &usize| self.needs_scratch(*step) && stage_at(stages, *step).is_none();
            let whole = (0..self.steps.len()).filter(is_whole);
            places.extend(whole.map(|step| Lifetime {
                bytes: Stage::SCRATCH_BYTES,
                first: step,
                last: step,
            }));
        }
        let overlaps = stages.iter().filter_map(|stripes| self.overlap(stripes, widths, &places)).collect();
        Lives { places, overlaps }
    }

    /// How the output of a stage may lie over what the stage reads.
    fn overlap(&self, stripes: &Stripes, widths: &[Bits], places: &[Lifetime]) -> Option<Overlap> {
        let over = stripes.over.as_ref()?;
        let steps = stripes.stage.range();
        let input = self.tensors[self.steps[steps.start + over.reader].inputs[over.which]];
        let output = self.tensors[self.steps[steps.end - 1].output];
        let row =
            |tensor: &Tensor| tensor.shape.width * widths[tensor.width].row_bytes(tensor.shape.channels);
        over.overlap([input.place, output.place], [row(&input), row(&output)], &steps, places)
    }

    /// Whether a step is executed by kernels that work in the arena, or else on the stack.
    pub(super) fn needs_scratch(&self, step: usize) -> bool {
        self.convolutions[step]
    }

    /// The step that writes a tensor; inputs are written by none.
    fn writer(&self, tensor: usize) -> Option<usize> {
        tensor.checked_sub(self.tensors.len() - self.steps.len())
    }

    /// The rows that the arena holds of a tensor, if not all.
    pub fn held(&self, tensor: usize, stages: &[Stripes]) -> Option<usize> {
        let Some(writer) = self.writer(tensor) else {
            // The image is the only input then.
            return stages.iter().find_map(|stripes| stripes.image);
        };
        let stripes = stage_at(stages, writer)?;
        stripes.held[writer - usize::from(stripes.stage.first)]
    }

    /// The arena at these widths; offsets in the order of `tensors`.
    pub fn plan(&self, widths: &[Bits], stages: &[Stripes]) -> Plan {
        let plan = plan(&self.lives(widths, stages));
        let offsets = self.tensors.iter().map(|tensor| plan.offsets[tensor.place]).collect();
        let places = self.tensors.iter().map(|tensor| tensor.place + 1).max().unwrap_or(0);
        let states = (0..stages.len()).map(|stage| plan.offsets[places + 2 * stage + 1]).collect();
        Plan { offsets, states, ..plan }
    }

    /// Tells stages where a plan puts their state, and in which order of rows their output then follows their
    /// input.
    pub fn place(&self, stages: &mut [Stripes], plan: &Plan) {
        for (stripes, state) in stages.iter_mut().zip(&plan.states) {
            stripes.stage.state = *state as u32;
            let (Some(over), [step]) = (&stripes.over, &self.steps[stripes.stage.range()]) else { continue };
            let [input, output] = [step.inputs[over.which], step.output].map(|tensor| plan.offsets[tensor]);
            stripes.stage.backwards = output > input;
        }
    }
}

/// The stage that executes a step.
fn stage_at(stages: &[Stripes], step: usize) -> Option<&Stripes> {
    stages.iter().find(|stripes| stripes.stage.range().contains(&step))
}
