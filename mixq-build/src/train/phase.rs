//! The epochs of one phase: float training, or training with fake quantisation (QAT).

use std::collections::BTreeMap;

use tch::{Reduction, Tensor};

use super::adam::Adam;
use super::batches::{Augmentation, augmented_batch, batch, shuffled};
use super::forward::Mode;
use super::model::{Model, part};
use super::{Epoch, Progress};
use crate::config::Training;
use crate::dataset::Split;
use crate::error::Problem;

/// Parameters by name.
pub type Parameters = BTreeMap<String, Tensor>;

/// Everything that a training needs to go on.
pub struct State {
    /// The parameters now.
    pub parameters: Parameters,
    /// Their running average, which is what is evaluated and kept.
    pub average: Parameters,
    /// The optimiser.
    pub adam: Adam,
    /// Epochs of this phase that are done.
    pub epoch: usize,
    /// The best epoch of this phase so far.
    pub best: Option<Best>,
    /// The trained float network, once the second phase has begun.
    pub float: Option<Parameters>,
}

impl State {
    /// Before the first epoch of a phase; `float` is what the first phase came to.
    pub fn new(parameters: Parameters, float: Option<Parameters>) -> State {
        let average = copies(&parameters);
        State { parameters, average, adam: Adam::new(), epoch: 0, best: None, float }
    }
}

/// The best epoch of a phase, on the validation part.
pub struct Best {
    /// Share of right answers, 0 to 1.
    pub accuracy: f64,
    /// Mean cross-entropy.
    pub loss: f64,
    /// The parameters after that epoch.
    pub parameters: Parameters,
}

/// One phase of training.
pub struct Phase<'a> {
    /// The settings.
    pub settings: &'a Training,
    /// Whether weights and activations are on their grids.
    pub quantised: bool,
    /// Images to learn from.
    pub train: &'a Split,
    /// Images to choose the best epoch by.
    pub validation: &'a Split,
}

/// Images in a batch that is only evaluated.
const EVALUATION_BATCH: usize = 256;

impl Phase<'_> {
    /// Epochs of this phase.
    pub fn epochs(&self) -> usize {
        if self.quantised { self.settings.quantised_epochs as usize } else { self.settings.epochs as usize }
    }

    /// Its name, for people.
    pub fn name(&self) -> &'static str {
        if self.quantised { "quantised" } else { "float" }
    }

    /// One epoch; `state` then holds what came of it.
    ///
    /// # Errors
    /// A loss that is no number; `state` is as before the epoch.
    pub fn epoch(
        &self,
        model: &mut Model<'_>,
        state: &mut State,
        progress: &mut dyn Progress,
    ) -> Result<(), Problem> {
        let frozen = self.frozen(state.epoch);
        model.tensors = state
            .parameters
            .iter()
            .map(|(name, tensor)| {
                let copy = tensor.detach().copy();
                (name.clone(), copy.set_requires_grad(self.decay(name, frozen).is_some()))
            })
            .collect();
        let mode = Mode { quantised: self.quantised, batch_statistics: !frozen };
        let order = shuffled(self.train.len(), self.settings.seed, self.position(state.epoch));
        let batches: Vec<&[usize]> = order.chunks(self.settings.batch as usize).collect();
        let mut total = 0.0;
        for (index, indices) in batches.iter().enumerate() {
            let loss = self.step(model, state, mode, frozen, indices, (index, batches.len()));
            if !loss.is_finite() {
                return Err(self.diverged(state, index, loss));
            }
            total += loss;
            let epoch = self.report(state, index + 1, batches.len(), total / (index + 1) as f64);
            progress.batch(&epoch);
        }
        state.parameters = model.snapshot();
        model.tensors = copies(&state.average);
        let evaluated = Mode { quantised: self.quantised, batch_statistics: false };
        let (loss, accuracy) = evaluate(model, self.validation, evaluated);
        state.epoch += 1;
        let better = state.best.as_ref().is_none_or(|b| (accuracy, -loss) > (b.accuracy, -b.loss));
        if better && loss.is_finite() {
            state.best = Some(Best { accuracy, loss, parameters: copies(&state.average) });
        }
        let mut epoch = self.report(state, batches.len(), batches.len(), total / batches.len() as f64);
        epoch.epoch = state.epoch;
        epoch.accuracy = Some(accuracy);
        progress.epoch(&epoch);
        Ok(())
    }

    fn step(
        &self,
        model: &mut Model<'_>,
        state: &mut State,
        mode: Mode,
        frozen: bool,
        indices: &[usize],
        (index, batches): (usize, usize),
    ) -> f64 {
        let augmentation = Augmentation {
            shift: self.settings.shift as usize,
            rotation: self.settings.rotation,
            zoom: self.settings.zoom,
            flip: self.settings.flip,
        };
        let draw = (self.settings.seed, self.position(state.epoch), index);
        let (images, labels) =
            augmented_batch(self.train, indices, model.graph.input, model.image, augmentation, draw);
        let loss = cross_entropy(&model.forward(&images, mode), &labels, self.settings.label_smoothing);
        let value = loss.double_value(&[]);
        if !value.is_finite() {
            return value;
        }
        let trained = |name: &str| self.decay(name, frozen);
        let parameters: Vec<&Tensor> =
            model.tensors.iter().filter(|(name, _)| trained(name).is_some()).map(|(_, t)| t).collect();
        let gradients = Tensor::run_backward(&[loss], &parameters, false, false);
        let parameters = (model.tensors.iter_mut())
            .filter_map(|(name, tensor)| trained(name).map(|decay| (name, tensor, decay)));
        let rate = self.rate(state.epoch as f64 + index as f64 / batches as f64);
        state.adam.step(parameters.collect(), &gradients, rate);
        self.follow(&model.tensors, state);
        value
    }

    /// Moves the average towards the parameters; faster at first, when there is little to average.
    fn follow(&self, parameters: &Parameters, state: &mut State) {
        let steps = state.adam.steps as f64;
        let kept = self.settings.average.min((1.0 + steps) / (10.0 + steps));
        tch::no_grad(|| {
            for (average, parameter) in state.average.values_mut().zip(parameters.values()) {
                let _ = average.lerp_(&parameter.detach(), 1.0 - kept);
            }
        });
    }

    /// L2 penalty of a parameter; `None` if this phase does not train it. The penalties of bounds are the paper's.
    fn decay(&self, name: &str, frozen: bool) -> Option<f64> {
        let is = |part: &str| name.ends_with(&format!(".{part}"));
        if is(part::MEAN) || is(part::VARIANCE) {
            None
        } else if is(part::WEIGHT) {
            Some(self.settings.weight_decay)
        } else if is(part::HIGH) || is(part::LOW) {
            self.quantised.then_some(1e-4)
        } else if is(part::WEIGHT_LOW) || is(part::WEIGHT_HIGH) {
            self.quantised.then_some(5e-4)
        } else if is(part::GAMMA) || is(part::BETA) {
            (!frozen).then_some(0.0)
        } else {
            Some(0.0)
        }
    }

    /// Whether batch norm is frozen in this epoch.
    fn frozen(&self, epoch: usize) -> bool {
        self.quantised && epoch as f64 >= self.settings.freeze_batch_norm * self.epochs() as f64
    }

    /// Cosine with a linear start over the first epoch.
    fn rate(&self, position: f64) -> f64 {
        let highest =
            if self.quantised { self.settings.quantised_learning_rate } else { self.settings.learning_rate };
        let share = position / self.epochs() as f64;
        highest * (position + 0.05).min(1.0) * 0.5 * (1.0 + (std::f64::consts::PI * share).cos())
    }

    /// Counts epochs through both phases, so that each draws its own batches.
    fn position(&self, epoch: usize) -> usize {
        epoch + if self.quantised { self.settings.epochs as usize } else { 0 }
    }

    fn report(&self, state: &State, batch: usize, batches: usize, loss: f64) -> Epoch {
        let (epoch, epochs) = (state.epoch, self.epochs());
        Epoch { phase: self.name(), epoch, epochs, batch, batches, loss, accuracy: None }
    }

    fn diverged(&self, state: &State, batch: usize, loss: f64) -> Problem {
        let kept = match &state.best {
            Some(best) => {
                format!("the best epoch so far ({:.2} % on validation) is kept", 100.0 * best.accuracy)
            }
            None => "no epoch was finished".to_string(),
        };
        let key = if self.quantised { "quantised-learning-rate" } else { "learning-rate" };
        Problem::new(format!(
            "training diverged: the loss is {loss} in {} epoch {} of {}, batch {}; {kept}",
            self.name(),
            state.epoch + 1,
            self.epochs(),
            batch + 1
        ))
        .help(format!("lower `{key}`"))
    }
}

/// Copies that share no memory.
pub fn copies(parameters: &Parameters) -> Parameters {
    parameters.iter().map(|(name, tensor)| (name.clone(), tensor.detach().copy())).collect()
}

/// Mean cross-entropy of a batch, with this share of each label spread over all classes.
pub fn cross_entropy(logits: &Tensor, labels: &Tensor, smoothing: f64) -> Tensor {
    logits.cross_entropy_loss::<Tensor>(labels, None, Reduction::Mean, -100, smoothing)
}

/// Mean cross-entropy, and share of right answers, on all images of a part.
pub fn evaluate(model: &Model<'_>, split: &Split, mode: Mode) -> (f64, f64) {
    tch::no_grad(|| {
        let (mut loss, mut right) = (0.0, 0.0);
        let order: Vec<usize> = (0..split.len()).collect();
        for indices in order.chunks(EVALUATION_BATCH) {
            let (images, labels) = batch(split, indices, model.graph.input, model.image);
            let logits = model.forward(&images, mode);
            loss += cross_entropy(&logits, &labels, 0.0).double_value(&[]) * indices.len() as f64;
            let answers = logits.argmax(1, false).eq_tensor(&labels);
            right += answers.sum(tch::Kind::Double).double_value(&[]);
        }
        (loss / split.len() as f64, right / split.len() as f64)
    })
}
