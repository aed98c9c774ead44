//! Stages: runs of layers that are executed in stripes of rows.
//!
//! A convolution of height 3 needs three rows of its input, not all of them. In a stage the arena holds, of
//! the tensors inside, only the rows that are still needed. In each *turn* the first layer makes some more
//! rows, and every other layer the rows that can be made of those. Then the rows that no layer needs any more
//! make room. No row is computed twice.
//!
//! What the stage reads from outside, and what it writes last, lies in the arena whole. The output may lie
//! over the input: each row is written where no row lies that is still needed, see [`Progress`](progress).
//! The first stage of a network may be *fed*: then its input comes in rows, and of it, too, the arena holds
//! only the rows that are still needed. Turns wait until the rows that they need are there.
//!
//! Windows of a signal may overlap: then the rows that both see are kept, of all tensors, see
//! [`Turns::slide`].
//!
//! Kernels see a shorter tensor, see [`Rows`]. Which rows that are, [`Turns`] computes from a [`Line`] of
//! numbers for each layer, on the device and on the host alike.

use crate::{Bits, Tensor};

mod checks;
mod feed;
mod line;
#[cfg(feature = "file")]
mod progress;
mod reach;
mod rows;
mod slide;
mod striped;
#[cfg(feature = "file")]
mod trace;
mod turns;

#[cfg(feature = "file")]
pub use checks::{held_input, held_layers};
pub(crate) use checks::{state_over, validate};
pub use feed::RowsError;
pub use line::{Line, Lines};
#[cfg(feature = "file")]
pub use progress::Progress;
pub use rows::{Rows, Stripe};
pub use striped::Striped;
#[cfg(feature = "file")]
pub use trace::Trace;
#[cfg(feature = "file")]
pub(crate) use turns::Alone;
pub use turns::Turns;

/// Layers of the longest stage.
pub const MOST_LAYERS: usize = 96;

/// Lines of the longest stage: one for each layer, and one for the input of a stage that is fed.
const MOST_LINES: usize = MOST_LAYERS + 1;

/// A run of layers that are executed in stripes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "file", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "file", serde(deny_unknown_fields))]
pub struct Stage {
    /// Index of its first layer.
    pub first: u16,
    /// How many layers it has: 1 or more.
    pub layers: u16,
    /// Rows of the first layer's output that are made in a turn.
    pub rows: u16,
    /// First byte of its state in the arena, a multiple of 4: [`Stage::state_bytes`] bytes.
    pub state: u32,
    /// Whether its input, the only one of the network, comes in rows while the stage is executed. Only the
    /// first stage can be, and it begins with the first layer.
    #[cfg_attr(feature = "file", serde(default, skip_serializing_if = "core::ops::Not::not"))]
    pub fed: bool,
    /// Whether it goes from the last row to the first one: only a stage of one layer can.
    #[cfg_attr(feature = "file", serde(default, skip_serializing_if = "core::ops::Not::not"))]
    pub backwards: bool,
    /// Of a stage that is fed: rows of the input from one window of a signal to the next one, which begins
    /// with rows that both see. 0: each image stands alone.
    #[cfg_attr(feature = "file", serde(default, skip_serializing_if = "is_zero"))]
    pub hop: u16,
}

/// Whether an artifact leaves a number out.
#[cfg(feature = "file")]
fn is_zero(rows: &u16) -> bool {
    *rows == 0
}

impl Stage {
    /// Bytes of flash that a layer takes in a stage, in addition to its table: the rows that its tensors
    /// hold, and its [`Line`].
    pub const LAYER_BYTES: usize = 4 * size_of::<u16>() + size_of::<Line>();

    /// Bytes of flash that the stage takes, in addition to the tables of its layers.
    pub const fn table_bytes(&self) -> usize {
        Stage::LAYER_BYTES * self.layers as usize + self.feed_bytes()
    }

    /// Those of them that the [`Line`] of its input takes, if it is fed.
    pub const fn feed_bytes(&self) -> usize {
        if self.fed { size_of::<Line>() } else { 0 }
    }

    /// Bytes of the arena that kernels work in while a stage is executed, at least: as many as each needs. So
    /// they take less of the stack, where the table of the stripe lies.
    pub const SCRATCH_BYTES: usize = crate::target::armv7em::LEAST_SCRATCH_OF_RGB3X3_AND_SUMS;

    /// Bytes of the arena that say how far each layer is, and how many rows have come.
    pub const fn state_bytes(&self) -> usize {
        turns::STATE_BYTES * (self.layers as usize + self.fed as usize)
    }

    /// Its state as a tensor.
    pub const fn state(&self) -> Tensor {
        let width = self.state_bytes() as u16;
        Tensor { height: 1, width, channels: 1, bits: Bits::B8, zero_point: 0, offset: self.state }
    }

    /// The indices of its layers.
    pub fn range(&self) -> core::ops::Range<usize> {
        let first = usize::from(self.first);
        first..first + usize::from(self.layers)
    }
}
