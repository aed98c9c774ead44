//! What layers cost with the kernels for ARMv7E-M: how often each piece of their code is executed, as the
//! loops in mixq-rt have it.

mod conv;
mod depthwise;
mod grouped;
mod linear;
mod moves;
mod pieces;
mod source;
mod unweighted;

use super::super::cost::{Cost, Counts, Execution, Free, Piece, Tally};
use super::super::portable;
use super::{Blocks, Moves, Plan, Proof, STRIP, blocks_of, filters_of, is_depthwise, proof, useful};
use crate::target::{Steps, stripes};
use crate::{Bits, Conv, Layer, Linear, Requant, Rule};

/// How far kernels may go, if weights are not known: as far as with weights that spread over half of their
/// range, and with the largest of the sums that some hundred filters have.
fn usual_proof(elements: usize, x: Bits, blocks: &Blocks) -> Proof {
    // Where the upper channel's sum is multiplied by more, or codes are larger.
    let most = match (x, blocks.weight_bits) {
        (Bits::B8, Bits::B8) => 1280,
        (Bits::B8, Bits::B2) => 768,
        _ => 1 << 13,
    };
    let chunk = elements.next_multiple_of(16).min(most);
    // The lower channel's field, and weights that are offset: half of their range, and how far they spread.
    let (field, half, spread) = match blocks.weight_bits {
        _ if blocks.channels > super::BLOCK => return Proof { chunk: chunk as u16, interval: 512 },
        Bits::B4 => (12, 8.0, 3.2),
        Bits::B8 | Bits::B2 | Bits::B32 => (14, 2.0, 1.0),
    };
    let limit = f64::from((1 << field) - 1) / f64::from(x.max_code());
    let step = blocks.unit.max(blocks.word);
    // `count half + 4 spread sqrt(count)` is below the limit.
    let root = ((4.0 * spread * spread + half * limit).sqrt() - 2.0 * spread) / half;
    let interval = ((root * root) as usize).min(chunk.max(step)).max(step);
    let interval = interval - interval % step;
    Proof { chunk: chunk as u16, interval: interval as u16 }
}

/// What is known of a layer with weights.
#[derive(Clone, Copy)]
struct Known {
    proof: Proof,
    /// Bits of the codes that are made of sums in registers, if there is enough scratch; 0 if there are none.
    codes: usize,
}

impl Known {
    /// `None`, if this set has no kernel for the layer.
    fn of(layer: &Layer, execution: &Execution<'_>) -> Option<Known> {
        let Some(parameters) = execution.parameters else { return Known::usual(layer) };
        if !super::takes(layer, parameters) {
            return None;
        }
        let unlimited = Proof { chunk: 1 << 13, interval: 1 << 13 };
        let proof = proof(layer, parameters).unwrap_or(unlimited);
        let plan = Plan { scratch: 0, scratch_bytes: u32::MAX, spent: false, joined: false, proof };
        Some(Known { proof, codes: super::codes(layer, parameters, &plan) })
    }

    /// The same where parameters are not known: as most are.
    fn usual(layer: &Layer) -> Option<Known> {
        // Of a layer without weights, or whose weights prove nothing.
        let none = Known { proof: Proof { chunk: 0, interval: 0 }, codes: 0 };
        let elements = match layer {
            Layer::GroupedConv(grouped) if is_depthwise(grouped) => return Some(none),
            Layer::Conv(_) | Layer::GroupedConv(_) => {
                let Conv { window, input, .. } = filters_of(layer)?;
                window.taps() * usize::from(input.channels)
            }
            Layer::Linear(Linear { input, .. }) => input.elements(),
            Layer::Depthwise(l) => {
                let multiplies = l.requant.rule == Rule::Multiplier && l.output.bits != Bits::B32;
                let takes = super::kernel::takes_window(&l.window) && multiplies;
                return takes.then_some(none);
            }
            Layer::AveragePool(_) | Layer::MaxPool(_) => return Some(none),
            Layer::Add(add) => return (add.output.bits != Bits::B32).then_some(none),
            Layer::Elementwise(table) => return super::kernel::takes_function(table).then_some(none),
            Layer::Multiply(multiply) => return super::kernel::takes_product(multiply).then_some(none),
            Layer::Rearrange(rearrange) => return Moves::of(rearrange).map(|_| none),
            Layer::Constants(_) => return Some(none),
            Layer::Prelu(_) | Layer::Resize(_) => return None,
        };
        let proof = usual_proof(elements, layer.first_input().bits, &blocks_of(layer)?);
        let (output, requant) = (layer.output(), layer.requant()?);
        let fraction = requant.fraction == Requant::FRACTION
            || (requant.fraction == Requant::COARSE_FRACTION && output.bits == Bits::B8);
        let fits = match layer {
            Layer::Linear(_) => {
                usize::from(output.channels).is_multiple_of(STRIP)
                    && elements <= proof.chunk.into()
                    && requant.fraction == Requant::FRACTION
            }
            Layer::Conv(_) | Layer::GroupedConv(_) => fraction,
            Layer::Depthwise(_)
            | Layer::AveragePool(_)
            | Layer::MaxPool(_)
            | Layer::Add(_)
            | Layer::Multiply(_)
            | Layer::Elementwise(_)
            | Layer::Rearrange(_)
            | Layer::Resize(_)
            | Layer::Constants(_)
            | Layer::Prelu(_) => false,
        };
        let makes_codes = fits && output.bits != Bits::B32 && requant.multiplier_step == 1;
        Some(Known { proof, codes: if makes_codes { output.bits.count() } else { 0 } })
    }
}

fn counts() -> Counts {
    Counts::new(pieces::FIGURES.len())
}

pub(super) fn tally(layer: &Layer, execution: &Execution<'_>) -> Tally {
    let Some(known) = Known::of(layer, execution) else {
        return portable::cost::fallback(layer, execution);
    };
    with_scratch(layer, &known, execution)
}

/// The same of a layer of which all is known.
fn with_scratch(layer: &Layer, known: &Known, execution: &Execution<'_>) -> Tally {
    let scratch_bytes = execution.scratch_bytes as usize;
    let counts = match layer {
        Layer::Conv(conv) => conv::tally(conv, known, scratch_bytes, free(layer, execution)),
        Layer::GroupedConv(l) if is_depthwise(l) => depthwise::grouped(l),
        Layer::GroupedConv(l) => grouped::tally(l, known, scratch_bytes, free(layer, execution)),
        Layer::Depthwise(depthwise) => depthwise::tally(depthwise),
        Layer::Linear(linear) => linear::tally(linear, known, scratch_bytes),
        Layer::AveragePool(pool) => unweighted::pool(pool, super::by_words(layer), false),
        Layer::MaxPool(pool) => unweighted::pool(pool, super::by_words(layer), true),
        Layer::Add(add) => unweighted::add(add),
        Layer::Multiply(multiply) => unweighted::multiply(multiply),
        Layer::Elementwise(table) => unweighted::elementwise(table),
        Layer::Rearrange(rearrange) => moves::rearrange(rearrange),
        Layer::Constants(table) => unweighted::constants(table),
        Layer::Resize(_) | Layer::Prelu(_) => unreachable!("portable code executes them"),
    };
    let piece = |(name, figures): &(&'static str, &[f64])| Piece {
        name,
        instructions: figures[0],
        cycles: figures[1],
    };
    let pieces = pieces::FIGURES.iter().map(piece).collect();
    Tally { kernels: super::TARGET.name, pieces, counts: counts.0, has_cycles: true }
}

/// What a layer may work in. Where the scratch is large enough, it works in nothing else.
fn free(layer: &Layer, execution: &Execution<'_>) -> Free {
    let Free { spent, joined } = execution.free;
    Free { spent, joined: joined && (execution.scratch_bytes as usize) < useful(layer) }
}

/// The tallies of a whole network, whose arena has `arena_bytes` bytes.
pub(super) fn tallies(
    rust_target: &str,
    steps: Steps<'_>,
    parameters: &[u8],
    arena_bytes: u32,
) -> Vec<Tally> {
    let (layers, parameters) = super::relocated(steps.layers, parameters);
    let steps = Steps { layers: &layers, ..steps };
    let tally = |index: usize| {
        let plan = super::plan(steps, index, &parameters, arena_bytes);
        let free = |plan: &Plan| Free { spent: plan.spent, joined: plan.joined };
        let (scratch_bytes, free) =
            plan.map_or((0, Free::default()), |plan| (plan.scratch_bytes, free(&plan)));
        let execution = Execution { rust_target, parameters: Some(&parameters), scratch_bytes, free };
        stripes::tally(steps, index, |layer| tally(layer, &execution))
    };
    (0..layers.len()).map(tally).collect()
}

/// Sizes of the scratch at which a layer is executed in another way than with 4 bytes less, ascending from 0,
/// and what it costs there.
// In one call: to know a layer takes a look at all its weights.
pub(super) fn scratch_steps(layer: &Layer, execution: &Execution<'_>) -> Vec<(u32, Cost)> {
    let Some(known) = Known::of(layer, execution) else { return Vec::new() };
    let way = |bytes: usize| match layer {
        Layer::Conv(conv) => {
            let free = free(layer, &Execution { scratch_bytes: bytes as u32, ..*execution });
            conv::Way::of(conv, &known, bytes, free).phases
        }
        Layer::GroupedConv(grouped) if !is_depthwise(grouped) => {
            let free = free(layer, &Execution { scratch_bytes: bytes as u32, ..*execution });
            grouped::phases(grouped, &known, bytes, free)
        }
        Layer::Linear(linear) => vec![(linear::memory(linear, &known, bytes), 0..1)],
        Layer::Depthwise(_)
        | Layer::GroupedConv(_)
        | Layer::AveragePool(_)
        | Layer::MaxPool(_)
        | Layer::Add(_)
        | Layer::Multiply(_)
        | Layer::Elementwise(_)
        | Layer::Rearrange(_)
        | Layer::Resize(_)
        | Layer::Constants(_)
        | Layer::Prelu(_) => Vec::new(),
    };
    // Chunks are far smaller than that, however large a window is.
    let mut sizes: Vec<usize> = (4..=useful(layer).min(1 << 20)).step_by(4).collect();
    sizes.retain(|bytes| way(*bytes) != way(*bytes - 4));
    let sizes = [0].into_iter().chain(sizes.into_iter().map(|bytes| bytes as u32));
    let cost =
        |bytes: u32| with_scratch(layer, &known, &Execution { scratch_bytes: bytes, ..*execution }).cost();
    sizes.map(|bytes| (bytes, cost(bytes))).collect()
}
