//! Targets that are quantities, and what they must be to learn from.

use std::ops::RangeInclusive;
use std::path::Path;

use super::Regression;
use crate::error::Problem;
use crate::task::numbers::{Demand, Numbers};
use crate::task::vectors;
use crate::task::{Column, DatasetRules, Part, Places, Targets, values};
use crate::text::enumerate;

/// What a target must be.
const DEMAND: Demand = Demand { allows: |_| true, what: "a finite number", target: values::bytes };

impl DatasetRules for Regression {
    fn outputs(&self, outputs: usize, labels: Option<&[String]>) -> Vec<Problem> {
        vectors::names(outputs, labels, "outputs")
    }

    fn columns(&self, outputs: usize) -> RangeInclusive<usize> {
        outputs..=outputs
    }

    fn takes_vectors(&self) -> bool {
        true
    }

    /// The numbers of the outputs.
    fn default_labels(&self, outputs: usize) -> Vec<String> {
        (0..outputs).map(|output| output.to_string()).collect()
    }

    fn target_bytes(&self, outputs: usize) -> usize {
        outputs * size_of::<f64>()
    }

    fn is_target(&self, target: &[u8], outputs: usize) -> bool {
        target.len() == self.target_bytes(outputs) && values::numbers(target).iter().all(|x| x.is_finite())
    }

    fn push_number(&self, number: u64, outputs: usize, targets: &mut Targets) -> Result<(), String> {
        if outputs != 1 {
            return Err(format!(
                "the target is one number, {number}, but the network has {outputs} outputs, and a regression \
                 wants a number for each"
            ));
        }
        self.push_vector(&[number as f64], outputs, targets)
    }

    fn push_vector(&self, values: &[f64], outputs: usize, targets: &mut Targets) -> Result<(), String> {
        vectors::length(values, outputs)?;
        targets.push(&values::bytes(values));
        Ok(())
    }

    fn column(&self, places: Places) -> Box<dyn Column> {
        Box::new(Numbers::new(places, DEMAND))
    }

    fn refuses_classes(&self, path: &Path, found: &[&str]) -> Option<Problem> {
        Some(vectors::classes(path, found, "regression", "a number for each output"))
    }

    /// One group: a share is taken from its end.
    fn groups(&self, targets: &Targets, _outputs: usize) -> Vec<Vec<usize>> {
        vec![(0..targets.len()).collect()]
    }

    /// A quantity that is the same in all images cannot be learned.
    fn training_part(&self, part: &Part<'_>) -> Result<(), Problem> {
        let constant = constant(part);
        if constant.is_empty() {
            return Ok(());
        }
        let message = format!("{}: in all training images {}", part.path.display(), enumerate(&constant));
        Err(Problem::new(message).help("leave the target out, or add images in which it differs"))
    }

    fn test_part(&self, part: &Part<'_>) -> Result<Option<String>, Problem> {
        Ok(self.measured_part(part))
    }

    fn measured_part(&self, part: &Part<'_>) -> Option<String> {
        let constant = constant(part);
        (!constant.is_empty()).then(|| {
            format!(
                "{}: in all {} test images {}; R^2 says nothing of that",
                part.path.display(),
                part.targets.len(),
                enumerate(&constant)
            )
        })
    }

    fn imbalance(&self, _part: &Part<'_>) -> Option<String> {
        None
    }

    /// Floats of 32 bits, low byte first, one for each output.
    fn firmware_targets(&self, targets: &Targets) -> Result<Vec<u8>, Problem> {
        Ok(targets.values().into_iter().flat_map(|value| (value as f32).to_le_bytes()).collect())
    }

    fn text(&self, target: &[u8]) -> String {
        values::numbers(target).iter().map(f64::to_string).collect::<Vec<_>>().join(",")
    }
}

/// `` output `height` is 3 `` for each output whose targets are all equal.
fn constant(part: &Part<'_>) -> Vec<String> {
    let outputs = part.labels.iter().enumerate().filter_map(|(output, label)| {
        let values = part.targets.values_of(output);
        let first = *values.first()?;
        values.iter().all(|value| *value == first).then(|| format!("output `{label}` is {first}"))
    });
    outputs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn firmware_has_targets_as_floats() {
        let targets = Targets::of_values(2, [1.5, -2.0, 0.1, 3e9]);
        let bytes = Regression.firmware_targets(&targets).unwrap();
        // IEEE 754, from a table.
        assert_eq!(bytes[..8], [0x00, 0x00, 0xc0, 0x3f, 0x00, 0x00, 0x00, 0xc0]);
        assert_eq!(bytes[8..], [0xcd, 0xcc, 0xcc, 0x3d, 0x5e, 0xd0, 0x32, 0x4f]);
    }
}
