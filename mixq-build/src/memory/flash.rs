//! Bytes of constants: packed weights with the padding of their rows, requantisation tables, layer tables.

use mixq_format as format;
use mixq_format::Bits;

use crate::config::Scheme;
use crate::graph::{Graph, Op};

/// Bytes of constants at these weight widths (by node): parameters, padded to a word, and layer tables.
pub fn flash_bytes(graph: &Graph, weights: &[Option<Bits>], scheme: Scheme) -> u64 {
    let parameters: u64 = (weights.iter().enumerate())
        .filter_map(|(node, bits)| bits.map(|bits| parameter_bytes(graph, node, bits, scheme)))
        .sum();
    parameters.next_multiple_of(4) + table_bytes(graph)
}

/// Bytes of a weighted node's packed weights and requantisation tables.
pub fn parameter_bytes(graph: &Graph, node: usize, bits: Bits, scheme: Scheme) -> u64 {
    let (rows, columns) = weight_rows(graph, node);
    let (multipliers, zero_points) = table_lengths(graph, node, scheme);
    let channels = graph.nodes[node].output.channels;
    (rows * bits.row_bytes(columns) + 4 * channels + 5 * multipliers + zero_points) as u64
}

/// Bytes of all layer tables.
pub fn table_bytes(graph: &Graph) -> u64 {
    let table = |op: &Op| match op {
        Op::Conv { .. } => size_of::<format::Conv>(),
        Op::Depthwise { .. } => size_of::<format::Depthwise>(),
        Op::Linear { .. } => size_of::<format::Linear>(),
        Op::AveragePool { .. } | Op::MaxPool { .. } => size_of::<format::Pool>(),
        Op::Add { .. } => size_of::<format::Add>(),
        Op::Flatten => 0,
    };
    graph.nodes.iter().map(|node| table(&node.op) as u64).sum()
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
