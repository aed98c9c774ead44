//! How a network learns to predict quantities.

use mixq_format::Unit;
use tch::{Kind, Reduction, Tensor};

use super::Regression;
use crate::settings::{Loss, Training};
use crate::task::{Batch, End, Fit, Targets, TrainingRules};
use crate::text::enumerate;

impl TrainingRules for Regression {
    /// Mean and standard deviation of each output's targets, where the network may write any value. Else its
    /// function keeps its meaning: a `tanh` answers values from -1 to 1.
    fn fit(&self, train: &Targets, outputs: usize, end: &End, settings: &Training) -> Fit {
        let unit = |output| unit(&train.values_of(output), end);
        Fit { units: (0..outputs).map(unit).collect(), loss: settings.loss, ..Fit::default() }
    }

    fn out_of_reach(&self, train: &Targets, labels: &[String], end: &End) -> Option<String> {
        let [least, most] = end.range;
        let is_beyond = |value: &f64| *value < least || *value > most;
        let beyond: Vec<String> = (labels.iter().enumerate())
            .map(|(output, label)| (label, train.values_of(output)))
            .filter(|(_, values)| values.iter().any(is_beyond))
            .map(|(label, values)| {
                let [lowest, highest] = bounds(&values);
                let (count, all) = (values.iter().filter(|value| is_beyond(value)).count(), values.len());
                format!("{count} of {all} targets of `{label}`, which are from {lowest} to {highest}")
            })
            .collect();
        let range = match (least.is_finite(), most.is_finite()) {
            (true, true) => format!("from {least} to {most}"),
            (true, false) => format!("of at least {least}"),
            (false, _) => format!("of at most {most}"),
        };
        (!beyond.is_empty())
            .then(|| format!("the last layer writes values {range}, but not {}", enumerate(&beyond)))
    }

    /// Targets in the units of the outputs, `[n, outputs]`.
    fn tensor(&self, batch: Batch<'_>, fit: &Fit) -> Tensor {
        let units = fit.units.iter().cycle();
        let values: Vec<f32> = (batch.targets.values().into_iter().zip(units))
            .map(|(value, unit)| ((value - unit.offset) / unit.scale) as f32)
            .collect();
        let shape = [batch.targets.len() as i64, fit.units.len() as i64];
        Tensor::from_slice(&values).reshape(shape).to_device(batch.images.device())
    }

    /// The mean error, in the units of the outputs. Quantities are not spread over other outputs.
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

/// The least and the largest value.
fn bounds(values: &[f64]) -> [f64; 2] {
    let all = || values.iter().copied();
    [all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max)]
}

/// The unit of an output, by its targets.
fn unit(values: &[f64], end: &End) -> Unit {
    match end.range {
        _ if end.is_free() => standard(values),
        // A function with one bound, which is 0, bounds the answers whatever their unit is.
        [0.0, f64::INFINITY] | [f64::NEG_INFINITY, 0.0] if end.given.is_none() => {
            let squares = values.iter().map(|value| value * value).sum::<f64>();
            let size = (squares / values.len().max(1) as f64).sqrt();
            Unit { scale: if size > 0.0 { size } else { 1.0 }, offset: 0.0 }
        }
        _ => Unit { scale: 1.0, offset: 0.0 },
    }
}

/// Standard deviation and mean, of the population.
fn standard(values: &[f64]) -> Unit {
    let count = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / count;
    let deviation = (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt();
    // Training refuses targets that are all equal; without the validation images the others still may be.
    Unit { scale: if deviation > 0.0 { deviation } else { 1.0 }, offset: mean }
}
