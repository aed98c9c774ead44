//! Networks from where people write or keep them: one module for each form, one door for all.
//!
//! | form | module |
//! | --- | --- |
//! | a layer list in TOML, with trained weights beside it or without | [`layers`] |
//! | a network that comes with mixq | [`builtin`] |

pub mod builtin;
#[cfg(feature = "import")]
pub mod foreign;
mod initial;
pub mod layers;
#[cfg(feature = "import")]
pub mod lower;
#[cfg(feature = "import")]
pub mod model;
mod normalisation;
#[cfg(feature = "import")]
pub mod onnx;
mod source;
#[cfg(feature = "import")]
pub mod tflite;
pub mod weights;

use initial::unknown_normalisation;
pub use initial::{After, Initial, LayerWeights, initial};
pub use normalisation::InputNormalisation;
pub use source::{BUILTIN_NAMES, Builtin, NetworkSource};

use std::path::PathBuf;

use crate::error::{Error, Location};
use crate::graph::Spec;

/// What a source says of a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// Its layers, before names and shapes.
    pub spec: Spec,
    /// The file of its trained weights, if it has been trained.
    pub weights: Option<WeightsFile>,
    /// How pixels become the numbers that its first layer was trained on; `None`: training finds it.
    pub normalisation: Option<InputNormalisation>,
}

/// The file of a network's weights.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightsFile {
    /// Its path.
    pub path: PathBuf,
    /// The key that names it.
    pub location: Location,
}

/// Reads a network. The file of its weights is not opened.
///
/// # Errors
/// What is wrong with the file or the options; of a built-in network without a place.
pub fn read(source: &NetworkSource) -> Result<Imported, Error> {
    match source {
        NetworkSource::File(path) => layers::read(path),
        NetworkSource::Builtin(chosen) => {
            let spec = builtin::spec(&chosen.name, &chosen.options())?;
            Ok(Imported { spec, weights: None, normalisation: None })
        }
    }
}

/// The files that a network is read from: its own and that of its weights, whether they are there or not.
pub fn files(source: &NetworkSource) -> Vec<PathBuf> {
    match source {
        NetworkSource::File(path) => {
            let weights = layers::read(path).ok().and_then(|imported| imported.weights);
            std::iter::once(path.clone()).chain(weights.map(|weights| weights.path)).collect()
        }
        NetworkSource::Builtin(_) => Vec::new(),
    }
}
