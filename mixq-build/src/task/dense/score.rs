//! The class that a network answers for each pixel, and how well masks agree.

use mixq_format::{Accuracy, Figures, PixelFigures, Readout, argmax};

use super::cover::counts;
use super::{Dense, IGNORED, MOST_CLASSES};
use crate::task::{Made, Outputs, ScoreRules, Targets, vectors};

/// The share of the pixels by which two masks may differ and still be one answer.
const SAME: f64 = 0.01;

impl ScoreRules for Dense {
    fn answers(&self, outputs: &Outputs<'_>) -> Targets {
        let output = &outputs.header.output;
        let pixels = outputs.values.chunks(usize::from(output.channels).max(1));
        Targets::new(output.pixels(), pixels.map(|pixel| argmax(pixel) as u8).collect())
    }

    fn readout(&self, _: &Made<'_>) -> Readout {
        Readout::default()
    }

    fn measure(&self) -> &'static str {
        "mean IoU"
    }

    fn shown(&self, score: f64) -> String {
        format!("{:.2} %", 100.0 * score)
    }

    /// The mean intersection over union of all classes that are there or are answered.
    fn score(&self, answers: &Targets, targets: &Targets) -> f64 {
        PixelFigures::mean_iou(&by_class(answers, targets))
    }

    fn figures(&self, answers: &Targets, targets: &Targets, _: &Readout) -> Option<Figures> {
        (!targets.is_empty()).then(|| Figures::Dense(by_class(answers, targets)))
    }

    /// Masks that differ in more than a hundredth of the pixels that count.
    fn disagreements(&self, one: &Targets, other: &Targets, targets: &Targets) -> usize {
        let masks = one.iter().zip(other.iter()).zip(targets.iter());
        let differ = |((one, other), target): &((&[u8], &[u8]), &[u8])| {
            let pixels = one.iter().zip(*other).zip(*target).filter(|(_, target)| **target != IGNORED);
            let (mut count, mut different) = (0, 0);
            for ((one, other), _) in pixels {
                count += 1;
                different += usize::from(one != other);
            }
            different as f64 > SAME * f64::from(count)
        };
        masks.filter(differ).count()
    }

    fn no_better_than_guessing(
        &self,
        what: &str,
        score: f64,
        targets: &Targets,
        labels: &[String],
    ) -> Option<String> {
        let counts = counts(targets, labels.len());
        let all: u64 = counts.iter().sum();
        let most = (0..counts.len()).max_by_key(|class| (counts[*class], std::cmp::Reverse(*class)))?;
        // The class that is always answered has the IoU of its share, all others that are there have 0.
        let present = counts.iter().filter(|count| **count > 0).count().max(1);
        let guessed = counts[most] as f64 / all.max(1) as f64 / present as f64;
        (score <= guessed && score < 1.0).then(|| {
            format!(
                "{what} {} is not better than always answering `{}` ({} on the {} test images)",
                self.shown(score),
                labels[most],
                self.shown(guessed),
                targets.len()
            )
        })
    }

    fn warning(&self, accuracy: &Accuracy, targets: &Targets, labels: &[String]) -> Option<String> {
        vectors::warning(self, accuracy, targets, labels)
    }
}

/// The figures of each class, up to the last one that is there or is answered.
fn by_class(answers: &Targets, targets: &Targets) -> Vec<PixelFigures> {
    let mut classes = vec![PixelFigures::default(); MOST_CLASSES];
    let mut last = 0;
    for (answer, target) in answers.bytes().iter().zip(targets.bytes()) {
        if *target == IGNORED {
            continue;
        }
        let (answer, target) = (usize::from(*answer), usize::from(*target));
        last = last.max(answer + 1).max(target + 1);
        classes[target].pixels += 1;
        classes[answer].answers += 1;
        classes[target].right += u64::from(answer == target);
    }
    classes.truncate(last);
    classes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_count_pixels_that_count() {
        let targets = Targets::new(4, vec![0, 0, 1, 255, 0, 1, 1, 0]);
        let answers = Targets::new(4, vec![0, 1, 1, 1, 0, 1, 0, 0]);
        // Class 0: 4 there, 4 answered, 3 both; class 1: 3, 3, 2.
        let expected = (3.0 / 5.0 + 2.0 / 4.0) / 2.0;
        assert!((Dense.score(&answers, &targets) - expected).abs() < 1e-12);
        let Some(Figures::Dense(found)) = Dense.figures(&answers, &targets, &Readout::default()) else {
            panic!()
        };
        assert_eq!(found[0], PixelFigures { pixels: 4, answers: 4, right: 3 });
        assert_eq!((PixelFigures::accuracy(&found), found[1].iou()), (5.0 / 7.0, Some(0.5)));
        assert_eq!(Dense.score(&targets, &targets), 1.0);
        assert_eq!(Dense.score(&Targets::default(), &Targets::default()), 0.0);
        // What is answered where nothing counts does not matter.
        let other = Targets::new(4, vec![0, 1, 1, 0, 0, 1, 0, 1]);
        assert_eq!(Dense.disagreements(&answers, &other, &targets), 1);
        let all_but = Targets::new(4, vec![0, 1, 1, 0, 0, 1, 0, 0]);
        assert_eq!(Dense.disagreements(&answers, &all_but, &targets), 0);
    }

    #[test]
    fn the_commonest_class_everywhere_is_a_guess() {
        let targets = Targets::new(4, vec![0, 0, 0, 1]);
        let labels = ["ground", "box"].map(String::from);
        let said = |score| Dense.no_better_than_guessing("mean IoU", score, &targets, &labels);
        let score = Dense.score(&Targets::new(4, vec![0; 4]), &targets);
        assert_eq!(score, 0.375);
        let found = said(score).unwrap();
        assert_eq!(
            found,
            "mean IoU 37.50 % is not better than always answering `ground` (37.50 % on the 1 test images)"
        );
        assert_eq!(said(0.38), None);
    }
}
