//! A sum whose order does not depend on the number of processes.
//!
//! Sums of floats depend on their order. Here it is a tree over all leaves. Each node is halved: so the runs
//! of two, four or eight processes are few nodes, mostly one. Each process adds the nodes that lie in its run
//! of leaves, and sends one tensor for each.

use std::ops::Range;

use tch::{Kind, Tensor};

use crate::error::{Error, Result};
use crate::form::libtorch;
use crate::group::Group;

/// The run of leaves that a rank has, if `size` ranks share `total` of them. Runs differ by one leaf at most.
pub fn shards(rank: usize, size: usize, total: usize) -> Range<usize> {
    let bound = |rank: usize| {
        let bound = rank as u128 * total as u128 / (size.max(1) as u128);
        usize::try_from(bound).unwrap_or(total).min(total)
    };
    bound(rank)..bound(rank.saturating_add(1))
}

/// The sum of tensors of one shape, floats, in the order of the tree. It has the same bits as
/// [`Group::tree_sum`] of the same leaves in any number of processes on machines of one kind.
///
/// # Errors
/// There is no leaf; shapes or kinds differ, or are not floats.
pub fn tree_sum(leaves: &[Tensor]) -> Result<Tensor> {
    check(leaves)?;
    let nodes = leaves.iter().map(Tensor::detach).enumerate();
    let mut nodes = nodes.map(|(at, leaf)| (at..at + 1, leaf)).collect();
    let sum = sum(Node::root(leaves.len()), &mut nodes)?;
    // A single leaf is itself: the answer must not share its memory.
    Ok(if leaves.len() == 1 { sum.copy() } else { sum })
}

impl Group {
    /// The sum of the leaves of all processes, in the order of the tree: the same bits in all processes, and
    /// for any number of them. This rank gives the leaves `shards(rank, size, total)`.
    ///
    /// # Errors
    /// Those of [`Group::all_gather`]; another number of leaves than this rank has; shapes or kinds differ,
    /// or are not floats.
    pub fn tree_sum(&mut self, leaves: &[Tensor], total: usize) -> Result<Tensor> {
        let size = self.size();
        let run = shards(self.rank(), size, total);
        if leaves.len() != run.len() || total == 0 {
            let found = leaves.len();
            return Err(Error::new(format!("rank {} has {found} leaves, not {}", self.rank(), run.len())));
        }
        let own = if leaves.is_empty() {
            Tensor::zeros([0], (Kind::Float, tch::Device::Cpu))
        } else {
            check(leaves)?;
            let mut nodes = run.clone().zip(leaves).map(|(at, leaf)| (at..at + 1, leaf.detach())).collect();
            let sums: Vec<Tensor> = (Node::root(total).inside(&run).into_iter())
                .map(|node| sum(node, &mut nodes))
                .collect::<Result<_>>()?;
            Tensor::f_stack(&sums, 0).map_err(libtorch)?
        };
        let mut nodes = Vec::new();
        for (rank, sums) in self.all_gather(&own)?.iter().enumerate() {
            let wanted = Node::root(total).inside(&shards(rank, size, total));
            let found = sums.size().first().copied().unwrap_or(0);
            if usize::try_from(found) != Ok(wanted.len()) {
                return Err(Error::new(format!("rank {rank} shares leaves in another way")));
            }
            let leaves = wanted.into_iter().map(|node| node.leaves);
            nodes.extend(leaves.zip(sums.f_unbind(0).map_err(libtorch)?));
        }
        check(&nodes.iter().map(|(_, sum)| sum.shallow_clone()).collect::<Vec<_>>())?;
        let device = leaves.first().map_or(tch::Device::Cpu, Tensor::device);
        sum(Node::root(total), &mut nodes)?.f_to_device(device).map_err(libtorch)
    }
}

/// A node of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Node {
    leaves: Range<usize>,
    /// Whether it is the right half of another node, or the root.
    right: bool,
}

impl Node {
    /// The node of all leaves.
    fn root(total: usize) -> Node {
        Node { leaves: 0..total, right: true }
    }

    /// Both halves of a node of two leaves or more. Of an odd number, the half that is further from the
    /// middle of the node above has one more: runs of three and of six processes end there.
    fn halves(&self) -> [Node; 2] {
        let Range { start, end } = self.leaves;
        let half = if self.right { self.leaves.len() / 2 } else { self.leaves.len().div_ceil(2) };
        let middle = start + half;
        [Node { leaves: start..middle, right: false }, Node { leaves: middle..end, right: true }]
    }

    /// The largest nodes of this one that lie in a run, from left to right.
    fn inside(&self, run: &Range<usize>) -> Vec<Node> {
        let Range { start, end } = self.leaves;
        if end <= run.start || run.end <= start {
            return Vec::new();
        }
        if run.start <= start && end <= run.end {
            return vec![self.clone()];
        }
        self.halves().iter().flat_map(|half| half.inside(run)).collect()
    }
}

/// The sum of a node, of sums of nodes below it, by their leaves.
fn sum(node: Node, nodes: &mut Vec<(Range<usize>, Tensor)>) -> Result<Tensor> {
    if let Some(at) = nodes.iter().position(|(found, _)| *found == node.leaves) {
        return Ok(nodes.swap_remove(at).1);
    }
    if node.leaves.len() < 2 {
        return Err(Error::new(format!("there is no leaf {}", node.leaves.start)));
    }
    let [left, right] = node.halves();
    let left = sum(left, nodes)?;
    let right = sum(right, nodes)?;
    left.f_add(&right).map_err(libtorch)
}

fn check(leaves: &[Tensor]) -> Result<()> {
    let Some(first) = leaves.first() else { return Err(Error::new("there are no leaves")) };
    let form = |tensor: &Tensor| tensor.defined().then(|| (tensor.kind(), tensor.size()));
    let floats = [Kind::Float, Kind::Double].contains(&form(first).map_or(Kind::Bool, |(kind, _)| kind));
    if floats && leaves.iter().all(|leaf| form(leaf) == form(first)) {
        return Ok(());
    }
    Err(Error::new("leaves must be floats of 32 or 64 bits, and of one shape"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_may_differ_by_one_leaf() {
        let runs: Vec<Range<usize>> = (0..3).map(|rank| shards(rank, 3, 8)).collect();
        assert_eq!(runs, [0..2, 2..5, 5..8]);
    }

    #[test]
    fn all_leaves_are_shared_among_any_number_of_ranks() {
        for total in 1..20 {
            for size in 1..25 {
                let runs: Vec<Range<usize>> = (0..size).map(|rank| shards(rank, size, total)).collect();
                assert_eq!(
                    runs.iter().cloned().flatten().collect::<Vec<_>>(),
                    (0..total).collect::<Vec<_>>()
                );
                let lengths = runs.iter().map(Range::len);
                assert!(lengths.clone().max().unwrap() - lengths.min().unwrap() <= 1, "{total} {size}");
            }
        }
    }

    /// By hand.
    #[test]
    fn nodes_are_halved() {
        let inside = |total, run| -> Vec<Range<usize>> {
            Node::root(total).inside(&run).into_iter().map(|node| node.leaves).collect()
        };
        assert_eq!(inside(12, 0..6), vec![0..6]);
        assert_eq!(inside(12, 9..12), vec![9..12]);
        // Three processes.
        assert_eq!(inside(12, 0..4), [0..3, 3..4]);
        assert_eq!(inside(12, 4..8), [4..6, 6..8]);
        assert_eq!(inside(12, 8..12), [8..9, 9..12]);
        assert_eq!(inside(12, 5..5), []);
        // Odd numbers.
        assert_eq!(inside(7, 0..3), vec![0..3]);
        assert_eq!(inside(7, 1..7), [1..2, 2..3, 3..7]);
    }

    #[test]
    fn two_processes_send_one_tensor_each() {
        for total in 2..200 {
            for rank in 0..2 {
                assert_eq!(Node::root(total).inside(&shards(rank, 2, total)).len(), 1, "{total}");
            }
        }
        for (size, parts) in [(4, 12), (4, 16), (8, 16), (8, 24), (8, 48)] {
            let sent = |rank| Node::root(parts).inside(&shards(rank, size, parts)).len();
            assert!((0..size).all(|rank| sent(rank) == 1), "{size} {parts}");
        }
    }

    #[test]
    fn the_order_is_that_of_the_tree() {
        // 2^24 + 1 is not a float: what is added first matters.
        let sum = |values: &[f32]| {
            let leaves: Vec<Tensor> = values.iter().map(|value| Tensor::from_slice(&[*value])).collect();
            tree_sum(&leaves).unwrap().double_value(&[0])
        };
        assert_eq!(sum(&[16_777_216.0, 1.0, 1.0]), 16_777_218.0);
        assert_eq!(sum(&[1.0, 1.0, 16_777_216.0]), 16_777_216.0);
        assert_eq!(sum(&[16_777_216.0, 0.0, 1.0, 1.0]), 16_777_218.0);
        assert_eq!(sum(&[16_777_216.0, 1.0, 1.0, 0.0]), 16_777_216.0);
    }

    #[test]
    fn one_leaf_is_not_shared() {
        let leaf = Tensor::from_slice(&[1.0f32]);
        let sum = tree_sum(&[leaf.shallow_clone()]).unwrap();
        assert_eq!(sum, leaf);
        assert_ne!(sum.data_ptr(), leaf.data_ptr());
    }

    #[test]
    fn leaves_that_do_not_go_together_are_refused() {
        let float = Tensor::from_slice(&[1.0f32]);
        for other in [Tensor::from_slice(&[1.0f64]), Tensor::from_slice(&[1.0f32, 2.0]), Tensor::new()] {
            assert!(tree_sum(&[float.shallow_clone(), other]).is_err());
        }
        assert!(tree_sum(&[Tensor::from_slice(&[1i64])]).is_err());
        assert!(tree_sum(&[]).is_err());
    }
}
