//! The state in which a phase begins: that before its first epoch, or that of its checkpoint.

use super::checkpoint::{Checkpoint, Wanted};
use super::device::Machine;
use super::group::Group;
use super::model::Model;
use super::phase::Phase;
use super::state::State;
use crate::error::Problem;
use crate::observer::Observer;

/// The state in a checkpoint, if it is one of this phase; else the state before the first epoch. The first
/// process reads the file, and all go on from it. Sets libtorch's number of threads to that with which the
/// phase began.
///
/// # Errors
/// A process of the group is lost.
pub fn begin(
    phase: &Phase<'_>,
    model: &Model<'_>,
    checkpoint: &Checkpoint,
    use_finished: bool,
    machine: &Machine,
    group: &mut Group,
    observer: &mut dyn Observer,
) -> Result<State, Problem> {
    let wanted = phase.wanted(model);
    let averaged = wanted.averaged;
    let mut starts_over =
        |reason: String| observer.warn(&format!("{reason}; the {} training starts over", phase.name()));
    // Nothing, where there is no file.
    let mut kept = None;
    if group.rank() == 0 {
        let read = checkpoint.read().map_err(&mut starts_over).ok().flatten();
        kept = Some(read.map_or(Vec::new(), |bytes| bytes.to_vec()));
    }
    let kept = group.share(kept)?;
    let parse = || checkpoint.parse(&kept, &wanted).map_err(starts_over).ok();
    let saved = if kept.is_empty() { None } else { parse() };
    let saved = saved.filter(|state| use_finished || state.epoch < phase.epochs());
    saved.iter().flat_map(|saved| differences(phase.name(), &saved.machine, machine)).for_each(
        |difference| {
            observer.warn(&difference);
        },
    );
    let state =
        saved.unwrap_or_else(|| State::new(model.snapshot(), averaged, phase.optimiser(), machine.clone()));
    tch::set_num_threads(state.machine.threads as i32);
    Ok(state)
}

impl Phase<'_> {
    /// What the state of a checkpoint must be.
    pub(super) fn wanted<'m>(&self, model: &'m Model<'_>) -> Wanted<'m> {
        Wanted {
            optimiser: self.optimiser(),
            epochs: self.epochs(),
            averaged: self.settings.average > 0.0,
            oscillations: self.follows_oscillations(),
            tensors: &model.tensors,
            bounds: self.quantised,
            device: model.device,
        }
    }
}

/// Warnings if this machine is not like the one on which the training began.
fn differences(phase: &str, began: &Machine, machine: &Machine) -> Vec<String> {
    let Machine { threads, cpu } = began;
    let counted =
        |threads: u32| if threads == 1 { "1 thread".to_string() } else { format!("{threads} threads") };
    let mut differences = Vec::new();
    if *threads != machine.threads {
        let (began, here) = (counted(*threads), counted(machine.threads));
        differences.push(format!(
            "the {phase} training began with {began} and goes on with {began}: with {here}, as this machine \
             would take, its artifact would be another"
        ));
    }
    if *cpu != machine.cpu {
        differences.push(format!(
            "the {phase} training began on another kind of processor ({cpu}; here is {}): its artifact may \
             differ from that of a training on one machine",
            machine.cpu
        ));
    }
    differences
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_machine_is_said() {
        let machine = |threads, cpu: &str| Machine { threads, cpu: cpu.to_string() };
        let said = |here| differences("float", &machine(1, "A"), &here);
        assert_eq!(said(machine(1, "A")), [""; 0]);
        let threads = "the float training began with 1 thread and goes on with 1 thread: with 2 threads, \
                       as this machine would take, its artifact would be another";
        assert_eq!(said(machine(2, "A")), [threads]);
        let cpu = "the float training began on another kind of processor (A; here is B): its artifact may \
                   differ from that of a training on one machine";
        assert_eq!(said(machine(1, "B")), [cpu]);
        assert_eq!(said(machine(4, "B")).len(), 2);
    }
}
