//! Memory model `runtime`: the bytes that the linked firmware really holds.
//!
//! Flash is packed weights with the padding of their rows, requantisation tables and layer tables; RAM is the
//! planned arena with image, logits, every tensor that lives, and alignment.

use mixq_format as format;
use mixq_format::Bits;

use super::arena::{Plan, live_bytes, plan};
use super::rules::{DELTA, Side, Step, cut_activations, cut_weights};
use super::schedule::Schedule;
use crate::config::Scheme;
use crate::graph::{Graph, Op};

/// The bits of every tensor of a network, and the memory that they take.
#[derive(Clone, Debug)]
pub struct Allocation {
    /// Bits of each node's weights; `None` for a node without.
    pub weights: Vec<Option<Bits>>,
    /// Bits of each node's output; 32 for the logits.
    pub activations: Vec<Bits>,
    /// What was cut, in order.
    pub cuts: Vec<Cut>,
    /// Steps and tensors.
    pub schedule: Schedule,
    /// Where the tensors of `schedule` lie.
    pub plan: Plan,
    /// Bytes of constants.
    pub flash: u64,
    /// Bytes of RAM.
    pub ram: u64,
}

/// One halving of a width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The node whose weights or output lost bits.
    pub node: usize,
    /// Weights, or else the output.
    pub weights: bool,
    /// Bits afterwards.
    pub to: Bits,
}

/// No allocation meets the budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Infeasible {
    /// Too little RAM.
    Ram {
        /// The node that does not fit.
        node: usize,
        /// Bytes that it needs with all that lives beside it at 2 bits.
        needed: u64,
        /// Bytes of the whole arena with everything at 2 bits: the least budget that can be met.
        least: u64,
    },
    /// Too little flash.
    Flash {
        /// Bytes with all weights at 2 bits: the least budget that can be met.
        least: u64,
    },
}

/// Gives every tensor its bits by the rules of [`super::rules`], under the bytes of `flash` and `ram`.
///
/// # Errors
/// What is too large at the lowest bits.
pub fn allocate(graph: &Graph, flash: u64, ram: u64, scheme: Scheme) -> Result<Allocation, Infeasible> {
    let schedule = Schedule::new(graph);
    let (widths, mut cuts, plan) = fit_activations(graph, &schedule, ram)?;

    let weighted: Vec<usize> = (0..graph.nodes.len()).filter(|&i| graph.nodes[i].op.weighted()).collect();
    let counts: Vec<u64> = weighted.iter().map(|&node| graph.weight_count(node) as u64).collect();
    let spread = |bits: &[Bits]| {
        let mut all = vec![None; graph.nodes.len()];
        weighted.iter().zip(bits).for_each(|(&node, &bits)| all[node] = Some(bits));
        all
    };
    let mut bits = vec![Bits::B8; weighted.len()];
    let cut =
        cut_weights(&mut bits, &counts, DELTA, |bits| flash_bytes(graph, &spread(bits), scheme) > flash);
    let cut = cut.map_err(|_| Infeasible::Flash {
        least: flash_bytes(graph, &spread(&vec![Bits::B2; weighted.len()]), scheme),
    })?;
    let mut now = vec![Bits::B8; weighted.len()];
    for layer in cut {
        now[layer] = now[layer].narrower().expect("the rule cuts only what can be cut");
        cuts.push(Cut { node: weighted[layer], weights: true, to: now[layer] });
    }
    let weights = spread(&bits);
    let activations =
        schedule.tensor_of_node.iter().map(|&tensor| widths[schedule.tensors[tensor].width]).collect();
    let flash = flash_bytes(graph, &weights, scheme);
    Ok(Allocation { weights, activations, cuts, ram: plan.bytes as u64, plan, schedule, flash })
}

fn fit_activations(
    graph: &Graph,
    schedule: &Schedule,
    ram: u64,
) -> Result<(Vec<Bits>, Vec<Cut>, Plan), Infeasible> {
    let steps = rule_steps(schedule);
    let mut widths = schedule.initial_widths();
    let mut cuts = Vec::new();
    // If the plan cannot reach the sum of what lives, the gap is taken off the budget and the rule goes on.
    let mut target = ram;
    loop {
        let before = widths.clone();
        let cut = cut_activations(&mut widths, &schedule.fixed, &steps, |widths, step| {
            live_bytes(&schedule.lifetimes(widths), step) as u64 > target
        });
        let cut = cut.map_err(|dead_end| ram_dead_end(schedule, dead_end.step.unwrap_or(0)))?;
        let mut now = before;
        for width in cut {
            now[width] = now[width].narrower().expect("the rule cuts only what can be cut");
            let tensor =
                schedule.tensors.iter().position(|t| t.width == width).expect("a width has a tensor");
            let node = schedule.tensor_of_node.iter().position(|&t| t == tensor).expect("not the image");
            cuts.push(Cut { node, weights: false, to: now[width] });
        }
        let plan = plan(&schedule.lifetimes(&widths));
        let used = plan.bytes as u64;
        if used <= ram {
            return Ok((widths, cuts, plan));
        }
        let Some(lower) = target.checked_sub(used - ram) else {
            return Err(ram_dead_end(schedule, graph.nodes.len().min(schedule.steps.len()) - 1));
        };
        target = lower;
    }
}

fn ram_dead_end(schedule: &Schedule, step: usize) -> Infeasible {
    let narrowest: Vec<Bits> = (schedule.initial_widths().into_iter().zip(&schedule.fixed))
        .map(|(bits, fixed)| if *fixed { bits } else { Bits::B2 })
        .collect();
    let lifetimes = schedule.lifetimes(&narrowest);
    Infeasible::Ram {
        node: schedule.steps[step].node,
        needed: live_bytes(&lifetimes, step) as u64,
        least: plan(&lifetimes).bytes as u64,
    }
}

fn rule_steps(schedule: &Schedule) -> Vec<Step> {
    let side = |tensor: usize| Side {
        width: schedule.tensors[tensor].width,
        elements: schedule.tensors[tensor].shape.elements() as u64,
    };
    (schedule.steps.iter().enumerate())
        .map(|(now, step)| {
            let largest = step.inputs.iter().copied().max_by_key(|&tensor| {
                (!schedule.fixed[schedule.tensors[tensor].width], side(tensor).elements)
            });
            let input = largest.expect("a step reads something");
            let alive =
                |t: &usize| (schedule.tensors[*t].life.0..=schedule.tensors[*t].life.1).contains(&now);
            let bystanders = (0..schedule.tensors.len()).filter(alive);
            Step {
                input: side(input),
                output: side(step.output),
                bystanders: bystanders.filter(|&t| t != input && t != step.output).map(side).collect(),
            }
        })
        .collect()
}

/// Bytes of constants at these weight widths: parameters, padded to a word, and layer tables.
fn flash_bytes(graph: &Graph, weights: &[Option<Bits>], scheme: Scheme) -> u64 {
    let (mut parameters, mut tables) = (0, 0);
    for (index, node) in graph.nodes.iter().enumerate() {
        tables += match node.op {
            Op::Conv { .. } => size_of::<format::Conv>(),
            Op::Depthwise { .. } => size_of::<format::Depthwise>(),
            Op::Linear { .. } => size_of::<format::Linear>(),
            Op::AveragePool { .. } | Op::MaxPool { .. } => size_of::<format::Pool>(),
            Op::Add { .. } => size_of::<format::Add>(),
            Op::Flatten => 0,
        };
        if let Some(bits) = weights[index] {
            let (rows, columns) = weight_rows(graph, index);
            parameters += rows * bits.row_bytes(columns);
            let channels = node.output.channels;
            let (multipliers, zero_points) = table_lengths(graph, index, scheme);
            parameters += 4 * channels + 5 * multipliers + zero_points;
        }
    }
    (parameters.next_multiple_of(4) + tables) as u64
}

/// How many multipliers (with their shifts) and how many weight zero points a layer has.
///
/// Batch norm makes the multipliers of a layer differ by channel in either scheme; so does the output scale of an inner
/// layer without: only logits of the per-layer scheme share one.
pub(crate) fn table_lengths(graph: &Graph, node: usize, scheme: Scheme) -> (usize, usize) {
    let channels = graph.nodes[node].output.channels;
    let last = node + 1 == graph.nodes.len();
    match scheme {
        Scheme::PerChannel => (channels, channels),
        Scheme::PerLayer if last && !graph.nodes[node].op.batch_norm() => (1, 1),
        Scheme::PerLayer => (channels, 1),
    }
}

/// Rows and columns of a node's packed weights: the last axis of the weights is a row.
pub(crate) fn weight_rows(graph: &Graph, node: usize) -> (usize, usize) {
    let shape = graph.weight_shape(node);
    let columns = shape[shape.len() - 1];
    (shape.iter().product::<usize>() / columns, columns)
}
