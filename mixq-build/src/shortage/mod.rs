//! Which memory is too small for a network, by how much, and which similar network would fit.

pub mod accumulator;
mod alternatives;
mod memory_model;
mod request;
pub mod rows;

pub use alternatives::Alternatives;
pub use memory_model::{Least, MemoryModel, Shortage};
pub use request::Request;
