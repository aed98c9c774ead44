//! Allocation by sensitivity: the exact optimum of [`super::sensitivity`] on a network.

use mixq_format::Bits;

use super::accumulator;
use super::activations::{Fitted, at_most, fit_activations, ram_dead_end};
use super::arena::{ALIGNMENT, Overlap};
use super::execution;
use super::flash::{parameter_bytes, table_bytes, widths};
use super::runtime::{Allocation, Cut, Infeasible, stage_bytes};
use super::schedule::Schedule;
use super::sensitivity::{Alive, Candidate, choose_activations, choose_weights};
use super::stripes::Stripes;
use crate::graph::Graph;
use crate::settings::{Execution, Ram, Scheme};

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
    ram: impl Into<Ram>,
    scheme: Scheme,
    losses: &Losses,
) -> Result<Allocation, Infeasible> {
    let ram = ram.into();
    let schedule = Schedule::new(graph).sliding(ram.execution.hop());
    let mut fitted = activations(graph, &schedule, ram, &losses.activations)?;
    let choose = |fitted: &Fitted| {
        let of_stages = stage_bytes(&fitted.stages);
        let flash = flash.saturating_sub(of_stages);
        let chosen = weights(graph, &schedule.activations(&fitted.widths), flash, scheme, losses);
        chosen.map_err(|least| least + of_stages)
    };
    let mut chosen = choose(&fitted);
    // Without stages there are no tables of them; but rows from outside need one.
    let last = if ram.execution.is_fed() { ram.execution } else { Execution::Whole };
    for execution in [ram.execution, last] {
        if chosen.is_err() {
            // Thresholds of wide activations may be what is too large, or the tables of stages.
            let Ok(other) = fit_activations(&schedule, Ram { execution, ..ram }) else { break };
            chosen = choose(&other).map_err(|least| chosen.map_or_else(|other| least.min(other), |_| least));
            fitted = other;
        }
    }
    let weights = chosen.map_err(|least| Infeasible::Flash { least })?;
    fitted.cuts = cuts(&schedule, &weights, &fitted.widths);
    Ok(Allocation::new(graph, scheme, schedule, weights, fitted).in_fast_stages(graph, scheme, flash, ram))
}

/// Bits of each node's weights, `outputs` being those of all nodes' outputs.
///
/// # Errors
/// The bytes of flash that the fewest bits need.
fn weights(
    graph: &Graph,
    outputs: &[Bits],
    flash: u64,
    scheme: Scheme,
    losses: &Losses,
) -> Result<Vec<Option<Bits>>, u64> {
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
    let chosen = chosen.ok_or(least)?;
    let mut weights = vec![None; graph.nodes.len()];
    let choices = weighted.iter().zip(chosen);
    choices.for_each(|(&node, choice)| weights[node] = Some(WIDTHS[choice].min(widest(node))));
    Ok(weights)
}

/// Widths that lose least, and how they fit the RAM: of those with no stage, with the stages that the rules
/// need, and with the stages that the network needs at 4 and at 2 bits.
fn activations(
    graph: &Graph,
    schedule: &Schedule,
    ram: Ram,
    losses: &[[f64; 3]],
) -> Result<Fitted, Infeasible> {
    let widths = schedule.initial_widths();
    if let Some((stages, plan)) = execution::fit(schedule, &widths, ram) {
        return Ok(Fitted { widths, cuts: Vec::new(), stages, plan });
    }
    let by_width = losses_by_width(graph, schedule, losses);
    let mut ways = if ram.execution.is_fed() { Vec::new() } else { vec![Vec::new()] };
    ways.extend(fit_activations(schedule, ram).ok().map(|fitted| fitted.stages));
    // Equal bits fit as they are, whatever the search among others finds.
    let equal = [Bits::B4, Bits::B2].into_iter().filter_map(|bits| {
        let widths = at_most(schedule, bits);
        let (stages, plan) = execution::fit(schedule, &widths, ram)?;
        let of_width = |(width, losses): (usize, &Vec<f64>)| {
            let options = options(schedule, width).into_iter().zip(losses);
            options.filter(|(option, _)| *option == widths[width]).map(|(_, loss)| loss).sum::<f64>()
        };
        let loss: f64 = by_width.iter().enumerate().map(of_width).sum();
        Some((loss, Fitted { widths, cuts: Vec::new(), stages, plan }))
    });
    let equal: Vec<(f64, Fitted)> = equal.collect();
    ways.extend(equal.iter().map(|(_, fitted)| fitted.stages.clone()));
    let mut different: Vec<Vec<Stripes>> = Vec::new();
    for stages in ways {
        if !different.contains(&stages) {
            different.push(stages);
        }
    }
    let found = different.into_iter().flat_map(|stages| {
        let assumed = assumptions(schedule, &stages).into_iter();
        let found = assumed.map(|given| in_stages(schedule, ram, &by_width, (&stages, &given)));
        found.flatten().collect::<Vec<_>>()
    });
    let best = found.chain(equal).min_by(|(a, _), (b, _)| a.total_cmp(b));
    best.map(|(_, fitted)| fitted).ok_or_else(|| dead_end(schedule, ram))
}

/// The widths that a width may be.
fn options(schedule: &Schedule, width: usize) -> Vec<Bits> {
    if schedule.fixed[width] { vec![schedule.initial_widths()[width]] } else { WIDTHS.to_vec() }
}

/// What each width loses with each of its options.
fn losses_by_width(graph: &Graph, schedule: &Schedule, losses: &[[f64; 3]]) -> Vec<Vec<f64>> {
    let widths = 0..schedule.fixed.len();
    let mut by_width: Vec<Vec<f64>> = widths.map(|width| vec![0.0; options(schedule, width).len()]).collect();
    for step in &schedule.steps {
        let width = schedule.tensors[step.output].width;
        // A pool's codes are its input's, which have been counted; what is made in place has codes of its
        // own.
        let own = graph.nodes[step.node].op.output().has_own_grid();
        if !schedule.fixed[width] && own {
            by_width[width].iter_mut().zip(losses[step.node]).for_each(|(sum, loss)| *sum += loss);
        }
    }
    by_width
}

/// Bits that some widths are assumed to have.
type Given = Vec<(usize, Bits)>;

/// How many bytes the output of a stage takes over the input depends on the bits of both: for each way to
/// choose those of the inputs, these bits. Of more than three inputs only equal bits.
fn assumptions(schedule: &Schedule, stages: &[Stripes]) -> Vec<Given> {
    let lives = schedule.lives(&schedule.initial_widths(), stages);
    let read = |overlap: &Overlap| schedule.tensors.iter().find(|tensor| tensor.place == overlap.input);
    let mut inputs: Vec<usize> = lives.overlaps.iter().filter_map(read).map(|tensor| tensor.width).collect();
    inputs.retain(|width| !schedule.fixed[*width]);
    inputs.sort_unstable();
    inputs.dedup();
    if inputs.len() > 3 {
        return WIDTHS.map(|bits| inputs.iter().map(|width| (*width, bits)).collect()).to_vec();
    }
    inputs.into_iter().fold(vec![Vec::new()], |chosen: Vec<Given>, width| {
        let with = |given: &Given| WIDTHS.map(|bits| [given.clone(), vec![(width, bits)]].concat());
        chosen.iter().flat_map(with).collect()
    })
}

/// The widths that lose least if the network is executed in these stages and some widths have given bits, and
/// what they lose.
fn in_stages(
    schedule: &Schedule,
    ram: Ram,
    by_width: &[Vec<f64>],
    (stages, given): (&[Stripes], &Given),
) -> Option<(f64, Fitted)> {
    let steps = alive(schedule, stages, given);
    let mut by_width = with_words(schedule, by_width, stages);
    for (width, bits) in given {
        let others = by_width[*width].iter_mut().zip(WIDTHS).filter(|(_, option)| option != bits);
        others.for_each(|(loss, _)| *loss = f64::INFINITY);
    }
    let by_width = &by_width;
    let mut target = ram.bytes;
    loop {
        let choices = choose_activations(&steps, by_width, target)?;
        let loss: f64 = choices.iter().zip(by_width).map(|(choice, losses)| losses[*choice]).sum();
        if loss.is_infinite() {
            // Only bits that may not be chosen fit.
            return None;
        }
        let chosen = |(width, choice): (usize, &usize)| options(schedule, width)[*choice];
        let widths: Vec<Bits> = choices.iter().enumerate().map(chosen).collect();
        let plan = schedule.plan(&widths, stages);
        if plan.bytes as u64 <= ram.bytes {
            return Some((loss, Fitted { widths, cuts: Vec::new(), stages: stages.to_vec(), plan }));
        }
        // One word less than what these take at their busiest step.
        target = (plan.lower_bound as u64).min(target).checked_sub(ALIGNMENT as u64)?;
    }
}

/// The losses, infinite where rows of a stage would be no whole words.
fn with_words(schedule: &Schedule, by_width: &[Vec<f64>], stages: &[Stripes]) -> Vec<Vec<f64>> {
    let initial = schedule.initial_widths();
    let of_words = |width: usize, bits: Bits| {
        let mut widths = initial.clone();
        widths[width] = bits;
        stages.iter().all(|stripes| schedule.of_words(stripes, &widths))
    };
    let of_width = |(width, losses): (usize, &Vec<f64>)| {
        let options = options(schedule, width).into_iter().zip(losses);
        options.map(|(bits, loss)| if of_words(width, bits) { *loss } else { f64::INFINITY }).collect()
    };
    by_width.iter().enumerate().map(of_width).collect()
}

/// For each step: the places that live then, with their bytes for each option of their width. `given`: bits
/// of the inputs over which outputs of stages lie.
fn alive(schedule: &Schedule, stages: &[Stripes], given: &Given) -> Vec<Vec<Alive>> {
    let initial = schedule.initial_widths();
    let at = |bits: Bits| {
        let widths = initial.iter().zip(&schedule.fixed).map(|(own, fixed)| if *fixed { *own } else { bits });
        schedule.lives(&widths.collect::<Vec<_>>(), stages)
    };
    let lives = WIDTHS.map(at);
    let lifetimes = [0, 1, 2].map(|index: usize| &lives[index].places[..]);
    let places_end = schedule.tensors.iter().map(|tensor| tensor.place + 1).max().unwrap_or(0);
    let mut widths = vec![0; places_end];
    schedule.tensors.iter().for_each(|tensor| widths[tensor.place] = tensor.width);
    let of_step = |step: usize| {
        let here = |place: &usize| {
            let life = lifetimes[0][*place];
            (life.first..=life.last).contains(&step)
        };
        let places = (0..widths.len()).filter(here).map(|place| {
            let over =
                lives[0].overlaps.iter().find(|overlap| overlap.output == place && here(&overlap.input));
            let options = options(schedule, widths[place]).len();
            let bytes = (0..options).map(|option| match over {
                Some(overlap) => added(schedule, stages, overlap, &widths, (given, WIDTHS[option])),
                None => lifetimes[option][place].bytes.next_multiple_of(ALIGNMENT) as u64,
            });
            Alive { width: widths[place], bytes: bytes.collect() }
        });
        // What stages need beside tensors has no width: it counts as of an input, whose width is given.
        let rest = (places_end..lifetimes[0].len()).filter(here);
        let rest = rest.map(|place| Alive { width: 0, bytes: vec![lifetimes[0][place].bytes as u64] });
        places.chain(rest).collect()
    };
    (0..schedule.steps.len()).map(of_step).collect()
}

/// Bytes that the output of a stage takes with these bits beside the input over which it lies. `width_of`:
/// the width of each place.
fn added(
    schedule: &Schedule,
    stages: &[Stripes],
    overlap: &Overlap,
    width_of: &[usize],
    (given, output_bits): (&Given, Bits),
) -> u64 {
    let mut widths = schedule.initial_widths();
    let output = width_of[overlap.output];
    if !schedule.fixed[output] {
        widths[output] = output_bits;
    }
    given.iter().for_each(|(width, bits)| widths[*width] = *bits);
    let lives = schedule.lives(&widths, stages);
    let is_same = |other: &&Overlap| [other.input, other.output] == [overlap.input, overlap.output];
    lives.overlaps.iter().find(is_same).map_or(0, |overlap| lives.added(overlap)) as u64
}

fn dead_end(schedule: &Schedule, ram: Ram) -> Infeasible {
    let live = execution::live(schedule, &at_most(schedule, Bits::B2), ram.execution);
    ram_dead_end(schedule, live.iter().position(|bytes| *bytes > ram.bytes), ram)
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
