//! Memory model `runtime`: the bytes that the linked firmware really holds.
//!
//! Flash is packed weights with the padding of their rows, requantisation tables and layer tables; RAM is the
//! planned arena with image, logits, every tensor that lives, and alignment.

use mixq_format::Bits;

use super::accumulator;
use super::arena::{Plan, live_bytes};
use super::flash::{self, flash_bytes, parameter_bytes};
use super::rules::{Side, Step, cut_activations, cut_weights};
use super::schedule::{Schedule, Tensor};
use crate::graph::{Graph, Shape};
use crate::settings::{DELTA, Scheme};

/// The bits of every tensor of a network, and the memory that they take.
#[derive(Clone, Debug)]
pub struct Allocation {
    /// Bits of each node's weights; `None` for a node without.
    pub weights: Vec<Option<Bits>>,
    /// Bits of each node's output; 32 for the logits.
    pub activations: Vec<Bits>,
    /// What was cut, in order.
    pub cuts: Vec<Cut>,
    /// The tensors in the arena; the first is the image, the last the logits.
    pub tensors: Vec<PlacedTensor>,
    /// Bytes of the arena that are alive at each step, with alignment.
    pub live_bytes: Vec<u64>,
    /// The steps, and how the tensors came to be.
    pub schedule: Schedule,
    /// Where the tensors of `schedule` lie.
    pub plan: Plan,
    /// Bytes of constants.
    pub flash: u64,
    /// Bytes of RAM.
    pub ram: u64,
}

/// A tensor with all that is decided about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlacedTensor {
    /// Its shape.
    pub shape: Shape,
    /// Its bits.
    pub bits: Bits,
    /// Its first byte in the arena.
    pub offset: usize,
    /// First and last step at which it lives.
    pub life: (usize, usize),
}

impl PlacedTensor {
    /// Bytes that it takes, without alignment.
    pub fn bytes(&self) -> usize {
        self.shape.height * self.shape.width * self.bits.row_bytes(self.shape.channels)
    }
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
        /// Bytes with all weights at 2 bits: the least budget that can be met beside this one of RAM. (The
        /// activations that fit it decide how many thresholds there are; without thresholds they do not
        /// matter.)
        least: u64,
    },
}

/// Gives every tensor its bits by the rules of [`super::rules`], under the bytes of `flash` and `ram`.
///
/// # Errors
/// What is too large at the lowest bits.
pub fn allocate(graph: &Graph, flash: u64, ram: u64, scheme: Scheme) -> Result<Allocation, Infeasible> {
    allocate_with_delta(graph, flash, ram, scheme, DELTA)
}

/// As [`allocate`], with another slack of the weight rule than the paper's, in millionths.
///
/// # Errors
/// As [`allocate`].
pub fn allocate_with_delta(
    graph: &Graph,
    flash: u64,
    ram: u64,
    scheme: Scheme,
    delta: u32,
) -> Result<Allocation, Infeasible> {
    let schedule = Schedule::new(graph);
    let (widths, mut cuts, plan) = fit_activations(&schedule, ram)?;

    let weighted: Vec<usize> = graph.weighted().collect();
    let counts: Vec<u64> = weighted.iter().map(|&node| graph.weight_count(node) as u64).collect();
    let spread = |bits: &[Bits]| {
        let mut all = vec![None; graph.nodes.len()];
        weighted.iter().zip(bits).for_each(|(&node, &bits)| all[node] = Some(bits));
        all
    };
    let activations = schedule.activations(&widths);
    let bytes = |bits: &[Bits]| flash_bytes(graph, &spread(bits), &activations, scheme);
    // Where not even 2 bits fit an accumulator, the caller learns it from
    // `accumulator::overflows`.
    let mut bits: Vec<Bits> = weighted
        .iter()
        .map(|&node| accumulator::widest(graph, node, &activations).unwrap_or(Bits::B2))
        .collect();
    let mut cut = Vec::new();
    for (layer, bits) in bits.iter().enumerate() {
        cut.extend(Bits::QUANTISED.iter().filter(|wider| *wider > bits).map(|_| layer));
    }
    let least: Vec<Bits> =
        weighted.iter().map(|&node| least_weights(graph, node, &activations, scheme)).collect();
    let for_flash = cut_weights(&mut bits, &counts, &least, delta, |bits| bytes(bits) > flash);
    let least = || Infeasible::Flash { least: bytes(&vec![Bits::B2; weighted.len()]) };
    cut.extend(for_flash.map_err(|_| least())?);
    let mut now = vec![Bits::B8; weighted.len()];
    for layer in cut {
        now[layer] = now[layer].narrower().expect("the rule cuts only what can be cut");
        cuts.push(Cut { node: weighted[layer], weights: true, to: now[layer] });
    }
    Ok(Allocation::new(graph, scheme, schedule, spread(&bits), &widths, plan, cuts))
}

/// The widest bits at which a node's weights take no more bytes than with 2: rows are padded to whole bytes,
/// so that fewer bits of a row of one weight save nothing.
fn least_weights(graph: &Graph, node: usize, activations: &[Bits], scheme: Scheme) -> Bits {
    let around = flash::widths(graph, node, activations);
    let bytes = |bits: Bits| parameter_bytes(graph, node, bits, around, scheme);
    let as_few = Bits::QUANTISED.into_iter().filter(|bits| bytes(*bits) <= bytes(Bits::B2));
    as_few.max().unwrap_or(Bits::B2)
}

impl Allocation {
    /// What a network takes whose tensors have these bits: of each node's weights, and of each node's output.
    pub fn with_bits(
        graph: &Graph,
        scheme: Scheme,
        weights: Vec<Option<Bits>>,
        activations: &[Bits],
    ) -> Allocation {
        let schedule = Schedule::new(graph);
        let mut widths = schedule.initial_widths();
        for step in &schedule.steps {
            let width = schedule.tensors[step.output].width;
            if !schedule.fixed[width] {
                widths[width] = activations[step.node];
            }
        }
        let plan = schedule.plan(&widths);
        Allocation::new(graph, scheme, schedule, weights, &widths, plan, Vec::new())
    }

    pub(super) fn new(
        graph: &Graph,
        scheme: Scheme,
        schedule: Schedule,
        weights: Vec<Option<Bits>>,
        widths: &[Bits],
        plan: Plan,
        cuts: Vec<Cut>,
    ) -> Allocation {
        let activations = schedule.activations(widths);
        let flash = flash_bytes(graph, &weights, &activations, scheme);
        let placed = |(tensor, &offset): (&Tensor, &usize)| {
            let Tensor { shape, width, life, .. } = *tensor;
            PlacedTensor { shape, bits: widths[width], offset, life }
        };
        let tensors = schedule.tensors.iter().zip(&plan.offsets).map(placed).collect();
        let lifetimes = schedule.lifetimes(widths);
        let live_bytes = (0..schedule.steps.len()).map(|step| live_bytes(&lifetimes, step) as u64).collect();
        let ram = plan.bytes as u64;
        Allocation { weights, activations, cuts, tensors, live_bytes, schedule, plan, flash, ram }
    }
}

/// The bits of the inputs under the bytes of `ram`, where those of some may be cut by the rules, as those of
/// other tensors: `free` says of each input whether they may. Where nothing meets the budget, these have 2.
pub fn input_bits(graph: &Graph, free: &[bool], ram: u64) -> Vec<Bits> {
    let mut schedule = Schedule::new(graph);
    // Inputs have the first widths.
    free.iter().zip(&mut schedule.fixed).for_each(|(free, fixed)| *fixed &= !free);
    let widths = match cut_widths(&schedule, ram) {
        Ok((widths, ..)) => widths,
        Err(_) => narrowest(&schedule),
    };
    widths[..free.len()].to_vec()
}

pub(super) fn fit_activations(
    schedule: &Schedule,
    ram: u64,
) -> Result<(Vec<Bits>, Vec<Cut>, Plan), Infeasible> {
    let (widths, cut, plan) = cut_widths(schedule, ram)?;
    let mut now = schedule.initial_widths();
    let cuts = (cut.into_iter())
        .map(|width| {
            now[width] = now[width].narrower().expect("the rule cuts only what can be cut");
            Cut { node: schedule.first_with_width(width), weights: false, to: now[width] }
        })
        .collect();
    Ok((widths, cuts, plan))
}

/// The widths by the rules, which of them were cut in which order, and the arena.
fn cut_widths(schedule: &Schedule, ram: u64) -> Result<(Vec<Bits>, Vec<usize>, Plan), Infeasible> {
    let steps = rule_steps(schedule);
    let mut widths = schedule.initial_widths();
    let least = schedule.least_widths();
    let mut cut = cut_activations(&mut widths, &least, &steps, |widths, step| {
        live_bytes(&schedule.lifetimes(widths), step) as u64 > ram
    })
    .map_err(|dead_end| ram_dead_end(schedule, dead_end.step))?;
    let mut plan = schedule.plan(&widths);
    // At each step the living tensors fit now. Where branches cross, a plan may need more than their sum.
    while plan.bytes as u64 > ram {
        let width = widest(schedule, &widths, &least).ok_or_else(|| ram_dead_end(schedule, None))?;
        widths[width] = widths[width].narrower().expect("the widest that can be cut");
        cut.push(width);
        plan = schedule.plan(&widths);
    }
    Ok((widths, cut, plan))
}

/// All widths that may be cut at 2 bits.
fn narrowest(schedule: &Schedule) -> Vec<Bits> {
    let widths = schedule.initial_widths().into_iter().zip(&schedule.fixed);
    widths.map(|(bits, fixed)| if *fixed { bits } else { Bits::B2 }).collect()
}

/// Of the widths above their least bits the one with the most, of those the one with the most elements.
fn widest(schedule: &Schedule, widths: &[Bits], least: &[Bits]) -> Option<usize> {
    let elements = |width: usize| {
        let tensors = schedule.tensors.iter().filter(|tensor| tensor.width == width);
        tensors.map(|tensor| tensor.shape.elements()).max()
    };
    let free = (0..widths.len()).filter(|&width| widths[width] > least[width]);
    free.max_by_key(|&width| (widths[width], elements(width)))
}

/// `step` is the step that does not fit even at 2 bits; `None` if each step fits but no plan of all does.
pub(super) fn ram_dead_end(schedule: &Schedule, step: Option<usize>) -> Infeasible {
    let narrowest = narrowest(schedule);
    let lifetimes = schedule.lifetimes(&narrowest);
    let least = schedule.plan(&narrowest).bytes as u64;
    let live = |step: usize| live_bytes(&lifetimes, step) as u64;
    let (step, needed) = match step {
        Some(step) => (step, live(step)),
        None => ((0..schedule.steps.len()).max_by_key(|&step| live(step)).unwrap_or(0), least),
    };
    Infeasible::Ram { node: schedule.steps[step].node, needed, least }
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
