//! Images as 8-bit pixels, as the device's camera delivers them.
//!
//! A reader for each format returns all images in the order of the dataset. A new format is a file here and a
//! line in `formats::FORMATS`. What a network is to answer for an image, its target, is for the task to say:
//! see [`crate::task`].

pub(crate) mod background;
mod cache;
mod check;
mod codes;
mod csv;
mod digest;
#[cfg(feature = "datasets")]
mod files;
mod formats;
mod grouped;
mod histogram;
mod known;
mod limit;
#[cfg(feature = "datasets")]
mod mask_colours;
mod mask_values;
mod measure;
mod names;
mod noting;
#[cfg(feature = "datasets")]
mod npy;
#[cfg(feature = "datasets")]
mod npz;
#[cfg(feature = "datasets")]
mod npz_inputs;
#[cfg(feature = "datasets")]
mod npz_samples;
#[cfg(feature = "datasets")]
mod npz_targets;
mod parts;
#[cfg(feature = "datasets")]
mod raw;
mod recordings;
mod split;
mod store;
#[cfg(feature = "train")]
mod synthetic;
mod test_part;
mod walk;

use std::path::Path;

use mixq_format::SampleChannel;

use codes::Column;
pub use codes::channel_of;
pub use digest::{digest, sha256, told};
pub use formats::files_of;
#[cfg(feature = "train")]
pub(crate) use grouped::Share;
pub use known::{KNOWN, Known, KnownFile, find};
pub use measure::{Measure, Reader, measure, measure_artifact};
use noting::Noting;
use parts::{Read, Wanted};
pub use split::Split;
#[cfg(feature = "train")]
pub(crate) use split::moments;
#[cfg(feature = "train")]
pub(crate) use synthetic::synthetic;

use crate::config::DatasetConfig;
use crate::error::{Error, Problem};
pub use crate::folders::{VARIABLE, cache_folder, data_folders, user_folder};
use crate::graph::{Inputs, Shape};
use crate::observer::Observer;
use crate::task::Task;

/// The number of attempts to read a dataset that changes while it is read.
const TRIES: usize = 3;

/// The folder in mixq's part of cargo's target folder that keeps decoded images and digests.
pub const FOLDER: &str = "datasets";

/// Images with their targets, in a part to train with and a part to measure with.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// The inputs of the network. An image is the codes of all of them, one input after the other.
    pub inputs: Inputs,
    /// What the images are for.
    pub task: Task,
    /// The number of outputs of a network for it; of several pixels, those of each.
    pub outputs: usize,
    /// What the outputs mean, one text for each.
    pub labels: Vec<String>,
    /// Images to train with, in the file's order; the task finds them fit for that.
    pub train: Split,
    /// Images to measure with, in the file's order.
    pub test: Split,
    /// Whether images to train with, and those to measure with, are unlabelled. Their targets are zeros until
    /// the float network has answered them.
    pub unlabelled: [bool; 2],
    /// Whether its images are made up, because there is no dataset.
    pub synthetic: bool,
    /// How samples became the codes of each input, for each channel or once for all; empty: they are pixels.
    pub samples: Vec<Vec<SampleChannel>>,
    /// The group of each image to train with: no group is on both sides of a split. Empty: each image is on
    /// its own.
    pub groups: Vec<u32>,
}

impl Dataset {
    /// Reads a dataset for a network with these inputs, or with images of this shape, and outputs of shape
    /// `output`: a number of outputs is one pixel.
    ///
    /// # Errors
    /// The file cannot be read, single images are wrong (the first few are named), or the whole is not fit to
    /// train with. All point at the file's key in Cargo.toml, if the configuration names it.
    pub fn load(
        config: &DatasetConfig,
        inputs: impl Into<Inputs>,
        output: impl Into<Shape>,
        observer: &mut dyn Observer,
    ) -> Result<Dataset, Error> {
        Ok(Dataset::load_with_digest(config, None, inputs, output, observer)?.0)
    }

    /// The same, with the [`digest`] of what was read: the dataset may have had another one a moment before.
    /// `cache` is a folder for decoded images and digests; with `None` everything is read anew.
    ///
    /// # Errors
    /// As [`Dataset::load`].
    pub fn load_with_digest(
        config: &DatasetConfig,
        cache: Option<&Path>,
        inputs: impl Into<Inputs>,
        output: impl Into<Shape>,
        observer: &mut dyn Observer,
    ) -> Result<(Dataset, String), Error> {
        let config = &found(config);
        let Shape { height, width, channels } = output.into();
        // What the table says of bits counts, also where the inputs come from no network.
        let inputs: Inputs = inputs.into();
        let inputs = &inputs.with_bits(|input| config.input_bits(&input.name).unwrap_or(input.bits));
        let (shape, grid) = (inputs[0].shape, [height, width]);
        let located = |mut error: Error| {
            for problem in &mut error.problems {
                problem.location = problem.location.take().or_else(|| config.location.clone());
            }
            error
        };
        let outputs = background::classes(config, channels).map_err(|problem| located(problem.into()))?;
        let wanted = Wanted { config, shape, inputs, input: None, outputs, grid, model: None };
        let (mut dataset, digest) = read(&wanted, cache, observer).map_err(located)?;
        dataset.outputs = channels;
        dataset.labels = background::labels(config, dataset.labels);
        for part in [&mut dataset.train, &mut dataset.test] {
            background::shifted(config, &mut part.targets);
        }
        Ok((dataset, digest))
    }
}

/// The test images of a model must have labels, where answers are to be compared with them.
///
/// # Errors
/// They have none.
pub fn labelled(unlabelled: bool, model: &str) -> Result<(), Problem> {
    if !unlabelled {
        return Ok(());
    }
    let message = format!("the test images of model `{model}` have no labels to compare answers with");
    let help = "`cargo mixq report` says how far it agrees with the float network; `cargo mixq eval \
                --dataset FILE` measures it on images with labels";
    Err(Problem::new(message).help(help))
}

/// The same configuration with the path where the dataset lies.
fn found(config: &DatasetConfig) -> DatasetConfig {
    DatasetConfig { path: find(config), ..config.clone() }
}

/// The dataset with the digest of what was read. If there is a cache folder, the dataset comes from there, or
/// is stored there once it is read.
fn read(
    wanted: &Wanted<'_>,
    cache: Option<&Path>,
    observer: &mut dyn Observer,
) -> Result<(Dataset, String), Error> {
    let reader = before(wanted)?;
    let path = &wanted.config.path;
    for _ in 0..TRIES {
        let before = digest::look(path, cache);
        if let (Some(cache), Ok(before)) = (cache, &before)
            && let Some(dataset) = cache::load(wanted, cache, &before.digest, observer)
        {
            return Ok((dataset, before.digest.clone()));
        }
        let mut noting = Noting { observer, warnings: Vec::new() };
        // The errors of the reader come first: they say more about wrong files than those of the digest.
        let dataset = decode(wanted, reader, &mut noting)?;
        let (before, warnings) = (before?, noting.warnings);
        // If the dataset was changed meanwhile, the digest is not that of these images.
        if digest::look(path, cache)? != before {
            continue;
        }
        if let Some(cache) = cache {
            cache::store(wanted, cache, &before.digest, &dataset, warnings)
                .unwrap_or_else(|failed| observer.warn(&failed));
        }
        return Ok((dataset, before.digest));
    }
    let message = format!("{} changes while it is read: {TRIES} times in a row", path.display());
    Err(Problem::new(message).help("try again when nothing writes to it").into())
}

/// Checks all that can be checked before the images are read; returns the reader of the dataset.
fn before(wanted: &Wanted<'_>) -> Result<Read, Error> {
    let Wanted { config, shape: input, outputs, .. } = *wanted;
    let mut problems = check::inputs(wanted);
    let path = config.path.display();
    if let Some(shape) = config.shape.filter(|shape| *shape != input && !wanted.inputs.are_several()) {
        let message = format!("the dataset's `shape` is {shape}, but the network wants images of {input}");
        problems.push(Problem::new(message).help("both give height x width x channels"));
    }
    problems.extend(wanted.rules().outputs(outputs, config.labels.as_deref()));
    problems.extend(check::mask_classes(wanted));
    if config.unlabelled && !config.may_lack_targets {
        let message = "the dataset's table has `unlabelled`, but the network learns from labels";
        problems.push(Problem::new(message).help(check::UNLABELLED));
    }
    let mut read = None;
    if config.is_absent() {
        let message = "the model has no dataset: its ranges come from the network itself";
        problems.push(Problem::new(message).help("add `dataset` to measure it"));
    } else if config.path.exists() {
        match formats::reader(wanted) {
            Ok(found) => read = Some(found),
            Err(problem) => problems.push(problem),
        }
    } else {
        let help = match &config.shared {
            Some(rest) => known::help(rest),
            None => "`dataset` names a file or folder beside the package's Cargo.toml".to_string(),
        };
        problems.push(Problem::new(format!("there is no dataset at {path}")).help(help));
    }
    match read {
        Some(read) if problems.is_empty() => Ok(read),
        _ => Err(Error { problems }),
    }
}

/// The images of a dataset, decoded anew.
fn decode(wanted: &Wanted<'_>, reader: Read, observer: &mut dyn Observer) -> Result<Dataset, Error> {
    let Wanted { config, inputs, outputs, .. } = *wanted;
    let mut parts = reader(wanted, observer)?;
    let columns = parts.columns(inputs);
    let (train, groups) = (std::mem::take(&mut parts.train), std::mem::take(&mut parts.groups));
    let unlabelled = match parts.test {
        Some(_) => parts.unlabelled,
        None => [parts.unlabelled[0]; 2],
    };
    let (mut train, mut test, groups) = match parts.test.take() {
        Some(test) => (train, test, groups.of),
        None if !groups.of.is_empty() => grouped::test_part(wanted, &train, &groups)?,
        None => {
            let (train, test) = test_part::from_end(wanted, train)?;
            (train, test, Vec::new())
        }
    };
    check::parts(config, &train, &test)?;
    let samples = codes::of_inputs(wanted, &parts, &columns, &train)?;
    let columns: Vec<Column<'_>> = (inputs.iter().zip(columns).zip(&samples))
        .map(|((input, bytes), samples)| Column { bytes, samples, bits: input.bits })
        .collect();
    codes::encode(&mut train, &columns);
    codes::encode(&mut test, &columns);
    let default = || wanted.rules().default_labels(outputs);
    let labels = config.labels.clone().or(parts.labels).unwrap_or_else(default);
    check::maximum(config, [&train, &test])?;
    check::training_part(wanted, &train, &labels, unlabelled[0])?;
    if !unlabelled[1] {
        check::measured_part(config, &test, &labels, observer)?;
    }
    let (inputs, task) = (inputs.clone(), config.task);
    Ok(Dataset { inputs, task, outputs, labels, train, test, unlabelled, synthetic: false, samples, groups })
}

/// The numbers of all arrays of an NPZ, by name.
///
/// # Errors
/// The file cannot be read.
#[cfg(feature = "datasets")]
pub fn npz_numbers(path: &std::path::Path) -> Result<std::collections::BTreeMap<String, Vec<f64>>, Error> {
    let arrays = npz::arrays(path, &mut ())?;
    Ok(arrays.into_iter().filter_map(|(name, array)| Some((name, array.numbers()?))).collect())
}
