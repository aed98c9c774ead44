//! What readers take and return.

use std::ops::Range;

use super::Split;
use crate::config::{DatasetConfig, RecordingConfig};
use crate::error::Error;
use crate::graph::{Input, Inputs, Shape};
use crate::observer::Observer;
use crate::task::{Rules, Targets, rules};

/// What a reader is to read, and the form that the images must have.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// The dataset as Cargo.toml describes it.
    pub config: &'a DatasetConfig,
    /// Shape of an image: the network's input, or the one of several that is to be read.
    pub shape: Shape,
    /// All inputs of the network.
    pub inputs: &'a Inputs,
    /// The name of the input that is to be read, where the dataset's table has inputs by their names.
    pub input: Option<&'a str>,
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

    /// Whether the task has a target for each image; else it may lack.
    fn has_target_for_each(&self) -> bool {
        *self.rules().columns(self.outputs).start() > 0
    }

    /// Whether images may come without targets.
    pub fn may_lack_targets(&self) -> bool {
        !self.has_target_for_each() || self.config.may_lack_targets
    }

    /// Whether images are unlabelled, by whether the dataset has their targets: they lack what the task has
    /// for each image.
    pub fn is_unlabelled(&self, has_targets: bool) -> bool {
        !has_targets && self.has_target_for_each()
    }

    /// Appends the target of an image that has none; of an unlabelled one that of zeros, in the place of the
    /// answer of the float network.
    pub fn push_none(&self, targets: &mut Targets) -> Result<(), String> {
        if self.has_target_for_each() {
            targets.push(&vec![0; self.target_bytes()]);
            return Ok(());
        }
        self.rules().push_vector(&[], self.outputs, targets)
    }

    /// Whether the dataset has a part for each input, by its name.
    pub fn is_named(&self) -> bool {
        self.inputs.are_several() || !self.config.inputs.is_empty()
    }

    /// The key of the dataset's table that says how samples become codes.
    pub fn key(&self) -> String {
        self.input.map_or("input".to_string(), |name| format!("inputs.{name}"))
    }

    /// The configuration of the dataset as if it had the input of this name alone.
    pub fn config_of(&self, input: &str) -> DatasetConfig {
        DatasetConfig { input: self.config.codes_of(input).cloned(), ..self.config.clone() }
    }

    /// The same dataset as if it had this input alone; `config` is that of [`Wanted::config_of`].
    pub fn of<'b>(&'b self, input: &'b Input, config: &'b DatasetConfig) -> Wanted<'b> {
        let name = self.is_named().then_some(&input.name[..]);
        Wanted { config, shape: input.shape, input: name, ..*self }
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
    /// What the bytes of each input of an image are; those of inputs that are not listed are pixels.
    pub values: Vec<Values>,
    /// Whether images to train with, and those to measure with, are unlabelled: see
    /// [`Wanted::is_unlabelled`]. Without a test part only the first counts.
    pub unlabelled: [bool; 2],
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

impl Values {
    /// Bytes of an element.
    pub fn bytes(self) -> usize {
        match self {
            Values::Pixels => 1,
            Values::Samples => size_of::<f32>(),
        }
    }
}

impl Parts {
    /// What the bytes of an input are.
    pub fn values_of(&self, input: usize) -> Values {
        self.values.get(input).copied().unwrap_or_default()
    }

    /// Where the bytes of each input are in an image.
    pub fn columns(&self, inputs: &Inputs) -> Vec<Range<usize>> {
        let mut start = 0;
        let column = |(index, input): (usize, &Input)| {
            let bytes = input.shape.elements() * self.values_of(index).bytes();
            start += bytes;
            start - bytes..start
        };
        inputs.iter().enumerate().map(column).collect()
    }
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
