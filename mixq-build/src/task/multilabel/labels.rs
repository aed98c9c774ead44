//! Targets that are sets of labels, and what they must be to learn from.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::Path;

use super::MultiLabel;
use crate::error::Problem;
use crate::task::numbers::{Demand, Numbers};
use crate::task::{Column, DatasetRules, Part, Places, Targets, vectors};
use crate::text::enumerate;

/// What a target must be.
const DEMAND: Demand = Demand { allows: is_flag, what: "0 or 1", target: flags };

fn is_flag(number: f64) -> bool {
    number == 0.0 || number == 1.0
}

fn flags(numbers: &[f64]) -> Vec<u8> {
    numbers.iter().map(|number| u8::from(*number == 1.0)).collect()
}

impl DatasetRules for MultiLabel {
    fn outputs(&self, outputs: usize, labels: Option<&[String]>) -> Vec<Problem> {
        vectors::names(outputs, labels, "labels")
    }

    fn columns(&self, outputs: usize) -> RangeInclusive<usize> {
        outputs..=outputs
    }

    fn takes_vectors(&self) -> bool {
        true
    }

    /// The numbers of the labels.
    fn default_labels(&self, outputs: usize) -> Vec<String> {
        (0..outputs).map(|label| label.to_string()).collect()
    }

    fn target_bytes(&self, outputs: usize) -> usize {
        outputs
    }

    fn is_target(&self, target: &[u8], outputs: usize) -> bool {
        target.len() == outputs && target.iter().all(|flag| *flag <= 1)
    }

    fn push_number(&self, number: u64, outputs: usize, targets: &mut Targets) -> Result<(), String> {
        if outputs != 1 {
            return Err(format!(
                "the target is one number, {number}, but task = \"multi-label\" wants 0 or 1 for each of the \
                 {outputs} outputs; a class for each image is for task = \"classification\""
            ));
        }
        self.push_vector(&[number as f64], outputs, targets)
    }

    fn push_vector(&self, values: &[f64], outputs: usize, targets: &mut Targets) -> Result<(), String> {
        vectors::length(values, outputs)?;
        if let Some(label) = values.iter().position(|value| !is_flag(*value)) {
            return Err(format!(
                "column {label}, counted from 0, is {}, it must be 0 or 1; quantities are for task = \
                 \"regression\"",
                values[label]
            ));
        }
        targets.push(&flags(values));
        Ok(())
    }

    fn column(&self, places: Places) -> Box<dyn Column> {
        Box::new(Numbers::new(places, DEMAND))
    }

    fn refuses_classes(&self, path: &Path, found: &[&str]) -> Option<Problem> {
        Some(vectors::classes(path, found, "multi-label", "0 or 1 for each output"))
    }

    /// Images with the same labels.
    fn groups(&self, targets: &Targets, _outputs: usize) -> Vec<Vec<usize>> {
        let mut groups = BTreeMap::<&[u8], Vec<usize>>::new();
        for (index, target) in targets.iter().enumerate() {
            groups.entry(target).or_default().push(index);
        }
        groups.into_values().collect()
    }

    /// A label that all images have, or none, cannot be learned.
    fn training_part(&self, part: &Part<'_>) -> Result<(), Problem> {
        let names = |wanted: usize| -> Vec<String> {
            let labels = part.labels.iter().zip(counts(part));
            labels.filter(|(_, count)| *count == wanted).map(|(label, _)| format!("`{label}`")).collect()
        };
        let (never, always) = (names(0), names(part.targets.len()));
        let path = part.path.display();
        let message = match (never.is_empty(), always.is_empty()) {
            (true, true) => return Ok(()),
            (false, _) => format!("{path}: no training image has the label {}", enumerate(&never)),
            (true, false) => format!("{path}: all training images have the label {}", enumerate(&always)),
        };
        Err(Problem::new(message).help("add images, or give the network fewer outputs"))
    }

    fn test_part(&self, part: &Part<'_>) -> Result<Option<String>, Problem> {
        Ok(self.measured_part(part))
    }

    fn measured_part(&self, part: &Part<'_>) -> Option<String> {
        let labels = part.labels.iter().zip(counts(part));
        let absent: Vec<String> =
            labels.filter(|(_, count)| *count == 0).map(|(label, _)| format!("`{label}`")).collect();
        (!absent.is_empty()).then(|| {
            let (path, images) = (part.path.display(), part.targets.len());
            let absent = enumerate(&absent);
            format!("{path}: none of the {images} test images has {absent}; the score says nothing of that")
        })
    }

    /// A label is rare if one image in twenty has it, or fewer.
    fn imbalance(&self, part: &Part<'_>) -> Option<String> {
        let images = part.targets.len();
        let labels = part.labels.iter().zip(counts(part));
        let rare: Vec<String> = labels
            .filter(|(_, count)| 20 * count <= images)
            .map(|(label, count)| format!("`{label}` ({count})"))
            .collect();
        (!rare.is_empty()).then(|| format!("few of the {images} training images have {}", enumerate(&rare)))
    }

    /// Labels as bits, the first one the lowest.
    /// A bit a label, the first one in the lowest bit of the first byte.
    fn firmware_targets(&self, targets: &Targets) -> Result<Vec<u8>, Problem> {
        let byte = |flags: &[u8]| flags.iter().enumerate().fold(0, |byte, (at, flag)| byte | flag << at);
        Ok(targets.iter().flat_map(|target| target.chunks(8).map(byte)).collect())
    }

    fn text(&self, target: &[u8]) -> String {
        target.iter().map(u8::to_string).collect::<Vec<_>>().join(",")
    }
}

/// How many images have each label.
fn counts(part: &Part<'_>) -> Vec<usize> {
    let count = |label: usize| part.targets.iter().filter(|target| target[label] == 1).count();
    (0..part.labels.len()).map(count).collect()
}
