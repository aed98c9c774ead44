//! Which widths keep the sums of a layer in the 32 bits of an accumulator, whatever its weights will be.
//!
//! The conversion proves of the weights themselves that nothing overflows. A network whose proof depends on
//! the weights might turn out to be unfit after hours of training, so such widths are not given.

use mixq_format::Bits;

use super::flash::{reach, widths};
use crate::graph::{Graph, Source};

/// The largest value of an accumulator.
pub const LARGEST: u64 = i32::MAX as u64;

/// What the sums of a weighted node may come to in magnitude, before its bias, with codes of these widths.
///
/// Products are below `2^b` times `2^b`. A zero point of the input adds as much again: the conversion folds
/// `Z_x sum(s_w - Z_w)` into the bias.
pub fn largest_sum(graph: &Graph, node: usize, weights: Bits, input: Bits) -> u64 {
    let products = reach(graph, node, weights, input);
    if starts_at_zero(graph, graph.nodes[node].inputs[0]) { products } else { 2 * products }
}

/// Whether the codes of a tensor surely have zero point 0: those of a ReLU do, and of functions that are
/// never negative.
fn starts_at_zero(graph: &Graph, source: Source) -> bool {
    match source {
        Source::Input(_) => false,
        Source::Node(index) => graph.zero_based()[index],
    }
}

/// The widest weights of a node whose sums fit; `None` if those of 2 bits do not. `outputs` are the bits of
/// all nodes' outputs.
pub fn widest(graph: &Graph, node: usize, outputs: &[Bits]) -> Option<Bits> {
    if !graph.nodes[node].op.accumulates() {
        return Some(Bits::B8);
    }
    let [input, _] = widths(graph, node, outputs);
    let fits = |weights: &Bits| largest_sum(graph, node, *weights, input) <= LARGEST;
    Bits::QUANTISED.into_iter().rev().find(fits)
}

/// The weighted nodes whose sums may leave 32 bits at these bits of weights and outputs, by node: with the
/// width of the weights, that of the input, and the largest sum.
pub fn overflows(graph: &Graph, weights: &[Option<Bits>], outputs: &[Bits]) -> Vec<(usize, [Bits; 2], u64)> {
    let accumulates = |(node, _): &(usize, &Option<Bits>)| graph.nodes[*node].op.accumulates();
    let sums = weights.iter().enumerate().filter(accumulates).filter_map(|(node, bits)| {
        let (weights, [input, _]) = ((*bits)?, widths(graph, node, outputs));
        Some((node, [weights, input], largest_sum(graph, node, weights, input)))
    });
    sums.filter(|(.., sum)| *sum > LARGEST).collect()
}
