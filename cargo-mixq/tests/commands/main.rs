//! `cargo mixq` as people start it: what the commands say, their JSON and their exit codes.

mod allocate;
mod as_imported;
mod check;
mod data;
mod eval;
mod import;
mod paper;
#[cfg(all(feature = "distributed", unix))]
mod processes;
#[cfg(all(feature = "train", unix))]
mod retrain;
#[cfg(all(feature = "train", unix))]
mod samples;
mod sweep;
#[cfg(all(feature = "train", unix))]
mod tasks;
mod together;
