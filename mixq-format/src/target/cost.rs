//! What layers cost: a kernel's code as *pieces*, each of which takes a number of instructions, and how often
//! a layer executes each.
//!
//! How often follows from the loops of the kernels, exactly or nearly so: see the file `cost` of each
//! instruction set. What a piece takes was fitted to counts of QEMU, for layers of all operators, widths and
//! shapes (`cargo test -p mixq-tests --test cost -- --ignored fit`).

use core::fmt;

use super::{Steps, Target};
use crate::{Layer, Window};

/// What one execution of a layer, or of several, costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Executed instructions.
    pub instructions: u64,
    /// Cycles on a Cortex-M4 with memory without wait states. `None`: there is no model.
    pub cycles: Option<u64>,
}

impl core::iter::Sum for Cost {
    /// Cycles are known if those of all are.
    fn sum<I: Iterator<Item = Cost>>(costs: I) -> Cost {
        let none = Cost { instructions: 0, cycles: Some(0) };
        costs.fold(none, |sum, cost| Cost {
            instructions: sum.instructions + cost.instructions,
            cycles: sum.cycles.zip(cost.cycles).map(|(a, b)| a + b),
        })
    }
}

/// How a layer is executed, as far as it decides what that costs.
#[derive(Clone, Copy, Debug)]
pub struct Execution<'a> {
    /// Rust target, such as `thumbv7em-none-eabihf`.
    pub rust_target: &'a str,
    /// The parameters of the network before they are [laid out](Target::lay_out). `None`, before there are
    /// any: then weights are taken to be as most are, and tables to be in their usual order.
    pub parameters: Option<&'a [u8]>,
    /// Bytes of the arena that the layer works in, beside its tensors: a multiple of 4.
    pub scratch_bytes: u32,
    /// What of its tensors the layer may work in.
    pub free: Free,
}

/// What of the bytes of its tensors a layer may work in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Free {
    /// Whether the layer may overwrite its input, because no later layer reads it.
    pub spent: bool,
    /// Whether nothing but the scratch lies between input and output, so that all three are one.
    pub joined: bool,
}

/// A piece of code: a function, or a round of a loop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Piece {
    /// Its name.
    pub name: &'static str,
    /// Instructions of one execution.
    pub instructions: f64,
    /// Cycles of one execution; 0 where there is no model.
    pub cycles: f64,
}

/// How often a layer executes each piece of its kernel.
#[derive(Clone, Debug)]
pub struct Tally {
    /// Whose kernel it is: the name of an instruction set.
    pub kernels: &'static str,
    /// All pieces of the kernel's instruction set.
    pub pieces: Vec<Piece>,
    /// How often, in the same order.
    pub counts: Vec<f64>,
    /// Whether the pieces have cycles.
    pub has_cycles: bool,
}

impl Tally {
    /// All pieces together.
    pub fn cost(&self) -> Cost {
        let sum = |of: fn(&Piece) -> f64| {
            let all = self.pieces.iter().zip(&self.counts);
            all.map(|(piece, count)| of(piece) * count).sum::<f64>().round() as u64
        };
        let cycles = self.has_cycles.then(|| sum(|piece| piece.cycles));
        Cost { instructions: sum(|piece| piece.instructions), cycles }
    }
}

impl Target {
    /// What it costs to execute a layer, whose tables may have any offsets.
    ///
    /// # Panics
    /// If `parameters` are not those of the layer.
    pub fn cost(&self, layer: &Layer, execution: &Execution<'_>) -> Cost {
        self.tally(layer, execution).cost()
    }

    /// How often a layer executes each piece of its kernel.
    ///
    /// # Panics
    /// If `parameters` are not those of the layer.
    pub fn tally(&self, layer: &Layer, execution: &Execution<'_>) -> Tally {
        (self.tally)(layer, execution)
    }

    /// What each layer of a network costs, as [`lay_out`](Target::lay_out) lays it out for an arena of
    /// `arena_bytes` bytes.
    ///
    /// # Panics
    /// If `parameters` are not those of the layers.
    pub fn costs<'a>(
        &self,
        rust_target: &str,
        steps: impl Into<Steps<'a>>,
        parameters: &[u8],
        arena_bytes: u32,
    ) -> Vec<Cost> {
        self.tallies(rust_target, steps, parameters, arena_bytes).iter().map(Tally::cost).collect()
    }

    /// How often each layer executes each piece of its kernel.
    ///
    /// # Panics
    /// If `parameters` are not those of the layers.
    pub fn tallies<'a>(
        &self,
        rust_target: &str,
        steps: impl Into<Steps<'a>>,
        parameters: &[u8],
        arena_bytes: u32,
    ) -> Vec<Tally> {
        (self.tallies)(rust_target, steps.into(), parameters, arena_bytes)
    }

    /// What a layer costs without scratch, and with more bytes of scratch: an entry for each number of bytes
    /// from which on it takes fewer instructions, ascending. The last entry has as many bytes as the layer
    /// can use. Empty, if it does not work in scratch.
    ///
    /// # Panics
    /// If `parameters` are not those of the layer.
    pub fn costs_by_scratch(&self, layer: &Layer, execution: &Execution<'_>) -> Vec<(u32, Cost)> {
        let mut sizes = (self.scratch_steps)(layer, execution);
        let mut least = u64::MAX;
        sizes.retain(|(_, cost)| {
            let fewer = cost.instructions < least;
            least = least.min(cost.instructions);
            fewer
        });
        sizes
    }
}

/// Counts of pieces that an enumeration `P` names.
pub(super) struct Counts(pub(super) Vec<f64>);

impl Counts {
    pub(super) fn new(pieces: usize) -> Counts {
        Counts(vec![0.0; pieces])
    }

    /// Adds executions of a piece, which is given by its number.
    pub(super) fn add(&mut self, piece: usize, count: usize) {
        self.0[piece] += count as f64;
    }
}

/// Defines an enumeration of pieces, and what they take: a column for each of `$sets`.
macro_rules! pieces {
    ($($name:ident $($figure:literal)*;)*) => {
        /// The pieces, in the order of their counts.
        #[derive(Clone, Copy, Debug)]
        #[allow(dead_code, reason = "some are named by their distance from another one")]
        pub(super) enum P { $($name),* }

        /// Their names and figures.
        pub(super) const FIGURES: &[(&str, &[f64])] = &[$((stringify!($name), &[$($figure),*])),*];
    };
}

pub(super) use pieces;

/// Part of a window's axis: taps that meet the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Taps {
    /// The first that does, and the first after them that does not.
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Taps {
    pub(super) const fn count(self) -> usize {
        self.end - self.start
    }
}

/// The taps that meet the input, for all windows along an axis: rows (`vertical`) or columns.
pub(super) fn axis(window: &Window, vertical: bool, size: u16, outputs: u16) -> Vec<Taps> {
    let (kernel, stride, pad) = match vertical {
        true => (window.kernel_height, window.stride_height, window.pad_top),
        false => (window.kernel_width, window.stride_width, window.pad_left),
    };
    let [kernel, stride, pad, size] = [kernel, stride, pad, size].map(usize::from);
    let taps = |position: usize| {
        let origin = position * stride;
        let start = pad.saturating_sub(origin).min(kernel);
        Taps { start, end: kernel.min((size + pad).saturating_sub(origin)).max(start) }
    };
    (0..outputs.into()).map(taps).collect()
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} instructions", self.instructions)?;
        match self.cycles {
            Some(cycles) => write!(f, ", about {cycles} cycles"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Bits, Conv, Requant, Rule, Tensor};

    const RUST_TARGET: &str = "thumbv7em-none-eabihf";

    /// The middle of ResNet-8: 3x3, 16x16x32 to 32.
    fn conv() -> Layer {
        let tensor =
            |offset| Tensor { height: 16, width: 16, channels: 32, bits: Bits::B8, zero_point: 0, offset };
        let window = Window {
            kernel_height: 3,
            kernel_width: 3,
            stride_height: 1,
            stride_width: 1,
            pad_top: 1,
            pad_left: 1,
        };
        let requant = Requant {
            bias: 0,
            multiplier: 0,
            shift: 0,
            weight_zero_point: 0,
            rule: Rule::Multiplier,
            multiplier_step: 1,
            zero_point_step: 1,
            fraction: Requant::FRACTION,
        };
        let (input, output) = (tensor(0), tensor(8192));
        Layer::Conv(Conv { input, output, window, weights: 0, weight_bits: Bits::B8, requant })
    }

    fn execution(scratch_bytes: u32) -> Execution<'static> {
        Execution { rust_target: RUST_TARGET, parameters: None, scratch_bytes, free: Free::default() }
    }

    #[test]
    fn every_useful_size_saves_instructions() {
        let (target, layer) = (Target::of(RUST_TARGET, true), conv());
        let by_scratch = target.costs_by_scratch(&layer, &execution(0));
        assert!(by_scratch.iter().all(|(bytes, cost)| target.cost(&layer, &execution(*bytes)) == *cost));
        let (sizes, costs): (Vec<u32>, Vec<u64>) =
            by_scratch.iter().map(|(bytes, cost)| (*bytes, cost.instructions)).unzip();
        assert_eq!(sizes[0], 0);
        assert!(sizes.is_sorted() && costs.is_sorted_by(|a, b| a > b), "{sizes:?}: {costs:?}");
        // All elements of four windows as halves.
        assert_eq!(sizes.last(), Some(&(4 * 2 * 288)));
        let (most, least) = (costs[0], costs[costs.len() - 1]);
        // What scratch saves is worth its bytes, and without it the layer takes at most 1.6 times as many.
        assert!(least * 5 / 4 < most && most < least * 8 / 5, "{most} is {least} with scratch");
        // 2.36 million multiply-accumulates, 0.90 instructions each.
        assert!((2_050_000..2_250_000).contains(&least), "{least}");
    }

    #[test]
    fn portable_kernels_have_no_use_for_scratch() {
        let target = Target::named("portable").unwrap();
        let execution = Execution { rust_target: "riscv32imac-unknown-none-elf", ..execution(0) };
        assert!(target.costs_by_scratch(&conv(), &execution).is_empty());
        let cost = target.cost(&conv(), &execution);
        assert!(cost.cycles.is_none() && (5..8).contains(&(cost.instructions / 2_360_000)), "{cost}");
    }

    #[test]
    fn cycles_of_all_are_known_if_those_of_each_are() {
        let known = Cost { instructions: 2, cycles: Some(3) };
        assert_eq!([known, known].into_iter().sum::<Cost>(), Cost { instructions: 4, cycles: Some(6) });
        let unknown = Cost { instructions: 2, cycles: None };
        assert_eq!([known, unknown].into_iter().sum::<Cost>().cycles, None);
    }
}
