//! Messages for layers whose sums do not fit 32 bits.

use mixq_format::Bits;

use crate::error::Problem;
use crate::graph::Graph;
use crate::memory::accumulator::{LARGEST, largest_sum, overflows, widest};
use crate::memory::{Allocation, widths};
use crate::size::thousands;

/// A problem for every layer whose sums may leave 32 bits at the bits that it has; `who` is what messages
/// call the network.
pub fn problems(who: &str, graph: &Graph, allocation: &Allocation) -> Vec<Problem> {
    let found = overflows(graph, &allocation.weights, &allocation.activations);
    let problem = |(node, [weights, input], sum): (usize, [Bits; 2], u64)| {
        let message = format!("{who}: {}", sentence(graph, node, weights, input, sum));
        let fewer = match widest(graph, node, &allocation.activations) {
            Some(bits) => format!("give its weights {} bits, or ", bits.count()),
            None => String::new(),
        };
        Problem::new(message)
            .help(format!("{fewer}put a pool or a convolution with a larger stride before it"))
    };
    found.into_iter().map(problem).collect()
}

/// What to say of each layer that has fewer bits because its sums would not fit 32 bits with more.
pub fn notes(graph: &Graph, allocation: &Allocation) -> Vec<String> {
    let note = |node: usize| {
        let widest = widest(graph, node, &allocation.activations)?;
        let wider = Bits::QUANTISED.into_iter().find(|bits| *bits > widest)?;
        let [input, _] = widths(graph, node, &allocation.activations);
        let sum = largest_sum(graph, node, wider, input);
        Some(format!(
            "{}; its weights have {} bits at most, a pool before it would leave them more",
            sentence(graph, node, wider, input, sum),
            widest.count()
        ))
    };
    graph.weighted().filter_map(note).collect()
}

fn sentence(graph: &Graph, node: usize, weights: Bits, input: Bits, sum: u64) -> String {
    let (name, kind) = (&graph.nodes[node].name, graph.nodes[node].op.kind());
    let elements = graph.weight_count(node) / graph.nodes[node].output.channels;
    format!(
        "layer {} `{name}` ({kind}) sums {} products of {}-bit codes and {}-bit weights, which may come \
         to {}, but an accumulator of 32 bits holds {}",
        node + 1,
        thousands(elements as u64),
        input.count(),
        weights.count(),
        thousands(sum),
        thousands(LARGEST)
    )
}
