//! How a network learns to make images again.

use tch::{Kind, Reduction, Tensor};

use super::Reconstruction;
use crate::settings::Training;
use crate::task::{Batch, Fit, Targets, TrainingRules};

impl TrainingRules for Reconstruction {
    fn fit(&self, _: &Targets, _: usize, _: &Training) -> Fit {
        Fit::default()
    }

    /// The normalised images themselves, `[n, elements]`, as they were varied.
    fn tensor(&self, batch: Batch<'_>, _: &Fit) -> Tensor {
        elements(batch.images)
    }

    /// The mean squared error of normalised elements.
    fn loss(&self, outputs: &Tensor, targets: &Tensor, _: &Fit, _smoothing: f64) -> Tensor {
        outputs.mse_loss(targets, Reduction::Mean)
    }

    /// The mean squared distance: elements need no softening.
    fn distillation(&self, outputs: &Tensor, taught: &Tensor, _: &Fit, _temperature: f64) -> Tensor {
        outputs.mse_loss(taught, Reduction::Mean)
    }

    /// The mean squared error of each image.
    fn answers_of_tensor(&self, outputs: &Tensor, images: &Tensor, _: &Fit) -> Targets {
        let error = (outputs - elements(images)).square();
        let scores = error.mean_dim(&[1i64][..], false, Kind::Double);
        Targets::of_values(1, Vec::<f64>::try_from(scores).expect("a flat tensor of doubles"))
    }
}

/// Images `[n, channels, height, width]` in the order row, column, channel.
fn elements(images: &Tensor) -> Tensor {
    images.permute([0, 2, 3, 1]).flatten(1, -1)
}
