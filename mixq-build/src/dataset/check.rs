//! What makes a dataset unfit, beyond its single images.

use super::Split;
use super::kind::reader;
use super::known;
use super::parts::{Read, Wanted, enumerate};
use super::watch::Watch;
use crate::config::DatasetConfig;
use crate::error::{Error, Problem};
use crate::settings::TestPart;

/// Labels are 16 bits wide.
const MAX_CLASSES: usize = 1 << 16;

/// What can be known before the images are read; else the reader.
pub(super) fn before(wanted: &Wanted<'_>) -> Result<Read, Error> {
    let Wanted { config, shape: input, classes, .. } = *wanted;
    let mut problems = Vec::new();
    let path = config.path.display();
    if let Some(shape) = config.shape.filter(|shape| *shape != input) {
        let message = format!("the dataset's `shape` is {shape}, but the network wants images of {input}");
        problems.push(Problem::new(message).help("both give height x width x channels"));
    }
    if let Some(labels) = config.labels.as_ref().filter(|labels| labels.len() != classes) {
        let message = format!("`labels` names {} classes, but the network has {classes}", labels.len());
        problems.push(Problem::new(message).help("name every class once, in the order of the numbers"));
    }
    if !(2..=MAX_CLASSES).contains(&classes) {
        problems.push(Problem::new(format!(
            "the network has {classes} classes, it must have 2 to {MAX_CLASSES}"
        )));
    }
    let mut read = None;
    if config.path.exists() {
        match reader(&config.path) {
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

/// The test part must leave images to train with.
pub(super) fn test_part(
    config: &DatasetConfig,
    part: TestPart,
    test: usize,
    images: usize,
) -> Result<(), Problem> {
    let asked = match part {
        TestPart::Rows(rows) => format!("{rows} test images"),
        TestPart::Share(share) => format!("a share of {share} for the test, {test} images,"),
    };
    let path = config.path.display();
    if test == 0 {
        let message = format!("{path} has {images} images: {asked} leave nothing to measure with");
        return Err(Problem::new(message).help("set `test` in the dataset's table to a number of images"));
    }
    if test >= images {
        let message = format!("{path} has {images} images: {asked} leave nothing to train with");
        return Err(Problem::new(message).help("set `test` in the dataset's table to fewer images"));
    }
    Ok(())
}

/// No pixel may be over the largest value that it is said to have.
pub(super) fn maximum(config: &DatasetConfig, parts: [&Split; 2]) -> Result<(), Problem> {
    let max = config.max;
    if max == u8::MAX {
        return Ok(());
    }
    let pixels = || parts.into_iter().flat_map(|part| &part.pixels);
    let over = pixels().filter(|pixel| **pixel > max).count();
    if over == 0 {
        return Ok(());
    }
    let message = format!("{}: {over} of {} pixels are over {max}", config.path.display(), pixels().count());
    Err(Problem::new(message).help("`max` in the dataset's table is the largest value of a pixel"))
}

/// Training needs images of every class that are not all the same.
pub(super) fn training_part(config: &DatasetConfig, train: &Split, labels: &[String]) -> Result<(), Problem> {
    let path = config.path.display();
    let (present, absent) = classes_of(train, labels);
    if present.len() == 1 {
        let message = format!("{path} has training images of one class only, {}", present[0]);
        return Err(Problem::new(message).help(
            "a label is a number, 0 for the first class; in CSV it is the last column, or that which a \
             header calls `label`",
        ));
    }
    if !absent.is_empty() {
        let message = format!("{path} has no training images of {}", enumerate(&absent));
        let help = match config.test {
            Some(TestPart::Rows(_)) => {
                "`test` takes that number of images from the end: mix the classes in the file, make `test` \
                 a share, which is taken of every class, or give the network fewer classes"
            }
            _ => "add images of them, or give the network fewer classes",
        };
        return Err(Problem::new(message).help(help));
    }
    let first = train.pixels.first();
    if train.pixels.iter().all(|pixel| Some(pixel) == first) {
        return Err(Problem::new(format!("all pixels of the training images of {path} are equal")));
    }
    Ok(())
}

/// An accuracy says nothing of a class without test images.
pub(super) fn measured_part(
    config: &DatasetConfig,
    test: &Split,
    labels: &[String],
    watch: &mut dyn Watch,
) -> Result<(), Problem> {
    let path = config.path.display();
    let (present, absent) = classes_of(test, labels);
    let images = test.len();
    if present.len() == 1 {
        let message = format!(
            "{path} has {images} test images of one class only, {}: an accuracy would say nothing of the \
             others",
            present[0]
        );
        let help = match config.test {
            Some(TestPart::Rows(_)) => {
                "`test` takes that number of images from the end: mix the classes in the file, or make \
                 `test` a share, which is taken of every class"
            }
            _ => "add test images of the other classes",
        };
        return Err(Problem::new(message).help(help));
    }
    if !absent.is_empty() {
        watch.warn(&format!(
            "{path}: none of the {images} test images is of {}; the accuracy says nothing of them",
            enumerate(&absent)
        ));
    }
    Ok(())
}

/// The classes that have images in a part, and those that have none.
fn classes_of(part: &Split, labels: &[String]) -> (Vec<String>, Vec<String>) {
    let mut is_there = vec![false; labels.len()];
    for label in &part.labels {
        is_there[usize::from(*label)] = true;
    }
    let (present, absent): (Vec<usize>, Vec<usize>) = (0..labels.len()).partition(|class| is_there[*class]);
    let names = |classes: Vec<usize>| classes.into_iter().map(|class| name(class, labels)).collect();
    (names(present), names(absent))
}

/// `class 3`, or `class 3 (three)`.
fn name(class: usize, labels: &[String]) -> String {
    match &labels[class] {
        label if *label == class.to_string() => format!("class {class}"),
        label => format!("class {class} ({label})"),
    }
}

/// The classes that a dataset itself names must be those of the network; of a trained network, see
/// [`super::measure()`].
pub(super) fn class_names(wanted: &Wanted<'_>, names: &[impl AsRef<str>]) -> Option<Problem> {
    if wanted.model.is_some() {
        return None;
    }
    let path = wanted.config.path.display();
    if names.len() != wanted.classes {
        let message = format!(
            "{path} has {} classes ({}), but the network has {}",
            names.len(),
            enumerate(names),
            wanted.classes
        );
        return Some(
            Problem::new(message).help("the network's last layer must have one output for each class"),
        );
    }
    let labels = wanted.config.labels.as_ref()?;
    let same = |other: &String| names.iter().any(|name| name.as_ref() == other);
    if labels.iter().all(same) && labels.iter().zip(names).any(|(label, name)| label != name.as_ref()) {
        let message =
            format!("{path} has its classes in the order {}, but `labels` in another", enumerate(names));
        return Some(Problem::new(message).help("leave `labels` out: the dataset names its classes"));
    }
    None
}

/// Images are grey or coloured.
#[cfg(feature = "datasets")]
pub(super) fn channels(wanted: &Wanted<'_>) -> Result<(), Problem> {
    let channels = wanted.shape.channels;
    if matches!(channels, 1 | 3) {
        return Ok(());
    }
    let path = wanted.config.path.display();
    let message = format!("the network wants images of {channels} channels, but those of {path} have 1 or 3");
    Err(Problem::new(message).help("give the network's input 1 or 3 channels, or write the dataset as CSV"))
}

/// A test part of its own leaves nothing to choose.
#[cfg(feature = "datasets")]
pub(super) fn own_test_part(config: &DatasetConfig) -> Option<Problem> {
    config.test?;
    let message = format!("{} has a test part of its own", config.path.display());
    Some(Problem::new(message).help("leave `test` out of the dataset's table"))
}

/// A label as a number of 16 bits, or what is wrong with it.
pub(super) fn label(label: u64, classes: usize) -> Result<u16, String> {
    let known = u16::try_from(label).ok().filter(|label| usize::from(*label) < classes);
    known.ok_or_else(|| {
        format!("label {label} is out of range: the network has {classes} classes, 0 to {}", classes - 1)
    })
}
