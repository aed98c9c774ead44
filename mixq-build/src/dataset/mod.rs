//! Images as 8-bit pixels, as the device's camera delivers them.
//!
//! A reader for each kind of dataset hands over all images in the order of the dataset. A new kind is a file
//! here and a line in `kind::KINDS`.

mod cache;
mod check;
mod csv;
mod cut;
mod digest;
#[cfg(feature = "datasets")]
mod files;
mod index;
mod kind;
mod known;
mod limit;
mod measure;
mod names;
#[cfg(feature = "datasets")]
mod npy;
#[cfg(feature = "datasets")]
mod npz;
mod parts;
#[cfg(feature = "datasets")]
mod raw;
mod split;
mod store;
mod walk;
mod watch;

pub(crate) use digest::hexadecimal;
pub use digest::{digest, sha256, told};
pub(crate) use known::resolve;
pub use known::{KNOWN, Known, KnownFile, VARIABLE, cache_folder, data_folders, user_folder};
pub use measure::{Measure, measure};
use parts::Wanted;
pub use split::Split;
#[cfg(feature = "train")]
pub(crate) use split::moments;
use watch::Noting;
pub use watch::Watch;

use crate::config::DatasetConfig;
use crate::error::{Error, Problem};
use crate::graph::Shape;

/// How often a dataset is read that is changed while it is read.
const TRIES: usize = 3;

/// The folder in mixq's part of cargo's target folder that keeps decoded images and digests.
pub const FOLDER: &str = "datasets";

/// Images with their labels, in a part to train with and a part to measure with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    /// Shape of an image.
    pub shape: Shape,
    /// How many classes there are.
    pub classes: usize,
    /// What the classes mean, one for each.
    pub labels: Vec<String>,
    /// Images to train with, in the file's order; every class occurs.
    pub train: Split,
    /// Images to measure with, in the file's order.
    pub test: Split,
}

impl Dataset {
    /// Reads a dataset for a network with images of shape `input` and `classes` logits.
    ///
    /// # Errors
    /// What keeps the file from being read, the first of the images that are wrong, or what makes the whole
    /// unfit to train with. All point at the file's key in Cargo.toml, if the configuration names it.
    pub fn load(
        config: &DatasetConfig,
        input: Shape,
        classes: usize,
        watch: &mut dyn Watch,
    ) -> Result<Dataset, Error> {
        Ok(Dataset::load_with_digest(config, input, classes, watch)?.0)
    }

    /// The same, with the [`digest`] of what was read: that of a moment before may be another one.
    ///
    /// # Errors
    /// As [`Dataset::load`].
    pub fn load_with_digest(
        config: &DatasetConfig,
        input: Shape,
        classes: usize,
        watch: &mut dyn Watch,
    ) -> Result<(Dataset, String), Error> {
        read(&Wanted { config, shape: input, classes, model: None }, watch).map_err(|mut error| {
            for problem in &mut error.problems {
                problem.location = problem.location.take().or_else(|| config.location.clone());
            }
            error
        })
    }
}

/// The dataset as it was kept, or read and kept, if there is a folder to keep it in; and the digest of what
/// was read.
fn read(wanted: &Wanted<'_>, watch: &mut dyn Watch) -> Result<(Dataset, String), Error> {
    let reader = check::before(wanted)?;
    let (path, cache) = (&wanted.config.path, wanted.config.cache.as_deref());
    for _ in 0..TRIES {
        let before = digest::look(path, cache);
        if let (Some(cache), Ok(before)) = (cache, &before)
            && let Some(dataset) = cache::load(wanted, cache, &before.digest, watch)
        {
            return Ok((dataset, before.digest.clone()));
        }
        let mut noting = Noting { watch, warnings: Vec::new() };
        // Of what is wrong with the files the reader says most.
        let dataset = decode(wanted, reader, &mut noting)?;
        let (before, warnings) = (before?, noting.warnings);
        // A dataset that was changed meanwhile is not what the digest says.
        if digest::look(path, cache)? != before {
            continue;
        }
        if let Some(cache) = cache {
            cache::store(wanted, cache, &before.digest, &dataset, warnings)
                .unwrap_or_else(|failed| watch.warn(&failed));
        }
        return Ok((dataset, before.digest));
    }
    let message = format!("{} changes while it is read: {TRIES} times in a row", path.display());
    Err(Problem::new(message).help("try again when nothing writes to it").into())
}

fn decode(wanted: &Wanted<'_>, reader: parts::Read, watch: &mut dyn Watch) -> Result<Dataset, Error> {
    let Wanted { config, shape, classes, .. } = *wanted;
    let parts = reader(wanted, watch)?;
    let (train, test) = match parts.test {
        Some(test) => (parts.train, test),
        None => cut::from_end(wanted, parts.train)?,
    };
    let numbers = || (0..classes).map(|class| class.to_string()).collect();
    let labels = config.labels.clone().or(parts.labels).unwrap_or_else(numbers);
    check::maximum(config, [&train, &test])?;
    check::training_part(config, &train, &labels)?;
    check::measured_part(config, &test, &labels, watch)?;
    Ok(Dataset { shape, classes, labels, train, test })
}
