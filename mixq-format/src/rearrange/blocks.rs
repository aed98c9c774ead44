//! Which rows a rearrangement makes of which.

use super::{LOOPS, Positions, Rearrange, Rest};
use crate::{Rows, Tensor};

/// Rows of the input that make rows of the output, and no others. One of both numbers is 1. At the end of the
/// tensor a block may have fewer rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blocks {
    /// Rows of the input.
    pub from: u16,
    /// Rows of the output.
    pub to: u16,
}

impl Rearrange {
    /// Which rows make which; `None`, if elements move in another way. A row makes a row in concatenations,
    /// slices and shuffles of channels. It makes several in upsampling, and where channels become pixels.
    /// Several make one where pixels become channels. Then the layer can be executed on some rows.
    ///
    /// A layer that keeps a part of its output makes a row of a row.
    pub const fn blocks(&self) -> Option<Blocks> {
        let Rearrange { input, output, counts, rest, from, to, .. } = self;
        let Some(rounds) = self.rounds_of_a_block() else { return None };
        let blocks = if input.height == output.height {
            Blocks { from: 1, to: 1 }
        } else if self.blocks_of_all() == 1 || matches!(rest, Rest::Kept) {
            return None;
        } else {
            let rows =
                [from.rows(input, self.outermost(), rounds), to.rows(output, self.outermost(), rounds)];
            let [Some(from), Some(to)] = rows else { return None };
            Blocks { from, to }
        };
        let all = self.blocks_of_all();
        let whole = from.keep_rows(input, counts, rounds, blocks.from)
            && to.keep_rows(output, counts, rounds, blocks.to)
            && input.height.div_ceil(blocks.from) == all
            && output.height.div_ceil(blocks.to) == all;
        if whole { Some(blocks) } else { None }
    }

    /// Blocks of the whole tensors: as many as there are rows where a row is a block.
    const fn blocks_of_all(&self) -> u16 {
        let (read, written) = (self.input.height, self.output.height);
        if read < written { read } else { written }
    }

    /// Rounds of the outermost loop that make a block; `None`, if a block is not whole rounds.
    const fn rounds_of_a_block(&self) -> Option<u16> {
        let (blocks, rounds) = (self.blocks_of_all(), self.counts[self.outermost()]);
        if blocks > 0 && rounds.is_multiple_of(blocks) { Some(rounds / blocks) } else { None }
    }

    /// The first loop with several rounds.
    const fn outermost(&self) -> usize {
        let mut index = 0;
        while index + 1 < LOOPS && self.counts[index] == 1 {
            index += 1;
        }
        index
    }

    /// Narrows the table to some rows: to whole [`blocks`](Self::blocks), or to the last one.
    pub(crate) const fn narrow_to(&mut self, rows: &Rows) {
        let rounds = self.rounds_of_a_block();
        let is_read = self.input.height < self.output.height;
        rows.narrow(0, &mut self.input);
        rows.narrow(2, &mut self.output);
        if let Some(rounds) = rounds {
            let blocks = if is_read { self.input.height } else { self.output.height };
            self.counts[self.outermost()] = rounds * blocks;
        }
    }

    /// Whether a narrowed table keeps within its tensors. The whole table does, so that 32 bits hold all
    /// positions.
    pub(crate) fn is_inside(&self) -> bool {
        let Rearrange { input, output, counts, from, to, .. } = self;
        let inside = |positions: &Positions, tensor: &Tensor| {
            let steps =
                counts.iter().zip(positions.strides).map(|(count, stride)| u32::from(count - 1) * stride);
            let end = positions.first + steps.sum::<u32>() + tensor.bits as u32;
            end <= u32::from(tensor.height) * tensor.row_bits()
        };
        inside(from, input) && inside(to, output)
    }
}

impl Tensor {
    /// Bits of a row.
    const fn row_bits(&self) -> u32 {
        8 * self.width as u32 * self.pixel_bytes() as u32
    }
}

impl Positions {
    /// How many rows `rounds` rounds of a loop go on; `None`, if they are not whole rows.
    const fn rows(&self, tensor: &Tensor, index: usize, rounds: u16) -> Option<u16> {
        let (bits, row) = (self.strides[index] as u64 * rounds as u64, tensor.row_bits() as u64);
        if row == 0 {
            return None;
        }
        let rows = bits / row;
        if bits.is_multiple_of(row) && rows > 0 && rows <= tensor.height as u64 {
            Some(rows as u16)
        } else {
            None
        }
    }

    /// Whether so many rounds of the outermost loop stay in so many rows of a tensor, and the next ones in
    /// the next.
    const fn keep_rows(&self, tensor: &Tensor, counts: &[u16; LOOPS], rounds: u16, rows: u16) -> bool {
        let block = tensor.row_bits() as u64 * rows as u64;
        let mut last = self.first as u64 + tensor.bits as u64;
        let (mut index, mut rounds) = (0, rounds as u64);
        while index < LOOPS {
            if counts[index] > 1 {
                if rounds > 0 && self.strides[index] as u64 * rounds != block {
                    return false;
                }
                let count = if rounds > 0 { rounds } else { counts[index] as u64 };
                last += (count - 1) * self.strides[index] as u64;
                rounds = 0;
            }
            index += 1;
        }
        last <= block
    }
}
