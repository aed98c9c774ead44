//! A sum whose order does not depend on the number of processes.
//!
//! Sums of floats depend on their order. Here it is a tree over all leaves: the left side of a node has the
//! largest power of two of leaves that leaves something for the right side. Each process adds the nodes that
//! lie in its run of leaves, and sends one tensor for each.

use std::ops::Range;

use tch::Tensor;

/// A node of the tree: the leaves below it, and their sum.
pub type Node = (Range<usize>, Tensor);

/// The run of leaves that a rank has, if `size` ranks share `total` of them. Runs differ by one leaf at most.
pub fn shards(rank: usize, size: usize, total: usize) -> Range<usize> {
    rank * total / size..(rank + 1) * total / size
}

/// Where a node of two leaves or more is divided.
fn middle(node: &Range<usize>) -> usize {
    node.start + node.len().div_ceil(2).next_power_of_two()
}

/// The largest nodes of the tree that lie in a run, from left to right.
pub fn inside(node: Range<usize>, run: &Range<usize>) -> Vec<Range<usize>> {
    if node.end <= run.start || run.end <= node.start {
        return Vec::new();
    }
    if run.start <= node.start && node.end <= run.end {
        return vec![node];
    }
    let middle = middle(&node);
    [inside(node.start..middle, run), inside(middle..node.end, run)].concat()
}

/// The sum of a node, of those of `nodes` that are below it; they are taken out.
///
/// # Panics
/// If a leaf below the node is in none of `nodes`.
pub fn sum(node: Range<usize>, nodes: &mut Vec<Node>) -> Tensor {
    if let Some(at) = nodes.iter().position(|(found, _)| *found == node) {
        return nodes.swap_remove(at).1;
    }
    assert!(node.len() > 1, "leaf {} is missing", node.start);
    let middle = middle(&node);
    let left = sum(node.start..middle, nodes);
    left + sum(middle..node.end, nodes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However leaves are shared, each rank's nodes give the same tree; sums of fractions would tell others.
    #[test]
    fn any_number_of_ranks_has_the_same_sum() {
        let mut random = fastrand::Rng::with_seed(1);
        for total in 1..20usize {
            let leaves: Vec<f32> = (0..total).map(|_| random.f32() * 10f32.powi(random.i32(-3..4))).collect();
            let tensor = |leaf: &f32| Tensor::from_slice(&[*leaf]);
            let all = || leaves.iter().map(tensor).enumerate().map(|(at, leaf)| (at..at + 1, leaf));
            let value = |sum: Tensor| (sum.double_value(&[0]) as f32).to_bits();
            let alone = value(sum(0..total, &mut all().collect()));
            // By its definition: the left side has the largest power of two of leaves.
            fn by_hand(leaves: &[f32]) -> f32 {
                let mut left = 1;
                while 2 * left < leaves.len() {
                    left *= 2;
                }
                match leaves {
                    [leaf] => *leaf,
                    _ => by_hand(&leaves[..left]) + by_hand(&leaves[left..]),
                }
            }
            assert_eq!(alone, by_hand(&leaves).to_bits(), "{total}");
            for size in 1..=total + 2 {
                let mut sent = Vec::new();
                for rank in 0..size {
                    let run = shards(rank, size, total);
                    let mut own: Vec<Node> = all().filter(|(leaf, _)| run.contains(&leaf.start)).collect();
                    sent.extend(
                        inside(0..total, &run).into_iter().map(|node| (node.clone(), sum(node, &mut own))),
                    );
                    assert!(own.is_empty());
                }
                assert_eq!(value(sum(0..total, &mut sent)), alone, "{size} ranks");
            }
        }
    }
}
