//! Memory: which bits every tensor gets, and where it lies.

pub mod arena;
pub mod paper;
pub mod rules;
mod runtime;
pub mod schedule;

pub use runtime::{Allocation, Cut, Infeasible, allocate};
pub(crate) use runtime::{table_lengths, weight_rows};
