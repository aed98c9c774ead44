//! What a network in training answers.

use super::batches::{batch, within_memory};
use super::forward::Mode;
use super::group::Group;
use super::images::Images;
use super::model::Model;
use crate::error::Problem;
use crate::task::{Batch, Fit, Rules, Targets};

/// Images in a batch that is only evaluated.
const EVALUATION_BATCH: usize = 256;

/// Mean loss and score on some images.
///
/// # Errors
/// A process of the group is lost.
pub fn evaluate(
    rules: &dyn Rules,
    fit: &Fit,
    model: &Model<'_>,
    images: &Images<'_>,
    mode: Mode,
    group: &mut Group,
) -> Result<(f64, f64), Problem> {
    let (answers, loss) = answers(rules, fit, model, images, mode, group)?;
    Ok((loss, rules.score(&answers, &images.targets())))
}

/// The network's answer for each of some images, and the mean loss. Each process of the group has a run of
/// the batches.
///
/// # Errors
/// A process of the group is lost.
pub fn answers(
    rules: &dyn Rules,
    fit: &Fit,
    model: &Model<'_>,
    part: &Images<'_>,
    mode: Mode,
    group: &mut Group,
) -> Result<(Targets, f64), Problem> {
    let order: Vec<usize> = (0..part.len()).collect();
    let batches: Vec<&[usize]> = order.chunks(within_memory(model.graph, EVALUATION_BATCH)).collect();
    let own = of_batches(rules, fit, model, part, mode, &batches[group.run(batches.len())]);
    let mut answers = Targets::default();
    let mut loss = 0.0;
    for bytes in group.gather(own.encode())? {
        let Answered { losses, answers: others } = Answered::decode(&bytes);
        answers.append(&others);
        losses.iter().for_each(|of_batch| loss += of_batch);
    }
    Ok((answers, loss / part.len() as f64))
}

/// The answers for some batches.
struct Answered {
    /// The sum of the losses of each batch.
    losses: Vec<f64>,
    answers: Targets,
}

impl Answered {
    /// The number of losses, these, and the answers, each of which has as many bytes as the first number.
    fn encode(&self) -> Vec<u8> {
        let each = self.answers.iter().next().map_or(0, <[u8]>::len);
        let numbers = [each as u64, self.losses.len() as u64].map(u64::to_le_bytes);
        let losses = self.losses.iter().flat_map(|loss| loss.to_le_bytes());
        numbers.into_iter().flatten().chain(losses).chain(self.answers.bytes().iter().copied()).collect()
    }

    /// What another process has encoded.
    fn decode(bytes: &[u8]) -> Answered {
        let (words, _) = bytes.as_chunks::<8>();
        let number = |place: usize| words.get(place).map_or(0, |word| u64::from_le_bytes(*word) as usize);
        let (each, count) = (number(0), number(1));
        let losses = words.iter().skip(2).take(count).map(|word| f64::from_le_bytes(*word)).collect();
        let answers = bytes.get(8 * (2 + count)..).unwrap_or_default();
        Answered { losses, answers: Targets::new(each, answers.to_vec()) }
    }
}

fn of_batches(
    rules: &dyn Rules,
    fit: &Fit,
    model: &Model<'_>,
    part: &Images<'_>,
    mode: Mode,
    batches: &[&[usize]],
) -> Answered {
    tch::no_grad(|| {
        let (mut losses, mut answers) = (Vec::new(), Targets::default());
        for indices in batches {
            let (images, targets) = batch(part, indices, &model.form());
            let targets = rules.tensor(Batch { images: &images[0], targets: &targets }, fit);
            let outputs = model.forward(&images, mode);
            let loss = rules.loss(&outputs, &targets, fit, 0.0).double_value(&[]);
            losses.push(loss * indices.len() as f64);
            answers.append(&rules.answers_of_tensor(&outputs, &images[0], fit));
        }
        Answered { losses, answers }
    })
}
