//! Targets that are masks, and what they must be to learn from.

use std::ops::RangeInclusive;
use std::path::Path;

use super::cover::{counts, names};
use super::{Dense, IGNORED, MOST_CLASSES};
use crate::error::Problem;
use crate::task::{Column, Columns, DatasetRules, Mask, Part, Places, Targets, Wrong, vectors};
use crate::text::enumerate;

/// What the task wants.
const WANTED: &str = "a mask for each image: the class of each pixel";

impl DatasetRules for Dense {
    fn outputs(&self, outputs: usize, labels: Option<&[String]>) -> Vec<Problem> {
        let mut problems = vectors::names(outputs, labels, "classes");
        if !(2..=MOST_CLASSES).contains(&outputs) {
            let message =
                format!("the network has {outputs} classes for each pixel, it must have 2 to {MOST_CLASSES}");
            problems.push(Problem::new(message).help("the background counts as a class, usually the first"));
        }
        problems
    }

    fn columns(&self, _outputs: usize) -> RangeInclusive<usize> {
        1..=1
    }

    fn takes_vectors(&self) -> bool {
        false
    }

    fn takes_masks(&self) -> bool {
        true
    }

    /// The numbers of the classes.
    fn default_labels(&self, outputs: usize) -> Vec<String> {
        (0..outputs).map(|class| class.to_string()).collect()
    }

    /// Of a pixel: a mask has one for each pixel of the output.
    fn target_bytes(&self, _outputs: usize) -> usize {
        1
    }

    fn is_target(&self, target: &[u8], outputs: usize) -> bool {
        target.iter().all(|class| *class == IGNORED || usize::from(*class) < outputs)
    }

    fn push_number(&self, number: u64, _outputs: usize, _targets: &mut Targets) -> Result<(), String> {
        Err(format!("the target is one number, {number}; task = \"dense\" wants {WANTED}"))
    }

    fn push_vector(&self, values: &[f64], _outputs: usize, _targets: &mut Targets) -> Result<(), String> {
        Err(format!("the target is {} numbers; task = \"dense\" wants {WANTED}", values.len()))
    }

    /// A mask may be a whole multiple as large as the output. A pixel of the output then has the class that
    /// most counted pixels of its block have, the smallest of equals.
    fn push_mask(
        &self,
        mask: &Mask<'_>,
        grid: [usize; 2],
        outputs: usize,
        targets: &mut Targets,
    ) -> Result<(), String> {
        let Mask { height, width, classes } = *mask;
        let [rows, columns] = grid;
        if height == 0 || width == 0 || !height.is_multiple_of(rows) || !width.is_multiple_of(columns) {
            return Err(format!(
                "the mask has {height}x{width} pixels, but the network answers {rows}x{columns}; a mask has \
                 that size, or a whole multiple of it"
            ));
        }
        if let Some(at) = classes.iter().position(|class| !self.is_target(&[*class], outputs)) {
            return Err(format!(
                "the mask has class {} at row {}, column {}, both counted from 0: the network has {outputs} \
                 classes, 0 to {}; {IGNORED} is a pixel that does not count",
                classes[at],
                at / width,
                at % width,
                outputs - 1
            ));
        }
        let block = [height / rows, width / columns];
        let cells = (0..rows * columns).map(|cell| [cell / columns * block[0], cell % columns * block[1]]);
        let reduced: Vec<u8> = cells.map(|from| most(classes, width, from, block)).collect();
        targets.push(&reduced);
        Ok(())
    }

    fn column(&self, _places: Places) -> Box<dyn Column> {
        Box::new(NoColumn)
    }

    fn refuses_classes(&self, path: &Path, found: &[&str]) -> Option<Problem> {
        let message = format!(
            "{} says a class for each image ({}), but task = \"dense\" wants {WANTED}",
            path.display(),
            enumerate(found)
        );
        Some(Problem::new(message).help("write the dataset as NPZ, or set task = \"classification\""))
    }

    fn relabel(
        &self,
        path: &Path,
        _: &mut Targets,
        found: &[String],
        known: &[String],
    ) -> Result<(), Problem> {
        vectors::columns(path, &found.iter().map(String::as_str).collect::<Vec<_>>(), known.len())
            .map_or(Ok(()), Err)
    }

    /// One group: a share is taken from its end.
    fn groups(&self, targets: &Targets, _outputs: usize) -> Vec<Vec<usize>> {
        vec![(0..targets.len()).collect()]
    }

    /// There must be two classes to tell; a class without pixels is never answered.
    fn training_part(&self, part: &Part<'_>) -> Result<(), Problem> {
        let path = part.path.display();
        let [present, absent] = names(part);
        if present.len() < 2 {
            let there =
                if present.is_empty() { "no class".to_string() } else { format!("{} only", present[0]) };
            let message = format!("{path}: the masks of the training images have pixels of {there}");
            let help = "a mask holds numbers of classes, from 0 on; where the network answers fewer pixels, \
                        each has the class of most pixels of its block";
            return Err(Problem::new(message).help(help));
        }
        if absent.is_empty() {
            return Ok(());
        }
        let message = format!("{path}: no training image has a pixel of {}", enumerate(&absent));
        Err(Problem::new(message).help("add images of them, or give the network fewer classes"))
    }

    fn test_part(&self, part: &Part<'_>) -> Result<Option<String>, Problem> {
        Ok(self.measured_part(part))
    }

    fn measured_part(&self, part: &Part<'_>) -> Option<String> {
        let (path, images) = (part.path.display(), part.targets.len());
        let [_, absent] = names(part);
        (!absent.is_empty()).then(|| {
            format!(
                "{path}: none of the {images} test images has a pixel of {}; the scores say nothing of them",
                enumerate(&absent)
            )
        })
    }

    /// A class is rare if another one has ten times as many pixels.
    fn imbalance(&self, part: &Part<'_>) -> Option<String> {
        let counts = counts(part.targets, part.labels.len());
        let most = counts.iter().copied().max()?;
        let all = counts.iter().sum::<u64>().max(1) as f64;
        let rare = part.labels.iter().zip(&counts).filter(|(_, count)| 10 * **count <= most);
        let rare: Vec<String> =
            rare.map(|(label, count)| format!("`{label}` ({:.1} %)", 100.0 * *count as f64 / all)).collect();
        (!rare.is_empty()).then(|| format!("few pixels of the training images are of {}", enumerate(&rare)))
    }

    /// The masks, as many bytes an image as the output has pixels.
    fn firmware_targets(&self, targets: &Targets) -> Result<Vec<u8>, Problem> {
        Ok(targets.bytes().to_vec())
    }

    fn text(&self, target: &[u8]) -> String {
        target.iter().map(u8::to_string).collect::<Vec<_>>().join(" ")
    }
}

/// The class that most counted pixels of a block have; [`IGNORED`] if none counts.
fn most(classes: &[u8], width: usize, from: [usize; 2], block: [usize; 2]) -> u8 {
    let mut counts = [0usize; MOST_CLASSES];
    for row in from[0]..from[0] + block[0] {
        for class in &classes[row * width + from[1]..][..block[1]] {
            if *class != IGNORED {
                counts[usize::from(*class)] += 1;
            }
        }
    }
    let best = (0..MOST_CLASSES).max_by_key(|class| (counts[*class], std::cmp::Reverse(*class))).unwrap_or(0);
    if counts[best] == 0 { IGNORED } else { best as u8 }
}

/// A CSV file has no masks.
struct NoColumn;

impl Column for NoColumn {
    fn push(&mut self, _row: usize, _fields: &[&[u8]]) {}

    fn targets(&self, _outputs: usize, _labels: &[String]) -> Result<Columns, Wrong> {
        let reason = format!("task = \"dense\" wants {WANTED}, which does not stand in columns");
        Err((vec![(1, reason)], 1))
    }

    fn doubt(&self, _pixels: &[u8], _elements: usize, _outputs: usize) -> Option<String> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(height: usize, width: usize, classes: &[u8], grid: [usize; 2]) -> Result<Vec<u8>, String> {
        let mut targets = Targets::default();
        Dense.push_mask(&Mask { height, width, classes }, grid, 3, &mut targets)?;
        Ok(targets.bytes().to_vec())
    }

    #[test]
    fn a_larger_mask_is_reduced_to_what_most_pixels_are() {
        let mask = [[0, 1, 2, 2], [1, 1, 255, 0], [255, 255, 0, 2], [255, 255, 2, 0]];
        let mask = mask.as_flattened();
        assert_eq!(push(4, 4, mask, [2, 2]), Ok(vec![1, 2, 255, 0]));
        assert_eq!(push(4, 4, mask, [4, 4]), Ok(mask.to_vec()));
        // Four columns become two, rows stay.
        assert_eq!(push(4, 4, mask, [4, 2]), Ok(vec![0, 2, 1, 0, 255, 0, 255, 0]));
        let said = push(4, 4, mask, [3, 4]).unwrap_err();
        assert!(said.starts_with("the mask has 4x4 pixels, but the network answers 3x4"), "{said}");
        let said = push(2, 2, &[0, 1, 3, 0], [2, 2]).unwrap_err();
        assert!(said.starts_with("the mask has class 3 at row 1, column 0"), "{said}");
    }
}
