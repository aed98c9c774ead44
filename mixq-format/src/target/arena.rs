//! Finds how many more bytes of arena make a network faster.

use super::armv7em::joined;
use super::free::{free, spent};
use super::{Cost, Execution, Free, Steps, Target};
use crate::{Layer, Tensor, in_arena};

/// A layer that works in a free part of the arena.
struct Worker {
    /// Bytes of the largest free part in the least arena.
    free: usize,
    /// Bytes of the free part that grows with the arena, in the least arena. Negative if tensors take the
    /// bytes from which on a larger arena is free.
    grows: i64,
    /// Sizes of the free part in bytes, ascending, from 0 on. Each has the number of instructions that the
    /// layer takes from this size on.
    steps: Vec<(u32, u64)>,
}

/// Bytes of an arena that is larger than any useful one, and whose size 32 bits hold.
const FAR: u32 = 1 << 28;

impl Worker {
    /// Instructions of the layer, if the arena has `more` bytes more than the least arena.
    fn instructions(&self, more: u32) -> u64 {
        let free = i64::from(more) + self.grows;
        let free = free.max(self.free as i64);
        let reached = self.steps.partition_point(|(bytes, _)| i64::from(*bytes) <= free);
        reached.checked_sub(1).map_or(0, |last| self.steps[last].1)
    }

    /// For each step that the least arena does not reach: the bytes that the arena needs more to reach it.
    fn needs(&self) -> impl Iterator<Item = u32> {
        self.steps.iter().filter_map(|(bytes, _)| {
            let missing = i64::from(*bytes) - self.grows;
            let more = u32::try_from(missing).ok()?.next_multiple_of(4);
            (*bytes as usize > self.free).then_some(more)
        })
    }
}

/// A network whose arena is to be chosen.
#[derive(Clone, Copy, Debug)]
pub struct Outline<'a> {
    /// Its layers, in the least arena.
    pub layers: &'a [Layer],
    /// The outputs beside that of the last layer, which are kept until the end.
    pub kept: &'a [Tensor],
    /// Its parameters; `None`, before there are any.
    pub parameters: Option<&'a [u8]>,
    /// Bytes of the least arena.
    pub arena_bytes: u32,
}

impl Outline<'_> {
    /// Layers and kept tensors in an arena of this number of bytes.
    fn in_arena(&self, bytes: u32) -> (Vec<Layer>, Vec<Tensor>) {
        let kept = self.kept.iter().map(|tensor| tensor.in_arena(self.arena_bytes, bytes));
        (in_arena(self.layers, self.arena_bytes, bytes), kept.collect())
    }
}

impl Target {
    /// Bytes of the arena that makes a network fast, by [`cost`](Target::cost): of all arenas of at most
    /// `most` bytes, the smallest in which it takes at most a thousandth more instructions than in the
    /// fastest one; the least arena, if `most` is less than that.
    ///
    /// # Panics
    /// If the parameters are not those of the layers.
    pub fn fastest_arena(&self, rust_target: &str, network: &Outline<'_>, most: u64) -> u32 {
        let least = network.arena_bytes;
        let workers = self.workers(rust_target, network);
        let total = |more: u32| workers.iter().map(|worker| worker.instructions(more)).sum::<u64>();
        let fits = |more: &u32| u64::from(least) + u64::from(*more) <= most;
        let mut candidates: Vec<u32> =
            workers.iter().flat_map(Worker::needs).filter(fits).chain([0]).collect();
        candidates.sort_unstable();
        candidates.dedup();
        let fewest = candidates.iter().map(|more| total(*more)).min().unwrap_or(0);
        let fast = candidates.into_iter().find(|more| total(*more) <= fewest + fewest / 1000);
        least + fast.unwrap_or(0)
    }

    /// What each layer of a network without weights costs in an arena of `arena_bytes` bytes, if its weights
    /// are as most are.
    pub fn outline_costs(&self, rust_target: &str, network: &Outline<'_>, arena_bytes: u32) -> Vec<Cost> {
        let (layers, kept) = network.in_arena(arena_bytes);
        let steps = Steps { layers: &layers, kept: &kept };
        let cost = |(index, layer): (usize, &Layer)| {
            let (_, largest) = free(steps, index, arena_bytes);
            let (bytes, joined) = match joined(steps, index, largest) {
                Some((_, bytes)) => (bytes, true),
                None => (largest, false),
            };
            let free = Free { spent: spent(steps, index), joined };
            self.cost(layer, &Execution { rust_target, parameters: None, scratch_bytes: bytes as u32, free })
        };
        layers.iter().enumerate().map(cost).collect()
    }

    fn workers(&self, rust_target: &str, network: &Outline<'_>) -> Vec<Worker> {
        let Outline { layers, kept, parameters, arena_bytes: least } = *network;
        let all = Steps { layers, kept };
        let large = FAR.max(least);
        let (far, far_kept) = network.in_arena(large);
        let far = Steps { layers: &far, kept: &far_kept };
        let workers = layers.iter().enumerate().filter_map(|(index, layer)| {
            let (_, least_free) = free(all, index, least);
            let joined = joined(all, index, least_free);
            let own = Free { spent: spent(all, index), joined: joined.is_some() };
            let execution = Execution { rust_target, parameters, scratch_bytes: 0, free: own };
            // All: what is largest is not always fastest.
            let steps: Vec<(u32, u64)> = ((self.scratch_steps)(layer, &execution).into_iter())
                .map(|(bytes, cost)| (bytes, cost.instructions))
                .collect();
            if steps.len() < 2 {
                return None;
            }
            let (_, grows) = free(far, index, large);
            let free = joined.map_or(least_free, |(_, bytes)| bytes);
            Some(Worker { free, grows: grows as i64 - i64::from(large - least), steps })
        });
        workers.collect()
    }
}
