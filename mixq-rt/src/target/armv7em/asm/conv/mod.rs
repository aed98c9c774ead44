//! Standard convolutions: the loops over blocks of weights, the patch that they multiply, and the functions
//! that make codes of the sums or store them.

mod bytes;
mod call;
mod finish;
mod frame;
mod groups;
mod kernels;
mod nibbles;
mod packed;
mod pixels;
mod rgb3x3;
mod scratch;
mod stage;

pub(crate) use call::{Call, Chunk, Filters, MoreGroups, Ready};
pub(crate) use groups::{Groups, Seen};
pub(crate) use kernels::Kernels;
pub(crate) use pixels::{FillGroup, Pixels};
pub(crate) use rgb3x3::{PAIR, Rgb3x3, STAGED_ROW};
pub(crate) use scratch::{Patch, Scratch};
pub(crate) use stage::{copy_rows, stage_row, stage_rows};

use super::widen::{Fill, Widen};
