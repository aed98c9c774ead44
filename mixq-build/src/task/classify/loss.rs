//! How a network learns to classify.

use tch::{Kind, Reduction, Tensor};

use super::Classification;
use crate::settings::{ClassWeights, Training};
use crate::task::{Batch, End, Fit, Targets, TrainingRules};

impl TrainingRules for Classification {
    /// A class counts by how rare it is, so that all classes together weigh as much as before.
    fn fit(&self, train: &Targets, outputs: usize, _: &End, settings: &Training) -> Fit {
        let is_balanced = settings.class_weights == ClassWeights::Balanced;
        let mut counts = vec![0usize; if is_balanced { outputs } else { 0 }];
        if is_balanced {
            train.labels().into_iter().for_each(|class| counts[usize::from(class)] += 1);
        }
        let weight = |count: usize| train.len() as f64 / (outputs * count.max(1)) as f64;
        Fit { weights: counts.into_iter().map(weight).collect(), ..Fit::default() }
    }

    /// The classes, `[n]`.
    fn tensor(&self, batch: Batch<'_>, _: &Fit) -> Tensor {
        let classes: Vec<i64> = batch.targets.labels().into_iter().map(i64::from).collect();
        Tensor::from_slice(&classes).to_device(batch.images.device())
    }

    /// Cross-entropy (label smoothing: arXiv 1512.00567).
    fn loss(&self, outputs: &Tensor, targets: &Tensor, fit: &Fit, smoothing: f64) -> Tensor {
        let weights: Vec<f32> = fit.weights.iter().map(|weight| *weight as f32).collect();
        let weights = (!weights.is_empty()).then(|| Tensor::from_slice(&weights).to_device(outputs.device()));
        outputs.cross_entropy_loss(targets, weights, Reduction::Mean, -100, smoothing)
    }

    /// Cross-entropy with the softened answers of the other network (arXiv 1503.02531, section 2).
    fn distillation(&self, outputs: &Tensor, taught: &Tensor, _: &Fit, temperature: f64) -> Tensor {
        let answers = (taught / temperature).softmax(1, Kind::Float);
        let learned = (outputs / temperature).log_softmax(1, Kind::Float);
        let sum = (answers * learned).sum_dim_intlist(&[1i64][..], false, Kind::Float);
        -sum.mean(Kind::Float) * temperature.powi(2)
    }

    fn answers_of_tensor(&self, outputs: &Tensor, _: &Tensor, _: &Fit) -> Targets {
        let classes = Vec::<i64>::try_from(outputs.argmax(1, false).to_kind(Kind::Int64));
        classes.expect("a flat tensor of classes").into_iter().map(|class| class as u16).collect()
    }
}
