//! What processes exchange is what plain Rust computes, for any number of them.

use crate::launch::{Process, results};
use crate::worker::{LEAVES, bits, leaf, value};

/// The same for all ranks.
fn agreed(role: &str, size: usize) -> String {
    let found = results(Process::group(role, size, &[]));
    assert!(found.iter().all(|one| *one == found[0]), "{found:#?}");
    found[0].clone()
}

#[test]
fn all_gather_has_the_tensors_of_all_ranks() {
    for size in 1..=4 {
        let row = |rank| (0..6).map(|place| value(rank, place)).collect();
        let expected: Vec<Vec<f32>> = (0..size).map(row).collect();
        assert_eq!(agreed("gather", size), format!("{expected:?}"));
    }
}

/// Without feature `nccl`, or where a process has no GPU.
#[test]
fn without_gpus_tensors_go_over_the_cpu() {
    let expected = agreed("gather", 3);
    assert_eq!(agreed("gpus", 3), format!("[false, false, false] {expected}"));
}

#[test]
fn broadcast_has_the_tensor_of_one_rank() {
    for size in 1..=4 {
        let row = |rank| (0..3).map(|place| value(rank, place)).collect();
        let expected: Vec<Vec<f32>> = (0..size).map(row).collect();
        assert_eq!(agreed("broadcast", size), format!("{expected:?}"));
    }
}

#[test]
#[ignore = "prints how long sums take: --nocapture"]
fn pace() {
    for size in 1..=4 {
        println!("{size} processes: {}", results(Process::group("pace", size, &[]))[0]);
    }
}

#[test]
fn bytes_of_all_ranks_may_have_any_length() {
    assert_eq!(agreed("bytes", 3), "[[], [1], [2, 2]]");
}

#[test]
fn ranks_can_agree_after_joining() {
    let expected = "threads differs: rank 0 has `0`, rank 1 has `1`";
    assert_eq!(agreed("agree", 2), format!("{expected}; {expected}"));
}

#[test]
fn what_cannot_be_exchanged_is_refused_and_the_group_goes_on() {
    assert_eq!(agreed("refuse", 2), "refused");
}

/// In plain Rust, and written otherwise than in the crate: halves of halves; the outer one has the odd leaf.
fn sum(leaves: &[Vec<f32>]) -> Vec<f32> {
    fn half(leaves: &[Vec<f32>], outer_is_left: bool) -> Vec<f32> {
        if leaves.len() == 1 {
            return leaves[0].clone();
        }
        let odd = usize::from(outer_is_left) * (leaves.len() % 2);
        let (left, right) = leaves.split_at((leaves.len() - leaves.len() % 2) / 2 + odd);
        let (left, right) = (half(left, true), half(right, false));
        left.iter().zip(right).map(|(left, right)| left + right).collect()
    }
    half(leaves, false)
}

#[test]
fn a_sum_has_the_same_bits_for_any_number_of_processes() {
    for (leaves, sizes) in [(12, &[1, 2, 3, 4, 5][..]), (3, &[4])] {
        let values: Vec<Vec<f32>> = (0..leaves).map(leaf).collect();
        let expected = bits(&sum(&values));
        // The order matters to these values: another one is seen.
        let turned = [&values[1..], &values[..1]].concat();
        assert_ne!(bits(&sum(&turned)), expected);
        for &size in sizes {
            let found = results(Process::group("tree", size, &[(LEAVES, &leaves.to_string())]));
            assert!(found.iter().all(|found| *found == expected), "{leaves} {size}");
        }
    }
}
