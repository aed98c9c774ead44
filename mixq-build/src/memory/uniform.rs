//! The same bits for all: what mixed precision has to be better than.

use mixq_format::Bits;

use super::runtime::{Allocation, Infeasible, ram_dead_end};
use super::schedule::Schedule;
use crate::graph::Graph;
use crate::settings::Scheme;

/// Gives all weights and activations these bits, under the bytes of `flash` and `ram`; image and logits keep
/// theirs.
///
/// # Errors
/// What is too large.
pub fn allocate_uniformly(
    graph: &Graph,
    bits: Bits,
    flash: u64,
    ram: u64,
    scheme: Scheme,
) -> Result<Allocation, Infeasible> {
    let schedule = Schedule::new(graph);
    let widths: Vec<Bits> = (schedule.initial_widths().into_iter().zip(&schedule.fixed))
        .map(|(initial, fixed)| if *fixed { initial } else { bits })
        .collect();
    let plan = schedule.plan(&widths);
    if plan.bytes as u64 > ram {
        return Err(ram_dead_end(&schedule, None));
    }
    let weights = graph.nodes.iter().map(|node| node.op.weighted().then_some(bits)).collect();
    let allocation = Allocation::new(graph, scheme, schedule, weights, &widths, plan, Vec::new());
    if allocation.flash > flash {
        return Err(Infeasible::Flash { least: allocation.flash });
    }
    Ok(allocation)
}
