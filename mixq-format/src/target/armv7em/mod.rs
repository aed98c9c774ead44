//! ARMv7E-M (Cortex-M4, M7): the packed weights of each layer, in another order.
//!
//! [`rearrange`] lays out the weights of a layer for the DSP instructions: one `SMLAD` multiplies two pairs
//! of 16-bit halves. The weights take as many bytes as before, so that the flash size does not change.
//!
//! Two output channels are a *block*: a lower and an upper channel. The elements of a filter are in the order
//! row, column, channel, without the padding of rows. A block is a sequence of 32-bit words. Each word holds
//! the weights of a *unit* of elements. The words begin at the block's first byte; the bytes behind them are
//! 0. In fully connected layers, the blocks of [`STRIP`] channels alternate, word by word, because they are
//! multiplied by one pixel instead of four. In most convolutions, the requantisation tables stand beside the
//! blocks: see [`Records`].
//!
//! | weights | input | unit | in a word |
//! | --- | --- | --- | --- |
//! | 8 bits | any | 2 | halves: an element each; bytes: lower, upper channel |
//! | 4 bits | 8 bits | 4 | bytes: an element each, in their order; nibbles: lower, upper channel |
//! | 4 bits | 4, 2 bits | 4 | two pairs, the second rotated left by 8: bits 0 to 3, 12 to 15 of each half |
//! | the same, fully connected | 8 bits | 2 | halves: an element each; nibbles: four channels |
//! | 2 bits | any | 8 | four pairs, rotated left by 0, 4, 8, 12: bits 0, 1 and 14, 15 of each half |
//!
//! Weights of the lower channel are offset by half their range, so that they are unsigned. Weights of the
//! upper channel are signed: they lie in the upper bits of a half. There are two exceptions. With 8-bit
//! input, the 4-bit weights of both channels are offset. Of four channels, all but the last one are offset.
//! The constants of sums and products stay in their order, and all are offset.

mod blocks;
#[cfg(feature = "file")]
mod cost;
mod grouped;
mod kernel;
mod moves;
mod phases;
mod plan;
mod proof;
mod records;
mod weights;
mod windows;

#[cfg(not(feature = "file"))]
use super::Target;
#[cfg(feature = "file")]
use super::{LaidOut, Steps, Target, portable, relocate};
#[cfg(feature = "file")]
use crate::Layer;

pub use blocks::{Blocks, RGB3X3_ELEMENTS};
pub use grouped::{filters_of, is_depthwise, of_group, windows_of, without_gaps};
pub use kernel::{Kernel, by_words, codes, requantises, takes};
pub use moves::{INTERLEAVED, Loop, Moves, Runs, SEGMENT, interleaves, runs};
pub use phases::{Division, Phase, Place};
pub use plan::{
    LEAST_SCRATCH, LEAST_SCRATCH_OF_RGB3X3, LEAST_SCRATCH_OF_RGB3X3_AND_SUMS, Plan, STACK_OF_LINEAR, plan,
    useful, whole,
};
#[cfg(feature = "file")]
pub(super) use plan::{joined, joins};
pub use proof::{Proof, proof};
#[cfg(feature = "file")]
pub(super) use records::place;
pub use records::{RECORD, RGB3X3_WITH_ZERO_POINT, Records, has_records};
pub use weights::{blocks_of, rearrange};
pub use windows::Windows;

pub(super) const TARGET: Target = Target {
    name: "armv7em",
    has: |rust_target| rust_target.starts_with("thumbv7em-"),
    #[cfg(feature = "file")]
    lay_out,
    #[cfg(feature = "file")]
    tally: cost::tally,
    #[cfg(feature = "file")]
    tallies: cost::tallies,
    #[cfg(feature = "file")]
    scratch_steps: cost::scratch_steps,
};

/// Output channels of a block. [`Blocks::of_linear`] may have four.
pub const BLOCK: usize = 2;

/// Output channels of a strip: the channels of a fully connected layer whose blocks alternate.
pub const STRIP: usize = 8;

/// Bytes that the weights of a fully connected layer are aligned to: the kernel loads two words at once.
pub const ALIGNMENT: u32 = 4;

/// Shifts with which the kernels for ARMv7E-M can make several codes at once. The high word of a product is
/// enough for such a shift, and 32 bits hold it together with the shifted zero point.
pub const SHIFTS: core::ops::RangeInclusive<u8> = 32..=53;

/// Pixels of the largest window of an average pool whose codes are summed by words, in 16 bits.
pub const WORD_POOL: usize = 256;

/// The layers and parameters, with tables moved so that they begin at words.
#[cfg(feature = "file")]
fn relocated(layers: &[Layer], parameters: &[u8]) -> (Vec<Layer>, Vec<u8>) {
    let mut layers = layers.to_vec();
    let parameters = relocate::relocate(&mut layers, parameters, |layer| place(layer, parameters));
    (layers, parameters)
}

/// Moves tables so that they begin at words, chooses kernels, and rearranges weights. Layers that this set
/// has no kernel for keep their weights, and get a portable kernel.
#[cfg(feature = "file")]
fn lay_out(steps: Steps<'_>, parameters: &[u8], arena_bytes: u32) -> LaidOut {
    let (moved_layers, moved) = relocated(steps.layers, parameters);
    let steps = Steps { layers: &moved_layers, ..steps };
    let mut laid_out = moved.clone();
    for layer in &moved_layers {
        rearrange(layer, &moved, &mut laid_out);
    }
    let kernels = (moved_layers.iter().enumerate()).map(|(index, layer)| {
        let plan = plan(steps, index, &moved, arena_bytes);
        Kernel::of(layer, &moved, plan.as_ref()).map_or_else(|| portable::kernel(layer), |k| k.print(plan))
    });
    LaidOut { kernels: kernels.collect(), layers: moved_layers, parameters: laid_out }
}
