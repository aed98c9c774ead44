//! A sum whose order does not depend on the number of processes.
//!
//! Sums of floats depend on their order. Here it is a tree of halves: of an odd number of leaves the half
//! that is further from the middle of the node above has one more. `mixq_c10d::Group::tree_sum` has the same
//! order.

use std::ops::Range;

use tch::Tensor;

/// The run of pieces that a rank has, if `size` ranks share `total` of them. Runs differ by one at most.
pub fn shards(rank: usize, size: usize, total: usize) -> Range<usize> {
    rank * total / size..(rank + 1) * total / size
}

/// The sum of at least one tensor.
pub fn sum(leaves: &[Tensor]) -> Tensor {
    halved(leaves, true)
}

/// The sum of a node that is the right half of another one, or the root; or the left half.
fn halved(leaves: &[Tensor], right: bool) -> Tensor {
    match leaves {
        [leaf] => leaf.shallow_clone(),
        _ => {
            let half = if right { leaves.len() / 2 } else { leaves.len().div_ceil(2) };
            let (left, right) = leaves.split_at(half);
            halved(left, false) + halved(right, true)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: sums of fractions would tell another order.
    #[test]
    fn nodes_are_halved() {
        let mut random = fastrand::Rng::with_seed(1);
        for _ in 0..50 {
            let x: Vec<f32> = (0..7).map(|_| random.f32() * 10f32.powi(random.i32(-3..4))).collect();
            let leaves: Vec<Tensor> = x.iter().map(|x| Tensor::from_slice(&[*x])).collect();
            let found = |count: usize| sum(&leaves[..count]).double_value(&[0]) as f32;
            assert_eq!(found(1), x[0]);
            assert_eq!(found(3), x[0] + (x[1] + x[2]));
            assert_eq!(found(4), (x[0] + x[1]) + (x[2] + x[3]));
            assert_eq!(found(5), (x[0] + x[1]) + (x[2] + (x[3] + x[4])));
            assert_eq!(found(6), ((x[0] + x[1]) + x[2]) + (x[3] + (x[4] + x[5])));
            assert_eq!(found(7), ((x[0] + x[1]) + x[2]) + ((x[3] + x[4]) + (x[5] + x[6])));
        }
    }

    #[test]
    fn every_piece_is_in_one_run() {
        for total in 0..30 {
            for size in 1..8 {
                let runs: Vec<_> = (0..size).flat_map(|rank| shards(rank, size, total)).collect();
                assert_eq!(runs, (0..total).collect::<Vec<_>>());
                assert!((0..size).all(|rank| shards(rank, size, total).len().abs_diff(total / size) < 2));
            }
        }
    }
}
