//! Which memory is too small for a network, and by how much.

use mixq_format::Bits;

use crate::error::Problem;
use crate::graph::Graph;
use crate::memory::chain::{PaperAllocation, chain};
use crate::memory::paper::{flash_bits, live_bits};
use crate::memory::schedule::Schedule;
use crate::memory::{Infeasible, allocate, allocate_with_delta, live, most_flash_bytes};
use crate::settings::{Execution, Ram, Scheme};

/// How memory is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryModel {
    /// What the linked firmware holds.
    Runtime {
        /// Slack of the rule for weights, in millionths.
        delta: u32,
        /// How layers may be executed.
        execution: Execution,
    },
    /// What arXiv 1905.13082 counts.
    Paper {
        /// Slack of the rule for weights, in millionths.
        delta: u32,
    },
}

/// A memory that is too small even at the lowest bits; all in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shortage {
    /// Too little flash.
    Flash {
        /// The node with the most weights.
        largest: usize,
        /// What the network needs with all weights at 2 bits: the least budget that would do.
        at_2_bits: u64,
        /// What it needs with all weights at 8 bits.
        at_8_bits: u64,
    },
    /// Too little RAM.
    Ram {
        /// The node that needs most at 2 bits.
        node: usize,
        /// What lives while it runs, at 2 bits.
        at_2_bits: u64,
        /// What lives while it runs, at 8 bits.
        at_8_bits: u64,
        /// The least budget that would do for the whole network.
        least: u64,
    },
}

/// The bytes of a network with everything at 2 bits, in which it always fits, and by memory model `runtime`
/// in no less RAM. With thresholds, flash is that of the activations with most of them, and less may do. Less
/// flash may also do where more RAM makes stages needless.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Least {
    /// Bytes of flash.
    pub flash: u64,
    /// Bytes of RAM.
    pub ram: u64,
}

impl MemoryModel {
    /// The budgets that are always enough for a network.
    ///
    /// # Errors
    /// The memory model does not know such networks.
    pub fn least(self, graph: &Graph, scheme: Scheme) -> Result<Least, Problem> {
        match self {
            MemoryModel::Runtime { execution, .. } => {
                let within = |bytes| allocate(graph, u64::MAX, Ram { bytes, execution }, scheme);
                let ram = least_ram(graph, execution, scheme);
                let of_stages = within(ram).map_or(0, |allocation| allocation.stage_bytes());
                Ok(Least { flash: most_flash_bytes(graph, Bits::B2, scheme) + of_stages, ram })
            }
            MemoryModel::Paper { .. } => {
                let (_, layers) = chain(graph)?;
                let lowest = outputs(layers.len(), Bits::B2);
                let weights = vec![Bits::B2; layers.len()];
                let live = (0..layers.len()).map(|layer| live_bits(&layers, &lowest, layer).div_ceil(8));
                Ok(Least {
                    // Not of the lowest activations: thresholds are fewest there.
                    flash: flash_bits(&layers, &weights, &outputs(layers.len(), Bits::B8), scheme)
                        .div_ceil(8),
                    ram: live.max().unwrap_or(0),
                })
            }
        }
    }

    /// Whether a network fits.
    pub fn fits(self, graph: &Graph, flash: u64, ram: u64, scheme: Scheme) -> bool {
        match self {
            MemoryModel::Runtime { delta, execution } => {
                allocate_with_delta(graph, flash, Ram { bytes: ram, execution }, scheme, delta).is_ok()
            }
            MemoryModel::Paper { .. } => {
                let least = self.least(graph, scheme);
                least.is_ok_and(|least| least.flash <= flash && least.ram <= ram)
            }
        }
    }

    /// What is too small; empty if the network fits.
    ///
    /// # Errors
    /// The memory model does not know such networks.
    pub fn shortages(
        self,
        graph: &Graph,
        flash: u64,
        ram: u64,
        scheme: Scheme,
    ) -> Result<Vec<Shortage>, Problem> {
        // How activations were cut changes the parameters; where that failed, flash is looked at alone.
        let too_little = match self {
            MemoryModel::Runtime { execution, .. } => {
                let too_little_ram = runtime_ram(graph, Ram { bytes: ram, execution }, scheme);
                let bytes = if too_little_ram.is_some() { u64::MAX } else { ram };
                [too_little_ram, runtime_flash(graph, flash, Ram { bytes, execution }, scheme)]
            }
            MemoryModel::Paper { delta } => {
                let too_little_ram = paper_ram(graph, ram, scheme, delta)?;
                let ram = if too_little_ram.is_some() { u64::MAX } else { ram };
                [too_little_ram, paper_flash(graph, flash, ram, scheme, delta)?]
            }
        };
        Ok(too_little.into_iter().flatten().collect())
    }
}

fn largest(graph: &Graph) -> usize {
    (0..graph.nodes.len()).max_by_key(|&node| graph.weight_count(node)).unwrap_or(0)
}

/// The fewest bytes of RAM in which the allocator finds bits.
fn least_ram(graph: &Graph, execution: Execution, scheme: Scheme) -> u64 {
    let within = |bytes| allocate(graph, u64::MAX, Ram { bytes, execution }, scheme);
    let mut ram = match within(0) {
        Err(Infeasible::Flash { least } | Infeasible::Ram { least, .. }) => least,
        Ok(allocation) => allocation.ram,
    };
    // That is with the same bits for all tensors. Where rows of 2 bits are no whole words, which stages need,
    // the rules may find other bits that take less.
    if Schedule::new(graph).rows_stay_words() {
        return ram;
    }
    while let Ok(allocation) = within(ram.saturating_sub(1))
        && allocation.ram < ram
    {
        ram = allocation.ram;
    }
    ram
}

fn runtime_ram(graph: &Graph, ram: Ram, scheme: Scheme) -> Option<Shortage> {
    let Err(Infeasible::Ram { least, .. }) = allocate(graph, u64::MAX, ram, scheme) else { return None };
    let found = least_ram(graph, ram.execution, scheme);
    let least = if found > ram.bytes { found } else { least };
    let schedule = Schedule::new(graph).sliding(ram.execution.hop());
    let widest = schedule.initial_widths();
    let narrow = |(&bits, &fixed)| if fixed { bits } else { Bits::B2 };
    let narrowest: Vec<Bits> = widest.iter().zip(&schedule.fixed).map(narrow).collect();
    let [narrow, wide] = [&narrowest, &widest].map(|widths| live(&schedule, widths, ram.execution));
    let peak = (0..schedule.steps.len()).rev().max_by_key(|&step| narrow[step])?;
    let (at_2_bits, at_8_bits) = (narrow[peak], wide[peak]);
    Some(Shortage::Ram { node: schedule.steps[peak].node, at_2_bits, at_8_bits, least })
}

fn runtime_flash(graph: &Graph, flash: u64, ram: Ram, scheme: Scheme) -> Option<Shortage> {
    let Err(Infeasible::Flash { least }) = allocate(graph, flash, ram, scheme) else { return None };
    let at_8_bits = allocate(graph, u64::MAX, ram, scheme).map_or(least, |allocation| allocation.flash);
    Some(Shortage::Flash { largest: largest(graph), at_2_bits: least, at_8_bits })
}

fn paper_ram(graph: &Graph, ram: u64, scheme: Scheme, delta: u32) -> Result<Option<Shortage>, Problem> {
    let (nodes, layers) = chain(graph)?;
    let live = |bits, layer: &usize| live_bits(&layers, &outputs(layers.len(), bits), *layer).div_ceil(8);
    let allocation = PaperAllocation::new((nodes.clone(), layers.clone()), u64::MAX, ram, scheme, delta);
    let peak = (0..layers.len()).rev().max_by_key(|layer| live(Bits::B2, layer));
    Ok(allocation.err().and(peak).map(|peak| {
        let (least, at_8_bits) = (live(Bits::B2, &peak), live(Bits::B8, &peak));
        Shortage::Ram { node: nodes[peak], at_2_bits: least, at_8_bits, least }
    }))
}

fn paper_flash(
    graph: &Graph,
    flash: u64,
    ram: u64,
    scheme: Scheme,
    delta: u32,
) -> Result<Option<Shortage>, Problem> {
    let (nodes, layers) = chain(graph)?;
    let of_ram = PaperAllocation::new((nodes.clone(), layers.clone()), u64::MAX, ram, scheme, delta);
    let activations =
        of_ram.map_or_else(|_| outputs(layers.len(), Bits::B8), |allocation| allocation.widths.activations);
    let needed =
        |weights| flash_bits(&layers, &vec![weights; layers.len()], &activations, scheme).div_ceil(8);
    let (at_2_bits, at_8_bits) = (needed(Bits::B2), needed(Bits::B8));
    let allocation = PaperAllocation::new((nodes, layers), flash, ram, scheme, delta);
    Ok(allocation.is_err().then(|| Shortage::Flash { largest: largest(graph), at_2_bits, at_8_bits }))
}

/// All outputs of a chain at these bits, but the logits at 8.
fn outputs(layers: usize, bits: Bits) -> Vec<Bits> {
    let mut all = vec![bits; layers];
    if let Some(logits) = all.last_mut() {
        *logits = Bits::B8;
    }
    all
}
