//! How a network learns to find labels.

use tch::{Kind, Reduction, Tensor};

use super::MultiLabel;
use crate::settings::{ClassWeights, Training};
use crate::task::{Batch, End, Fit, Targets, TrainingRules};

impl TrainingRules for MultiLabel {
    /// For each label, how many images lack it for one that has it.
    fn fit(&self, train: &Targets, outputs: usize, _: &End, settings: &Training) -> Fit {
        let is_balanced = settings.class_weights == ClassWeights::Balanced;
        let weight = |label: usize| {
            let having = train.iter().filter(|target| target[label] == 1).count();
            (train.len() - having).max(1) as f64 / having.max(1) as f64
        };
        let weights = if is_balanced { (0..outputs).map(weight).collect() } else { Vec::new() };
        Fit { weights, ..Fit::default() }
    }

    /// 1 for each label that an image has, `[n, outputs]`.
    fn tensor(&self, batch: Batch<'_>, _: &Fit) -> Tensor {
        let images = batch.targets.len().max(1);
        let labels = Tensor::from_slice(batch.targets.bytes()).to_kind(Kind::Float);
        labels.reshape([images as i64, -1]).to_device(batch.images.device())
    }

    /// Binary cross-entropy.
    fn loss(&self, outputs: &Tensor, targets: &Tensor, fit: &Fit, smoothing: f64) -> Tensor {
        let targets = targets * (1.0 - smoothing) + 0.5 * smoothing;
        let weights: Vec<f32> = fit.weights.iter().map(|weight| *weight as f32).collect();
        let weights = (!weights.is_empty()).then(|| Tensor::from_slice(&weights).to_device(outputs.device()));
        outputs.binary_cross_entropy_with_logits(&targets, None::<Tensor>, weights, Reduction::Mean)
    }

    /// Binary cross-entropy with the softened answers of the other network.
    fn distillation(&self, outputs: &Tensor, taught: &Tensor, _: &Fit, temperature: f64) -> Tensor {
        let (outputs, answers) = (outputs / temperature, (taught / temperature).sigmoid());
        let loss = outputs.binary_cross_entropy_with_logits(
            &answers,
            None::<Tensor>,
            None::<Tensor>,
            Reduction::Mean,
        );
        loss * temperature.powi(2)
    }

    fn answers_of_tensor(&self, outputs: &Tensor, _: &Tensor, _: &Fit) -> Targets {
        let each = outputs.size()[1] as usize;
        let flat = outputs.to_kind(Kind::Double).contiguous().flatten(0, -1);
        Targets::of_values(each, Vec::<f64>::try_from(flat).expect("a flat tensor of doubles"))
    }
}
