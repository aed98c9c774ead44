//! Stages that leave kernels the RAM in which they are fast.
//!
//! Stages are chosen by the instructions that stripes take more than whole tensors. But kernels are faster
//! with bytes of RAM to work in, of which stages that fill the RAM leave none: so stages in less RAM are
//! tried.

use mixq_format::target::{Cost, Target};

use super::activations::Fitted;
use super::execution;
use super::outline::MOST_ARENA;
use super::runtime::Allocation;
use crate::graph::Graph;
use crate::settings::{Ram, Scheme};

/// The processor whose kernels work in the arena.
const RUST_TARGET: &str = "thumbv7em-none-eabihf";

impl Allocation {
    /// The same bits in the stages with which the network takes the fewest instructions on a Cortex-M4, of
    /// some that fit `flash` and `ram`. Without stages there is nothing to choose.
    pub(super) fn in_fast_stages(self, graph: &Graph, scheme: Scheme, flash: u64, ram: Ram) -> Allocation {
        if self.stages.is_empty() {
            return self;
        }
        let Some((_, fastest)) = self.speed(graph, scheme, MOST_ARENA.into()) else { return self };
        if fastest <= ram.bytes {
            return self;
        }
        let wanted = fastest - self.ram;
        let widths = self.schedule.widths_of(&self.activations);
        let others = [1, 2, 4].into_iter().filter_map(|share| {
            let ram = Ram { bytes: ram.bytes.checked_sub(wanted / share)?, ..ram };
            let (stages, plan) = execution::fit(&self.schedule, &widths, ram)?;
            let fitted = Fitted { widths: widths.clone(), cuts: self.cuts.clone(), stages, plan };
            Some(Allocation::new(graph, scheme, self.schedule.clone(), self.weights.clone(), fitted))
        });
        let others = others.filter(|other| other.flash <= flash && other.stages != self.stages);
        let others: Vec<Allocation> = others.collect();
        if others.is_empty() {
            return self;
        }
        let all = std::iter::once(self).chain(others);
        let instructions = |one: &Allocation| one.speed(graph, scheme, ram.bytes).map(|speed| speed.0);
        all.min_by_key(instructions).expect("one of them is there")
    }

    /// The instructions that it takes in the fastest arena of at most `ram` bytes, and the bytes of that;
    /// `None`, if it needs more RAM than kernels can address.
    fn speed(&self, graph: &Graph, scheme: Scheme, ram: u64) -> Option<(u64, u64)> {
        let target = Target::of(RUST_TARGET, true);
        self.with_outline(graph, scheme, |outline| {
            let arena = target.fastest_arena(RUST_TARGET, outline, ram);
            let costs = target.outline_costs(RUST_TARGET, outline, arena);
            (costs.into_iter().sum::<Cost>().instructions, arena.into())
        })
    }
}
