//! Targets that are classes, and what they must be to learn from.

use std::ops::RangeInclusive;
use std::path::Path;

use super::Classification;
use super::column::Labels;
use crate::error::Problem;
use crate::task::{Column, DatasetRules, Part, Places, Targets};
use crate::text::enumerate;

/// Classes are numbers of 16 bits.
const MAX_CLASSES: usize = 1 << 16;

impl Targets {
    /// The class of each image, of a classification.
    pub fn labels(&self) -> Vec<u16> {
        self.bytes().as_chunks().0.iter().map(|class| u16::from_le_bytes(*class)).collect()
    }
}

/// Classes by their numbers.
impl FromIterator<u16> for Targets {
    fn from_iter<T: IntoIterator<Item = u16>>(classes: T) -> Targets {
        Targets::new(size_of::<u16>(), classes.into_iter().flat_map(u16::to_le_bytes).collect())
    }
}

/// Classes by their numbers.
impl From<Vec<u16>> for Targets {
    fn from(classes: Vec<u16>) -> Targets {
        classes.into_iter().collect()
    }
}

/// Whether the name of a class is a number with a fraction, or a negative one.
fn is_quantity(name: &str) -> bool {
    name.parse::<f64>().is_ok_and(|number| number.is_finite() && (number.fract() != 0.0 || number < 0.0))
}

impl DatasetRules for Classification {
    fn outputs(&self, outputs: usize, labels: Option<&[String]>) -> Vec<Problem> {
        let mut problems = Vec::new();
        if let Some(labels) = labels.filter(|labels| labels.len() != outputs) {
            let message = format!("`labels` names {} classes, but the network has {outputs}", labels.len());
            problems.push(Problem::new(message).help("name every class once, in the order of the numbers"));
        }
        if !(2..=MAX_CLASSES).contains(&outputs) {
            let message = format!("the network has {outputs} classes, it must have 2 to {MAX_CLASSES}");
            let help = "give it an output for each class; one output for yes or no is task = \"multi-label\"";
            problems.push(Problem { help: (outputs < 2).then(|| help.to_string()), ..Problem::new(message) });
        }
        problems
    }

    fn columns(&self, _outputs: usize) -> RangeInclusive<usize> {
        1..=1
    }

    fn takes_vectors(&self) -> bool {
        false
    }

    /// The numbers of the classes.
    fn default_labels(&self, outputs: usize) -> Vec<String> {
        (0..outputs).map(|class| class.to_string()).collect()
    }

    fn target_bytes(&self, _outputs: usize) -> usize {
        size_of::<u16>()
    }

    fn is_target(&self, target: &[u8], outputs: usize) -> bool {
        target.try_into().is_ok_and(|class| usize::from(u16::from_le_bytes(class)) < outputs)
    }

    fn push_number(&self, number: u64, outputs: usize, targets: &mut Targets) -> Result<(), String> {
        targets.push(&class(number, outputs)?.to_le_bytes());
        Ok(())
    }

    fn push_vector(&self, values: &[f64], _outputs: usize, _targets: &mut Targets) -> Result<(), String> {
        Err(format!("a target is a vector of {} numbers; a classification wants a class", values.len()))
    }

    fn push_name(&self, place: usize, targets: &mut Targets) {
        // More names than a network can have outputs are refused.
        targets.push(&u16::try_from(place).unwrap_or(u16::MAX).to_le_bytes());
    }

    fn column(&self, places: Places) -> Box<dyn Column> {
        Box::new(Labels::new(places.columns[0]))
    }

    fn found_labels(
        &self,
        path: &Path,
        found: &[&str],
        outputs: usize,
        given: Option<&[String]>,
    ) -> Option<Problem> {
        let path = path.display();
        if found.len() != outputs {
            let message = format!(
                "{path} has {} classes ({}), but the network has {outputs}",
                found.len(),
                enumerate(found)
            );
            let help = if found.len() + 1 == outputs {
                "networks of TensorFlow have an output before those of the classes: `background = true` in \
                 the dataset's table says so"
            } else if found.iter().any(|name| is_quantity(name)) {
                "quantities are for task = \"regression\"; classes are names or whole numbers"
            } else {
                "the network's last layer must have one output for each class"
            };
            return Some(Problem::new(message).help(help));
        }
        let given = given?;
        let same = |label: &String| found.iter().any(|name| name == label);
        if given.iter().all(same) && given.iter().zip(found).any(|(label, name)| label != name) {
            let message =
                format!("{path} has its classes in the order {}, but `labels` in another", enumerate(found));
            return Some(Problem::new(message).help("leave `labels` out: the dataset names its classes"));
        }
        None
    }

    fn refuses_classes(&self, _path: &Path, _found: &[&str]) -> Option<Problem> {
        None
    }

    fn relabel(
        &self,
        path: &Path,
        targets: &mut Targets,
        found: &[String],
        known: &[String],
    ) -> Result<(), Problem> {
        let classes = known_classes(path, found, known)?;
        let mut relabelled = Vec::with_capacity(targets.len());
        for label in targets.labels() {
            relabelled.push(*classes.get(usize::from(label)).ok_or_else(|| {
                let path = path.display();
                let message = format!("{path} names {} classes, but has label {label}", classes.len());
                Problem::new(message).help("copy or download it again")
            })?);
        }
        *targets = relabelled.into();
        Ok(())
    }

    fn groups(&self, targets: &Targets, outputs: usize) -> Vec<Vec<usize>> {
        let mut classes = vec![Vec::new(); outputs];
        for (index, class) in targets.labels().into_iter().enumerate() {
            classes[usize::from(class)].push(index);
        }
        classes
    }

    fn training_part(&self, part: &Part<'_>) -> Result<(), Problem> {
        let path = part.path.display();
        let (present, absent) = classes_of(part);
        if present.len() == 1 {
            let message = format!("{path} has training images of one class only, {}", present[0]);
            return Err(Problem::new(message).help(
                "a label is a number, 0 for the first class; in CSV it is the last column, or that which a \
                 header calls `label`",
            ));
        }
        if absent.is_empty() {
            return Ok(());
        }
        let message = format!("{path} has no training images of {}", enumerate(&absent));
        let help = if part.is_from_end {
            "`test` takes that number of images from the end: mix the classes in the file, make `test` a \
             share, which is taken of every class, or give the network fewer classes"
        } else {
            "add images of them, or give the network fewer classes"
        };
        Err(Problem::new(message).help(help))
    }

    /// An accuracy says nothing of a class without test images.
    fn test_part(&self, part: &Part<'_>) -> Result<Option<String>, Problem> {
        let (path, images) = (part.path.display(), part.targets.len());
        let (present, absent) = classes_of(part);
        if present.len() == 1 {
            let message = format!(
                "{path} has {images} test images of one class only, {}: an accuracy would say nothing of \
                 the others",
                present[0]
            );
            let help = if part.is_from_end {
                "`test` takes that number of images from the end: mix the classes in the file, or make \
                 `test` a share, which is taken of every class"
            } else {
                "add test images of the other classes"
            };
            return Err(Problem::new(message).help(help));
        }
        Ok((!absent.is_empty()).then(|| {
            format!(
                "{path}: none of the {images} test images is of {}; the accuracy says nothing of them",
                enumerate(&absent)
            )
        }))
    }

    fn measured_part(&self, part: &Part<'_>) -> Option<String> {
        let is_there = presence(part);
        let absent: Vec<&String> = part
            .labels
            .iter()
            .zip(is_there)
            .filter(|(_, is_there)| !is_there)
            .map(|(label, _)| label)
            .collect();
        (!absent.is_empty())
            .then(|| format!("{} has no images of {}", part.path.display(), enumerate(&absent)))
    }

    /// A class is rare if another one has ten times as many images.
    fn imbalance(&self, part: &Part<'_>) -> Option<String> {
        let mut counts = vec![0; part.labels.len()];
        part.targets.labels().into_iter().for_each(|class| counts[usize::from(class)] += 1);
        let most = counts.iter().copied().max()?;
        let largest = counts.iter().position(|count| *count == most)?;
        let rare: Vec<String> = (0..counts.len())
            .filter(|class| 10 * counts[*class] <= most)
            .map(|class| format!("{} ({})", name(class, part.labels), counts[class]))
            .collect();
        (!rare.is_empty()).then(|| {
            format!(
                "few training images are of {}, {most} of {}",
                enumerate(&rare),
                name(largest, part.labels)
            )
        })
    }

    fn firmware_targets(&self, targets: &Targets) -> Result<Vec<u8>, Problem> {
        let bytes: Result<Vec<u8>, _> = targets.labels().into_iter().map(u8::try_from).collect();
        bytes.map_err(|_| Problem::new("test labels over 255 do not fit a byte"))
    }

    fn text(&self, target: &[u8]) -> String {
        target.try_into().map_or_else(|_| String::new(), |class| u16::from_le_bytes(class).to_string())
    }
}

/// A class by its number, or what is wrong with the number.
pub(super) fn class(number: u64, classes: usize) -> Result<u16, String> {
    let known = u16::try_from(number).ok().filter(|class| usize::from(*class) < classes);
    known.ok_or_else(|| {
        format!("label {number} is out of range: the network has {classes} classes, 0 to {}", classes - 1)
    })
}

/// The network's class of each class that a dataset names.
fn known_classes(path: &Path, found: &[String], known: &[String]) -> Result<Vec<u16>, Problem> {
    let class = |name: &String| known.iter().position(|label| label == name);
    let unknown: Vec<String> =
        found.iter().filter(|name| class(name).is_none()).map(|name| format!("`{name}`")).collect();
    if unknown.is_empty() {
        return Ok(found.iter().filter_map(class).map(|class| class as u16).collect());
    }
    let message = format!(
        "{} has classes that the model does not know: {}; the dataset has {}, the model {}",
        path.display(),
        enumerate(&unknown),
        found.join(", "),
        known.join(", ")
    );
    Err(Problem::new(message).help("call the classes what the model calls them, in any order"))
}

/// By class: whether it has images.
fn presence(part: &Part<'_>) -> Vec<bool> {
    let mut is_there = vec![false; part.labels.len()];
    for class in part.targets.labels() {
        is_there[usize::from(class)] = true;
    }
    is_there
}

/// The classes that have images in a part, and those that have none.
fn classes_of(part: &Part<'_>) -> (Vec<String>, Vec<String>) {
    let is_there = presence(part);
    let (present, absent): (Vec<usize>, Vec<usize>) =
        (0..part.labels.len()).partition(|class| is_there[*class]);
    let names = |classes: Vec<usize>| classes.into_iter().map(|class| name(class, part.labels)).collect();
    (names(present), names(absent))
}

/// `class 3`, or `class 3 (three)`.
fn name(class: usize, labels: &[String]) -> String {
    match &labels[class] {
        label if *label == class.to_string() => format!("class {class}"),
        label => format!("class {class} ({label})"),
    }
}
