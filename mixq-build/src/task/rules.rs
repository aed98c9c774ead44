//! The rules of a task: what the other rooms ask it.

use std::ops::RangeInclusive;
use std::path::Path;

use mixq_format::{Accuracy, Figures, Header, Readout};
#[cfg(feature = "train")]
use tch::Tensor;

#[cfg(feature = "train")]
use super::{End, Fit};
use super::{LastLayer, Made, Mask, Targets, vectors};
use crate::error::Problem;
#[cfg(feature = "train")]
use crate::settings::Training;

/// All that depends on a task.
pub trait Rules: NetworkRules + DatasetRules + TrainingRules + ScoreRules {}

impl<T: NetworkRules + DatasetRules + TrainingRules + ScoreRules> Rules for T {}

/// What a task demands of a network.
pub trait NetworkRules: Sync {
    /// What keeps a layer from being the last one.
    fn last_layer(&self, layer: &LastLayer<'_>) -> Vec<Problem>;

    /// What an artifact says of its outputs that is not so by Cargo.toml: the network has `outputs`, and
    /// `labels` are what the dataset's table says they mean, if it does.
    fn differences(&self, header: &Header, outputs: usize, labels: Option<&[String]>) -> Vec<String>;
}

/// A part of a dataset, as a task judges it.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// The dataset.
    pub path: &'a Path,
    /// The targets of all images of the part.
    pub targets: &'a Targets,
    /// What the outputs mean.
    pub labels: &'a [String],
    /// Whether the test part is a number of images from the end, whatever their targets are.
    pub is_from_end: bool,
}

/// What a task asks of targets, and makes of what stands in files. `outputs` is the number of outputs of the
/// network.
pub trait DatasetRules: Sync {
    /// What is wrong with a number of outputs, and with `labels` that Cargo.toml gives them.
    fn outputs(&self, outputs: usize, labels: Option<&[String]>) -> Vec<Problem>;

    /// How many columns of a CSV file are targets.
    fn columns(&self, outputs: usize) -> RangeInclusive<usize>;

    /// Whether a target is a vector of numbers, one for each output, which may have fractions.
    fn takes_vectors(&self) -> bool;

    /// Whether a target is a mask: a class for each pixel of the output.
    fn takes_masks(&self) -> bool {
        false
    }

    /// What outputs mean if neither Cargo.toml nor the dataset says so.
    fn default_labels(&self, outputs: usize) -> Vec<String>;

    /// Bytes of a target; of a mask, those of a pixel.
    fn target_bytes(&self, outputs: usize) -> usize;

    /// Whether bytes are a target.
    fn is_target(&self, target: &[u8], outputs: usize) -> bool;

    /// Appends the target that a number stands for, or says what is wrong with the number.
    fn push_number(&self, number: u64, outputs: usize, targets: &mut Targets) -> Result<(), String>;

    /// Whether images of this target are only measured with, wherever a dataset has them.
    fn is_test_only(&self, _target: &[u8]) -> bool {
        false
    }

    /// Appends the target that a vector of finite numbers stands for, or says what is wrong with it. An empty
    /// one is no target, which [`DatasetRules::columns`] may allow.
    fn push_vector(&self, values: &[f64], outputs: usize, targets: &mut Targets) -> Result<(), String>;

    /// Appends the target that a mask stands for, or says what is wrong with it. The output has `grid` rows
    /// and columns of pixels.
    fn push_mask(
        &self,
        mask: &Mask<'_>,
        _grid: [usize; 2],
        _outputs: usize,
        _targets: &mut Targets,
    ) -> Result<(), String> {
        Err(format!(
            "the target is a mask of {}x{} pixels, which only task = \"dense\" takes",
            mask.height, mask.width
        ))
    }

    /// The number that the name of a class stands for, in a task that is not about classes but knows this
    /// name.
    fn number_of(&self, _name: &str) -> Option<u64> {
        None
    }

    /// Appends the target that a name stands for, by its place among all names that the dataset has. The
    /// names are checked by [`DatasetRules::found_labels`].
    ///
    /// # Panics
    /// If the task is one whose targets are not classes: [`DatasetRules::refuses_classes`] refuses such
    /// datasets.
    fn push_name(&self, _place: usize, _targets: &mut Targets) {
        unreachable!("`refuses_classes` refuses classes by name")
    }

    /// What reads the targets from columns of a CSV file.
    fn column(&self, places: Places) -> Box<dyn Column>;

    /// What is wrong with the labels that a dataset itself has, for a network that is to be trained; `given`
    /// are those of Cargo.toml. Unless a task says otherwise, there must be one for each output.
    fn found_labels(
        &self,
        path: &Path,
        found: &[&str],
        outputs: usize,
        _given: Option<&[String]>,
    ) -> Option<Problem> {
        vectors::columns(path, found, outputs)
    }

    /// Why targets cannot be classes with these names, as folders are.
    fn refuses_classes(&self, path: &Path, found: &[&str]) -> Option<Problem>;

    /// Targets by the labels that a dataset itself has become those by the labels of a trained network.
    /// Unless a task says otherwise, targets are vectors with a number for each label.
    ///
    /// # Errors
    /// The network does not know a label.
    fn relabel(
        &self,
        path: &Path,
        targets: &mut Targets,
        found: &[String],
        known: &[String],
    ) -> Result<(), Problem> {
        vectors::reorder(path, targets, found, known)
    }

    /// Groups of images of which a test part has equal shares, by their indices.
    fn groups(&self, targets: &Targets, outputs: usize) -> Vec<Vec<usize>>;

    /// The training part must be fit to train with.
    ///
    /// # Errors
    /// Why it is not.
    fn training_part(&self, part: &Part<'_>) -> Result<(), Problem>;

    /// The test part of a training must be fit to measure with; a warning if it does not show all.
    ///
    /// # Errors
    /// Why it is not.
    fn test_part(&self, part: &Part<'_>) -> Result<Option<String>, Problem>;

    /// A warning of other images that do not show all that a trained network can.
    fn measured_part(&self, part: &Part<'_>) -> Option<String>;

    /// That some targets are much rarer than others among the images to train with, if so.
    fn imbalance(&self, part: &Part<'_>) -> Option<String>;

    /// The targets for firmware that checks answers, one after the other: a byte each, unless the task says
    /// otherwise.
    ///
    /// # Errors
    /// A target does not fit.
    fn firmware_targets(&self, targets: &Targets) -> Result<Vec<u8>, Problem>;

    /// A target as text.
    fn text(&self, target: &[u8]) -> String;
}

/// Targets of a CSV file; and the labels that the file itself has, if so.
pub type Columns = (Targets, Option<Vec<String>>);

/// The first wrong rows, with reasons; and the number of all wrong rows.
pub type Wrong = (Vec<(usize, String)>, usize);

/// Where the targets of a CSV file are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// Their columns, counted from 1: as many as [`DatasetRules::columns`] allows.
    pub columns: Vec<usize>,
    /// What the header calls them, if there is one.
    pub names: Option<Vec<String>>,
}

/// The columns of targets of a CSV file.
pub trait Column {
    /// Takes the fields of a row, one for each column; rows count from 1.
    fn push(&mut self, row: usize, fields: &[&[u8]]);

    /// All targets, for a network of this many outputs; `labels` are those of Cargo.toml.
    ///
    /// # Errors
    /// Rows are wrong.
    fn targets(&self, outputs: usize, labels: &[String]) -> Result<Columns, Wrong>;

    /// Why another column may be the right one, where no header tells; `elements` is the size of an image.
    fn doubt(&self, pixels: &[u8], elements: usize, outputs: usize) -> Option<String>;
}

/// Images as they are trained with, `[n, channels, height, width]`, and their targets.
#[cfg(feature = "train")]
#[derive(Clone, Copy)]
pub struct Batch<'a> {
    /// The images, on their grid.
    pub images: &'a Tensor,
    /// Their targets.
    pub targets: &'a Targets,
}

/// How a network learns. Outputs are `[n, outputs]`, real numbers.
pub trait TrainingRules: Sync {
    /// What is to be known of all targets to train with.
    #[cfg(feature = "train")]
    fn fit(&self, train: &Targets, outputs: usize, end: &End, settings: &Training) -> Fit;

    /// Targets to train with that the outputs cannot come to, if there are some: a sentence without its end.
    /// `labels` are the names of the outputs. Unless a task says otherwise, outputs come to all of them.
    #[cfg(feature = "train")]
    fn out_of_reach(&self, _train: &Targets, _labels: &[String], _end: &End) -> Option<String> {
        None
    }

    /// Targets for a loss, on the device of the images.
    #[cfg(feature = "train")]
    fn tensor(&self, batch: Batch<'_>, fit: &Fit) -> Tensor;

    /// The mean loss of a batch, a scalar; a share `smoothing` of each target is spread over all outputs.
    #[cfg(feature = "train")]
    fn loss(&self, outputs: &Tensor, targets: &Tensor, fit: &Fit, smoothing: f64) -> Tensor;

    /// The mean distance from the outputs `taught` of another network, in the units of the loss; both are
    /// softened by a temperature.
    #[cfg(feature = "train")]
    fn distillation(&self, outputs: &Tensor, taught: &Tensor, fit: &Fit, temperature: f64) -> Tensor;

    /// The answers that real outputs for these images stand for.
    #[cfg(feature = "train")]
    fn answers_of_tensor(&self, outputs: &Tensor, images: &Tensor, fit: &Fit) -> Targets;
}

/// What the integer network wrote for some images.
#[derive(Clone, Copy, Debug)]
pub struct Outputs<'a> {
    /// The network.
    pub header: &'a Header,
    /// Its outputs, image after image.
    pub values: &'a [i32],
    /// The number of images.
    pub images: usize,
    /// The images, one after the other.
    pub pixels: &'a [u8],
}

/// How well a network does.
pub trait ScoreRules: Sync {
    /// The answers that integer outputs stand for.
    fn answers(&self, outputs: &Outputs<'_>) -> Targets;

    /// The targets that a network would have right with these answers. Unless a task says otherwise, answers
    /// are such targets.
    fn as_targets(&self, answers: Targets) -> Targets {
        answers
    }

    /// How integer outputs are read, without thresholds.
    fn readout(&self, made: &Made<'_>) -> Readout;

    /// Whether answers depend on thresholds, which are chosen on the validation part. Unless a task says
    /// otherwise, they do not.
    fn has_thresholds(&self) -> bool {
        false
    }

    /// The thresholds that are best for the outputs for some images; none, unless a task says otherwise.
    fn thresholds(&self, _outputs: &Outputs<'_>, _targets: &Targets) -> Vec<i64> {
        Vec::new()
    }

    /// What the score is called.
    fn measure(&self) -> &'static str;

    /// A score as people read it, with its unit.
    fn shown(&self, score: f64) -> String;

    /// How good answers are, at most 1; of no images 0.
    fn score(&self, answers: &Targets, targets: &Targets) -> f64;

    /// How good answers are in detail; `None` without images, or if the task has no more to say.
    fn figures(&self, answers: &Targets, targets: &Targets, readout: &Readout) -> Option<Figures>;

    /// How many images two networks answer differently.
    fn disagreements(&self, one: &Targets, other: &Targets, targets: &Targets) -> usize;

    /// A warning if a score is not better than that of a network that does not look at the images: a sentence
    /// that begins with `what`. `None` for a better one.
    fn no_better_than_guessing(
        &self,
        what: &str,
        score: f64,
        targets: &Targets,
        labels: &[String],
    ) -> Option<String>;

    /// The same of the first network of a training that is not better, and what would help.
    fn warning(&self, accuracy: &Accuracy, targets: &Targets, labels: &[String]) -> Option<String>;
}
