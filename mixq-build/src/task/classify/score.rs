//! The class that a network answers, and how often it is the right one.

use std::collections::BTreeMap;

use mixq_format::{Accuracy, Figures, Readout, argmax};

use super::{Classification, guessing};
use crate::task::{Made, Outputs, ScoreRules, Targets};

impl ScoreRules for Classification {
    fn answers(&self, outputs: &Outputs<'_>) -> Targets {
        largest(outputs.values, outputs.images)
    }

    fn measure(&self) -> &'static str {
        "accuracy"
    }

    fn shown(&self, score: f64) -> String {
        format!("{:.2} %", 100.0 * score)
    }

    fn readout(&self, _: &Made<'_>) -> Readout {
        Readout::default()
    }

    /// The confusion matrix.
    fn figures(&self, answers: &Targets, targets: &Targets, _: &Readout) -> Option<Figures> {
        let mut counts = BTreeMap::<(u16, u16), u32>::new();
        for pair in targets.labels().into_iter().zip(answers.labels()) {
            *counts.entry(pair).or_default() += 1;
        }
        let count = |((class, answer), count): ((u16, u16), u32)| [class.into(), answer.into(), count];
        (!counts.is_empty()).then(|| Figures::Classification(counts.into_iter().map(count).collect()))
    }

    fn score(&self, answers: &Targets, targets: &Targets) -> f64 {
        let right = answers.iter().zip(targets.iter()).filter(|(answer, target)| answer == target);
        right.count() as f64 / targets.len().max(1) as f64
    }

    fn disagreements(&self, one: &Targets, other: &Targets, _: &Targets) -> usize {
        one.iter().zip(other.iter()).filter(|(one, other)| one != other).count()
    }

    fn no_better_than_guessing(
        &self,
        what: &str,
        score: f64,
        targets: &Targets,
        labels: &[String],
    ) -> Option<String> {
        guessing::sentence(what, score, targets, labels)
    }

    fn warning(&self, accuracy: &Accuracy, targets: &Targets, labels: &[String]) -> Option<String> {
        guessing::warning(accuracy, targets, labels)
    }
}

/// The class of the largest output of each image.
fn largest(outputs: &[i32], images: usize) -> Targets {
    let classes = outputs.len().checked_div(images).unwrap_or(0).max(1);
    outputs.chunks(classes).map(|logits| argmax(logits) as u16).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_the_largest_logits_is_the_answer() {
        let answers = largest(&[1, 3, 3, -5, -7, -5], 2);
        assert_eq!(answers.labels(), [1, 0]);
        let score = |targets: [u16; 2]| Classification.score(&answers, &targets.into_iter().collect());
        assert_eq!([score([1, 0]), score([1, 2]), score([0, 1])], [1.0, 0.5, 0.0]);
        assert_eq!(Classification.disagreements(&answers, &Targets::from(vec![1, 1]), &answers), 1);
        assert_eq!(Classification.score(&Targets::default(), &Targets::default()), 0.0);
        assert!(largest(&[], 0).is_empty());
        let targets = Targets::from(vec![0, 0, 1, 0]);
        let answers = Targets::from(vec![0, 1, 1, 1]);
        let found = Classification.figures(&answers, &targets, &Readout::default());
        assert_eq!(found, Some(Figures::Classification(vec![[0, 0, 1], [0, 1, 2], [1, 1, 1]])));
    }
}
