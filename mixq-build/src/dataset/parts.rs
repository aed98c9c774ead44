//! What readers hand over.

use super::Split;
use super::watch::Watch;
use crate::config::DatasetConfig;
use crate::error::Error;
use crate::graph::Shape;

/// What every image of a dataset must become.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// What Cargo.toml says.
    pub config: &'a DatasetConfig,
    /// Shape of an image: the network's input.
    pub shape: Shape,
    /// Labels are 0 to one less; at most 65,536.
    pub classes: usize,
    /// Labels of the trained network that is to be measured, not trained: the dataset may have some of its
    /// classes in any order, and a test part alone.
    pub model: Option<&'a [String]>,
}

/// A dataset as it was found.
#[derive(Default)]
pub(super) struct Parts {
    /// The images to train with; without a test part all images.
    pub train: Split,
    /// The images to measure with; `None`: they are to be cut from the others.
    pub test: Option<Split>,
    /// What the classes mean, if the dataset says so.
    pub labels: Option<Vec<String>>,
}

/// Reads all images of a dataset.
pub(super) type Read = fn(&Wanted<'_>, &mut dyn Watch) -> Result<Parts, Error>;

/// The first few, and how many more.
pub(super) fn enumerate(names: &[impl AsRef<str>]) -> String {
    const SHOWN: usize = 5;
    let more = match names.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    names.iter().take(SHOWN).map(AsRef::as_ref).collect::<Vec<_>>().join(", ") + &more
}
