//! How a network learns to predict quantities.

use mixq_format::Unit;
use tch::{Kind, Reduction, Tensor};

use super::Regression;
use crate::settings::{Loss, Training};
use crate::task::{Batch, Fit, Targets, TrainingRules};

impl TrainingRules for Regression {
    /// Mean and standard deviation of each output's targets.
    fn fit(&self, train: &Targets, outputs: usize, settings: &Training) -> Fit {
        let units = (0..outputs).map(|output| unit(&train.values_of(output))).collect();
        Fit { units, loss: settings.loss, ..Fit::default() }
    }

    /// Standardised targets, `[n, outputs]`.
    fn tensor(&self, batch: Batch<'_>, fit: &Fit) -> Tensor {
        let units = fit.units.iter().cycle();
        let values: Vec<f32> = (batch.targets.values().into_iter().zip(units))
            .map(|(value, unit)| ((value - unit.offset) / unit.scale) as f32)
            .collect();
        let shape = [batch.targets.len() as i64, fit.units.len() as i64];
        Tensor::from_slice(&values).reshape(shape).to_device(batch.images.device())
    }

    /// The mean error of standardised values. Quantities are not spread over other outputs.
    fn loss(&self, outputs: &Tensor, targets: &Tensor, fit: &Fit, _smoothing: f64) -> Tensor {
        error(outputs, targets, fit.loss)
    }

    /// The mean distance, in the same measure: real values need no softening.
    fn distillation(&self, outputs: &Tensor, taught: &Tensor, fit: &Fit, _temperature: f64) -> Tensor {
        error(outputs, taught, fit.loss)
    }

    fn answers_of_tensor(&self, outputs: &Tensor, _: &Tensor, fit: &Fit) -> Targets {
        let flat = outputs.to_kind(Kind::Double).contiguous().flatten(0, -1);
        let values = Vec::<f64>::try_from(flat).expect("a flat tensor of doubles");
        let units = fit.units.iter().cycle();
        Targets::of_values(
            fit.units.len(),
            values.into_iter().zip(units).map(|(value, unit)| unit.real(value)),
        )
    }
}

/// The mean size of the differences.
fn error(outputs: &Tensor, wanted: &Tensor, loss: Loss) -> Tensor {
    match loss {
        Loss::Squared => outputs.mse_loss(wanted, Reduction::Mean),
        Loss::Absolute => outputs.l1_loss(wanted, Reduction::Mean),
    }
}

/// Standard deviation and mean, of the population.
fn unit(values: &[f64]) -> Unit {
    let count = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / count;
    let deviation = (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt();
    // Training refuses targets that are all equal; without the validation images the others still may be.
    Unit { scale: if deviation > 0.0 { deviation } else { 1.0 }, offset: mean }
}
