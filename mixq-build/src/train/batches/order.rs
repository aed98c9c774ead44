//! Which images a batch has, and what is drawn for it: by seed, the same in every run.

use std::collections::BTreeSet;

use crate::dataset::Share;
use crate::graph::Graph;

/// The indices of `count` images in the order of one epoch.
pub fn shuffled(count: usize, seed: u64, epoch: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    generator(seed, epoch, 0).shuffle(&mut order);
    order
}

/// The batches of an epoch: `size` images each, the last one the rest. A last batch of fewer than `least`
/// images joins the one before.
pub fn batches(order: &[usize], size: usize, least: usize) -> Vec<&[usize]> {
    let mut batches: Vec<&[usize]> = order.chunks(size).collect();
    if let [.., last] = batches[..]
        && last.len() < least
        && batches.len() > 1
    {
        batches.truncate(batches.len() - 2);
        batches.push(&order[batches.len() * size..]);
    }
    batches
}

/// The least number of images in a batch: two where batch norm has one pixel, since a variance needs two
/// values.
pub fn least(graph: &Graph) -> usize {
    if graph.normalises_single_pixels().is_some() { 2 } else { 1 }
}

/// A generator for one purpose in one epoch: an epoch draws the same whether or not training was interrupted
/// before it.
pub(super) fn generator(seed: u64, epoch: usize, purpose: u64) -> fastrand::Rng {
    let mixed = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ ((epoch as u64) << 32) ^ purpose;
    fastrand::Rng::with_seed(mixed)
}

/// Parts of `0..count` for training and validation: a share `validation` of each run of shuffled indices.
pub fn split(count: usize, validation: f64, seed: u64) -> (Vec<usize>, Vec<usize>) {
    let mut order: Vec<usize> = (0..count).collect();
    generator(seed, 0, 1).shuffle(&mut order);
    let held_out = ((count as f64 * validation).round() as usize).clamp(1, count - 1);
    let train = order.split_off(held_out);
    (train, order)
}

/// The same of images in groups: no group is in both parts. Each of `classes`, the indices of its images, has
/// about its share of the validation part, and keeps a group to train with. Where that leaves no group for
/// the validation part, it has images of groups to train with.
pub fn split_groups(
    groups: &[u32],
    classes: &[Vec<usize>],
    validation: f64,
    seed: u64,
) -> (Vec<usize>, Vec<usize>) {
    let all: BTreeSet<u32> = groups.iter().copied().collect();
    let mut order: Vec<u32> = all.into_iter().collect();
    generator(seed, 0, 1).shuffle(&mut order);
    let mut share = Share::new(classes, groups, BTreeSet::new());
    share.choose((groups.len() as f64 * validation).round() as usize, &order);
    if share.taken.is_empty() {
        return split(groups.len(), validation, seed);
    }
    (0..groups.len()).partition(|image| !share.taken.contains(&groups[*image]))
}

/// What random numbers are drawn for.
#[derive(Clone, Copy)]
pub struct Draw {
    /// That of the training.
    pub seed: u64,
    /// The epoch, over both phases.
    pub epoch: usize,
    /// The position of the batch in its epoch.
    pub position: usize,
    /// The part of the batch.
    pub shard: usize,
}

impl Draw {
    /// For a whole batch.
    pub fn whole(seed: u64, epoch: usize, position: usize) -> Draw {
        Draw { seed, epoch, position, shard: 0 }
    }
}
