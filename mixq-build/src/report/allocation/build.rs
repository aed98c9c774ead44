//! The figures, from either memory model.

use mixq_format::Bits;
use mixq_format::target::Cost;

use super::super::{InputReport, SpeedReport, StageReport};
use super::{AllocationReport, CutReport, CutTensor, LayerAllocation, Uncut};
use crate::error::Problem;
use crate::graph::{Graph, Shape};
use crate::memory::chain::{PaperAllocation, chain};
use crate::memory::{Allocation, Cut, allocate_with_delta, uncut_bytes, weight_rows};
use crate::settings::Ram;
use crate::shortage::{MemoryModel, Request, accumulator};
use crate::target::{Platform, Speed};

/// What the memory models differ in.
struct Parts {
    layers: Vec<LayerAllocation>,
    flash_bytes: u64,
    ram_bytes: u64,
    arena_lower_bound: Option<u64>,
    speed: Option<Speed>,
    speed_bytes: u64,
    uncut: Option<Uncut>,
    stages: Vec<StageReport>,
    cuts: Vec<Cut>,
    notes: Vec<String>,
}

impl AllocationReport {
    /// The figures of what was asked for; budgets of `u64::MAX` are none. How fast it is, too, where it is
    /// known what executes it.
    ///
    /// # Errors
    /// What does not fit, or that the memory model does not know such networks.
    pub fn new(
        request: &Request<'_>,
        network: &str,
        platform: Option<&Platform>,
    ) -> Result<AllocationReport, Vec<Problem>> {
        let &Request { graph, flash, ram, scheme, .. } = request;
        let allocated = match request.memory_model {
            MemoryModel::Runtime { delta, execution } => {
                let within = Ram { bytes: ram, execution };
                let allocation = allocate_with_delta(graph, flash, within, scheme, delta).ok();
                let problems =
                    allocation.iter().flat_map(|it| accumulator::problems(&request.who, graph, it));
                let problems: Vec<Problem> = problems.collect();
                if !problems.is_empty() {
                    return Err(problems);
                }
                allocation.map(|allocation| {
                    let speed =
                        platform.and_then(|platform| platform.outlined(graph, &allocation, scheme, ram));
                    runtime(graph, allocation, speed)
                })
            }
            MemoryModel::Paper { delta } => {
                let layers = chain(graph).map_err(|problem| vec![problem])?;
                let allocation = PaperAllocation::new(layers, flash, ram, scheme, delta).ok();
                allocation.map(|allocation| paper(graph, &allocation, allocation.flash_bytes(scheme)))
            }
        };
        let Some(Parts {
            layers,
            flash_bytes,
            ram_bytes,
            arena_lower_bound,
            speed,
            speed_bytes,
            uncut,
            stages,
            cuts,
            notes,
        }) = allocated
        else {
            let problems = request.problems().map_err(|problem| vec![problem])?;
            return Err(problems.into_iter().map(|(_, problem)| problem).collect());
        };
        let weighted = || layers.iter().filter(|layer| layer.weight_bits.is_some());
        // Of several, the first.
        let peak = layers.iter().rev().max_by_key(|layer| layer.live_bytes);
        let budget = |bytes: u64| (bytes != u64::MAX).then_some(bytes);
        Ok(AllocationReport {
            network: network.to_string(),
            memory_model: match request.memory_model {
                MemoryModel::Runtime { .. } => "runtime",
                MemoryModel::Paper { .. } => "paper",
            },
            scheme,
            inputs: graph.inputs.iter().map(InputReport::from).collect(),
            macs: layers.iter().map(|layer| layer.macs).sum(),
            weight_bits: weighted().filter_map(|layer| layer.weight_bits).collect(),
            activation_bits: weighted().map(|layer| layer.activation_bits).collect(),
            flash_bytes,
            flash_budget: budget(flash),
            ram_bytes,
            speed: SpeedReport::new(speed_bytes, speed.as_ref()),
            ram_budget: budget(ram),
            peak_layer: peak.map(|layer| layer.name.clone()).unwrap_or_default(),
            arena_lower_bound,
            uncut,
            stages,
            cuts: cut_reports(graph, &cuts),
            notes,
            fits: true,
            layers,
        })
    }
}

fn runtime(graph: &Graph, allocation: Allocation, speed: Option<(Speed, u32)>) -> Parts {
    let (speed, arena) = speed.unzip();
    let ram_bytes = arena.map_or(allocation.ram, u64::from);
    let steps = allocation.schedule.steps.iter().zip(&allocation.live_bytes).enumerate();
    let layers = steps.map(|(index, (step, live_bytes))| {
        let weights = allocation.weights[step.node].map(|bits| {
            let (rows, columns) = weight_rows(graph, step.node);
            (bits, (rows * bits.row_bytes(columns)) as u64)
        });
        let output = allocation.tensors[step.output];
        let cost = speed.as_ref().map(|speed| speed.layers[index]);
        layer(graph, step.node, weights, (output.bits, output.bytes() as u64), *live_bytes, cost)
    });
    let layers: Vec<LayerAllocation> = layers.collect();
    let names: Vec<&str> = layers.iter().map(|layer| &layer.name[..]).collect();
    let stages = StageReport::all(allocation.stages.iter().map(|stripes| &stripes.stage), &names);
    let (whole_bytes, stripes_bytes, rows_bytes) = uncut_bytes(&allocation.schedule);
    Parts {
        uncut: Some(Uncut { whole_bytes, stripes_bytes, rows_bytes }),
        stages,
        layers,
        flash_bytes: allocation.flash,
        ram_bytes,
        speed_bytes: ram_bytes - allocation.ram,
        speed,
        arena_lower_bound: Some(allocation.plan.lower_bound as u64),
        notes: accumulator::notes(graph, &allocation),
        cuts: allocation.cuts,
    }
}

fn paper(graph: &Graph, allocation: &PaperAllocation, flash_bytes: u64) -> Parts {
    let bytes = |elements: u64, bits: Bits| (elements * bits.count() as u64).div_ceil(8);
    let layers = allocation.nodes.iter().zip(&allocation.layers).enumerate().map(|(index, (&node, size))| {
        let (weights, output) = (allocation.widths.weights[index], allocation.widths.activations[index]);
        let weights = (weights, bytes(size.weights, weights));
        layer(
            graph,
            node,
            Some(weights),
            (output, bytes(size.outputs, output)),
            allocation.live_bytes(index),
            None,
        )
    });
    let layers: Vec<_> = layers.collect();
    Parts {
        ram_bytes: layers.iter().map(|layer| layer.live_bytes).max().unwrap_or(0),
        layers,
        flash_bytes,
        arena_lower_bound: None,
        speed: None,
        speed_bytes: 0,
        uncut: None,
        stages: Vec::new(),
        cuts: allocation.cuts.clone(),
        notes: Vec::new(),
    }
}

/// Weights and output with their bits and bytes.
fn layer(
    graph: &Graph,
    node: usize,
    weights: Option<(Bits, u64)>,
    (activation_bits, output_bytes): (Bits, u64),
    live_bytes: u64,
    cost: Option<Cost>,
) -> LayerAllocation {
    let Shape { height, width, channels } = graph.nodes[node].output;
    LayerAllocation {
        name: graph.nodes[node].name.clone(),
        kind: graph.nodes[node].op.kind().to_string(),
        shape: [height, width, channels],
        macs: graph.macs(node),
        weight_bits: weights.map(|(bits, _)| bits.into()),
        weight_bytes: weights.map_or(0, |(_, bytes)| bytes),
        activation_bits: activation_bits.into(),
        output_bytes,
        live_bytes,
        instructions: cost.map(|cost| cost.instructions),
        cycles_estimate: cost.and_then(|cost| cost.cycles),
    }
}

fn cut_reports(graph: &Graph, cuts: &[Cut]) -> Vec<CutReport> {
    let report = |cut: &Cut| {
        let to = cut.to.into();
        CutReport {
            layer: graph.nodes[cut.node].name.clone(),
            tensor: if cut.weights { CutTensor::Weights } else { CutTensor::Output },
            from: 2 * to,
            to,
        }
    };
    cuts.iter().map(report).collect()
}
