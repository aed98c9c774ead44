//! Targets that say whether an image is normal.

use std::ops::RangeInclusive;
use std::path::Path;

use super::{ABNORMAL, NORMAL, Reconstruction, UNKNOWN};
use crate::error::Problem;
use crate::task::numbers::{Demand, Numbers};
use crate::task::{Column, DatasetRules, Part, Places, Targets, vectors};

/// What a target must be, where there is one.
const DEMAND: Demand = Demand {
    allows: |number| number == 0.0 || number == 1.0,
    what: "0 (normal) or 1 (abnormal)",
    target: |numbers| vec![numbers.first().map_or(UNKNOWN, |number| *number as u8)],
};

impl DatasetRules for Reconstruction {
    fn outputs(&self, _outputs: usize, labels: Option<&[String]>) -> Vec<Problem> {
        let wrong = labels.map(|_| {
            Problem::new("`labels` names the outputs, but those of a reconstruction are the image's elements")
                .help("leave it out; `targets` names the column that says 0 (normal) or 1 (abnormal)")
        });
        wrong.into_iter().collect()
    }

    fn columns(&self, _outputs: usize) -> RangeInclusive<usize> {
        0..=1
    }

    fn takes_vectors(&self) -> bool {
        false
    }

    fn default_labels(&self, _outputs: usize) -> Vec<String> {
        Vec::new()
    }

    fn target_bytes(&self, _outputs: usize) -> usize {
        1
    }

    fn is_target(&self, target: &[u8], _outputs: usize) -> bool {
        matches!(target, [NORMAL | ABNORMAL | UNKNOWN])
    }

    fn is_test_only(&self, target: &[u8]) -> bool {
        target == [ABNORMAL]
    }

    fn push_number(&self, number: u64, _outputs: usize, targets: &mut Targets) -> Result<(), String> {
        match u8::try_from(number) {
            Ok(kind @ (NORMAL | ABNORMAL)) => {
                targets.push(&[kind]);
                Ok(())
            }
            _ => Err(format!(
                "label {number} is neither 0 (normal) nor 1 (abnormal), as a reconstruction has it"
            )),
        }
    }

    fn push_vector(&self, values: &[f64], _outputs: usize, targets: &mut Targets) -> Result<(), String> {
        match values {
            [] => targets.push(&[UNKNOWN]),
            [number] if (DEMAND.allows)(*number) => targets.push(&[*number as u8]),
            _ => return Err("a target is neither 0 (normal) nor 1 (abnormal)".to_string()),
        }
        Ok(())
    }

    fn column(&self, places: Places) -> Box<dyn Column> {
        // The column has a name, the outputs have none.
        Box::new(Numbers::new(Places { names: None, ..places }, DEMAND))
    }

    fn found_labels(
        &self,
        _path: &Path,
        _found: &[&str],
        _outputs: usize,
        _given: Option<&[String]>,
    ) -> Option<Problem> {
        None
    }

    fn number_of(&self, name: &str) -> Option<u64> {
        match name {
            "normal" => Some(NORMAL.into()),
            "abnormal" => Some(ABNORMAL.into()),
            _ => None,
        }
    }

    fn refuses_classes(&self, path: &Path, found: &[&str]) -> Option<Problem> {
        let wanted = "0 (normal) or 1 (abnormal), or no targets";
        let problem = vectors::classes(path, found, "reconstruction", wanted);
        Some(problem.help(
            "recordings may have the classes `normal` and `abnormal`; their classes are left out by `files` \
             without {class}, those of images by unlabelled = true",
        ))
    }

    fn relabel(&self, _: &Path, _: &mut Targets, _: &[String], _: &[String]) -> Result<(), Problem> {
        Ok(())
    }

    /// One group: a share is taken from its end. Abnormal images are in no group.
    fn groups(&self, targets: &Targets, _outputs: usize) -> Vec<Vec<usize>> {
        vec![(0..targets.len()).filter(|index| !self.is_test_only(targets.get(*index))).collect()]
    }

    /// A network that has learned to make abnormal images again does not tell them.
    fn training_part(&self, part: &Part<'_>) -> Result<(), Problem> {
        let (path, count) = (part.path.display(), count(part, ABNORMAL));
        if count == 0 {
            return Ok(());
        }
        let message = format!("{path}: {count} images of the training part are abnormal");
        Err(Problem::new(message).help(
            "an autoencoder learns from normal images alone: put the others into the test part; where `test` \
             is a share, that is done",
        ))
    }

    fn test_part(&self, part: &Part<'_>) -> Result<Option<String>, Problem> {
        Ok(self.measured_part(part))
    }

    fn measured_part(&self, part: &Part<'_>) -> Option<String> {
        let (normal, abnormal) = (count(part, NORMAL), count(part, ABNORMAL));
        let missing = match (normal, abnormal) {
            (0, 0) => return None,
            (0, _) => "normal",
            (_, 0) => "abnormal",
            (_, _) => return None,
        };
        let (path, images) = (part.path.display(), part.targets.len());
        Some(format!("{path}: none of the {images} test images is {missing}; there is no AUC"))
    }

    fn imbalance(&self, _part: &Part<'_>) -> Option<String> {
        None
    }

    fn firmware_targets(&self, targets: &Targets) -> Result<Vec<u8>, Problem> {
        Ok(targets.bytes().to_vec())
    }

    fn text(&self, target: &[u8]) -> String {
        match target {
            [NORMAL] => "0".to_string(),
            [ABNORMAL] => "1".to_string(),
            _ => String::new(),
        }
    }
}

/// How many images of a part are of a kind.
fn count(part: &Part<'_>, kind: u8) -> usize {
    part.targets.iter().filter(|target| **target == [kind]).count()
}
