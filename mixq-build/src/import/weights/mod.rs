//! Trained weights in files: named tensors of 32-bit floats.

#[cfg(feature = "weights")]
mod safetensors;

use std::collections::BTreeMap;
#[cfg(feature = "weights")]
use std::path::Path;

use hmac_sha256::Hash as Sha256;

use super::WeightsFile;
use crate::error::{Error, Problem};
use crate::hex::hexadecimal;

/// A tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// The size of each axis.
    pub shape: Vec<usize>,
    /// Its values, the last axis fastest.
    pub values: Vec<f32>,
}

/// Tensors by their names.
pub type Tensors = BTreeMap<String, Tensor>;

/// SHA-256 of a file of weights: what a fingerprint says of them.
///
/// # Errors
/// The file cannot be read.
pub fn digest(file: &WeightsFile) -> Result<String, Error> {
    #[cfg(feature = "import")]
    if super::is_foreign(&file.path) {
        return super::foreign::digest(&file.path);
    }
    Ok(hexadecimal(&Sha256::hash(&bytes(file)?)))
}

/// Reads a file of weights: safetensors, or a network of another tool. Also answers its SHA-256, of the very
/// bytes that were read.
///
/// # Errors
/// The file cannot be read, or is not what [`parse`] takes.
#[cfg(feature = "weights")]
pub fn read(file: &WeightsFile) -> Result<(Tensors, String), Error> {
    #[cfg(feature = "import")]
    if super::is_foreign(&file.path) {
        return super::foreign::tensors(&file.path, file.task);
    }
    let bytes = bytes(file)?;
    let tensors = parse(&file.path, &bytes).map_err(|problem| problem.at(file.location.clone()))?;
    Ok((tensors, hexadecimal(&Sha256::hash(&bytes))))
}

/// The tensors of a safetensors file with this content; `path` is what messages call it. Tensors of whole
/// numbers, such as PyTorch's counters of batches, are left out.
///
/// # Errors
/// What keeps it from being such a file.
#[cfg(feature = "weights")]
pub fn parse(path: &Path, bytes: &[u8]) -> Result<Tensors, Problem> {
    safetensors::parse(bytes).map_err(|wrong| {
        let message = format!("{} {wrong}", path.display());
        Problem::new(message).help("write it with safetensors.torch.save_file(model.state_dict(), path)")
    })
}

/// The content of a safetensors file with these tensors.
///
/// # Errors
/// They do not make such a file.
#[cfg(feature = "weights")]
pub fn write(tensors: &Tensors) -> Result<Vec<u8>, Problem> {
    safetensors::write(tensors).map_err(|wrong| Problem::new(format!("weights cannot be written: {wrong}")))
}

fn bytes(file: &WeightsFile) -> Result<Vec<u8>, Problem> {
    std::fs::read(&file.path)
        .map_err(|error| Problem::io("read", &file.path, &error).at(file.location.clone()))
}
