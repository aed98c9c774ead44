//! Bytes of constants: packed weights with the padding of their rows, requantisation tables, layer tables.

use mixq_format::{Bits, Requant, Rule, Tensor};

use crate::graph::{Graph, Op, Source};
use crate::settings::Scheme;

/// Bytes of constants at these widths of weights and of outputs (by node): parameters, padded to a word, and
/// layer tables.
pub fn flash_bytes(graph: &Graph, weights: &[Option<Bits>], activations: &[Bits], scheme: Scheme) -> u64 {
    let bytes = |(node, bits): (usize, &Option<Bits>)| {
        bits.map(|bits| parameter_bytes(graph, node, bits, widths(graph, node, activations), scheme))
    };
    let parameters: u64 = weights.iter().enumerate().filter_map(bytes).sum();
    parameters.next_multiple_of(4) + table_bytes(graph, activations)
}

/// Bytes of constants with all weights at these bits, for the activations at which that is most: only
/// thresholds and tables of functions depend on them.
pub fn most_flash_bytes(graph: &Graph, bits: Bits, scheme: Scheme) -> u64 {
    let most = |node: usize| {
        let [input, output] = widths(graph, node, &vec![Bits::B8; graph.nodes.len()]);
        let free = |fixed: bool, bits: Bits| if fixed { vec![bits] } else { Bits::QUANTISED.to_vec() };
        let inputs = free(matches!(graph.nodes[node].inputs[0], Source::Input(_)), input);
        let own = if graph.is_logits(node) { Bits::B32 } else { output };
        let outputs = free(graph.is_output(node), own);
        let pairs = inputs.iter().flat_map(|x| outputs.iter().map(|y| [*x, *y]));
        pairs.map(|pair| parameter_bytes(graph, node, bits, pair, scheme)).max().unwrap_or(0)
    };
    let tables = table_bytes(graph, &vec![Bits::B8; graph.nodes.len()]);
    graph.weighted().map(most).sum::<u64>().next_multiple_of(4) + tables
}

/// Bytes of a weighted node's packed weights, and of its requantisation tables if it accumulates; `widths`
/// are those of its input and its output.
pub fn parameter_bytes(graph: &Graph, node: usize, bits: Bits, widths: [Bits; 2], scheme: Scheme) -> u64 {
    let (rows, columns) = weight_rows(graph, node);
    let weights = (rows * bits.row_bytes(columns)) as u64;
    if !graph.nodes[node].op.accumulates() {
        return weights;
    }
    let tables = Tables::new(graph, node, bits, widths, scheme).requant();
    let channels = u16::try_from(graph.nodes[node].output.channels).expect("the graph bounds every axis");
    let output = Tensor { height: 1, width: 1, channels, bits: widths[1], zero_point: 0, offset: 0 };
    weights + tables.parameter_bytes(&output) as u64
}

/// The widths of a node's input and output, `activations` being those of all nodes' outputs.
pub(crate) fn widths(graph: &Graph, node: usize, activations: &[Bits]) -> [Bits; 2] {
    let input = match graph.nodes[node].inputs[0] {
        Source::Input(input) => graph.inputs[input].bits,
        Source::Node(earlier) => activations[earlier],
    };
    [input, activations[node]]
}

/// Bytes of all layer tables, and of the tables of elementwise layers, which have a byte for each code of the
/// input, and of PReLUs, which have a word for each channel: all are whole words.
pub fn table_bytes(graph: &Graph, activations: &[Bits]) -> u64 {
    let entries = |node: usize| match graph.nodes[node].op {
        Op::Prelu(_) => 4 * graph.nodes[node].output.channels as u64,
        Op::Elementwise(_) => widths(graph, node, activations)[0].max_code() as u64 + 1,
        Op::Conv(_)
        | Op::Depthwise(_)
        | Op::GroupedConv(_)
        | Op::Linear(_)
        | Op::AveragePool(_)
        | Op::MaxPool(_)
        | Op::Add(_)
        | Op::Multiply(_)
        | Op::Constants(_)
        | Op::Flatten(_)
        | Op::Rearrange(_)
        | Op::Resize(_) => 0,
    };
    let bytes = |node: usize| graph.nodes[node].op.table_bytes() as u64 + entries(node);
    (0..graph.nodes.len()).map(bytes).sum()
}

/// The requantisation tables of a weighted node, as they follow from shapes and bits alone.
pub(crate) struct Tables {
    /// How codes are made.
    pub rule: Rule,
    /// Multipliers (with their shifts): none, one, or one for each output channel.
    pub multipliers: usize,
    /// Weight zero points: one, or one for each output channel.
    pub zero_points: usize,
}

impl Tables {
    /// Thresholds make codes of 4 and 2 bits only: 255 of them for each channel would take 50 times the bytes
    /// of a multiplier, to save a rounding that 8 bits do not show. Codes of 8 bits and logits are made as by
    /// [`Scheme::PerChannel`].
    pub fn new(graph: &Graph, node: usize, bits: Bits, widths: [Bits; 2], scheme: Scheme) -> Tables {
        let channels = graph.nodes[node].output.channels;
        let [input, output] = widths;
        let by_multiplier =
            |multipliers, zero_points| Tables { rule: Rule::Multiplier, multipliers, zero_points };
        match scheme {
            Scheme::PerLayerFolded => by_multiplier(1, 1),
            // Logits without batch norm share the unit of their accumulators.
            Scheme::PerLayer if output == Bits::B32 && !graph.nodes[node].norm => by_multiplier(1, 1),
            Scheme::PerLayer => by_multiplier(channels, 1),
            Scheme::PerChannelThresholds if matches!(output, Bits::B2 | Bits::B4) => {
                let narrow = reach(graph, node, bits, input) < i16::MAX as u64;
                let rule = if narrow { Rule::Thresholds16 } else { Rule::Thresholds32 };
                Tables { rule, multipliers: 0, zero_points: channels }
            }
            Scheme::PerChannel | Scheme::PerChannelThresholds => by_multiplier(channels, channels),
        }
    }

    /// The entry of the layer's table, before anything has a place.
    pub fn requant(&self) -> Requant {
        Requant {
            bias: 0,
            multiplier: 0,
            shift: 0,
            weight_zero_point: 0,
            rule: self.rule,
            multiplier_step: u8::from(self.multipliers > 1),
            zero_point_step: u8::from(self.zero_points > 1),
            fraction: 0,
        }
    }
}

/// What no `sum(q_x (s_w - Z_w))` exceeds in magnitude, whatever the weights: both factors are below `2^b`.
pub(super) fn reach(graph: &Graph, node: usize, bits: Bits, input: Bits) -> u64 {
    let window = graph.weight_count(node) / graph.nodes[node].output.channels;
    window as u64 * bits.max_code() as u64 * input.max_code() as u64
}

/// Rows and columns of a node's packed weights: the last axis of the weights is a row.
pub(crate) fn weight_rows(graph: &Graph, node: usize) -> (usize, usize) {
    let shape = graph.weight_shape(node);
    let columns = shape[shape.len() - 1];
    (shape.iter().product::<usize>() / columns, columns)
}
