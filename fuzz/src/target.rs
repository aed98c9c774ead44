//! What is fuzzed.

use std::path::Path;

use anyhow::{Context, Result};
use fastrand::Rng;

use crate::mutate::Engine;
use crate::targets::{ALL, MISBEHAVING};

/// A reader and the cases that it gets.
pub struct Target {
    /// What the command line calls it.
    pub name: &'static str,
    /// Makes a case, the same for the same state of the generator.
    pub generate: fn(&mut Rng) -> Vec<u8>,
    /// Makes another case of one, for an engine that goes on from cases; any bytes may come.
    pub mutate: fn(&mut Rng, Vec<u8>, Engine) -> Vec<u8>,
    /// Gives a case to the reader, which may use an empty folder. Panics if the answer is wrong.
    pub read: fn(&[u8], &Path) -> Verdict,
}

/// What a reader says of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The case is valid.
    Accepted,
    /// The case is not valid, and a message says why.
    Refused,
}

/// The target of this name.
///
/// # Errors
/// If there is none: which there are.
pub fn find(name: &str) -> Result<&'static Target> {
    ALL.into_iter().chain([&MISBEHAVING]).find(|target| target.name == name).with_context(|| {
        let names: Vec<&str> = ALL.iter().map(|target| target.name).collect();
        format!("there is no target `{name}`; targets are {}", names.join(", "))
    })
}
