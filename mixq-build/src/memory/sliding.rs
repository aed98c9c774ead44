//! What a stage keeps while the layers behind it are executed, if windows of a signal overlap.

use super::arena::Lives;
use super::execution::Ways;
use super::schedule::Schedule;
use super::stripes::Stripes;

/// Bytes of the arena that the stage which takes the rows keeps for the next window.
#[derive(Clone, Copy, Debug)]
pub struct Kept {
    /// Its last step.
    last: usize,
    /// All that it keeps, in bytes.
    all: u64,
    /// Its output, in bytes, which is part of that.
    output: u64,
    /// The last step that reads the output.
    until: usize,
}

impl Kept {
    /// What a stage keeps; `lives`: all places, if this is the only stage.
    pub fn new(schedule: &Schedule, lives: &Lives, stripes: &Stripes) -> Kept {
        let (last, end) = (stripes.stage.range().end - 1, schedule.steps.len() - 1);
        let output = &schedule.tensors[schedule.steps[last].output];
        let bytes = |index: usize| lives.places[index].bytes.next_multiple_of(super::arena::ALIGNMENT) as u64;
        let is_kept = |index: &usize| {
            let place = &lives.places[*index];
            place.first <= last && place.last == end
        };
        let all = (0..lives.places.len()).filter(is_kept).map(bytes).sum();
        Kept { last, all, output: bytes(output.place), until: output.life.1 }
    }

    /// Bytes that it keeps at a step behind the stage, beside what that step reads.
    pub fn at(&self, step: usize) -> u64 {
        if step <= self.until { self.all - self.output } else { self.all }
    }
}

impl Ways<'_> {
    /// Whether windows of a signal overlap.
    pub fn slides(&self) -> bool {
        !self.kept.is_empty()
    }

    /// What a stage keeps for the next window.
    ///
    /// # Panics
    /// If its windows do not overlap.
    pub fn kept(&self, stripes: &Stripes) -> &Kept {
        // Stages that are fed come first.
        let index = self.stages.iter().position(|(other, _)| std::ptr::eq(*other, stripes));
        &self.kept[index.expect("it is one of the stages")]
    }

    /// Bytes that live at each step, if this is the stage that takes the rows, and each step behind it takes
    /// `least` beside what is kept.
    pub fn beside(&self, (stripes, live): &(&Stripes, u64), least: &[u64]) -> Vec<u64> {
        let kept = self.kept(stripes);
        let bytes =
            |(step, least): (usize, &u64)| if step <= kept.last { *live } else { least + kept.at(step) };
        least.iter().enumerate().map(bytes).collect()
    }

    /// Bytes of RAM from which on a network may be executed in another way.
    pub fn sizes(&self) -> Vec<u64> {
        let stages = || self.stages.iter().map(|(_, live)| *live);
        let all: Vec<u64> = self.whole.iter().copied().chain(stages()).collect();
        let kept = self.kept.iter().flat_map(|kept| {
            let of = |bytes: &u64| [bytes + kept.all, bytes + kept.all - kept.output];
            all.iter().flat_map(of).collect::<Vec<_>>()
        });
        all.iter().copied().chain(kept).collect()
    }
}
