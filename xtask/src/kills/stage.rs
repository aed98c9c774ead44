//! How far a training has come, by its files.

use std::fs;
use std::io;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::package::{FLOAT_EPOCHS, Package, QUANTISED_EPOCHS};

/// A part of the way, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// The program starts, and reads and keeps the images.
    Reading,
    /// The float network learns.
    Float,
    /// The quantised network learns.
    Quantised,
    /// The integer network is made, measured and written.
    Writing,
}

/// All of them.
pub const STAGES: [Stage; 4] = [Stage::Reading, Stage::Float, Stage::Quantised, Stage::Writing];

impl Stage {
    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Reading => "reading",
            Stage::Float => "float training",
            Stage::Quantised => "quantised training",
            Stage::Writing => "conversion and writing",
        }
    }

    /// Where the training of a package stands.
    pub fn of(package: &Package) -> Stage {
        let epochs = lines(package).unwrap_or_default();
        let done =
            |phase: &str| epochs.iter().filter(|line| line.phase == phase).map(|line| line.epoch).max();
        if done("quantised").is_some_and(|epochs| epochs >= QUANTISED_EPOCHS) {
            Stage::Writing
        } else if done("float").is_some_and(|epochs| epochs >= FLOAT_EPOCHS) {
            Stage::Quantised
        } else if package.files().iter().any(|path| path.extension().is_some_and(|ending| ending == "images"))
        {
            Stage::Float
        } else {
            Stage::Reading
        }
    }
}

/// A line of a training's metrics.
#[derive(Debug, Deserialize, PartialEq)]
pub struct Line {
    phase: String,
    epoch: u64,
}

/// The lines of a training's metrics.
///
/// # Errors
/// One of them is no JSON, or has no epoch.
pub fn lines(package: &Package) -> Result<Vec<Line>> {
    let path = package.metrics();
    let text = match fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        text => text.with_context(|| format!("cannot read {}", path.display()))?,
    };
    let line = |line: &str| {
        serde_json::from_str(line).with_context(|| format!("{} has the line {line}", path.display()))
    };
    text.lines().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_tell_how_far_a_training_is() {
        let folder = tempfile::tempdir().unwrap();
        let package = Package::write(folder.path()).unwrap();
        let mut metrics = String::new();
        let mut write = |phase: &str, epochs: u64| {
            for epoch in 1..=epochs {
                metrics += &format!("{{\"phase\":\"{phase}\",\"epoch\":{epoch},\"loss\":0.5}}\n");
            }
            fs::write(package.metrics(), &metrics).unwrap();
            Stage::of(&package)
        };
        assert_eq!(Stage::of(&package), Stage::Reading);
        fs::create_dir_all(package.scratch().join("datasets")).unwrap();
        assert_eq!(Stage::of(&package), Stage::Reading);
        fs::write(package.scratch().join("datasets/lines.csv-0.images"), "").unwrap();
        assert_eq!(Stage::of(&package), Stage::Float);
        assert_eq!(write("float", FLOAT_EPOCHS - 1), Stage::Float);
        // Trained again after a kill.
        assert_eq!(write("float", FLOAT_EPOCHS), Stage::Quantised);
        assert_eq!(write("quantised", QUANTISED_EPOCHS - 1), Stage::Quantised);
        assert_eq!(write("quantised", QUANTISED_EPOCHS), Stage::Writing);
        fs::write(package.metrics(), "{\"phase\":\"float\",\"epo").unwrap();
        assert!(
            lines(&package).unwrap_err().to_string().ends_with("has the line {\"phase\":\"float\",\"epo")
        );
        package.clean().unwrap();
        assert_eq!((Stage::of(&package), package.files()), (Stage::Reading, Vec::new()));
    }
}
