//! A dataset to measure a trained network with: the network was trained with other images.

use super::parts::{Parts, Wanted};
use super::{Split, check};
use crate::config::DatasetConfig;
use crate::error::{Error, Problem};
use crate::graph::Shape;
use crate::observer::Observer;

/// Images to measure with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measure {
    /// The images; their targets are those of the network's outputs.
    pub images: Split,
    /// Whether they are the test part that the dataset has; else they are all its images.
    pub own_test_part: bool,
}

/// Reads a dataset for a trained network with images of shape `input` and outputs of this shape, whose
/// channels `labels` name if they have names.
///
/// Labels that the dataset has are found among `labels` by their names, in any order; it may lack some, which
/// is warned of. Where it has none, its numbers are those of the outputs. `test` and `labels`
/// of `config` do not count.
///
/// # Errors
/// What keeps the dataset from being read, the first of the images that are wrong, labels that the network
/// does not know.
pub fn measure(
    config: &DatasetConfig,
    input: Shape,
    output: impl Into<Shape>,
    labels: &[String],
    observer: &mut dyn Observer,
) -> Result<Measure, Error> {
    let named = (!labels.is_empty()).then(|| labels.to_vec());
    let config = &DatasetConfig { test: None, labels: named, ..super::found(config) };
    let output = output.into();
    let grid = [output.height, output.width];
    let wanted = Wanted { config, shape: input, outputs: output.channels, grid, model: Some(labels) };
    let Parts { train, test, labels: found } = super::before(&wanted)?(&wanted, observer)?;
    let own_test_part = test.is_some();
    let mut images = test.unwrap_or(train);
    let path = config.path.display();
    check::maximum(config, [&images, &Split::default()])?;
    if let Some(found) = found {
        wanted.rules().relabel(&config.path, &mut images.targets, &found, labels)?;
    }
    if images.is_empty() {
        let part = if own_test_part { "its test part is empty" } else { "it is empty" };
        return Err(Problem::new(format!("{path} has no images: {part}")).into());
    }
    let warning = wanted.rules().measured_part(&check::part(config, &images, labels));
    warning.iter().for_each(|warning| observer.warn(warning));
    Ok(Measure { images, own_test_part })
}
