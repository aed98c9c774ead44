//! Runs mixed-precision integer networks on microcontrollers: no heap, no float, no interpreter.
//!
//! # Principle
//!
//! The build decides all that does not depend on the image: the bits of each tensor, the order of the layers,
//! the place of each activation in memory, multipliers and shifts. It proves that no accumulator overflows.
//! This crate does the rest: it has a kernel for each operator and pair of widths, and an [`Arena`] that
//! holds the activations. A model is static tables ([`format`]), one block of packed parameters, and a list
//! of calls of these kernels:
//!
//! ```ignore
//! mixq_rt::include_model!(digits);                    // the model that the build made, as module `digits`
//!
//! let mut network = digits::Network::new();           // the arena: exactly the RAM that the model needs
//! let scores = network.infer(&image);                 // &[i32; digits::CLASSES]
//! ```
//!
//! The host executes the portable kernels, which give the same results as the kernels of a device. There,
//! [`run()`] executes a network that is known only at run time:
//!
//! ```
//! use mixq_rt::format::{Bits, Layer, Linear, Network, Requant, Rule, Tensor};
//!
//! // An image of two grey pixels. The two logits are the sum and the difference of the pixels.
//! let pixels = Tensor { height: 1, width: 2, channels: 1, bits: Bits::B8, zero_point: 0, offset: 0 };
//! let logits = Tensor { height: 1, width: 1, channels: 2, bits: Bits::B32, zero_point: 0, offset: 4 };
//! let requant = Requant {
//!     bias: 4,
//!     multiplier: 12,
//!     shift: 16,
//!     weight_zero_point: 17,
//!     rule: Rule::Multiplier,
//!     multiplier_step: 0,
//!     zero_point_step: 0,
//!     fraction: 0,
//! };
//! let layers = [Layer::Linear(Linear {
//!     input: pixels,
//!     output: logits,
//!     weights: 0,
//!     weight_bits: Bits::B8,
//!     requant,
//! })];
//! let parameters = [
//!     1, 1, 1, 0xff, // weights: two filters of two pixels
//!     0, 0, 0, 0, 0, 0, 0, 0, // bias
//!     1, 0, 0, 0, // multiplier
//!     0, // shift
//!     0, // zero point of the weights
//! ];
//! let network = Network {
//!     layers: &layers,
//!     stages: &[], // runs of layers that are executed in stripes
//!     parameters: &parameters,
//!     input: pixels,
//!     others: &[], // a network may have several inputs
//!     output: logits,
//!     arena_bytes: 12,
//! };
//! network.validate()?;
//!
//! let mut arena = mixq_rt::Arena::<3>::new();
//! *arena.array_mut(0) = [200, 60];
//! mixq_rt::run(&network, arena.bytes_mut());
//! assert_eq!(arena.logits(4), &[260, 140]);
//! # Ok::<(), mixq_rt::format::Invalid>(())
//! ```
//!
//! [`infer`] does the same with a copy of the image. Where a network takes its image in rows, so that the
//! arena never holds all of it, [`infer`] pushes them, and [`Frame`] takes them a few at a time.
//!
//! # Requirements
//!
//! The kernels for ARMv7E-M (Cortex-M4, M7) are also for ARMv8-M Mainline with DSP instructions (Cortex-M33,
//! M35P, M52, M55, M85). Not all processors of ARMv8-M Mainline have these instructions: `device.chip` or
//! `device.core` in Cargo.toml, or rustc's flags, say whether the device has them.
//!
//! The portable kernels are about equally fast at `opt-level` 2, 3 and `"s"`, and up to twice as slow at
//! `"z"`. No kernel allocates, or uses floating point or atomics, or needs 1 KiB of stack or more. The
//! kernels take [`Operands`](format::Operands): the [`Checked`](format::Checked) table of a layer, parameters
//! and an arena. In modules of `include_model!`, the compiler checks the tables, and kernels do not panic.
//!
//! The kernels for ARMv7E-M work in the part of the arena that no tensor needs while a layer is executed.
//! They need 208 bytes (at most 288 for a first layer of three channels, 512 for a fully connected layer). If
//! this part is smaller, they take these bytes from the stack. A convolution whose filters have more elements
//! than that holds also works at the end of its output, which holds no codes yet, and at the start of its
//! input, of which nothing is read again. It is slower only where no such place has enough room.
#![no_std]

/// What generated modules offer with feature `float` alone.
#[cfg(feature = "float")]
#[doc(hidden)]
#[macro_export]
macro_rules! with_float {
    ($($item:tt)*) => { $($item)* };
}

/// What generated modules offer with feature `float` alone.
#[cfg(not(feature = "float"))]
#[doc(hidden)]
#[macro_export]
macro_rules! with_float {
    ($($item:tt)*) => {};
}

mod arena;
#[doc(hidden)]
pub mod export;
mod frame;
mod run;
mod target;

pub use arena::Arena;
pub use frame::Frame;
pub use mixq_format as format;
pub use mixq_macros::include_model;
pub use run::{infer, run, run_layer};
