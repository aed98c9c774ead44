//! How a network learns to make images again.

use mixq_format::Unit;
use tch::{Kind, Reduction, Tensor};

use super::Reconstruction;
use crate::settings::Training;
use crate::task::{Batch, End, Fit, Targets, TrainingRules};

impl TrainingRules for Reconstruction {
    /// All codes of an image lie in the range of the last layer's function.
    fn fit(&self, _: &Targets, _: usize, end: &End, _: &Training) -> Fit {
        Fit { units: vec![unit(end)], ..Fit::default() }
    }

    /// The normalised images themselves, `[n, elements]`, as they were varied.
    fn tensor(&self, batch: Batch<'_>, _: &Fit) -> Tensor {
        elements(batch.images)
    }

    /// The mean squared error of normalised elements.
    fn loss(&self, outputs: &Tensor, targets: &Tensor, fit: &Fit, _smoothing: f64) -> Tensor {
        normalised(outputs, fit).mse_loss(targets, Reduction::Mean)
    }

    /// The mean squared distance: elements need no softening.
    fn distillation(&self, outputs: &Tensor, taught: &Tensor, fit: &Fit, _temperature: f64) -> Tensor {
        normalised(outputs, fit).mse_loss(&normalised(taught, fit), Reduction::Mean)
    }

    /// The mean squared error of each image.
    fn answers_of_tensor(&self, outputs: &Tensor, images: &Tensor, fit: &Fit) -> Targets {
        let error = (normalised(outputs, fit) - elements(images)).square();
        let scores = error.mean_dim(&[1i64][..], false, Kind::Double);
        Targets::of_values(1, Vec::<f64>::try_from(scores).expect("a flat tensor of doubles"))
    }
}

/// The normalised number that an output stands for.
fn unit(end: &End) -> Unit {
    let End { range: [least, most], image: [darkest, brightest], given } = *end;
    let (scale, offset) = match (least.is_finite(), most.is_finite()) {
        _ if let Some(Unit { scale, offset }) = given => (scale, offset),
        (true, true) => {
            let scale = (brightest - darkest) / (most - least);
            (scale, darkest - scale * least)
        }
        (true, false) => (1.0, darkest - least),
        (false, true) => (1.0, brightest - most),
        (false, false) => (1.0, 0.0),
    };
    Unit { scale, offset }
}

/// Outputs as normalised numbers.
fn normalised(outputs: &Tensor, fit: &Fit) -> Tensor {
    match fit.units[..] {
        [Unit { scale, offset }] if (scale, offset) != (1.0, 0.0) => outputs * scale + offset,
        _ => outputs.shallow_clone(),
    }
}

/// Images `[n, channels, height, width]` in the order row, column, channel.
fn elements(images: &Tensor) -> Tensor {
    images.permute([0, 2, 3, 1]).flatten(1, -1)
}
