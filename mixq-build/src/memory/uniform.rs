//! The same bits for all: what mixed precision has to be better than.

use mixq_format::Bits;

use super::activations::{Fitted, ram_dead_end};
use super::execution;
use super::runtime::{Allocation, Infeasible};
use super::schedule::Schedule;
use crate::graph::Graph;
use crate::settings::{Ram, Scheme};

/// Gives all weights and activations these bits, under the bytes of `flash` and `ram`; image and logits keep
/// theirs.
///
/// # Errors
/// What is too large.
pub fn allocate_uniformly(
    graph: &Graph,
    bits: Bits,
    flash: u64,
    ram: impl Into<Ram>,
    scheme: Scheme,
) -> Result<Allocation, Infeasible> {
    let ram = ram.into();
    let schedule = Schedule::new(graph).sliding(ram.execution.hop());
    let widths: Vec<Bits> = (schedule.initial_widths().into_iter().zip(&schedule.fixed))
        .map(|(initial, fixed)| if *fixed { initial } else { bits })
        .collect();
    let Some((stages, plan)) = execution::fit(&schedule, &widths, ram) else {
        return Err(ram_dead_end(&schedule, None, ram));
    };
    let weights = graph.nodes.iter().map(|node| node.op.weighted().then_some(bits)).collect();
    let fitted = Fitted { widths, cuts: Vec::new(), stages, plan };
    let allocation = Allocation::new(graph, scheme, schedule, weights, fitted);
    if allocation.flash > flash {
        return Err(Infeasible::Flash { least: allocation.flash });
    }
    Ok(allocation.in_fast_stages(graph, scheme, flash, ram))
}
