//! Layers that move elements and change none: parts of a tensor into parts of another one.

mod blocks;

use crate::{Bits, Tensor};

pub use blocks::Blocks;

/// Loops of a [`Rearrange`].
pub const LOOPS: usize = 5;

/// Copies elements: `output[to] = input[from]` for all values of five loop counters, where a position is
/// `first + counter[0] * strides[0] + ... + counter[4] * strides[4]`.
///
/// So a slice of channels, a place in a concatenation, padding, nearest-neighbour upsampling, a shuffle of
/// channels or a transposition are one operator each with its own strides. Input and output share width,
/// scale and zero point. Elements move in any order: no loops should write an element twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "file", derive(serde::Serialize, serde::Deserialize))]
#[repr(C)]
pub struct Rearrange {
    /// What it reads.
    pub input: Tensor,
    /// What it writes.
    pub output: Tensor,
    /// How often each loop runs, the outermost first; 1 or more.
    pub counts: [u16; LOOPS],
    /// What the elements of the output are that no loop writes.
    pub rest: Rest,
    /// Where it reads.
    pub from: Positions,
    /// Where it writes.
    pub to: Positions,
}

/// Positions in a tensor, in bits from its start: multiples of the tensor's bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "file", derive(serde::Serialize, serde::Deserialize))]
#[repr(C)]
pub struct Positions {
    /// The position at which all counters are 0.
    pub first: u32,
    /// The distance from one value of a counter to the next, for each loop.
    pub strides: [u32; LOOPS],
}

/// What the elements of an output are that a [`Rearrange`] does not write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "file", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "file", serde(rename_all = "snake_case"))]
#[repr(u8)]
pub enum Rest {
    /// There are none, or nothing reads them before they are written.
    Anything,
    /// The zero point: it is written to all of the output first.
    Zero,
    /// What an earlier layer wrote there: this layer reads the output, too.
    Kept,
}

impl Rearrange {
    /// Bytes that the innermost loop moves at once: if its elements follow one another in both tensors, and
    /// all runs of them begin and end with whole bytes.
    pub fn run_bytes(&self) -> Option<usize> {
        let bits = u32::from(self.input.bits as u8);
        let run = u32::from(self.counts[LOOPS - 1]) * bits;
        let whole = |positions: &Positions| {
            let (inner, outer) = (positions.strides[LOOPS - 1], &positions.strides[..LOOPS - 1]);
            // The stride of a loop with one round does not count.
            let mut strides = outer.iter().zip(&self.counts).filter(|(_, count)| **count > 1);
            (inner == bits || self.counts[LOOPS - 1] == 1)
                && positions.first.is_multiple_of(8)
                && strides.all(|(stride, _)| stride.is_multiple_of(8))
        };
        (run.is_multiple_of(8) && whole(&self.from) && whole(&self.to)).then_some(run as usize / 8)
    }

    /// Whether all strides and counts keep within the tensors.
    ///
    /// # Errors
    /// The rule that is broken.
    pub(crate) const fn check(&self) -> Result<(), &'static str> {
        let Rearrange { input, output, counts, from, to, .. } = self;
        if input.bits as u8 != output.bits as u8 || input.zero_point != output.zero_point {
            return Err("a rearrangement changes bits or zero point");
        }
        if matches!(input.bits, Bits::B32) {
            return Err("a rearrangement moves logits");
        }
        let (mut index, mut elements) = (0, 1u64);
        while index < LOOPS {
            if counts[index] == 0 {
                return Err("a loop of a rearrangement is empty");
            }
            elements = elements.saturating_mul(counts[index] as u64);
            index += 1;
        }
        // Strides of 0 would keep the device busy for hours otherwise.
        let all = output.height as u64 * output.width as u64 * output.channels as u64;
        if elements > all {
            return Err("a rearrangement moves more elements than its output has");
        }
        if !from.within(input, counts) || !to.within(output, counts) {
            return Err("a rearrangement reaches beyond a tensor");
        }
        Ok(())
    }
}

impl Positions {
    /// Whether all positions are elements of a tensor.
    const fn within(&self, tensor: &Tensor, counts: &[u16; LOOPS]) -> bool {
        let bits = tensor.bits as u64;
        let pixels = tensor.height as u64 * tensor.width as u64;
        let all = 8 * pixels * tensor.pixel_bytes() as u64;
        let mut whole = (self.first as u64).is_multiple_of(bits);
        // No sum exceeds 64 bits: five products of 48 bits.
        let mut last = self.first as u64;
        let mut index = 0;
        while index < LOOPS {
            whole &= (self.strides[index] as u64).is_multiple_of(bits);
            last += (counts[index] as u64 - 1) * self.strides[index] as u64;
            index += 1;
        }
        whole && last + bits <= all
    }
}
