//! How a network learns to classify.

use tch::{Kind, Reduction, Tensor};

use super::Classification;
use crate::task::{Batch, Fit, Targets, TrainingRules};

impl TrainingRules for Classification {
    fn fit(&self, _: &Targets, _: usize) -> Fit {
        Fit::default()
    }

    /// The classes, `[n]`.
    fn tensor(&self, batch: Batch<'_>, _: &Fit) -> Tensor {
        let classes: Vec<i64> = batch.targets.labels().into_iter().map(i64::from).collect();
        Tensor::from_slice(&classes).to_device(batch.images.device())
    }

    /// Cross-entropy (label smoothing: arXiv 1512.00567).
    fn loss(&self, outputs: &Tensor, targets: &Tensor, _: &Fit, smoothing: f64) -> Tensor {
        outputs.cross_entropy_loss::<Tensor>(targets, None, Reduction::Mean, -100, smoothing)
    }

    /// Cross-entropy with the softened answers of the other network (arXiv 1503.02531, section 2).
    fn distillation(&self, outputs: &Tensor, taught: &Tensor, temperature: f64) -> Tensor {
        let answers = (taught / temperature).softmax(1, Kind::Float);
        let learned = (outputs / temperature).log_softmax(1, Kind::Float);
        let sum = (answers * learned).sum_dim_intlist(&[1i64][..], false, Kind::Float);
        -sum.mean(Kind::Float) * temperature.powi(2)
    }

    fn answers_of_tensor(&self, outputs: &Tensor, _: &Fit) -> Targets {
        let classes = Vec::<i64>::try_from(outputs.argmax(1, false).to_kind(Kind::Int64));
        classes.expect("a flat tensor of classes").into_iter().map(|class| class as u16).collect()
    }
}
