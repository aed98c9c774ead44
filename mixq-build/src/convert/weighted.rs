//! One layer with weights: its packed weights and its requantisation tables.

use mixq_format::target::armv7em::SHIFTS;
use mixq_format::{Bits, Requant, Rule, Tensor};

use super::Grid;
use super::channel::Channel;
use super::pack::pack_rows;
use super::requant::Entry;
use super::walk::Walk;
use crate::error::Problem;
use crate::graph::op::Weights;
use crate::memory::schedule::Step;
use crate::memory::{Tables, weight_rows};
use crate::settings::Rounding;

impl Walk<'_> {
    /// Appends weights and tables of a step that reads `x` and writes `y`; where the weights are, their
    /// width, and the tables.
    pub(super) fn weighted(
        &mut self,
        step: &Step,
        x: Tensor,
        y: Tensor,
        grids: &[Grid],
    ) -> (u32, Bits, Requant) {
        let node = step.node;
        let bits = self.allocation.weights[node].expect("a weighted node has bits");
        let (input, output) = (grids[step.inputs[0]], grids[step.output]);
        let layer = self.layer(node);
        let layout = self.graph.nodes[node].op.weights().expect("a weighted node");
        let tables = Tables::new(self.graph, node, bits, [x.bits, y.bits], self.scheme);
        let channels = usize::from(y.channels);
        let mut codes = layer.codes.clone();
        let mut zero_points: Vec<i32> = (0..channels).map(|c| layer.grid(c).zero_point).collect();
        let (mut entries, mut thresholds) = (Vec::with_capacity(channels), Vec::new());
        let windows: Vec<Vec<i8>> = (0..channels)
            .map(|c| channel_indices(codes.len(), channels, c, layout).map(|i| codes[i]).collect())
            .collect();
        let (logits, arithmetic) = (y.bits == Bits::B32, self.arithmetic);
        let channel = |c: usize, fraction: u8| Channel {
            codes: &windows[c],
            weights: layer.grid(c),
            weight_bits: bits,
            input,
            input_max: i64::from(x.bits.max_code()),
            output: if logits { logits_in_parts(output, fraction) } else { output },
            output_max: (!logits).then(|| i64::from(y.bits.max_code())),
            multiplier: layer.multiplier[c],
            offset: layer.offset[c],
            rounding: if logits { Rounding::Nearest } else { self.trained.rounding },
            arithmetic,
            fraction,
            shares_multiplier: tables.multipliers == 1,
        };
        let fraction = match tables.rule {
            Rule::Multiplier => fraction(|fraction| (0..channels).map(move |c| channel(c, fraction))),
            // Thresholds have no bias.
            Rule::Thresholds16 | Rule::Thresholds32 => 0,
        };
        for (c, zero_point) in zero_points.iter_mut().enumerate() {
            let window = channel_indices(layer.codes.len(), channels, c, layout);
            let channel = channel(c, fraction);
            let found = match tables.rule {
                Rule::Multiplier => channel.entry().map(|entry| {
                    if entry.constant {
                        window.for_each(|i| codes[i] = channel.weights.zero_point as i8);
                    }
                    entries.push((c, entry));
                }),
                Rule::Thresholds16 | Rule::Thresholds32 => channel.thresholds().map(|found| {
                    if found.complemented {
                        window.for_each(|i| codes[i] = !codes[i]);
                        *zero_point = !*zero_point;
                    }
                    thresholds.extend(found.bounds);
                }),
            };
            if let Err(reason) = found {
                self.problem(node, c, &reason);
            }
        }
        if tables.multipliers == 1 {
            self.share_multiplier(node, &mut entries, y);
        }
        let weights = self.append(&pack_rows(&codes, weight_rows(self.graph, node).1, bits));
        let zero_points: Vec<u8> = zero_points[..tables.zero_points].iter().map(|z| *z as i8 as u8).collect();
        let requant = self.requant(&tables, &entries, &thresholds, &zero_points);
        (weights, bits, Requant { fraction, ..requant })
    }

    fn problem(&mut self, node: usize, channel: usize, reason: &str) {
        let name = &self.graph.nodes[node].name;
        self.problems.push(
            Problem::new(format!("layer `{name}`, output channel {channel}: {reason}"))
                .help("the weights have diverged: lower the learning rate, or retrain with another seed"),
        );
    }

    /// Gives all channels the one multiplier of the layer. Those that vary with the input have it, because
    /// batch norm is in their weights, or because they are logits.
    fn share_multiplier(&mut self, node: usize, entries: &mut [(usize, Entry)], y: Tensor) {
        let varying = entries.iter().find(|(_, entry)| !entry.constant);
        let Some(shared) = varying.map(|(_, entry)| entry.multiplier) else { return };
        let max = (y.bits != Bits::B32).then(|| i64::from(y.bits.max_code()));
        for (channel, entry) in entries {
            match entry.at(shared, i64::from(y.zero_point), max) {
                Ok(changed) => *entry = changed,
                Err(reason) => self.problem(node, *channel, &reason),
            }
        }
    }

    fn requant(
        &mut self,
        tables: &Tables,
        entries: &[(usize, Entry)],
        thresholds: &[i32],
        zero_points: &[u8],
    ) -> Requant {
        let (bias, multiplier, shift) = match tables.rule {
            Rule::Multiplier => {
                // Where a channel has failed, entries are missing: then the tables are not read.
                let multipliers =
                    || entries.iter().take(tables.multipliers).map(|(_, entry)| entry.multiplier);
                let biases: Vec<u8> =
                    entries.iter().flat_map(|(_, entry)| entry.bias.to_le_bytes()).collect();
                let mantissas: Vec<u8> = multipliers().flat_map(|m| m.mantissa.to_le_bytes()).collect();
                let shifts: Vec<u8> = multipliers().map(|m| m.shift).collect();
                (self.append(&biases), self.append(&mantissas), self.append(&shifts))
            }
            Rule::Thresholds16 => {
                let narrow = thresholds.iter().map(|t| i16::try_from(*t).expect("the rule bounds them"));
                (0, self.append(&narrow.flat_map(i16::to_le_bytes).collect::<Vec<u8>>()), 0)
            }
            Rule::Thresholds32 => {
                let bytes: Vec<u8> = thresholds.iter().flat_map(|t| t.to_le_bytes()).collect();
                (0, self.append(&bytes), 0)
            }
        };
        let weight_zero_point = self.append(zero_points);
        Requant { bias, multiplier, shift, weight_zero_point, ..tables.requant() }
    }
}

/// Logits are as fine as the bias before them: with few bits the unit of the accumulator is a good part of
/// what two classes differ by.
pub(super) fn logits_in_parts(grid: Grid, fraction: u8) -> Grid {
    Grid { scale: grid.scale / f64::from(1u32 << fraction), ..grid }
}

/// The finest fraction at which all channels fit 32 bits, and their shifts the kernels that take several
/// codes at once, if there is one.
fn fraction<'a, Channels: Iterator<Item = Channel<'a>>>(channels: impl Fn(u8) -> Channels) -> u8 {
    let entries = |fraction: &u8| channels(*fraction).map(|channel| channel.entry());
    let fits = |fraction: &u8| entries(fraction).all(|entry| entry.is_ok());
    let is_quick = |fraction: &u8| {
        entries(fraction).all(|entry| entry.is_ok_and(|entry| SHIFTS.contains(&entry.multiplier.shift)))
    };
    let fractions = [Requant::FRACTION, Requant::COARSE_FRACTION];
    fractions.into_iter().find(is_quick).or_else(|| fractions.into_iter().find(fits)).unwrap_or(0)
}

/// Indices of one output channel's weights: a run, or every `channels`-th where channels come last.
fn channel_indices(
    weights: usize,
    channels: usize,
    channel: usize,
    layout: Weights,
) -> std::iter::StepBy<std::ops::Range<usize>> {
    match layout {
        Weights::Channels { .. } => (channel..weights).step_by(channels),
        Weights::Elements => unreachable!("constants are not summed"),
        Weights::Filters { .. } | Weights::Dense => {
            let window = weights / channels;
            (channel * window..(channel + 1) * window).step_by(1)
        }
    }
}
