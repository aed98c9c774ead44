//! Finds how many more bytes of arena make a network faster.

use super::free::free;
use super::{Execution, Target};
use crate::Artifact;

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
        let reached = self.steps.iter().take_while(|(bytes, _)| i64::from(*bytes) <= free);
        reached.last().map_or(0, |(_, instructions)| *instructions)
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

impl Target {
    /// Bytes of the smallest arena in which a network takes the fewest instructions, by
    /// [`cost`](Target::cost). At most `most` bytes, unless the network needs more.
    pub fn fastest_arena(&self, rust_target: &str, artifact: &Artifact, most: u64) -> u32 {
        let least = artifact.header.arena_bytes;
        let workers = self.workers(rust_target, artifact);
        let total = |more: u32| workers.iter().map(|worker| worker.instructions(more)).sum::<u64>();
        let fits = |more: &u32| u64::from(least) + u64::from(*more) <= most;
        let candidates = workers.iter().flat_map(Worker::needs).filter(fits).chain([0]);
        let fewest = candidates.min_by_key(|more| (total(*more), *more)).unwrap_or(0);
        least + fewest
    }

    fn workers(&self, rust_target: &str, artifact: &Artifact) -> Vec<Worker> {
        let least = artifact.header.arena_bytes;
        let (layers, far) = (artifact.layers(), artifact.in_arena(FAR.max(least) & !3).layers());
        let workers = layers.iter().enumerate().filter_map(|(index, layer)| {
            let with = |scratch_bytes| Execution {
                rust_target,
                parameters: Some(&artifact.parameters),
                scratch_bytes,
            };
            let sizes = self.useful_scratch(layer, &with(0));
            if sizes.is_empty() {
                return None;
            }
            let steps = [0].into_iter().chain(sizes);
            let steps = steps.map(|bytes| (bytes, self.cost(layer, &with(bytes)).instructions)).collect();
            let (_, grows) = free(&far, index, FAR.max(least));
            let (_, free) = free(&layers, index, least);
            Some(Worker { free, grows: grows as i64 - i64::from(FAR.max(least) - least), steps })
        });
        workers.collect()
    }
}
