//! Layers that move elements and change none: parts of a tensor into parts of another one.

use crate::{Bits, Rows, Tensor};

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

    /// Whether each row of the output is made of the same row of the input, and of what the output holds
    /// there: as in concatenations, slices and shuffles of channels. Then it can be executed on some rows.
    pub const fn is_row_for_row(&self) -> bool {
        let Rearrange { input, output, from, to, .. } = self;
        let (rows, each) = match self.rounds_of_a_row() {
            Some(each) => (output.height, each as u64),
            None => return false,
        };
        rows == input.height
            && from.keeps_rows(input, &self.counts, each)
            && to.keeps_rows(output, &self.counts, each)
    }

    /// Rounds of the outermost loop that make a row of the output; `None`, if a row is not whole rounds.
    const fn rounds_of_a_row(&self) -> Option<u16> {
        let (rows, rounds) = (self.output.height, self.counts[self.outermost()]);
        if rows > 0 && rounds.is_multiple_of(rows) { Some(rounds / rows) } else { None }
    }

    /// The first loop with several rounds.
    const fn outermost(&self) -> usize {
        let mut index = 0;
        while index + 1 < LOOPS && self.counts[index] == 1 {
            index += 1;
        }
        index
    }

    /// Narrows the table to some rows, see [`is_row_for_row`](Self::is_row_for_row).
    pub(crate) const fn narrow_to(&mut self, rows: &Rows) {
        let each = self.rounds_of_a_row();
        rows.narrow(0, &mut self.input);
        rows.narrow(2, &mut self.output);
        if let Some(each) = each {
            self.counts[self.outermost()] = each * self.output.height;
        }
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
    /// Whether so many rounds of the outermost loop stay in a row of a tensor, and the next ones in the next.
    const fn keeps_rows(&self, tensor: &Tensor, counts: &[u16; LOOPS], each: u64) -> bool {
        let row = 8 * tensor.width as u64 * tensor.pixel_bytes() as u64;
        let mut last = self.first as u64 + tensor.bits as u64;
        let (mut index, mut rounds) = (0, each);
        while index < LOOPS {
            if counts[index] > 1 {
                if rounds > 0 && self.strides[index] as u64 * rounds != row {
                    return false;
                }
                let count = if rounds > 0 { rounds } else { counts[index] as u64 };
                last += (count - 1) * self.strides[index] as u64;
                rounds = 0;
            }
            index += 1;
        }
        last <= row
    }

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
