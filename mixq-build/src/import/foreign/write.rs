//! An imported network as a layer list with its weights, to edit.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::Foreign;
use crate::atomic;
use crate::error::{Error, Problem};
use crate::import::{InputNormalisation, layers, weights};

/// What is said where the file does not say how pixels were changed.
const UNKNOWN: &str = "# The file does not say how pixels were changed before the first layer \
                       read them: write mean and\n# std of (pixel - mean) / std.\n";

impl Foreign {
    /// Writes the list, and beside it a file of its weights; answers where that is.
    ///
    /// # Errors
    /// The list's name does not end in `.toml`, or a file cannot be written. What was there stays then.
    pub fn write(&self, list: &Path) -> Result<PathBuf, Error> {
        let path = list.with_extension("safetensors");
        let name = path.file_name().and_then(|name| name.to_str());
        let (Some(name), true) = (name, list.extension().is_some_and(|extension| extension == "toml")) else {
            let message = format!("{} is not the name of a layer list", list.display());
            return Err(Problem::new(message).help("give a name that ends in .toml").into());
        };
        let before = if self.inputs.iter().all(|input| input.normalisation.is_some()) { "" } else { UNKNOWN };
        let normalisations = self.inputs.iter().zip(self.graph.inputs.iter()).map(|(input, own)| {
            let known = input.normalisation.as_ref().map(|normalisation| normalisation.of_codes(&[]));
            Some(known.unwrap_or_else(|| InputNormalisation::none(own.shape.channels)))
        });
        let normalisations: Vec<_> = normalisations.collect();
        let text = before.to_string() + &layers::write(&self.lowered.spec, Some((name, &normalisations)));
        let weights = weights::write(&self.lowered.tensors)?;
        for (path, bytes) in [(path.as_path(), &weights[..]), (list, text.as_bytes())] {
            atomic::write(path, |file| file.write_all(bytes))
                .map_err(|error| Problem::io("write", path, &error))?;
        }
        Ok(path)
    }
}
