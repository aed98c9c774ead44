//! Checks of a dataset as a whole.

use super::Split;
use super::parts::Wanted;
use crate::config::DatasetConfig;
use crate::error::{Error, Problem, nearest};
use crate::observer::Observer;
use crate::settings::TestPart;
use crate::task::{Part, rules};
use crate::text::enumerate;

/// What helps where images have no labels.
pub(super) const UNLABELLED: &str =
    "images without labels are for training = \"none\" or \"finetune\" of trained weights";

/// What helps where a dataset has images to measure with alone.
#[cfg(feature = "datasets")]
pub(super) const ONLY_TEST: &str =
    "there is only a test part: set `test` in the dataset's table, and the other images are trained with";

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
    if images == 0 {
        return Err(Problem::new(format!("{path} has no images: it is empty")));
    }
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

/// Each part needs an image: a reader may have left out all images of one as unreadable.
pub(super) fn parts(config: &DatasetConfig, train: &Split, test: &Split) -> Result<(), Error> {
    let path = config.path.display();
    let empty = [("training", train), ("test", test)].into_iter().filter(|(_, part)| part.is_empty());
    let problems: Vec<Problem> = empty
        .map(|(name, _)| {
            let message = format!("{path}: the {name} part has no images that can be read");
            Problem::new(message).help("repair its images, or remove them with their folders")
        })
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(Error { problems }) }
}

/// No pixel may be over `max` of the dataset's table.
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

/// Training needs targets that can be learned, and images that are not all the same.
pub(super) fn training_part(
    wanted: &Wanted<'_>,
    train: &Split,
    labels: &[String],
    is_unlabelled: bool,
) -> Result<(), Error> {
    let Wanted { config, inputs, .. } = *wanted;
    if !is_unlabelled {
        rules(config.task).training_part(&part(config, train, labels))?;
    }
    let path = config.path.display();
    let mut problems = Vec::new();
    for (input, range) in inputs.iter().zip(inputs.ranges()) {
        let first = train.pixels.get(range.start);
        let mut rows = train.pixels.chunks_exact(inputs.elements());
        if rows.all(|row| row[range.clone()].iter().all(|pixel| Some(pixel) == first)) {
            let whose = match inputs.are_several() {
                true => format!("values of the input `{}`", input.name),
                false => "pixels".to_string(),
            };
            problems.push(Problem::new(format!("all {whose} of the training images of {path} are equal")));
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(Error { problems }) }
}

/// What the dataset's table says of inputs must be of inputs that the network has. What it says of the one
/// image of other networks does not say which of several inputs it means.
pub(super) fn inputs(wanted: &Wanted<'_>) -> Vec<Problem> {
    let Wanted { config, inputs, .. } = *wanted;
    let names: Vec<&str> = inputs.iter().map(|input| &input.name[..]).collect();
    let unknown = config.inputs.keys().filter(|name| !names.contains(&&name[..]));
    let mut problems: Vec<Problem> = unknown
        .map(|name| {
            let message = format!(
                "`inputs` in the dataset's table has `{}`, but the network has no such input",
                name.escape_debug()
            );
            let known: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            let near = nearest(name, names.iter().copied());
            Problem::new(message).help(match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("its inputs are {}", enumerate(&known)),
            })
        })
        .collect();
    if !wanted.is_named() {
        return problems;
    }
    let keys = [
        ("input", config.input.is_some(), "`inputs.NAME` says the same of the input NAME"),
        ("shape", config.shape.is_some(), "the shapes are those of the network's inputs"),
        ("max", config.max != u8::MAX, "`inputs.NAME` has `min` and `max` of samples"),
    ];
    for (key, _, help) in keys.into_iter().filter(|(_, is_set, _)| *is_set) {
        let message = format!("the dataset's table has `{key}`, which does not say which input it is about");
        problems.push(Problem::new(message).help(format!("leave it out: {help}")));
    }
    problems
}

/// The images to measure with must be fit for that; what they do not show is warned of.
pub(super) fn measured_part(
    config: &DatasetConfig,
    test: &Split,
    labels: &[String],
    observer: &mut dyn Observer,
) -> Result<(), Problem> {
    let warning = rules(config.task).test_part(&part(config, test, labels))?;
    warning.iter().for_each(|warning| observer.warn(warning));
    Ok(())
}

/// A part as the task judges it.
pub(super) fn part<'a>(config: &'a DatasetConfig, split: &'a Split, labels: &'a [String]) -> Part<'a> {
    let is_from_end = matches!(config.test, Some(TestPart::Rows(_)));
    Part { path: &config.path, targets: &split.targets, labels, is_from_end }
}

/// The labels that a dataset itself has must be those of the network that is to be trained. For a network
/// that is trained already, see [`super::measure()`].
pub(super) fn labels(wanted: &Wanted<'_>, found: &[impl AsRef<str>]) -> Option<Problem> {
    if wanted.model.is_some() {
        return None;
    }
    let found: Vec<&str> = found.iter().map(AsRef::as_ref).collect();
    let Wanted { config, outputs, .. } = *wanted;
    wanted.rules().found_labels(&config.path, &found, outputs, config.labels.as_deref())
}

/// Classes that a dataset names, as folders are, must be targets of the task.
pub(super) fn classes(wanted: &Wanted<'_>, found: &[impl AsRef<str>]) -> Result<(), Problem> {
    let found: Vec<&str> = found.iter().map(AsRef::as_ref).collect();
    wanted.rules().refuses_classes(&wanted.config.path, &found).map_or(Ok(()), Err)
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

/// Only these keys of recordings may be set for a dataset of this kind; and none for pixels where samples are
/// read.
pub(super) fn keys(wanted: &Wanted<'_>, kind: &str, known: &[&str]) -> Result<(), Problem> {
    let found = wanted.config.recordings.keys();
    let unknown: Vec<String> =
        found.into_iter().filter(|key| !known.contains(key)).map(|key| format!("`{key}`")).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let message = format!(
        "{}: the dataset's table has {}, which {kind} does not have",
        wanted.config.path.display(),
        enumerate(&unknown)
    );
    let help = match known {
        [] => "leave it out".to_string(),
        known => format!("leave it out; {kind} has {}", known.join(", ")),
    };
    Err(Problem::new(message).help(help))
}

/// `unlabelled` is about folders of images.
pub(super) fn unlabelled(wanted: &Wanted<'_>) -> Result<(), Problem> {
    if !wanted.config.unlabelled {
        return Ok(());
    }
    let path = wanted.config.path.display();
    let message =
        format!("{path} is no folder or archive of images, but the dataset's table has `unlabelled`");
    Err(Problem::new(message).help(format!("leave it out, and the labels; {UNLABELLED}")))
}

/// Keys of pixels say nothing of samples.
pub(super) fn no_pixels(config: &DatasetConfig) -> Result<(), Problem> {
    let keys = [("max", config.max != u8::MAX), ("resize", config.resize)];
    match keys.into_iter().find(|(_, is_set)| *is_set) {
        None => Ok(()),
        Some((key, _)) => {
            let path = config.path.display();
            let message = format!("{path} has samples, but `{key}` in the dataset's table is about pixels");
            Err(Problem::new(message).help("leave it out; `input` has `min` and `max` of samples"))
        }
    }
}

/// What the dataset's table says of masks is of a task that has masks, and names each class.
pub(super) fn mask_classes(wanted: &Wanted<'_>) -> Option<Problem> {
    let DatasetConfig { mask_values, mask_colours, task, .. } = wanted.config;
    let (key, what, count) = match (mask_values, mask_colours) {
        (Some(values), _) => ("mask-values", "value", values.len()),
        (None, Some(colours)) => ("mask-colours", "colour", colours.len()),
        (None, None) => return None,
    };
    if !wanted.rules().takes_masks() {
        let message = format!("`{key}` is for task = \"dense\", but the task is \"{}\"", task.name());
        return Some(Problem::new(message).help(format!("leave `{key}` out of the dataset's table")));
    }
    if count == wanted.outputs {
        return None;
    }
    let message = format!("`{key}` has {count} {what}s, but the network has {} classes", wanted.outputs);
    Some(
        Problem::new(message)
            .help(format!("it names one {what} for each class; pixels of others do not count")),
    )
}

/// A dataset with a test part of its own needs no key `test`.
pub(super) fn own_test_part(config: &DatasetConfig) -> Option<Problem> {
    config.test?;
    let message = format!("{} has a test part of its own", config.path.display());
    Some(Problem::new(message).help("leave `test` out of the dataset's table"))
}
