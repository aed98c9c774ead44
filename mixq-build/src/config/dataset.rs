//! Where a model's images come from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use mixq_format::{Bits, Task};
use serde::Serialize;

use super::inputs::{self, NamedInput};
use super::masks;
use super::samples::{self, InputConfig, RecordingConfig};
use crate::error::{Location, Problem};
use crate::folders;
use crate::graph::Shape;
use crate::settings::TestPart;
use crate::toml::{Entry, Table};

/// Where a model's images come from. Serialised without its places: what it says about the images.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct DatasetConfig {
    /// The file or folder, joined to the folder of its Cargo.toml. A path that begins with `$MIXQ_DATA/`
    /// stays as written: the room `dataset` looks for it when it reads.
    #[serde(skip)]
    pub path: PathBuf,
    /// What follows `$MIXQ_DATA/` in Cargo.toml, if the path begins so.
    #[serde(skip)]
    pub shared: Option<PathBuf>,
    /// How many images are the test part; `None`: the part that the dataset has, or a fifth.
    pub test: Option<TestPart>,
    /// Shape of an image; `None`: the network's.
    pub shape: Option<Shape>,
    /// Largest value of a pixel. Pixels are not scaled by it: the device sees them as they are.
    pub max: u8,
    /// What the outputs mean, in their order; `None`: what the dataset says, or their numbers.
    pub labels: Option<Vec<String>>,
    /// Names of the columns of a CSV file that are targets, in the order of the outputs; `None`: the last
    /// ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub targets: Option<Vec<String>>,
    /// Whether the network has an output before those of the classes, for what is of none of them: networks
    /// of TensorFlow have one, the background. No image has this class.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub background: bool,
    /// Whether the folders of images are no classes of the network: the images have no labels, wherever they
    /// lie.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unlabelled: bool,
    /// What the images are for: it is the model's key `task`. Written only where it is not the default.
    #[serde(skip_serializing_if = "Task::is_default")]
    pub task: Task,
    /// The values that stand for the classes in masks, in the order of the outputs; pixels of other values do
    /// not count. `None`: values are the numbers of classes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mask_values: Option<Vec<u8>>,
    /// The colours that stand for the classes in masks, likewise: red, green, blue of 8 bits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mask_colours: Option<Vec<[u8; 3]>>,
    /// Whether images of another size than the network's are scaled.
    pub resize: bool,
    /// Share of the images that may be unreadable, 0 to under 1; they are left out.
    pub tolerate: f64,
    /// How samples become codes; `None`: values are pixels where the dataset can have both.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<InputConfig>,
    /// What is to be known of each input of a network, by its name; empty for a network that reads one image.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub inputs: BTreeMap<String, NamedInput>,
    /// How recordings become windows.
    #[serde(flatten)]
    pub recordings: RecordingConfig,
    /// Whether its images may lack targets, because the model learns nothing from them: it follows from the
    /// model's `training`.
    #[serde(skip)]
    pub may_lack_targets: bool,
    /// The value in Cargo.toml that names the file.
    #[serde(skip)]
    pub location: Option<Location>,
}

impl DatasetConfig {
    /// A file with the defaults of all other keys.
    pub fn new(path: impl Into<PathBuf>) -> DatasetConfig {
        DatasetConfig {
            path: path.into(),
            shared: None,
            test: None,
            shape: None,
            max: u8::MAX,
            labels: None,
            targets: None,
            background: false,
            unlabelled: false,
            task: Task::default(),
            mask_values: None,
            mask_colours: None,
            resize: false,
            tolerate: 0.0,
            input: None,
            inputs: BTreeMap::new(),
            recordings: RecordingConfig::default(),
            may_lack_targets: false,
            location: None,
        }
    }

    /// Where a model has no dataset.
    pub fn absent() -> DatasetConfig {
        DatasetConfig::new("")
    }

    /// Whether there is no dataset: not that its file is not there.
    pub fn is_absent(&self) -> bool {
        self.path.as_os_str().is_empty()
    }

    /// How samples of the input of this name become codes, if the table says so.
    pub fn codes_of(&self, input: &str) -> Option<&InputConfig> {
        match self.inputs.get(input) {
            Some(named) => named.codes.as_ref(),
            None => self.input.as_ref(),
        }
    }

    /// Bits of the codes of the input of this name, if the table says them.
    pub fn input_bits(&self, input: &str) -> Option<Bits> {
        self.codes_of(input).and_then(|codes| codes.bits)
    }

    /// Whether the values of the input of this name are samples, whatever the file holds: the device makes
    /// codes of them itself.
    pub fn has_samples(&self, input: &str) -> bool {
        self.codes_of(input).is_some() || self.recordings != RecordingConfig::default()
    }

    /// The same options for other images with labels, all of which are to be measured with unless they have a
    /// test part. The path is relative to the current folder.
    pub fn elsewhere(&self, written: &str) -> DatasetConfig {
        let options = self.clone();
        DatasetConfig { location: None, test: None, unlabelled: false, may_lack_targets: false, ..options }
            .with_path(written, Path::new(""))
    }

    /// With the path as it stands in Cargo.toml.
    fn with_path(self, written: &str, manifest_dir: &Path) -> DatasetConfig {
        match folders::shared(written) {
            Some(rest) => DatasetConfig { path: written.into(), shared: Some(rest.into()), ..self },
            None => DatasetConfig { path: manifest_dir.join(written), shared: None, ..self },
        }
    }
}

/// Keys of the dataset's table.
const KEYS: [&str; 20] = [
    "path",
    "test",
    "shape",
    "max",
    "labels",
    "targets",
    "background",
    "unlabelled",
    "mask-values",
    "mask-colours",
    "resize",
    "tolerate",
    "input",
    "inputs",
    "window",
    "step",
    "columns",
    "files",
    "group",
    "short",
];

/// Reads `dataset = ...` of a model.
pub(super) fn read(
    entry: &Entry<'_>,
    manifest_dir: &Path,
    problems: &mut Vec<Problem>,
) -> Option<DatasetConfig> {
    if !entry.is_table() && entry.as_str().is_none() {
        problems.push(entry.wrong_type("a file's path or a table"));
        return None;
    }
    if !entry.is_table() {
        let path = entry.string(problems)?;
        let location = Some(entry.value_location());
        return Some(DatasetConfig { location, ..DatasetConfig::new("") }.with_path(path, manifest_dir));
    }
    let table = entry.table(problems)?;
    table.allow(&KEYS, problems);
    let path = table.get("path");
    if path.is_none() {
        problems.push(entry.problem("has no `path`").help("add path = \"data/digits.csv.gz\""));
    }
    let path = path.and_then(|path| Some((path.string(problems)?, path.value_location())));
    // The other keys are checked even if the path is wrong.
    let mut dataset = DatasetConfig::new("");
    read_options(&mut dataset, &table, problems);
    let (path, location) = path?;
    Some(DatasetConfig { location: Some(location), ..dataset }.with_path(path, manifest_dir))
}

fn read_options(dataset: &mut DatasetConfig, table: &Table<'_>, problems: &mut Vec<Problem>) {
    if let Some(test) = table.get("test").and_then(|test| read_test(&test, problems)) {
        dataset.test = Some(test);
    }
    if let Some(max) = table.get("max").and_then(|max| read_max(&max, problems)) {
        dataset.max = max;
    }
    if let Some(resize) = table.get("resize").and_then(|resize| resize.boolean(problems)) {
        dataset.resize = resize;
    }
    if let Some(background) = table.get("background").and_then(|entry| entry.boolean(problems)) {
        dataset.background = background;
    }
    if let Some(unlabelled) = table.get("unlabelled").and_then(|entry| entry.boolean(problems)) {
        dataset.unlabelled = unlabelled;
    }
    let tolerate = |entry: Entry<'_>, problems: &mut Vec<Problem>| {
        entry.number(|share| (0.0..1.0).contains(&share), "a share, 0 to under 1", problems)
    };
    if let Some(share) = table.get("tolerate").and_then(|entry| tolerate(entry, problems)) {
        dataset.tolerate = share;
    }
    dataset.shape = table.get("shape").and_then(|shape| read_shape(&shape, problems));
    dataset.targets = table.get("targets").and_then(|targets| read_targets(&targets, problems));
    match table.get("labels") {
        // The name of a column: labels are the targets of a classification.
        Some(column) if column.as_str().is_some() => {
            if table.get("targets").is_some() {
                let help = "both name columns: leave one out; an array of `labels` names classes";
                problems.push(column.problem("stands beside `targets`").help(help));
            }
            dataset.targets = read_targets(&column, problems);
        }
        labels => dataset.labels = labels.and_then(|labels| read_labels(&labels, problems)),
    }
    dataset.mask_values = table.get("mask-values").and_then(|values| masks::values(&values, problems));
    dataset.mask_colours = table.get("mask-colours").and_then(|colours| masks::colours(&colours, problems));
    if let (Some(_), Some(entry)) = (&dataset.mask_values, table.get("mask-colours")) {
        let help = "values are those of grey masks and palettes, colours those of all others: leave one out";
        problems.push(entry.problem("stands beside `mask-values`").help(help));
    }
    dataset.input = table.get("input").and_then(|input| samples::read_input(&input, problems));
    if let Some(inputs) = table.get("inputs") {
        dataset.inputs = inputs::read(&inputs, problems);
    }
    dataset.recordings = samples::read_recordings(table, problems);
}

fn read_test(entry: &Entry<'_>, problems: &mut Vec<Problem>) -> Option<TestPart> {
    if entry.as_integer().is_some() {
        return entry.integer(1, problems).map(TestPart::Rows);
    }
    let share = |n| n > 0.0 && n < 1.0;
    let range = "a whole number of images, or a share over 0 and under 1";
    entry.number(share, range, problems).map(TestPart::Share)
}

fn read_max(entry: &Entry<'_>, problems: &mut Vec<Problem>) -> Option<u8> {
    let found: i64 = entry.integer(1, problems)?;
    let max = u8::try_from(found).ok();
    if max.is_none() {
        problems.push(entry.problem(format_args!("is {found}, it must be 1 to 255: pixels have 8 bits")));
    }
    max
}

fn read_shape(entry: &Entry<'_>, problems: &mut Vec<Problem>) -> Option<Shape> {
    let sides = entry.as_sizes(&(1..=usize::MAX));
    if sides.is_none() {
        problems.push(entry.wrong_value("[height, width, channels], each 1 or more"));
    }
    let [height, width, channels] = sides?;
    Some(Shape { height, width, channels })
}

/// The name of a column, or an array of them.
pub(super) fn read_targets(entry: &Entry<'_>, problems: &mut Vec<Problem>) -> Option<Vec<String>> {
    match entry.as_str() {
        Some("") => {
            problems.push(entry.problem("is empty, it must be the name of a column"));
            None
        }
        Some(name) => Some(vec![name.to_string()]),
        None => {
            let names = read_labels(entry, problems)?;
            if names.is_empty() {
                problems.push(entry.problem("names no columns"));
                return None;
            }
            Some(names)
        }
    }
}

fn read_labels(entry: &Entry<'_>, problems: &mut Vec<Problem>) -> Option<Vec<String>> {
    let Some(array) = entry.as_array() else {
        problems.push(entry.wrong_type("an array of strings"));
        return None;
    };
    let mut labels = Vec::new();
    for (index, value) in array.iter().enumerate() {
        match value.as_str() {
            None | Some("") => {
                let wrong = format!("must hold names: number {index}, counted from 0, is none");
                problems.push(entry.problem(wrong));
                return None;
            }
            Some(label) if labels.iter().any(|earlier| earlier == label) => {
                problems.push(entry.problem(format_args!("names `{label}` twice")));
                return None;
            }
            Some(label) => labels.push(label.to_string()),
        }
    }
    Some(labels)
}
