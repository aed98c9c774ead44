//! How well a network makes images again, and tells abnormal ones.

use mixq_format::{Accuracy, ErrorFigures, ErrorScore, Figures, Readout, Unit};

use super::{ABNORMAL, Reconstruction};
use crate::task::ranking::auc;
use crate::task::{Made, Outputs, ScoreRules, Targets, vectors};

/// The share of the normal validation images that may be over the threshold.
const FALSE_ALARMS: f64 = 0.01;

impl ScoreRules for Reconstruction {
    fn answers(&self, outputs: &Outputs<'_>) -> Targets {
        let unit = outputs.header.readout.units.first().map_or(0.0, |unit| unit.scale);
        Targets::of_values(1, scores(outputs).into_iter().map(|score| score as f64 * unit))
    }

    fn readout(&self, made: &Made<'_>) -> Readout {
        let Made { fit, logit_scale, image_scale, zero_point, elements } = *made;
        let unit = fit.units.first().copied().unwrap_or(Unit { scale: 1.0, offset: 0.0 });
        // 256 squared sixteenths are a squared code.
        let scale = image_scale * image_scale / 256.0 / elements as f64;
        Readout {
            units: vec![Unit { scale, offset: 0.0 }],
            error: Some(ErrorScore::new(
                logit_scale * unit.scale / image_scale,
                zero_point,
                unit.offset / image_scale,
            )),
            ..Readout::default()
        }
    }

    fn has_thresholds(&self) -> bool {
        true
    }

    /// The least score that all but a hundredth of the images do not exceed.
    fn thresholds(&self, outputs: &Outputs<'_>, _targets: &Targets) -> Vec<i64> {
        let mut scores = scores(outputs);
        scores.sort_unstable();
        let place = ((1.0 - FALSE_ALARMS) * scores.len() as f64).ceil() as usize;
        let threshold = scores.get(place.saturating_sub(1)).copied().unwrap_or(0);
        vec![i64::try_from(threshold).unwrap_or(i64::MAX)]
    }

    fn measure(&self) -> &'static str {
        "explained variance"
    }

    fn shown(&self, score: f64) -> String {
        format!("{:.2} %", 100.0 * score)
    }

    /// 1 minus the mean error of normalised images that are not abnormal, whose variance is 1.
    fn score(&self, answers: &Targets, targets: &Targets) -> f64 {
        let [normal, _] = by_kind(answers, targets);
        if normal.is_empty() { 0.0 } else { 1.0 - mean(&normal) }
    }

    fn figures(&self, answers: &Targets, targets: &Targets, readout: &Readout) -> Option<Figures> {
        if targets.is_empty() {
            return None;
        }
        let [normal, abnormal] = by_kind(answers, targets);
        let unit = readout.units.first().map_or(0.0, |unit| unit.scale);
        let threshold =
            readout.thresholds.first().map_or(f64::INFINITY, |threshold| *threshold as f64 * unit);
        let over = |scores: &[f64]| scores.iter().filter(|score| **score > threshold).count() as u64;
        let is_known = targets.iter().any(|target| target == [super::NORMAL]);
        let wanted: Vec<bool> = targets.iter().map(|target| target == [ABNORMAL]).collect();
        Some(Figures::Reconstruction(ErrorFigures {
            mean_squared_error: mean(&normal),
            normal: normal.len() as u64,
            false_alarms: over(&normal),
            abnormal: abnormal.len() as u64,
            found: over(&abnormal),
            auc: auc(&answers.values(), &wanted).filter(|_| is_known),
        }))
    }

    /// Answers that differ by more than a hundredth.
    fn disagreements(&self, one: &Targets, other: &Targets, _: &Targets) -> usize {
        let pairs = one.values().into_iter().zip(other.values());
        pairs.filter(|(one, other)| (one - other).abs() > 0.01 * one.max(*other)).count()
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
                "{what} {} is not better than always making the mean of all pixels (0 % on the {images} test \
                 images)",
                self.shown(score)
            )
        })
    }

    fn warning(&self, accuracy: &Accuracy, targets: &Targets, labels: &[String]) -> Option<String> {
        vectors::warning(self, accuracy, targets, labels)
    }
}

/// The integer score of each image, as the device computes it.
fn scores(outputs: &Outputs<'_>) -> Vec<u64> {
    let Some(error) = outputs.header.readout.error else { return vec![0; outputs.images] };
    let each = outputs.header.output.elements().max(1);
    let images = outputs.values.chunks(each).zip(outputs.pixels.chunks(each));
    images.map(|(made, image)| error.of(made, image)).collect()
}

/// The scores of images that are not abnormal, and of those that are.
fn by_kind(answers: &Targets, targets: &Targets) -> [Vec<f64>; 2] {
    let mut kinds = [Vec::new(), Vec::new()];
    for (score, target) in answers.values().into_iter().zip(targets.iter()) {
        kinds[usize::from(target == [ABNORMAL])].push(score);
    }
    kinds
}

/// 0 of none.
fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}
