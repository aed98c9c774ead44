//! What of a network does not fit, by how much, and what near it would fit.

pub mod accumulator;
mod alternatives;
mod memory_model;
mod request;

pub use alternatives::Alternatives;
pub use memory_model::{Least, MemoryModel, Shortage};
pub use request::Request;
