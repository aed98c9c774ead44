//! The rules of a task: what the other rooms ask it.

use std::path::Path;

use mixq_format::{Accuracy, Header};
#[cfg(feature = "train")]
use tch::Tensor;

use super::Targets;
use crate::error::Problem;

/// All that depends on a task.
pub trait Rules: NetworkRules + DatasetRules + TrainingRules + ScoreRules {}

impl<T: NetworkRules + DatasetRules + TrainingRules + ScoreRules> Rules for T {}

/// The last layer of a network, which writes its outputs.
#[derive(Clone, Copy, Debug)]
pub struct LastLayer<'a> {
    /// Its name, as messages show it.
    pub name: &'a str,
    /// Height, width and channels of what it writes.
    pub output: [usize; 3],
    /// Whether it is linear or a standard convolution: each output is a sum over all channels of the input.
    pub mixes_channels: bool,
    /// What the activation that it ends in is called.
    pub activation: Option<&'a str>,
}

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

    /// What outputs mean if neither Cargo.toml nor the dataset says so.
    fn default_labels(&self, outputs: usize) -> Vec<String>;

    /// Bytes of a target.
    fn target_bytes(&self, outputs: usize) -> usize;

    /// Whether bytes are a target.
    fn is_target(&self, target: &[u8], outputs: usize) -> bool;

    /// Appends the target that a number stands for, or says what is wrong with the number.
    fn push_number(&self, number: u64, outputs: usize, targets: &mut Targets) -> Result<(), String>;

    /// Appends the target that a name stands for, by its place among all names that the dataset has. The
    /// names are checked by [`DatasetRules::found_labels`].
    fn push_name(&self, place: usize, targets: &mut Targets);

    /// What reads the targets from a column of a CSV file; columns count from 1.
    fn column(&self, column: usize) -> Box<dyn Column>;

    /// What is wrong with the labels that a dataset itself has, for a network that is to be trained; `given`
    /// are those of Cargo.toml.
    fn found_labels(
        &self,
        path: &Path,
        found: &[&str],
        outputs: usize,
        given: Option<&[String]>,
    ) -> Option<Problem>;

    /// Targets by the labels that a dataset itself has become those by the labels of a trained network.
    ///
    /// # Errors
    /// The network does not know a label.
    fn relabel(
        &self,
        path: &Path,
        targets: &mut Targets,
        found: &[String],
        known: &[String],
    ) -> Result<(), Problem>;

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

    /// One byte a target, for firmware that checks answers.
    ///
    /// # Errors
    /// A target does not fit a byte.
    fn firmware_targets(&self, targets: &Targets) -> Result<Vec<u8>, Problem>;

    /// A target as text.
    fn text(&self, target: &[u8]) -> String;
}

/// Targets of a CSV file; and the labels that the file itself has, if so.
pub type Columns = (Targets, Option<Vec<String>>);

/// The first wrong rows, with reasons; and the number of all wrong rows.
pub type Wrong = (Vec<(usize, String)>, usize);

/// The column of targets of a CSV file.
pub trait Column {
    /// Takes the field of a row; rows count from 1.
    fn push(&mut self, row: usize, field: &[u8]);

    /// All targets, for a network of this many outputs; `labels` are those of Cargo.toml.
    ///
    /// # Errors
    /// Rows are wrong.
    fn targets(&self, outputs: usize, labels: &[String]) -> Result<Columns, Wrong>;

    /// Why another column may be the right one, where no header tells; `elements` is the size of an image.
    fn doubt(&self, pixels: &[u8], elements: usize, outputs: usize) -> Option<String>;
}

/// How a network learns. Outputs are `[n, outputs]`, real numbers.
pub trait TrainingRules: Sync {
    /// Targets for a loss, on the CPU.
    #[cfg(feature = "train")]
    fn tensor(&self, targets: &Targets) -> Tensor;

    /// The mean loss of a batch, a scalar; a share `smoothing` of each target is spread over all outputs.
    #[cfg(feature = "train")]
    fn loss(&self, outputs: &Tensor, targets: &Tensor, smoothing: f64) -> Tensor;

    /// The mean distance from the outputs `taught` of another network, in the units of the loss; both are
    /// softened by a temperature.
    #[cfg(feature = "train")]
    fn distillation(&self, outputs: &Tensor, taught: &Tensor, temperature: f64) -> Tensor;

    /// The answers that real outputs stand for.
    #[cfg(feature = "train")]
    fn answers_of_tensor(&self, outputs: &Tensor) -> Targets;
}

/// How well a network does.
pub trait ScoreRules: Sync {
    /// The answers that the integer outputs of `images` images stand for.
    fn answers(&self, outputs: &[i32], images: usize) -> Targets;

    /// How good answers are, 0 to 1; of no images 0.
    fn score(&self, answers: &Targets, targets: &Targets) -> f64;

    /// How many images two networks answer differently.
    fn disagreements(&self, one: &Targets, other: &Targets) -> usize;

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
