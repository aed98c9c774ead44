//! A dataset to measure a trained network with: no image of it was trained with, and its classes are those of
//! the network.

use super::parts::{Parts, Wanted, enumerate};
use super::{Split, Watch, check};
use crate::config::DatasetConfig;
use crate::error::{Error, Problem};
use crate::graph::Shape;

/// Images to measure with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measure {
    /// The images; labels count the network's classes.
    pub images: Split,
    /// Whether they are the test part that the dataset has; else they are all its images.
    pub own_test_part: bool,
}

/// Reads a dataset for a trained network with images of shape `input` and one logit for each of `labels`.
///
/// Classes that the dataset names are found among `labels` by their names, in any order; it may lack some,
/// which is warned of. Where it does not name them, its numbers are those of the logits. `test` and `labels`
/// of `config` do not count.
///
/// # Errors
/// What keeps the dataset from being read, the first of the images that are wrong, classes that the network
/// does not know.
pub fn measure(
    config: &DatasetConfig,
    input: Shape,
    labels: &[String],
    watch: &mut dyn Watch,
) -> Result<Measure, Error> {
    let config = &DatasetConfig { test: None, labels: Some(labels.to_vec()), ..super::found(config) };
    let wanted = Wanted { config, shape: input, classes: labels.len(), model: Some(labels) };
    let Parts { train, test, labels: names } = check::before(&wanted)?(&wanted, watch)?;
    let own_test_part = test.is_some();
    let mut images = test.unwrap_or(train);
    let path = config.path.display();
    check::maximum(config, [&images, &Split::default()])?;
    if let Some(names) = names {
        let classes = classes(&wanted, &names)?;
        for label in &mut images.labels {
            let found = *label;
            *label = *classes.get(usize::from(found)).ok_or_else(|| {
                let message = format!("{path} names {} classes, but has label {found}", classes.len());
                Problem::new(message).help("copy or download it again")
            })?;
        }
    }
    if images.is_empty() {
        let part = if own_test_part { "its test part is empty" } else { "it is empty" };
        return Err(Problem::new(format!("{path} has no images: {part}")).into());
    }
    let mut absent: Vec<&String> = Vec::new();
    for (class, label) in labels.iter().enumerate() {
        if !images.labels.iter().any(|found| usize::from(*found) == class) {
            absent.push(label);
        }
    }
    if !absent.is_empty() {
        watch.warn(&format!("{path} has no images of {}", enumerate(&absent)));
    }
    Ok(Measure { images, own_test_part })
}

/// The network's class of each class that the dataset names.
fn classes(wanted: &Wanted<'_>, names: &[String]) -> Result<Vec<u16>, Problem> {
    let labels = wanted.model.unwrap_or_default();
    let class = |name: &String| labels.iter().position(|label| label == name);
    let unknown: Vec<String> =
        names.iter().filter(|name| class(name).is_none()).map(|name| format!("`{name}`")).collect();
    if unknown.is_empty() {
        return Ok(names.iter().filter_map(class).map(|class| class as u16).collect());
    }
    let message = format!(
        "{} has classes that the model does not know: {}; the dataset has {}, the model {}",
        wanted.config.path.display(),
        enumerate(&unknown),
        names.join(", "),
        labels.join(", ")
    );
    Err(Problem::new(message).help("call the classes what the model calls them, in any order"))
}
