//! Operators that move elements and change none.
//!
//! As they are written there are several; resolved they are one, [`Rearrange`], which says how elements move.
//! The device has one kernel for all: [`mixq_format::Rearrange`].

mod concat;
mod depth;
mod pad;
mod reshape;
mod shuffle;
mod slice;
mod table;
mod transpose;
mod upsample;

pub use concat::Concat;
pub use depth::{DepthToSpace, SpaceToDepth};
pub use pad::Pad;
pub use reshape::Reshape;
pub use shuffle::ChannelShuffle;
pub use slice::Slice;
pub use transpose::{AXES, Transpose};
pub use upsample::Upsample;

pub(super) use concat::CONCAT;
pub(super) use depth::{DEPTH_TO_SPACE, SPACE_TO_DEPTH};
pub(super) use pad::PAD;
pub(super) use reshape::RESHAPE;
pub(super) use shuffle::CHANNEL_SHUFFLE;
pub(super) use slice::SLICE;
pub(super) use transpose::TRANSPOSE;
pub(super) use upsample::UPSAMPLE;

use serde::Serialize;

use super::{Arity, Follows, Form, Input, Layer, Op, OpSpec, Operator, Output, Weights, Written};
use crate::graph::{Padding, Shape, Window};

/// How elements move. Sizes are in pixels or channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Rearrange {
    /// All channels of the input become those of the output from channel `first` on: a part of a
    /// concatenation. A part that is not the first one has the output of the part before as its second input,
    /// and writes in its place.
    Join {
        /// The channels before it.
        first: usize,
    },
    /// Some of the channels.
    Slice {
        /// The channels before them.
        first: usize,
        /// Their number.
        channels: usize,
    },
    /// Channel `j groups + k` of the output is channel `k n + j` of the input, of `n` channels in a group
    /// (ShuffleNet, arXiv 1707.01083).
    Shuffle {
        /// The number of groups.
        groups: usize,
    },
    /// Zeros around the image.
    Pad {
        /// Pixels at top, bottom, left, right.
        padding: [usize; 4],
    },
    /// Zeros between pixels.
    Spread {
        /// From one pixel of the input to the next, down and to the right.
        stride: [usize; 2],
    },
    /// Each pixel several times.
    Upsample {
        /// How often down and to the right.
        factor: [usize; 2],
    },
    /// Channel `(i block + j) C + c` of a pixel becomes channel `c` of pixel `(i, j)` of a block, as in
    /// TensorFlow, and in ONNX with mode DCR.
    DepthToSpace {
        /// Side of a block.
        block: usize,
    },
    /// The inverse.
    SpaceToDepth {
        /// Side of a block.
        block: usize,
    },
    /// The same elements, in the order row, column, channel, in another shape. One number of channels is a
    /// multiple of the other one.
    Reshape,
    /// Axes in another order.
    Transpose {
        /// Which axis of the input becomes height, width, channels: 0 is height, 1 width, 2 channels.
        order: [usize; 3],
    },
}

impl Operator for Rearrange {
    fn word(&self) -> &'static str {
        "rearrange"
    }

    fn window(&self) -> Option<&Window> {
        None
    }

    fn weights(&self) -> Option<Weights> {
        None
    }

    fn output(&self) -> Output {
        match self {
            Rearrange::Join { first } if *first > 0 => Output::SecondInput,
            Rearrange::Join { .. }
            | Rearrange::Slice { .. }
            | Rearrange::Shuffle { .. }
            | Rearrange::Pad { .. }
            | Rearrange::Spread { .. }
            | Rearrange::Upsample { .. }
            | Rearrange::DepthToSpace { .. }
            | Rearrange::SpaceToDepth { .. }
            | Rearrange::Reshape
            | Rearrange::Transpose { .. } => Output::InputGrid,
        }
    }

    fn table_bytes(&self) -> usize {
        size_of::<mixq_format::Rearrange>()
    }
}

/// The form of an operator that moves elements of one tensor.
const fn form(
    name: &'static str,
    required: &'static [&'static str],
    optional: &'static [&'static str],
    read: fn(&super::Values) -> Option<OpSpec>,
) -> Form {
    Form {
        name,
        required,
        optional,
        parameters: &[],
        read,
        arity: Arity::One,
        reads_image: Err("put a conv or depthwise layer before it"),
        reads_any_shape: false,
        follows: Follows::NOTHING,
        folds: None,
    }
}
