//! How the integers that a network writes are read, and how good they are in detail.

use serde::{Deserialize, Serialize};

use crate::{ErrorScore, Task};

/// How outputs are read. What a task does not need is empty.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Readout {
    /// The quantity that each output of a regression stands for; of a reconstruction that of the score, the
    /// mean squared error of a normalised image.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub units: Vec<Unit>,
    /// The integer that an output must exceed to say yes: that of each label, or the score of an abnormal
    /// image.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub thresholds: Vec<i64>,
    /// How the score of a reconstruction is computed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorScore>,
    /// How good the integer network is on the test part, beyond the one score.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub figures: Option<Figures>,
}

/// The quantity that an output stands for: `scale * output + offset`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unit {
    /// What one unit of the output is worth, over 0.
    pub scale: f64,
    /// The quantity for which the output is 0.
    pub offset: f64,
}

impl Unit {
    /// The quantity that an output stands for.
    pub fn real(&self, output: f64) -> f64 {
        self.scale * output + self.offset
    }
}

/// How good a network is on some images, by task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Figures {
    /// Of a classification: class, answer and number of images, for each pair that occurs.
    Classification(Vec<[u32; 3]>),
    /// Of a multi-label network, by label.
    MultiLabel(Vec<LabelFigures>),
    /// Of a regression, by output.
    Regression(Vec<ValueFigures>),
    /// Of a reconstruction.
    Reconstruction(ErrorFigures),
    /// Of a dense network, by class.
    Dense(Vec<PixelFigures>),
}

/// How well a dense network finds the pixels of a class. Pixels that do not count are left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PixelFigures {
    /// Pixels of the class.
    pub pixels: u64,
    /// Pixels that are taken for it.
    pub answers: u64,
    /// Pixels of it that are.
    pub right: u64,
}

impl PixelFigures {
    /// Intersection over union, 0 to 1: the share of the pixels that are of the class, or are taken for it,
    /// that are both. `None` if there are none.
    pub fn iou(&self) -> Option<f64> {
        let union = self.pixels + self.answers - self.right;
        (union > 0).then(|| self.right as f64 / union as f64)
    }

    /// The mean of all classes that have one; 0 if none has.
    pub fn mean_iou(classes: &[PixelFigures]) -> f64 {
        let all: Vec<f64> = classes.iter().filter_map(PixelFigures::iou).collect();
        all.iter().sum::<f64>() / all.len().max(1) as f64
    }

    /// The share of the pixels of all classes that are taken for what they are; 0 without pixels.
    pub fn accuracy(classes: &[PixelFigures]) -> f64 {
        let sum = |of: fn(&PixelFigures) -> u64| classes.iter().map(of).sum::<u64>();
        sum(|class| class.right) as f64 / sum(|class| class.pixels).max(1) as f64
    }
}

/// How good an output of a multi-label network is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelFigures {
    /// Images that have the label.
    pub images: u64,
    /// Images of which the network says so, by its threshold.
    pub answers: u64,
    /// Images of which it says so rightly.
    pub right: u64,
    /// Average precision: the mean precision over all thresholds, weighted by what each adds to the recall. 0
    /// where no image has the label.
    pub average_precision: f64,
}

impl LabelFigures {
    /// Share of the answers that are right, 0 to 1; 0 without answers.
    pub fn precision(&self) -> f64 {
        self.right as f64 / self.answers.max(1) as f64
    }

    /// Share of the images with the label that are found, 0 to 1; 0 without images.
    pub fn recall(&self) -> f64 {
        self.right as f64 / self.images.max(1) as f64
    }

    /// The harmonic mean of precision and recall.
    pub fn f1(&self) -> f64 {
        2.0 * self.right as f64 / (self.images + self.answers).max(1) as f64
    }
}

/// How good a reconstruction is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorFigures {
    /// The mean score of images that are not abnormal: the mean squared error of a normalised image.
    pub mean_squared_error: f64,
    /// Images that are normal, or of which that is not known.
    pub normal: u64,
    /// Those of them that are taken for abnormal, by the threshold.
    pub false_alarms: u64,
    /// Images that are abnormal.
    pub abnormal: u64,
    /// Those of them that are found, by the threshold.
    pub found: u64,
    /// The share of pairs of an abnormal and a normal image of which the abnormal one has the larger score,
    /// if there are images of both kinds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub auc: Option<f64>,
}

/// How good an output of a regression is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValueFigures {
    /// The coefficient of determination R^2: 1 minus the squared error over that of the targets' mean.
    pub r2: f64,
    /// Mean absolute error, in units of the targets.
    pub mean_absolute_error: f64,
    /// The least target.
    pub least: f64,
    /// The largest target.
    pub largest: f64,
}

impl Readout {
    /// Whether nothing is to be said.
    pub fn is_empty(&self) -> bool {
        *self == Readout::default()
    }

    /// What is wrong with it for a network of this task and number of outputs.
    pub(crate) fn check(&self, task: Task, outputs: usize) -> Result<(), String> {
        let (units, thresholds, has_error) = match task {
            Task::Classification | Task::Dense => (0, 0, false),
            Task::MultiLabel => (0, outputs, false),
            Task::Regression => (outputs, 0, false),
            Task::Reconstruction => (1, 1, true),
        };
        let found = (self.units.len(), self.thresholds.len(), self.error.is_some());
        if found != (units, thresholds, has_error) {
            return Err(format!(
                "it has {} units and {} thresholds, a {} network of {outputs} outputs has {units} and \
                 {thresholds}",
                found.0,
                found.1,
                task.name()
            ));
        }
        let fits = |threshold: &i64| match task {
            Task::MultiLabel => i32::try_from(*threshold).is_ok(),
            Task::Classification | Task::Regression | Task::Reconstruction | Task::Dense => *threshold >= 0,
        };
        if !self.thresholds.iter().all(fits) || self.error.is_some_and(|error| error.shift > 62) {
            return Err("a threshold or a shift is out of range".to_string());
        }
        let is_wrong = |unit: &Unit| !(unit.scale.is_finite() && unit.scale > 0.0 && unit.offset.is_finite());
        match self.units.iter().position(is_wrong) {
            Some(output) => Err(format!("the unit of output {output} is not a positive number")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_task_has_what_its_outputs_are_read_by() {
        let unit = Unit { scale: 0.5, offset: -3.0 };
        let error = Some(ErrorScore::new(0.01, 128, 127.5));
        let right = [
            (Task::Classification, Readout::default()),
            (Task::MultiLabel, Readout { thresholds: vec![0, -7], ..Readout::default() }),
            (Task::Regression, Readout { units: vec![unit; 2], ..Readout::default() }),
            (
                Task::Reconstruction,
                Readout { units: vec![unit], thresholds: vec![9], error, ..Readout::default() },
            ),
        ];
        for (task, readout) in &right {
            assert_eq!(readout.check(*task, 2), Ok(()));
            for (other, wrong) in &right {
                assert_eq!(wrong.check(*task, 2).is_ok(), task == other, "{task:?} {other:?}");
            }
        }
        let wrong = |readout: Readout, task: Task| readout.check(task, 2).unwrap_err();
        for unit in [Unit { scale: 0.0, ..unit }, Unit { offset: f64::NAN, ..unit }] {
            let readout = Readout { units: vec![right[2].1.units[0], unit], ..Readout::default() };
            assert_eq!(wrong(readout, Task::Regression), "the unit of output 1 is not a positive number");
        }
        let readout = Readout { thresholds: vec![0, 1 << 31], ..Readout::default() };
        assert_eq!(wrong(readout, Task::MultiLabel), "a threshold or a shift is out of range");
        let readout = Readout { thresholds: vec![-1], ..right[3].1.clone() };
        assert_eq!(wrong(readout, Task::Reconstruction), "a threshold or a shift is out of range");
    }

    #[test]
    fn labels_are_counted() {
        let figures = LabelFigures { images: 8, answers: 5, right: 4, average_precision: 0.5 };
        assert_eq!((figures.precision(), figures.recall()), (0.8, 0.5));
        assert!((figures.f1() - 2.0 / (1.0 / 0.8 + 1.0 / 0.5)).abs() < 1e-12);
        let none = LabelFigures { images: 0, answers: 0, right: 0, average_precision: 0.0 };
        assert_eq!((none.precision(), none.recall(), none.f1()), (0.0, 0.0, 0.0));
    }
}
