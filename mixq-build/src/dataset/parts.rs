//! What readers take and return.

use super::Split;
use crate::config::{DatasetConfig, RecordingConfig};
use crate::error::Error;
use crate::graph::Shape;
use crate::observer::Observer;
use crate::task::{Rules, rules};

/// What a reader is to read, and the form that the images must have.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// The dataset as Cargo.toml describes it.
    pub config: &'a DatasetConfig,
    /// Shape of an image: the network's input.
    pub shape: Shape,
    /// The number of outputs of the network; of several pixels, those of each.
    pub outputs: usize,
    /// Rows and columns of pixels of the network's output.
    pub grid: [usize; 2],
    /// Labels of the outputs of a trained network that is to be measured: the dataset may then have only some
    /// of them, in any order, and only a test part. `None`: the network is to be trained.
    pub model: Option<&'a [String]>,
}

impl Wanted<'_> {
    /// The rules of the task that the images are for.
    pub fn rules(&self) -> &'static dyn Rules {
        rules(self.config.task)
    }

    /// Bytes of a target.
    pub fn target_bytes(&self) -> usize {
        let pixels = if self.rules().takes_masks() { self.grid[0] * self.grid[1] } else { 1 };
        pixels * self.rules().target_bytes(self.outputs)
    }

    /// Whether the dataset's table says that values are samples, where a dataset may have both.
    pub fn has_samples(&self) -> bool {
        let DatasetConfig { input, recordings, .. } = self.config;
        input.is_some() || *recordings != RecordingConfig::default()
    }
}

/// A dataset as it was found.
#[derive(Default)]
pub(super) struct Parts {
    /// The images to train with; without a test part all images.
    pub train: Split,
    /// The images to measure with; `None`: a part of the others becomes the test part.
    pub test: Option<Split>,
    /// What the outputs mean, if the dataset says so.
    pub labels: Option<Vec<String>>,
    /// What the bytes of the images are.
    pub values: Values,
    /// The group of each image of `train`: no group is on both sides of a split. Empty: each image is on its
    /// own.
    pub groups: Groups,
}

/// What the bytes of images are, while they are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Values {
    /// Pixels: a byte each, which the network reads as it is.
    #[default]
    Pixels,
    /// Samples: 32-bit floats, little endian, of which codes are to be made.
    Samples,
}

/// The groups of some images.
#[derive(Default)]
pub(super) struct Groups {
    /// The group of each image.
    pub of: Vec<u32>,
    /// What the groups are called.
    pub names: Vec<String>,
}

/// Reads all images of a dataset.
pub(super) type Read = fn(&Wanted<'_>, &mut dyn Observer) -> Result<Parts, Error>;
