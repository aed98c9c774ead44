//! Memory: which bits every tensor gets, and where it lies.

pub mod accumulator;
mod activations;
pub mod arena;
pub mod chain;
mod execution;
mod flash;
mod hop;
mod lives;
mod optimum;
mod outline;
pub mod paper;
mod places;
mod rows;
pub mod rules;
mod runtime;
pub mod schedule;
pub mod sensitivity;
mod sliding;
mod speed;
pub mod stripes;
mod uniform;

pub use activations::input_bits;
pub use execution::{live, uncut_bytes};
#[cfg(feature = "integer")]
pub(crate) use flash::Tables;
pub use flash::most_flash_bytes;
pub(crate) use flash::{weight_rows, widths};
pub use hop::no_hop;
pub use lives::peak;
pub use optimum::{Losses, WIDTHS, allocate_by_losses};
pub use rows::no_rows;
pub use runtime::{Allocation, Cut, Infeasible, PlacedTensor, allocate, allocate_with_delta};
pub use uniform::allocate_uniformly;
