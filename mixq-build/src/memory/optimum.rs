//! Allocation by sensitivity: the exact optimum of [`super::sensitivity`] on a network.

use mixq_format::Bits;

use super::accumulator;
use super::arena::ALIGNMENT;
use super::flash::{parameter_bytes, table_bytes, widths};
use super::runtime::{Allocation, Cut, Infeasible, fit_activations, ram_dead_end};
use super::schedule::Schedule;
use super::sensitivity::{Alive, Candidate, choose_activations, choose_weights};
use crate::graph::Graph;
use crate::settings::Scheme;

/// The widths to choose from, in the order of all losses.
pub const WIDTHS: [Bits; 3] = [Bits::B8, Bits::B4, Bits::B2];

/// What is lost if one tensor has fewer bits, by node, for each of [`WIDTHS`]; any unit in which losses add
/// up.
#[derive(Clone, Debug, PartialEq)]
pub struct Losses {
    /// Of each node's weights; not read for a node without.
    pub weights: Vec<[f64; 3]>,
    /// Of each node's output; not read for the logits, and for nodes that keep their input's width.
    pub activations: Vec<[f64; 3]>,
}

/// Gives every tensor the bits that lose least in sum, under the bytes of `flash` and `ram`.
///
/// The weights are exactly optimal for the activations (whose bits matter to flash only where there are
/// thresholds or tables of functions). So are the activations wherever the arena reaches the sum of what
/// lives at the busiest step (every chain does); where it does not, they are optimal for the largest sum with
/// which it fits.
///
/// # Errors
/// What is too large at the lowest bits.
pub fn allocate_by_losses(
    graph: &Graph,
    flash: u64,
    ram: u64,
    scheme: Scheme,
    losses: &Losses,
) -> Result<Allocation, Infeasible> {
    let schedule = Schedule::new(graph);
    let (mut widths, mut plan) = activations(graph, &schedule, ram, &losses.activations)?;
    let mut chosen = weights(graph, &schedule.activations(&widths), flash, scheme, losses);
    if chosen.is_err() {
        // Thresholds of wide activations may be what is too large.
        (widths, _, plan) = fit_activations(&schedule, ram)?;
        chosen = weights(graph, &schedule.activations(&widths), flash, scheme, losses);
    }
    let weights = chosen?;
    let cuts = cuts(&schedule, &weights, &widths);
    Ok(Allocation::new(graph, scheme, schedule, weights, &widths, plan, cuts))
}

/// Bits of each node's weights, `outputs` being those of all nodes' outputs.
fn weights(
    graph: &Graph,
    outputs: &[Bits],
    flash: u64,
    scheme: Scheme,
    losses: &Losses,
) -> Result<Vec<Option<Bits>>, Infeasible> {
    let weighted: Vec<usize> = graph.weighted().collect();
    let widest = |node: usize| accumulator::widest(graph, node, outputs).unwrap_or(Bits::B2);
    let candidates: Vec<Vec<Candidate>> = (weighted.iter())
        .map(|&node| {
            let around = widths(graph, node, outputs);
            // Instead of more bits than an accumulator allows there are the most that it does.
            let allowed = WIDTHS.map(|bits| bits.min(widest(node)));
            let candidate = |bits: Bits| Candidate {
                bytes: parameter_bytes(graph, node, bits, around, scheme),
                loss: losses.weights[node][WIDTHS.iter().position(|width| *width == bits).unwrap_or(0)],
            };
            allowed.map(candidate).to_vec()
        })
        .collect();
    let tables = table_bytes(graph, outputs);
    let smallest = |candidates: &Vec<Candidate>| candidates.iter().map(|c| c.bytes).min().unwrap_or(0);
    let least = candidates.iter().map(smallest).sum::<u64>().next_multiple_of(4) + tables;
    // The parameters are padded to a word.
    let budget = flash.checked_sub(tables).map(|bytes| bytes / 4 * 4);
    let chosen = budget.and_then(|budget| choose_weights(&candidates, budget));
    let chosen = chosen.ok_or(Infeasible::Flash { least })?;
    let mut weights = vec![None; graph.nodes.len()];
    let choices = weighted.iter().zip(chosen);
    choices.for_each(|(&node, choice)| weights[node] = Some(WIDTHS[choice].min(widest(node))));
    Ok(weights)
}

fn activations(
    graph: &Graph,
    schedule: &Schedule,
    ram: u64,
    losses: &[[f64; 3]],
) -> Result<(Vec<Bits>, super::arena::Plan), Infeasible> {
    let initial = schedule.initial_widths();
    let options = |width: usize| if schedule.fixed[width] { vec![initial[width]] } else { WIDTHS.to_vec() };
    let steps: Vec<Vec<Alive>> =
        (0..schedule.steps.len()).map(|step| alive(schedule, step, &options)).collect();
    let mut by_width: Vec<Vec<f64>> =
        (0..initial.len()).map(|width| vec![0.0; options(width).len()]).collect();
    for step in &schedule.steps {
        let width = schedule.tensors[step.output].width;
        // A pool's codes are its input's, which have been counted; what is made in place has codes of its
        // own.
        let own = graph.nodes[step.node].op.output().has_own_grid();
        if !schedule.fixed[width] && own {
            by_width[width].iter_mut().zip(losses[step.node]).for_each(|(sum, loss)| *sum += loss);
        }
    }
    let mut target = ram;
    loop {
        let Some(choices) = choose_activations(&steps, &by_width, target) else {
            return Err(dead_end(schedule, ram));
        };
        let widths: Vec<Bits> =
            choices.iter().enumerate().map(|(width, &choice)| options(width)[choice]).collect();
        let plan = schedule.plan(&widths);
        if plan.bytes as u64 <= ram {
            return Ok((widths, plan));
        }
        // One word less than what these take at their busiest step.
        target = (plan.lower_bound as u64).saturating_sub(ALIGNMENT as u64);
    }
}

/// The places alive at a step, with their bytes for each option of their width.
fn alive(schedule: &Schedule, step: usize, options: &dyn Fn(usize) -> Vec<Bits>) -> Vec<Alive> {
    let mut places: Vec<(usize, Alive)> = Vec::new();
    for tensor in &schedule.tensors {
        let here = (tensor.life.0..=tensor.life.1).contains(&step);
        if !here || places.iter().any(|(place, _)| *place == tensor.place) {
            continue;
        }
        let bytes = |bits: Bits| {
            let pixels = tensor.shape.height * tensor.shape.width;
            (pixels * bits.row_bytes(tensor.shape.channels)).next_multiple_of(ALIGNMENT) as u64
        };
        let bytes = options(tensor.width).into_iter().map(bytes).collect();
        places.push((tensor.place, Alive { width: tensor.width, bytes }));
    }
    places.into_iter().map(|(_, alive)| alive).collect()
}

fn dead_end(schedule: &Schedule, ram: u64) -> Infeasible {
    let step = (0..schedule.steps.len()).find(
        |&step| matches!(ram_dead_end(schedule, Some(step)), Infeasible::Ram { needed, .. } if needed > ram),
    );
    ram_dead_end(schedule, step)
}

/// What lost bits, in the order of the nodes.
fn cuts(schedule: &Schedule, weights: &[Option<Bits>], widths: &[Bits]) -> Vec<Cut> {
    let lower = |from: Bits, to: Bits| WIDTHS.into_iter().filter(move |bits| *bits < from && *bits >= to);
    let mut cuts = Vec::new();
    for step in &schedule.steps {
        let (node, tensor) = (step.node, schedule.tensors[step.output]);
        let of_weights = weights[node].into_iter().flat_map(|bits| lower(Bits::B8, bits));
        cuts.extend(of_weights.map(|to| Cut { node, weights: true, to }));
        if !schedule.fixed[tensor.width] && schedule.first_with_width(tensor.width) == node {
            let of_output = lower(Bits::B8, widths[tensor.width]);
            cuts.extend(of_output.map(|to| Cut { node, weights: false, to }));
        }
    }
    cuts
}
