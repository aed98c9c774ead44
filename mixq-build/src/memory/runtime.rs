//! Memory model `runtime`: the bytes that the linked firmware really holds.
//!
//! Flash is packed weights with the padding of their rows, requantisation tables and layer tables; RAM is the
//! planned arena with image, logits, every tensor that lives, and alignment.

use mixq_format::{Bits, Stage};

use super::accumulator;
use super::activations::{Fitted, fit_activations};
use super::arena::Plan;
use super::execution;
use super::flash::{self, flash_bytes, parameter_bytes};
use super::rules::cut_weights;
use super::schedule::{Schedule, Tensor};
use super::stripes::Stripes;
use crate::graph::{Graph, Shape};
use crate::settings::{DELTA, Execution, Ram, Scheme};

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
    /// The runs of steps that are executed in stripes.
    pub stages: Vec<Stripes>,
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
    /// How many of its rows the arena holds: all, or in a stage those that are still needed.
    pub rows: usize,
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
        self.rows * self.shape.width * self.bits.row_bytes(self.shape.channels)
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
pub fn allocate(
    graph: &Graph,
    flash: u64,
    ram: impl Into<Ram>,
    scheme: Scheme,
) -> Result<Allocation, Infeasible> {
    allocate_with_delta(graph, flash, ram, scheme, DELTA)
}

/// As [`allocate`], with another slack of the weight rule than the paper's, in millionths.
///
/// # Errors
/// As [`allocate`].
pub fn allocate_with_delta(
    graph: &Graph,
    flash: u64,
    ram: impl Into<Ram>,
    scheme: Scheme,
    delta: u32,
) -> Result<Allocation, Infeasible> {
    let ram = ram.into();
    let schedule = Schedule::new(graph).sliding(ram.execution.hop());
    let fitted = fit_activations(&schedule, ram)?;
    let is_striped = !fitted.stages.is_empty();
    match weights_to_flash(graph, schedule, flash, scheme, delta, fitted) {
        // The tables of stages may be what is too large: without them activations lose bits.
        Err(too_large) if is_striped && !ram.execution.is_fed() => {
            let whole = Ram { execution: Execution::Whole, ..ram };
            allocate_with_delta(graph, flash, whole, scheme, delta).map_err(|other| {
                match (too_large, other) {
                    (Infeasible::Flash { least }, Infeasible::Flash { least: other }) => {
                        Infeasible::Flash { least: least.min(other) }
                    }
                    (too_large, _) => too_large,
                }
            })
        }
        found => found.map(|found| found.in_fast_stages(graph, scheme, flash, ram)),
    }
}

/// The bits of the weights by the rules, beside activations that have theirs.
fn weights_to_flash(
    graph: &Graph,
    schedule: Schedule,
    flash: u64,
    scheme: Scheme,
    delta: u32,
    fitted: Fitted,
) -> Result<Allocation, Infeasible> {
    let Fitted { widths, mut cuts, stages, plan } = fitted;
    let weighted: Vec<usize> = graph.weighted().collect();
    let counts: Vec<u64> = weighted.iter().map(|&node| graph.weight_count(node) as u64).collect();
    let spread = |bits: &[Bits]| {
        let mut all = vec![None; graph.nodes.len()];
        weighted.iter().zip(bits).for_each(|(&node, &bits)| all[node] = Some(bits));
        all
    };
    let activations = schedule.activations(&widths);
    let striped = stage_bytes(&stages);
    let bytes = |bits: &[Bits]| flash_bytes(graph, &spread(bits), &activations, scheme) + striped;
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
    let fitted = Fitted { widths, cuts, stages, plan };
    Ok(Allocation::new(graph, scheme, schedule, spread(&bits), fitted))
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
    /// It is executed in stripes where it does not fit `ram` otherwise.
    pub fn with_bits(
        graph: &Graph,
        scheme: Scheme,
        weights: Vec<Option<Bits>>,
        activations: &[Bits],
        ram: Ram,
    ) -> Allocation {
        let schedule = Schedule::new(graph).sliding(ram.execution.hop());
        let widths = schedule.widths_of(activations);
        let any = Ram { bytes: u64::MAX, ..ram };
        let fitted = [ram, any].into_iter().find_map(|ram| execution::fit(&schedule, &widths, ram));
        let (stages, plan) = fitted.unwrap_or_else(|| (Vec::new(), schedule.plan(&widths, &[])));
        let fitted = Fitted { widths, cuts: Vec::new(), stages, plan };
        let allocation = Allocation::new(graph, scheme, schedule, weights, fitted);
        allocation.in_fast_stages(graph, scheme, u64::MAX, ram)
    }

    /// The same, executed in these stages; `None` if they are not stages of the network.
    pub fn with_stages(
        graph: &Graph,
        scheme: Scheme,
        weights: Vec<Option<Bits>>,
        activations: &[Bits],
        stages: &[Stage],
    ) -> Option<Allocation> {
        let schedule = Schedule::new(graph);
        let (widths, stages) = (schedule.widths_of(activations), schedule.stripes(stages)?);
        let plan = schedule.plan(&widths, &stages);
        let fitted = Fitted { widths, cuts: Vec::new(), stages, plan };
        Some(Allocation::new(graph, scheme, schedule, weights, fitted))
    }

    pub(super) fn new(
        graph: &Graph,
        scheme: Scheme,
        schedule: Schedule,
        weights: Vec<Option<Bits>>,
        fitted: Fitted,
    ) -> Allocation {
        let Fitted { widths, cuts, mut stages, plan } = fitted;
        schedule.place(&mut stages, &plan);
        let activations = schedule.activations(&widths);
        let flash = flash_bytes(graph, &weights, &activations, scheme) + stage_bytes(&stages);
        let placed = |(index, (tensor, &offset)): (usize, (&Tensor, &usize))| {
            let Tensor { shape, width, life, .. } = *tensor;
            let rows = schedule.held(index, &stages).unwrap_or(shape.height);
            PlacedTensor { shape, rows, bits: widths[width], offset, life }
        };
        let tensors = schedule.tensors.iter().zip(&plan.offsets).enumerate().map(placed).collect();
        let lives = schedule.lives(&widths, &stages);
        let live_bytes = (0..schedule.steps.len()).map(|step| lives.bytes(step) as u64).collect();
        let ram = plan.bytes as u64;
        Allocation { weights, activations, cuts, tensors, live_bytes, schedule, stages, plan, flash, ram }
    }
}

impl Allocation {
    /// Bytes of flash that the stages take, of `flash`.
    pub fn stage_bytes(&self) -> u64 {
        stage_bytes(&self.stages)
    }
}

/// Bytes of flash that stages take, in addition to the tables of their layers.
pub(super) fn stage_bytes(stages: &[Stripes]) -> u64 {
    stages.iter().map(|stripes| stripes.stage.table_bytes() as u64).sum()
}
