//! The build side of mixq: decides how many bits every tensor of a network gets so that it fits a
//! microcontroller, trains it at those bits, and writes an integer network for `mixq-rt`.
//!
//! ```toml
//! # Cargo.toml of the firmware
//! [build-dependencies]
//! mixq-build = "0.1"
//!
//! [package.metadata.mixq.device]
//! flash = "48 KiB"            # what all models take together
//! ram = "6 KiB"
//!
//! [package.metadata.mixq.models.digits]
//! network = "networks/digits.toml"
//! dataset = "data/digits.csv.gz"
//! ```
//!
//! ```no_run
//! // build.rs
//! mixq_build::build()
//! ```
//!
//! # The way through
//!
//! Cargo.toml -> [`config::Config`] -> [`graph::Graph`] -> [`memory::Allocation`] -> `train::Trained` ->
//! [`convert::Converted`] -> [`mixq_format::Artifact`] in `models/<name>.mixq`, which belongs into the
//! firmware's repository. A build with a fresh artifact trains nothing and never looks for libtorch.
//!
//! # Features
//!
//! * `datasets`: datasets other than CSV: folders and archives of images, CIFAR binary, IDX, NPZ; part of
//!   the other two. Without it a build cannot tell whether an archive or NPZ file has changed, and warns.
//! * `train`: training with libtorch; the build script then trains when an artifact is stale. `cargo mixq
//!   setup` fetches libtorch and makes cargo find it; `LIBTORCH` may name the folder of another one.
//! * `cli`: the command line `cargo mixq`.

pub mod artifact;
mod atomic;
#[cfg(feature = "cli")]
pub mod cli;
pub mod config;
pub mod convert;
pub mod dataset;
pub mod error;
pub mod evaluate;
pub mod graph;
pub mod memory;
pub mod observer;
pub mod prepare;
pub mod report;
#[cfg(feature = "train")]
pub mod retrain;
mod script;
mod sealed;
pub mod task;
mod text;
#[cfg(feature = "train")]
pub mod train;

pub use script::{build, spread, test_images};
