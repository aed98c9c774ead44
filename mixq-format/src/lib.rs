//! The integer network of mixq as data, and the `.mixq` file that holds it.
//!
//! This is the one definition that the build script, the macro and the device share: [`Network`]
//! is a list of [`Layer`]s over one block of packed parameters and one arena. Every type is
//! `const`-constructible, holds offsets instead of pointers, and has the same size on every target,
//! so the flash figure that the build reports is the one the linker sees.
//!
//! Without features the crate is `no_std` and has no dependency. Feature `file` adds the reader
//! and the writer of `.mixq` files ([`Artifact`]).
//!
//! # Numbers
//!
//! * Activations are unsigned codes of 8, 4 or 2 bits; a code `q` stands for `S (q - Z)` with the
//!   tensor's scale `S` (known to the build only) and its zero point `Z`.
//! * Weights are signed codes (two's complement) of 8, 4 or 2 bits with a zero point for the layer
//!   or for each output channel.
//! * Both are packed in *rows*: element `i` of a row sits at bit `i * bits` (little endian: the first
//!   element in the low bits of the first byte), and each row starts on a byte. A row of an
//!   activation is one pixel (all its channels).
#![cfg_attr(not(feature = "file"), no_std)]

mod bits;
mod checked;
mod contents;
mod error_score;
mod grouped;
mod layer;
mod mask;
mod network;
mod probability;
mod rearrange;
mod requant;
mod resize;
mod rules;
mod samples;
mod stage;
pub mod target;
mod task;
mod tensor;
mod window;

#[cfg(feature = "file")]
mod arena;
#[cfg(feature = "file")]
mod artifact;
#[cfg(feature = "file")]
mod channels;
#[cfg(feature = "file")]
mod inputs;
#[cfg(feature = "file")]
mod readout;

pub use bits::Bits;
pub use checked::{Checked, Operands, Table};
pub use error_score::ErrorScore;
pub use grouped::GroupedConv;
pub use layer::{
    Add, Constants, Conv, Depthwise, Elementwise, Kind, Layer, Linear, Multiply, Operation, Pool, Prelu,
};
pub use mask::{Object, Objects, classify_pixels};
pub use network::{Invalid, Network};
pub use probability::{Exponents, top};
pub use rearrange::{Blocks, LOOPS, Positions, Rearrange, Rest};
pub use requant::{Requant, Rule};
pub use resize::{Axis, Between, Position, Resize};
pub use samples::{SampleCodes, encode, encode_narrow, pack_codes, sample};
pub use stage::{Line, Lines, MOST_LAYERS, Rows, RowsError, Stage, Stripe, Striped, Turns};
pub use task::{Task, argmax, nearest};
pub use tensor::Tensor;
pub use window::Window;

#[cfg(feature = "file")]
pub use arena::in_arena;
#[cfg(feature = "file")]
pub use artifact::{Accuracy, Artifact, Budget, Header, NamedLayer, Output, ReadError, is_identifier};
#[cfg(feature = "file")]
pub use channels::SampleChannel;
#[cfg(feature = "file")]
pub use inputs::{Input, Layers};
#[cfg(feature = "file")]
pub use readout::{ErrorFigures, Figures, LabelFigures, PixelFigures, Readout, Unit, ValueFigures};
#[cfg(feature = "file")]
pub use stage::{Progress, Trace, held_input, held_layers};

/// Version of the `.mixq` format and of the meaning of its numbers. An artifact of another version
/// is stale: it is never reinterpreted.
pub const FORMAT_VERSION: u32 = 2;
