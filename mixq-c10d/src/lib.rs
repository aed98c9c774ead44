//! Groups of processes that train together, on one machine or many, by c10d of libtorch: what PyTorch itself
//! uses, over Gloo. For `mixq-build`; it works with the libtorch that `tch` is linked to.
//!
//! ```no_run
//! # fn main() -> Result<(), mixq_c10d::Error> {
//! use mixq_c10d::{Contract, Group, Options};
//!
//! let contract = Contract::new().must("version", "1.0").should("CPU", "AVX2");
//! if let Some(options) = Options::from_env(|name| std::env::var(name).ok())? {
//!     let mut group = Group::join(&options, &contract)?;
//!     let all = group.all_gather(&tch::Tensor::from_slice(&[group.rank() as f32]))?;
//!     assert_eq!(all.len(), group.size());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Each call ends: with what it is to do, or with an error that names the rank that is missing. A rank that
//! makes another call than the others, or gives a tensor of another shape, does not end their processes.
//!
//! Processes of a group trust each other and their network. What they exchange is neither encrypted nor
//! signed, and everybody who reaches the port of rank 0 can join.

#[allow(dead_code, non_camel_case_types, unsafe_code)]
#[rustfmt::skip]
mod bindings;
#[allow(unsafe_code)]
mod raw;

mod beat;
mod call;
mod contract;
mod error;
mod form;
mod gpu;
mod group;
mod join;
mod lost;
mod meet;
mod options;
mod pack;
mod reach;
mod tree;
mod watch;

pub use contract::Contract;
pub use error::Error;
pub use group::Group;
pub use options::Options;
pub use tree::{shards, tree_sum};
