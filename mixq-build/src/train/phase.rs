//! The epochs of one phase: float training, or training with fake quantisation (QAT).

use std::time::Instant;

use tch::{Kind, Reduction, Tensor};

use super::batches::{Augmentation, augmented_batch, batch, batches, least, shuffled};
use super::device::cpu;
use super::forward::Mode;
use super::images::Images;
use super::model::{Model, part};
use super::state::{Best, Parameters, State, copies};
use crate::observer::{Epoch, Observer};
use crate::settings::{OptimiserKind, Scheme, Training};

/// One phase of training.
pub struct Phase<'a> {
    /// The settings.
    pub settings: &'a Training,
    /// How weights are scaled.
    pub scheme: Scheme,
    /// Whether weights and activations are on their grids.
    pub quantised: bool,
    /// Images to learn from.
    pub train: &'a Images<'a>,
    /// Images to choose the best epoch by.
    pub validation: &'a Images<'a>,
    /// The network whose answers are learned beside the labels: QAT's float parent.
    pub teacher: Option<Model<'a>>,
}

/// How an epoch ended.
pub enum End {
    /// The state is that after it.
    Done,
    /// Someone asked to stop; the state is that in the middle of it.
    Interrupted,
    /// A batch's loss is this, no number.
    Diverged {
        /// Counted from 0.
        batch: usize,
        /// The loss.
        loss: f64,
    },
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

    /// Its optimiser: QAT always has Adam, as in the paper; the bounds are on scales of their own.
    pub fn optimiser(&self) -> OptimiserKind {
        if self.quantised { OptimiserKind::Adam } else { self.settings.optimiser }
    }

    /// One epoch, or what is left of it; `state` then holds what came of it.
    pub fn epoch(&self, model: &mut Model<'_>, state: &mut State, observer: &mut dyn Observer) -> End {
        let mode = self.ready(model, state);
        let order = shuffled(self.train.len(), self.settings.seed, self.position(state.epoch));
        let batches = batches(&order, self.settings.batch as usize, least(model.graph));
        while state.batch < batches.len() {
            if observer.interrupted() {
                state.parameters = model.snapshot();
                return End::Interrupted;
            }
            let index = state.batch;
            let start = Instant::now();
            let loss = self.step(model, state, mode, batches[index], batches.len());
            if !loss.is_finite() {
                return End::Diverged { batch: index, loss };
            }
            state.seconds += start.elapsed().as_secs_f64();
            state.images += batches[index].len() as u64;
            state.batch += 1;
            state.loss_sum += loss;
            observer.batch(&self.report(state, batches.len()));
        }
        state.parameters = model.snapshot();
        let Best { accuracy, loss, parameters } = self.measure(model, state);
        let report = self.report(state, batches.len());
        (state.epoch, state.batch, state.loss_sum) = (state.epoch + 1, 0, 0.0);
        let better = state.best.as_ref().is_none_or(|b| (accuracy, -loss) > (b.accuracy, -b.loss));
        if better && loss.is_finite() {
            state.best = Some(Best { accuracy, loss, parameters });
        }
        observer.epoch(&Epoch { epoch: state.epoch, accuracy: Some(accuracy), ..report });
        End::Done
    }

    /// Gives the model the state's parameters, to learn from what they are; how it does in this epoch.
    pub fn ready(&self, model: &mut Model<'_>, state: &State) -> Mode {
        let frozen = self.frozen(state.epoch);
        model.tensors = state
            .parameters
            .iter()
            .map(|(name, tensor)| {
                let copy = tensor.detach().copy();
                (name.clone(), copy.set_requires_grad(self.decay(name, frozen).is_some()))
            })
            .collect();
        Mode { quantised: self.quantised, batch_statistics: !frozen }
    }

    /// What the state is worth on the validation part; the model then has its parameters.
    pub fn measure(&self, model: &mut Model<'_>, state: &State) -> Best {
        let parameters = copies(state.result());
        model.tensors = copies(&parameters);
        let mode = Mode { quantised: self.quantised, batch_statistics: false };
        let (loss, accuracy) = evaluate(model, self.validation, mode);
        Best { accuracy, loss, parameters }
    }

    /// Learns from a batch; its loss.
    pub fn step(
        &self,
        model: &mut Model<'_>,
        state: &mut State,
        mode: Mode,
        indices: &[usize],
        batches: usize,
    ) -> f64 {
        let draw = (self.settings.seed, self.position(state.epoch), state.batch);
        let augmentation = Augmentation::of(self.settings);
        let (images, labels) = augmented_batch(self.train, indices, model.form(), augmentation, draw);
        let logits = model.forward(&images, mode);
        let loss = cross_entropy(&logits, &labels, self.settings.label_smoothing);
        let loss = match &self.teacher {
            Some(teacher) => {
                let share = self.settings.distillation;
                let float = Mode { quantised: false, batch_statistics: false };
                let taught = tch::no_grad(|| teacher.forward(&images, float));
                loss * (1.0 - share) + distillation(&logits, &taught, self.settings.temperature) * share
            }
            None => loss,
        };
        let value = loss.double_value(&[]);
        if !value.is_finite() {
            return value;
        }
        let trained = |name: &str| self.decay(name, !mode.batch_statistics);
        let parameters: Vec<&Tensor> =
            model.tensors.iter().filter(|(name, _)| trained(name).is_some()).map(|(_, t)| t).collect();
        let gradients = Tensor::run_backward(&[loss], &parameters, false, false);
        let parameters = (model.tensors.iter_mut())
            .filter_map(|(name, tensor)| trained(name).map(|decay| (name, tensor, decay)));
        let rate = self.rate(state.epoch as f64 + state.batch as f64 / batches as f64, state.halvings);
        state.optimiser.step(parameters.collect(), &gradients, rate);
        self.follow(&model.tensors, state);
        value
    }

    /// Moves the average towards the parameters; faster at first, when there is little to average.
    fn follow(&self, parameters: &Parameters, state: &mut State) {
        let Some(average) = &mut state.average else { return };
        let steps = state.optimiser.steps as f64;
        let kept = self.settings.average.min((1.0 + steps) / (10.0 + steps));
        tch::no_grad(|| {
            for (average, parameter) in average.values_mut().zip(parameters.values()) {
                let _ = average.lerp_(&parameter.detach(), 1.0 - kept);
            }
        });
    }

    /// L2 penalty of a parameter; `None` if this phase does not train it.
    fn decay(&self, name: &str, frozen: bool) -> Option<f64> {
        let settings = self.settings;
        let is = |part: &str| name.ends_with(&format!(".{part}"));
        if is(part::MEAN) || is(part::VARIANCE) {
            None
        } else if is(part::WEIGHT) {
            Some(if self.quantised { settings.quantised_weight_decay } else { settings.weight_decay })
        } else if is(part::HIGH) || is(part::LOW) {
            self.quantised.then_some(settings.activation_decay)
        } else if is(part::WEIGHT_LOW) || is(part::WEIGHT_HIGH) {
            // The paper's.
            self.quantised.then_some(5e-4)
        } else if is(part::GAMMA) || is(part::BETA) {
            // Where they are folded they are part of weights and bias, which never freeze.
            let trained = !frozen || self.scheme == Scheme::PerLayerFolded;
            trained.then_some(0.0)
        } else {
            Some(0.0)
        }
    }

    /// Whether batch norm is frozen in this epoch: from the start where its running statistics are part of
    /// the weights.
    fn frozen(&self, epoch: usize) -> bool {
        let share = self.settings.freeze_batch_norm;
        let folded = self.scheme == Scheme::PerLayerFolded;
        self.quantised && (folded || epoch as f64 >= share * self.epochs() as f64)
    }

    /// Cosine with a linear start over the first epoch.
    fn rate(&self, position: f64, halvings: u32) -> f64 {
        let highest =
            if self.quantised { self.settings.quantised_learning_rate } else { self.settings.learning_rate };
        let share = position / self.epochs() as f64;
        let cosine = 0.5 * (1.0 + (std::f64::consts::PI * share).cos());
        highest * (position + 0.05).min(1.0) * cosine * 0.5f64.powi(halvings as i32)
    }

    /// Counts epochs through both phases, so that each draws its own batches.
    fn position(&self, epoch: usize) -> usize {
        epoch + if self.quantised { self.settings.epochs as usize } else { 0 }
    }

    fn report(&self, state: &State, batches: usize) -> Epoch {
        Epoch {
            phase: self.name(),
            epoch: state.epoch,
            epochs: self.epochs(),
            batch: state.batch,
            batches,
            loss: state.loss_sum / state.batch.max(1) as f64,
            learning_rate: self
                .rate(state.epoch as f64 + state.batch as f64 / batches as f64, state.halvings),
            images_per_second: state.images_per_second(),
            accuracy: None,
            threads: state.machine.threads,
            cpu: cpu(),
        }
    }
}

/// Mean cross-entropy of a batch, with this share of each label spread over all classes.
pub fn cross_entropy(logits: &Tensor, labels: &Tensor, smoothing: f64) -> Tensor {
    logits.cross_entropy_loss::<Tensor>(labels, None, Reduction::Mean, -100, smoothing)
}

/// Cross-entropy with another network's answers, both softened by a temperature, in the units of that with
/// labels (arXiv 1503.02531, section 2).
fn distillation(logits: &Tensor, taught: &Tensor, temperature: f64) -> Tensor {
    let answers = (taught / temperature).softmax(1, Kind::Float);
    let learned = (logits / temperature).log_softmax(1, Kind::Float);
    let sum = (answers * learned).sum_dim_intlist(&[1i64][..], false, Kind::Float);
    -sum.mean(Kind::Float) * temperature.powi(2)
}

/// Mean cross-entropy, and share of right answers, on all images of a part.
pub fn evaluate(model: &Model<'_>, images: &Images<'_>, mode: Mode) -> (f64, f64) {
    let (answers, loss) = answers(model, images, mode);
    (loss, images.right(&answers) as f64 / images.len() as f64)
}

/// The class of each image of a part, as the network answers, and the mean cross-entropy.
pub fn answers(model: &Model<'_>, part: &Images<'_>, mode: Mode) -> (Vec<i64>, f64) {
    tch::no_grad(|| {
        let (mut loss, mut answers) = (0.0, Vec::with_capacity(part.len()));
        let order: Vec<usize> = (0..part.len()).collect();
        for indices in order.chunks(EVALUATION_BATCH) {
            let (images, labels) = batch(part, indices, model.form());
            let logits = model.forward(&images, mode);
            loss += cross_entropy(&logits, &labels, 0.0).double_value(&[]) * indices.len() as f64;
            let classes = Vec::<i64>::try_from(logits.argmax(1, false).to_kind(Kind::Int64));
            answers.extend(classes.expect("a flat tensor of classes"));
        }
        (answers, loss / part.len() as f64)
    })
}
