//! Finds how many more bytes of arena make a network faster.

use super::armv7em::{LEAST_SCRATCH, joined, joins, useful};
use super::free::{between, free, spent};
use super::stripes::{executions, tally};
use super::{Cost, Execution, Free, Steps, Target};
use crate::{Layer, Stage, Tensor, held_layers, in_arena};

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
    /// What lies between its input and its output, if it may work there.
    joined: Option<Joined>,
    layer: Layer,
}

/// What lies between the input and the output of a layer.
struct Joined {
    /// Bytes in the least arena.
    bytes: usize,
    /// Whether it grows with the arena.
    grows: bool,
    /// As [`Worker::steps`], if the layer works there.
    steps: Vec<(u32, u64)>,
}

impl Joined {
    /// Its bytes, if the arena has `more` bytes more than the least arena.
    fn bytes(&self, more: u32) -> usize {
        self.bytes + if self.grows { more as usize } else { 0 }
    }
}

/// Bytes of an arena that is larger than any useful one, and whose size 32 bits hold.
const FAR: u32 = 1 << 28;

impl Worker {
    /// Instructions of the layer, if the arena has `more` bytes more than the least arena.
    fn instructions(&self, more: u32) -> u64 {
        let largest = (i64::from(more) + self.grows).max(self.free as i64) as usize;
        let between = self.joined.as_ref().map(|joined| (joined.bytes(more), &joined.steps));
        let between = between.filter(|(bytes, _)| joins(&self.layer, *bytes, largest));
        let (free, steps) = between.unwrap_or((largest, &self.steps));
        let reached = steps.partition_point(|(bytes, _)| *bytes as usize <= free);
        reached.checked_sub(1).map_or(0, |last| steps[last].1)
    }

    /// The bytes that the arena needs more until the layer is executed in another way, for each way that it
    /// may have.
    fn needs(&self) -> impl Iterator<Item = u32> {
        let missing = |bytes: i64| u32::try_from(bytes).ok().map(|bytes| bytes.next_multiple_of(4));
        let of_steps = self.steps.iter().map(|(bytes, _)| i64::from(*bytes) - self.grows);
        let joined = self.joined.iter().flat_map(|joined| {
            // Where the largest part becomes the better one.
            let turns = [joined.bytes + 4, useful(&self.layer), LEAST_SCRATCH];
            let turns = turns.map(|bytes| bytes as i64 - self.grows);
            let steps = joined.steps.iter().filter(|_| joined.grows);
            turns.into_iter().chain(steps.map(|(bytes, _)| i64::from(*bytes) - joined.bytes as i64))
        });
        of_steps.chain(joined).filter_map(missing)
    }
}

/// A network whose arena is to be chosen.
#[derive(Clone, Copy, Debug)]
pub struct Outline<'a> {
    /// Its layers in the least arena, and the outputs that are kept until the end.
    pub steps: Steps<'a>,
    /// Its parameters; `None`, before there are any.
    pub parameters: Option<&'a [u8]>,
    /// Bytes of the least arena.
    pub arena_bytes: u32,
}

impl Outline<'_> {
    /// The network in an arena of this number of bytes.
    fn in_arena(&self, bytes: u32) -> Moved {
        let Steps { stages, kept, .. } = self.steps;
        let layers = in_arena(self.steps, self.arena_bytes, bytes);
        let place = |stage: &Stage| stage.state().in_arena(self.arena_bytes, bytes).offset;
        let stages: Vec<Stage> = stages.iter().map(|stage| Stage { state: place(stage), ..*stage }).collect();
        let kept = kept.iter().map(|tensor| tensor.in_arena(self.arena_bytes, bytes));
        Moved { placed: held_layers(&layers, &stages), kept: kept.collect(), layers, stages }
    }
}

/// A network in another arena.
struct Moved {
    layers: Vec<Layer>,
    placed: Vec<Layer>,
    kept: Vec<Tensor>,
    stages: Vec<Stage>,
}

impl Moved {
    fn steps(&self) -> Steps<'_> {
        Steps { layers: &self.layers, placed: &self.placed, stages: &self.stages, kept: &self.kept }
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
        let moved = network.in_arena(arena_bytes);
        let steps = moved.steps();
        let cost = |index: usize| {
            let (_, largest) = free(steps, index, arena_bytes);
            let (bytes, joined) = match joined(steps, index, largest) {
                Some((_, bytes)) => (bytes, true),
                None => (largest, false),
            };
            let free = Free { spent: spent(steps, index), joined };
            let execution = Execution { rust_target, parameters: None, scratch_bytes: bytes as u32, free };
            tally(steps, index, |layer| self.tally(layer, &execution)).cost()
        };
        (0..steps.layers.len()).map(cost).collect()
    }

    fn workers(&self, rust_target: &str, network: &Outline<'_>) -> Vec<Worker> {
        let Outline { steps: all, parameters, arena_bytes: least } = *network;
        let large = FAR.max(least);
        let moved = network.in_arena(large);
        let far = moved.steps();
        let workers = all.layers.iter().enumerate().filter_map(|(index, layer)| {
            // Of a layer in a stage: the stripe that it executes most often.
            let stripes = executions(all, index).stripes;
            let calls: usize = stripes.iter().map(|(_, count)| count).sum();
            let usual = stripes.into_iter().max_by_key(|(_, count)| *count);
            let usual = usual.map_or(*layer, |(usual, _)| usual);
            let spent = spent(all, index);
            // All: what is largest is not always fastest.
            let steps = |joined: bool| -> Vec<(u32, u64)> {
                let free = Free { spent, joined };
                let execution = Execution { rust_target, parameters, scratch_bytes: 0, free };
                let steps = (self.scratch_steps)(&usual, &execution).into_iter();
                steps.map(|(bytes, cost)| (bytes, calls as u64 * cost.instructions)).collect()
            };
            let separate = steps(false);
            if separate.len() < 2 {
                return None;
            }
            let more = i64::from(large - least);
            let (_, grows) = free(far, index, large);
            let (_, free) = free(all, index, least);
            // Only a layer that may work there at all: whatever has no other room does.
            let between = |steps| between(steps, index).filter(|_| joins(layer, 0, 0));
            let joined = between(all).map(|(_, bytes)| {
                let grows = between(far).is_some_and(|(_, far)| far as i64 - bytes as i64 == more);
                Joined { bytes, grows, steps: steps(true) }
            });
            let layer = *layer;
            Some(Worker { free, grows: grows as i64 - more, steps: separate, joined, layer })
        });
        workers.collect()
    }
}
