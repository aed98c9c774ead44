//! Networks from where people write or keep them: one module for each form, one door for all.
//!
//! | form | module |
//! | --- | --- |
//! | a layer list in TOML | [`layers`] |
//! | a network that comes with mixq | [`builtin`] |

pub mod builtin;
pub mod layers;
mod source;

pub use source::{BUILTIN_NAMES, Builtin, NetworkSource};

use crate::error::Error;
use crate::graph::Spec;

/// What a source says of a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// Its layers, before names and shapes.
    pub spec: Spec,
}

/// Reads a network.
///
/// # Errors
/// What is wrong with the file or the options; of a built-in network without a place.
pub fn read(source: &NetworkSource) -> Result<Imported, Error> {
    let spec = match source {
        NetworkSource::File(path) => layers::read(path)?,
        NetworkSource::Builtin(chosen) => builtin::spec(&chosen.name, &chosen.options())?,
    };
    Ok(Imported { spec })
}
