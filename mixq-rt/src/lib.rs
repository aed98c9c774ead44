//! Runs mixed-precision integer networks on microcontrollers: no heap, no float, no interpreter.
//!
//! # Principle
//!
//! All that can be decided before the device runs is decided by the build: the bits of each tensor, the
//! order of the layers, where each activation lies, multipliers and shifts, and the proof that no
//! accumulator overflows. What remains is here: one kernel for each operator and pair of widths, and an
//! [`Arena`] that holds the activations. A model is static tables ([`format`]), one block of packed
//! parameters, and a list of calls of these kernels:
//!
//! ```ignore
//! mixq_rt::include_model!(digits);                    // the model of mixq's build, as mod digits
//!
//! let mut network = digits::Network::new();           // its RAM, exactly
//! let scores = network.infer(&image);                 // &[i32; digits::CLASSES]
//! ```
//!
//! The kernels are the same on the device and on the host. There, [`run()`] executes a network that is
//! known at run time only:
//!
//! ```
//! use mixq_rt::format::{Bits, Layer, Linear, Network, Requant, Rule, Tensor};
//!
//! // Two pixels of a grey image, and the sum and the difference of them as logits.
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
//! let network =
//!     Network { layers: &layers, parameters: &parameters, input: pixels, output: logits, arena_bytes: 12 };
//! network.validate()?;
//!
//! let mut arena = mixq_rt::Arena::<3>::new();
//! *arena.array_mut(0) = [200, 60];
//! mixq_rt::run(&network, arena.bytes_mut());
//! assert_eq!(arena.logits(4), &[260, 140]);
//! # Ok::<(), mixq_rt::format::Invalid>(())
//! ```
//!
//! # What it takes
//!
//! Kernels for ARMv7E-M (Cortex-M4, M7) are also for ARMv8-M Mainline with DSP instructions (Cortex-M33,
//! M35P, M52, M55, M85). There the firmware's build script says whether the processor has them: by
//! `device.chip` or `device.core` in Cargo.toml, or by rustc's flags.
//!
//! The portable kernels are about equally fast at `opt-level` 2, 3 and `"s"`, and up to twice as slow at
//! `"z"`. All kernels do not allocate, use no float and no atomics, and need less than 1 KiB of stack. They take
//! [`Operands`](format::Operands): a layer's table that is [`Checked`](format::Checked), parameters and an
//! arena. Modules of `include_model!` are checked by the compiler, and kernels do not panic there.
//!
//! The kernels for ARMv7E-M work in the part of the arena that no tensor needs while a layer is
//! executed. Where that is less than 208 bytes (at most 288 for a first layer of three channels) they take as
//! many of the stack, and are slower for filters of more elements than that holds.
#![no_std]

mod arena;
#[doc(hidden)]
pub mod export;
mod run;
mod target;

pub use arena::Arena;
pub use mixq_format as format;
pub use mixq_macros::include_model;
pub use run::{run, run_layer};
