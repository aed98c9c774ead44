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
//! Cargo.toml -> `Config` -> `Imported` -> `Graph` -> `Allocation` -> `Trained` -> `Converted` ->
//! [`mixq_format::Artifact`] in `models/<name>.mixq`, which belongs into the firmware's repository. A build
//! with a fresh artifact trains nothing and never looks for libtorch.
//!
//! # Features
//!
//! * `datasets`: datasets other than CSV: folders and archives of images, CIFAR binary, IDX, NPZ; part of
//!   `train`. Without it a build cannot tell whether an archive or NPZ file has changed, and warns.
//! * `integer`: conversion into integers and their evaluation; part of `train`. Only `cargo-mixq` needs it.
//! * `weights`: reads trained weights of networks; part of `train`. Only `cargo-mixq` needs it.
//! * `import`: networks of other tools, ONNX and TensorFlow Lite files; part of `train`.
//! * `train`: training with libtorch; the build script then trains when an artifact is stale. `cargo mixq
//!   setup` fetches libtorch and makes cargo find it; `LIBTORCH` may name the folder of another one.
//!
//! The command line `cargo mixq` is the crate `cargo-mixq`.

mod artifact;
#[cfg(feature = "import")]
mod as_imported;
mod atomic;
mod clock;
mod config;
#[cfg(any(feature = "import", feature = "integer"))]
mod convert;
mod dataset;
#[doc(hidden)]
pub mod engine;
mod error;
#[cfg(feature = "integer")]
mod evaluate;
mod folders;
mod graph;
mod hex;
mod import;
mod memory;
mod observer;
#[cfg(all(feature = "import", feature = "integer"))]
mod pipeline;
mod prepare;
mod report;
mod script;
mod sealed;
mod settings;
mod shortage;
mod size;
mod target;
mod task;
mod text;
mod toml;
#[cfg(feature = "train")]
mod train;

pub use error::{Error, Location, Problem};
pub use script::{build, test_images};
