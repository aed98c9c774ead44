//! The layouts of weights.

use crate::graph::Shape;

/// How an operator's weights are laid out. Kernels are `[height, width]` in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weights {
    /// `[output channel, kernel row, kernel column, input channel]`, the input channels being those of the
    /// output channel's group.
    Filters {
        /// The window.
        kernel: [usize; 2],
        /// Groups of channels.
        groups: usize,
    },
    /// `[kernel row, kernel column, channel]`: an output channel sees the input channel of its number alone.
    Channels {
        /// The window.
        kernel: [usize; 2],
    },
    /// `[output channel, pixel, input channel]`: one output pixel sees all of the input.
    Dense,
    /// `[row, column, channel]`: one for each element of the input.
    Elements,
}

impl Weights {
    /// The size of every axis, for an operator that reads `input` and writes `output`.
    pub fn shape(self, input: Shape, output: Shape) -> Vec<usize> {
        match self {
            Weights::Filters { kernel: [height, width], groups } => {
                vec![output.channels, height, width, input.channels / groups]
            }
            Weights::Channels { kernel: [height, width] } => vec![height, width, output.channels],
            Weights::Elements => vec![input.height, input.width, input.channels],
            Weights::Dense => vec![output.channels, input.height * input.width, input.channels],
        }
    }
}
