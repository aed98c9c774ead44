//! How a network learns a class for each pixel.

use tch::{Kind, Reduction, Tensor};

use super::cover::counts;
use super::{Dense, IGNORED};
use crate::settings::{ClassWeights, Training};
use crate::task::{Batch, End, Fit, Targets, TrainingRules};

impl TrainingRules for Dense {
    /// A class counts by how rare its pixels are, so that all pixels together weigh as much as before.
    fn fit(&self, train: &Targets, outputs: usize, _: &End, settings: &Training) -> Fit {
        let mut fit = Fit { channels: outputs as i64, ..Fit::default() };
        if settings.class_weights == ClassWeights::Balanced {
            let counts = counts(train, outputs);
            let all: u64 = counts.iter().sum();
            let weight = |count: u64| all as f64 / (outputs as u64 * count.max(1)) as f64;
            fit.weights = counts.into_iter().map(weight).collect();
        }
        fit
    }

    /// The classes, `[n, pixels]`.
    fn tensor(&self, batch: Batch<'_>, _: &Fit) -> Tensor {
        let classes = Tensor::from_slice(batch.targets.bytes()).to_device(batch.images.device());
        classes.to_kind(Kind::Int64).reshape([batch.targets.len() as i64, -1])
    }

    /// The mean cross-entropy of the pixels that count; 0 if none does.
    fn loss(&self, outputs: &Tensor, targets: &Tensor, fit: &Fit, smoothing: f64) -> Tensor {
        let weights: Vec<f32> = fit.weights.iter().map(|weight| *weight as f32).collect();
        let weights = (!weights.is_empty()).then(|| Tensor::from_slice(&weights).to_device(outputs.device()));
        let (pixels, classes) = (by_pixel(outputs, fit), targets.flatten(0, -1));
        if classes.ne(i64::from(IGNORED)).any().int64_value(&[]) == 0 {
            return outputs.sum(Kind::Float) * 0.0;
        }
        pixels.cross_entropy_loss(&classes, weights, Reduction::Mean, i64::from(IGNORED), smoothing)
    }

    /// Cross-entropy with the softened answers of the other network for each pixel (arXiv 1503.02531).
    fn distillation(&self, outputs: &Tensor, taught: &Tensor, fit: &Fit, temperature: f64) -> Tensor {
        let answers = (by_pixel(taught, fit) / temperature).softmax(1, Kind::Float);
        let learned = (by_pixel(outputs, fit) / temperature).log_softmax(1, Kind::Float);
        let sum = (answers * learned).sum_dim_intlist(&[1i64][..], false, Kind::Float);
        -sum.mean(Kind::Float) * temperature.powi(2)
    }

    fn answers_of_tensor(&self, outputs: &Tensor, _: &Tensor, fit: &Fit) -> Targets {
        let classes = by_pixel(outputs, fit).argmax(1, false).to_kind(Kind::Uint8).contiguous();
        let classes = Vec::<u8>::try_from(classes).expect("a flat tensor of classes");
        let pixels = classes.len() / (outputs.size()[0] as usize).max(1);
        Targets::new(pixels, classes)
    }
}

/// The outputs of each pixel of all images, `[n pixels, classes]`.
fn by_pixel(outputs: &Tensor, fit: &Fit) -> Tensor {
    outputs.reshape([-1, fit.channels])
}
