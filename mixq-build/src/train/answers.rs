//! What a network in training answers.

use super::batches::{batch, within_memory};
use super::forward::Mode;
use super::images::Images;
use super::model::Model;
use crate::task::{Batch, Fit, Rules, Targets};

/// Images in a batch that is only evaluated.
const EVALUATION_BATCH: usize = 256;

/// Mean loss and score on some images.
pub fn evaluate(
    rules: &dyn Rules,
    fit: &Fit,
    model: &Model<'_>,
    images: &Images<'_>,
    mode: Mode,
) -> (f64, f64) {
    let (answers, loss) = answers(rules, fit, model, images, mode);
    (loss, rules.score(&answers, &images.targets()))
}

/// The network's answer for each of some images, and the mean loss.
pub fn answers(
    rules: &dyn Rules,
    fit: &Fit,
    model: &Model<'_>,
    part: &Images<'_>,
    mode: Mode,
) -> (Targets, f64) {
    tch::no_grad(|| {
        let (mut loss, mut answers) = (0.0, Targets::default());
        let order: Vec<usize> = (0..part.len()).collect();
        for indices in order.chunks(within_memory(model.graph, EVALUATION_BATCH)) {
            let (images, targets) = batch(part, indices, &model.form());
            let targets = rules.tensor(Batch { images: &images[0], targets: &targets }, fit);
            let outputs = model.forward(&images, mode);
            loss += rules.loss(&outputs, &targets, fit, 0.0).double_value(&[]) * indices.len() as f64;
            answers.append(&rules.answers_of_tensor(&outputs, &images[0], fit));
        }
        (answers, loss / part.len() as f64)
    })
}
