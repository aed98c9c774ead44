//! What makes a dataset unfit, beyond its single images.

use super::{Read, Split, reader};
use crate::config::{DatasetConfig, TestPart};
use crate::error::{Error, Problem};
use crate::graph::Shape;

/// Labels are 16 bits wide.
const MAX_CLASSES: usize = 1 << 16;

/// What can be known before the images are read; else the reader.
pub(super) fn before(config: &DatasetConfig, input: Shape, classes: usize) -> Result<Read, Error> {
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
    let read = reader(&config.path);
    if !config.path.exists() {
        problems.push(
            Problem::new(format!("there is no dataset at {path}"))
                .help("`dataset` names a file beside the package's Cargo.toml"),
        );
    }
    match read {
        Ok(read) if problems.is_empty() => return Ok(read),
        Ok(_) => {}
        Err(problem) => problems.push(problem),
    }
    Err(Error { problems })
}

/// The test part must leave images to train with.
pub(super) fn test_part(config: &DatasetConfig, test: usize, images: usize) -> Result<(), Problem> {
    let asked = match config.test {
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

/// Training needs images of every class that are not all the same.
pub(super) fn training_part(config: &DatasetConfig, train: &Split, labels: &[String]) -> Result<(), Problem> {
    let path = config.path.display();
    let mut counts = vec![0_usize; labels.len()];
    for label in &train.labels {
        counts[usize::from(*label)] += 1;
    }
    let names = |wanted: fn(usize) -> bool| -> Vec<String> {
        let classes = counts.iter().enumerate().filter(|(_, count)| wanted(**count));
        classes.map(|(class, _)| name(class, labels)).collect()
    };
    let (present, absent) = (names(|count| count > 0), names(|count| count == 0));
    if present.len() == 1 {
        let message = format!("{path} has training images of one class only, {}", present[0]);
        return Err(
            Problem::new(message).help("the label must be the last value of an image, 0 for the first class")
        );
    }
    if !absent.is_empty() {
        let message = format!("{path} has no training images of {}", enumerate(&absent));
        let help = "the test part is cut from the end and rows are never shuffled: mix the classes in the \
                    file, or give the network fewer classes";
        return Err(Problem::new(message).help(help));
    }
    let first = train.pixels.first();
    if train.pixels.iter().all(|pixel| Some(pixel) == first) {
        return Err(Problem::new(format!("all pixels of the training images of {path} are equal")));
    }
    Ok(())
}

/// `class 3`, or `class 3 (three)`.
fn name(class: usize, labels: &[String]) -> String {
    match &labels[class] {
        label if *label == class.to_string() => format!("class {class}"),
        label => format!("class {class} ({label})"),
    }
}

/// The first few, and how many more.
fn enumerate(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let more = match names.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ") + &more
}
