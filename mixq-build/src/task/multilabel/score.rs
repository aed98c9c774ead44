//! How well a network finds labels.

use mixq_format::{Accuracy, Figures, LabelFigures, Readout};

use super::{MultiLabel, thresholds};
use crate::task::ranking::average_precision;
use crate::task::{Made, Outputs, ScoreRules, Targets, values, vectors};

impl ScoreRules for MultiLabel {
    /// Logits above their thresholds.
    fn answers(&self, outputs: &Outputs<'_>) -> Targets {
        let thresholds = &outputs.header.readout.thresholds;
        let each = usize::from(outputs.header.output.channels);
        let value = |(index, logit): (usize, &i32)| {
            f64::from(*logit) - thresholds.get(index % each).map_or(0.0, |threshold| *threshold as f64)
        };
        Targets::of_values(each, outputs.values.iter().enumerate().map(value))
    }

    /// A label of which the network is sure by half or more.
    fn as_targets(&self, answers: Targets) -> Targets {
        let each = answers.iter().next().map_or(0, <[u8]>::len) / size_of::<f64>();
        Targets::new(each, answers.values().into_iter().map(|logit| u8::from(logit > 0.0)).collect())
    }

    fn readout(&self, _: &Made<'_>) -> Readout {
        Readout::default()
    }

    fn has_thresholds(&self) -> bool {
        true
    }

    fn thresholds(&self, outputs: &Outputs<'_>, targets: &Targets) -> Vec<i64> {
        let each = usize::from(outputs.header.output.channels);
        let label = |label: usize| {
            let logits: Vec<i32> = outputs.values.iter().skip(label).step_by(each).copied().collect();
            thresholds::best(&logits, &having(targets, label)).into()
        };
        (0..each).map(label).collect()
    }

    fn measure(&self) -> &'static str {
        "mean average precision"
    }

    fn shown(&self, score: f64) -> String {
        format!("{:.2} %", 100.0 * score)
    }

    /// The mean over all labels that an image has.
    fn score(&self, answers: &Targets, targets: &Targets) -> f64 {
        let labels = by_label(answers, targets);
        let found: Vec<f64> =
            labels.iter().filter(|label| label.images > 0).map(|label| label.average_precision).collect();
        found.iter().sum::<f64>() / found.len().max(1) as f64
    }

    fn figures(&self, answers: &Targets, targets: &Targets, _: &Readout) -> Option<Figures> {
        (!targets.is_empty()).then(|| Figures::MultiLabel(by_label(answers, targets)))
    }

    fn disagreements(&self, one: &Targets, other: &Targets, _: &Targets) -> usize {
        let found = |answer: &[u8]| values::numbers(answer).iter().map(|x| *x > 0.0).collect::<Vec<bool>>();
        one.iter().zip(other.iter()).filter(|(one, other)| found(one) != found(other)).count()
    }

    /// Any order of the images has about the average precision that is the share of images with the label.
    fn no_better_than_guessing(
        &self,
        what: &str,
        score: f64,
        targets: &Targets,
        _labels: &[String],
    ) -> Option<String> {
        let outputs = targets.iter().next().map_or(0, <[u8]>::len);
        let shares = (0..outputs).map(|label| {
            having(targets, label).iter().filter(|has| **has).count() as f64 / targets.len() as f64
        });
        let shares: Vec<f64> = shares.filter(|share| *share > 0.0).collect();
        let share = shares.iter().sum::<f64>() / shares.len().max(1) as f64;
        // A twentieth of what is above: orders differ by chance.
        (score < share + 0.05 * (1.0 - share)).then(|| {
            format!(
                "{what} {} is not clearly better than any order of the {} test images has ({})",
                self.shown(score),
                targets.len(),
                self.shown(share)
            )
        })
    }

    fn warning(&self, accuracy: &Accuracy, targets: &Targets, labels: &[String]) -> Option<String> {
        vectors::warning(self, accuracy, targets, labels)
    }
}

/// Which images have a label.
fn having(targets: &Targets, label: usize) -> Vec<bool> {
    targets.iter().map(|target| target[label] == 1).collect()
}

/// The figures of each label; none without images.
fn by_label(answers: &Targets, targets: &Targets) -> Vec<LabelFigures> {
    let outputs = targets.iter().next().map_or(0, <[u8]>::len);
    let figures = |label: usize| {
        let (values, having) = (answers.values_of(label), having(targets, label));
        let said = values.iter().map(|value| *value > 0.0);
        LabelFigures {
            images: having.iter().filter(|has| **has).count() as u64,
            answers: said.clone().filter(|said| *said).count() as u64,
            right: said.zip(&having).filter(|(said, has)| *said && **has).count() as u64,
            average_precision: average_precision(&values, &having),
        }
    };
    (0..outputs).map(figures).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_counted_and_ranked() {
        let targets = Targets::new(2, vec![1, 0, 1, 0, 0, 0, 0, 0]);
        let answers = Targets::of_values(2, [3.0, -1.0, -1.0, 2.0, 1.0, -4.0, -2.0, -1.0]);
        let labels = by_label(&answers, &targets);
        assert_eq!((labels[0].images, labels[0].answers, labels[0].right), (2, 2, 1));
        assert_eq!((labels[0].precision(), labels[0].recall(), labels[0].f1()), (0.5, 0.5, 0.5));
        // Places 1 and 3 of 4: (1/1 + 2/3) / 2.
        assert!((labels[0].average_precision - 5.0 / 6.0).abs() < 1e-12);
        assert_eq!((labels[1].images, labels[1].answers, labels[1].f1()), (0, 1, 0.0));
        // A label that no image has does not count.
        assert!((MultiLabel.score(&answers, &targets) - 5.0 / 6.0).abs() < 1e-12);
        assert_eq!(MultiLabel.score(&Targets::default(), &Targets::default()), 0.0);
        let other = Targets::of_values(2, [9.0, -9.0, -9.0, 9.0, 9.0, 9.0, -9.0, -9.0]);
        assert_eq!(MultiLabel.disagreements(&answers, &other, &targets), 1);
        assert!(MultiLabel.no_better_than_guessing("score", 0.51, &targets, &[]).is_some());
        assert!(MultiLabel.no_better_than_guessing("score", 0.8, &targets, &[]).is_none());
    }
}
