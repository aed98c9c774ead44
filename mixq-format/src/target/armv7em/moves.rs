//! How the kernel for ARMv7E-M executes a [`Rearrange`]. Distances are in bytes here.

use crate::{Bits, LOOPS, Rearrange};

/// Bytes of the longest run that the kernel copies without a loop: a longer one is several.
pub const SEGMENT: usize = 64;

/// Bytes of each of two groups that the kernel interleaves at once.
pub const INTERLEAVED: u32 = 4;

/// The ways of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moves {
    /// Runs of bytes are copied: see [`runs`].
    Runs,
    /// The elements of two groups are interleaved: see [`interleaves`].
    Interleave,
}

impl Moves {
    /// How the kernel executes a layer; `None` if it cannot, because the layer moves parts of bytes.
    pub fn of(layer: &Rearrange) -> Option<Moves> {
        if interleaves(layer) {
            Some(Moves::Interleave)
        } else {
            (layer.run_bytes().is_some() || layer.input.bits == Bits::B8).then_some(Moves::Runs)
        }
    }
}

/// A loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loop {
    /// How often it runs.
    pub count: usize,
    /// From one round to the next in the input.
    pub from: usize,
    /// The same in the output.
    pub to: usize,
}

impl Loop {
    /// One round.
    pub const ONCE: Loop = Loop { count: 1, from: 0, to: 0 };

    fn of(layer: &Rearrange, index: usize) -> Loop {
        let bytes = |strides: &[u32; LOOPS]| strides[index] as usize / 8;
        Loop {
            count: layer.counts[index].into(),
            from: bytes(&layer.from.strides),
            to: bytes(&layer.to.strides),
        }
    }
}

/// Runs of one length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Runs {
    /// The length; at most [`SEGMENT`]. If it is 0, there are none.
    pub bytes: usize,
    /// Where the first run begins, after the first element of the layer.
    pub start: usize,
    /// The loops around a run, the outermost first.
    pub loops: [Loop; LOOPS],
}

/// The runs that a layer copies: first its segments, then what is left of each run. `None` if it moves parts
/// of bytes.
pub fn runs(layer: &Rearrange) -> Option<[Runs; 2]> {
    let [a, b, c, d, e] = [0, 1, 2, 3, 4].map(|index| Loop::of(layer, index));
    let each = [Loop::ONCE, a, b, c, d];
    let none = Runs { bytes: 0, start: 0, loops: each };
    match layer.run_bytes() {
        Some(bytes) => {
            let (count, rest) = (bytes / SEGMENT, bytes % SEGMENT);
            let segments = match count {
                0 => none,
                1 => Runs { bytes: SEGMENT, ..none },
                _ => {
                    let segments = Loop { count, from: SEGMENT, to: SEGMENT };
                    Runs { bytes: SEGMENT, start: 0, loops: [a, b, c, d, segments] }
                }
            };
            Some([segments, Runs { bytes: rest, start: bytes - rest, loops: each }])
        }
        // Each element is a run.
        None if layer.input.bits == Bits::B8 => {
            Some([Runs { bytes: 1, start: 0, loops: [a, b, c, d, e] }, none])
        }
        None => None,
    }
}

/// Whether a layer takes elements of two groups by turns, as the shuffle of two groups does: its innermost
/// loop runs twice, the loop around it goes through a group of whole bytes, [`INTERLEAVED`] at least.
pub fn interleaves(layer: &Rearrange) -> bool {
    let Rearrange { input, counts: [outer @ .., channels, groups], from, to, .. } = layer;
    let bits = input.bits as u32;
    let [from_strides, to_strides] = [from, to].map(|side| side.strides);
    let group = u32::from(*channels) * bits;
    let follow = from_strides[LOOPS - 2] == bits && to_strides[LOOPS - 2..] == [2 * bits, bits];
    let whole = |bits: &u32| bits.is_multiple_of(8);
    // The stride of a loop with one round does not count.
    let strides = |(index, count): (usize, &u16)| {
        *count == 1 || (whole(&from_strides[index]) && whole(&to_strides[index]))
    };
    *groups == 2
        && follow
        && [group, from.first, to.first, from_strides[LOOPS - 1]].iter().all(whole)
        && group / 8 >= INTERLEAVED
        && outer.iter().enumerate().all(strides)
}
