//! How near the quantities are that a network predicts.

use mixq_format::{Accuracy, Figures, Readout, Unit, ValueFigures};

use super::Regression;
use crate::task::{Made, Outputs, ScoreRules, Targets, vectors};

/// Share of the range of an output's targets by which two answers may differ and still be one.
const SAME: f64 = 0.001;

impl ScoreRules for Regression {
    fn answers(&self, outputs: &Outputs<'_>) -> Targets {
        let units = &outputs.header.readout.units;
        let real = outputs.values.iter().zip(units.iter().cycle());
        Targets::of_values(units.len(), real.map(|(value, unit)| unit.real(f64::from(*value))))
    }

    /// The integer outputs count logits, the trained ones standard deviations.
    fn readout(&self, made: &Made<'_>) -> Readout {
        let unit = |unit: &Unit| Unit { scale: made.logit_scale * unit.scale, ..*unit };
        Readout { units: made.fit.units.iter().map(unit).collect(), ..Readout::default() }
    }

    fn measure(&self) -> &'static str {
        "R^2"
    }

    fn shown(&self, score: f64) -> String {
        format!("{score:.4}")
    }

    /// The mean R^2 of all outputs.
    fn score(&self, answers: &Targets, targets: &Targets) -> f64 {
        let values = by_output(answers, targets);
        values.iter().map(|value| value.r2).sum::<f64>() / values.len().max(1) as f64
    }

    fn figures(&self, answers: &Targets, targets: &Targets, _: &Readout) -> Option<Figures> {
        (!targets.is_empty()).then(|| Figures::Regression(by_output(answers, targets)))
    }

    fn disagreements(&self, one: &Targets, other: &Targets, targets: &Targets) -> usize {
        let ranges: Vec<f64> =
            by_output(one, targets).iter().map(|value| value.largest - value.least).collect();
        let outputs = ranges.len().max(1);
        let (one, other) = (one.values(), other.values());
        one.chunks(outputs)
            .zip(other.chunks(outputs))
            .filter(|(one, other)| {
                let mut pairs = one.iter().zip(*other).zip(&ranges);
                pairs.any(|((one, other), range)| (one - other).abs() > SAME * range)
            })
            .count()
    }

    fn no_better_than_guessing(
        &self,
        what: &str,
        score: f64,
        targets: &Targets,
        _labels: &[String],
    ) -> Option<String> {
        let images = targets.len();
        (score <= 0.0).then(|| {
            format!(
                "{what} {score:.4} is not better than always answering the mean of the targets (0 on the \
                 {images} test images)"
            )
        })
    }

    fn warning(&self, accuracy: &Accuracy, targets: &Targets, labels: &[String]) -> Option<String> {
        vectors::warning(self, accuracy, targets, labels)
    }
}

/// The figures of each output; none without images.
fn by_output(answers: &Targets, targets: &Targets) -> Vec<ValueFigures> {
    let outputs = targets.iter().next().map_or(0, |target| target.len() / size_of::<f64>());
    (0..outputs).map(|output| figures(&answers.values_of(output), &targets.values_of(output))).collect()
}

/// Where all targets are equal R^2 is 1 if all answers are right, else 0.
fn figures(answers: &[f64], targets: &[f64]) -> ValueFigures {
    let count = targets.len() as f64;
    let mean = targets.iter().sum::<f64>() / count;
    let pairs = || answers.iter().zip(targets);
    let error: f64 = pairs().map(|(answer, target)| (answer - target).powi(2)).sum();
    let spread: f64 = targets.iter().map(|target| (target - mean).powi(2)).sum();
    let least = targets.iter().copied().fold(f64::INFINITY, f64::min);
    let largest = targets.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let r2 = if least < largest { 1.0 - error / spread } else { f64::from(u8::from(error == 0.0)) };
    let mean_absolute_error = pairs().map(|(answer, target)| (answer - target).abs()).sum::<f64>() / count;
    ValueFigures { r2, mean_absolute_error, least, largest }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(each: usize, values: &[f64]) -> Targets {
        Targets::of_values(each, values.iter().copied())
    }

    /// R^2 as the squared correlation, which it is for answers of a least-squares line.
    #[test]
    fn r2_of_a_fitted_line_is_the_squared_correlation() {
        let x: Vec<f64> = (0..40).map(|i| f64::from(i % 13) + 0.1 * f64::from(i)).collect();
        let y: Vec<f64> = x.iter().enumerate().map(|(i, x)| 3.0 * x + f64::from(i as u8 % 7)).collect();
        let n = x.len() as f64;
        let sum = |values: &[f64]| values.iter().sum::<f64>();
        let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let xy = n * product(&x, &y) - sum(&x) * sum(&y);
        let (xx, yy) = (n * product(&x, &x) - sum(&x).powi(2), n * product(&y, &y) - sum(&y).powi(2));
        let slope = xy / xx;
        let offset = (sum(&y) - slope * sum(&x)) / n;
        let line: Vec<f64> = x.iter().map(|x| slope * x + offset).collect();
        let found = Regression.score(&targets(1, &line), &targets(1, &y));
        assert!((found - xy * xy / (xx * yy)).abs() < 1e-9, "{found}");
    }

    #[test]
    fn outputs_count_alike_whatever_their_units() {
        // Output 0 is right; output 1, a thousand times as large, answers its mean.
        let answers = targets(2, &[1.0, 2000.0, 3.0, 2000.0]);
        let expected = targets(2, &[1.0, 1000.0, 3.0, 3000.0]);
        assert!((Regression.score(&answers, &expected) - 0.5).abs() < 1e-12);
        let Some(Figures::Regression(found)) = Regression.figures(&answers, &expected, &Readout::default())
        else {
            panic!()
        };
        assert_eq!((found[1].r2, found[1].mean_absolute_error), (0.0, 1000.0));
        assert_eq!((found[1].least, found[1].largest), (1000.0, 3000.0));
        assert!(Regression.no_better_than_guessing("R^2", 0.0, &expected, &[]).is_some());
        assert!(Regression.no_better_than_guessing("R^2", 0.5, &expected, &[]).is_none());
    }

    #[test]
    fn answers_that_differ_by_more_than_a_thousandth_of_the_range_disagree() {
        let expected = targets(2, &[0.0, 0.0, 10.0, 1.0]);
        let one = targets(2, &[0.0, 0.0, 10.0, 1.0]);
        let count = |values: &[f64]| Regression.disagreements(&one, &targets(2, values), &expected);
        assert_eq!(count(&[0.009, 0.0009, 10.0, 1.0]), 0);
        assert_eq!(count(&[0.011, 0.0, 10.0, 1.0011]), 2);
        assert_eq!(count(&[0.0, 0.0, 10.0, 1.0011]), 1);
    }

    #[test]
    fn targets_that_are_all_equal_give_no_infinite_score() {
        let expected = targets(1, &[2.0, 2.0]);
        assert_eq!(Regression.score(&expected, &expected), 1.0);
        assert_eq!(Regression.score(&targets(1, &[2.0, 2.5]), &expected), 0.0);
        assert_eq!(Regression.score(&Targets::default(), &Targets::default()), 0.0);
    }
}
