//! One step of a phase: what a network learns from a batch.

use tch::{Kind, Tensor};

use super::batches::{Augmentation, Draw, augmented_batch, least};
use super::forward::Mode;
use super::group::Group;
use super::model::Model;
use super::part::Part;
use super::phase::Phase;
use super::state::{Parameters, State};
use super::tree::shards;
use crate::error::Problem;
use crate::task::Batch;

/// How a step ended.
pub struct Step {
    /// The mean loss of the batch. If it is not finite, nothing was learned.
    pub loss: f64,
    /// Whether a process was asked to stop.
    pub interrupted: bool,
}

impl Phase<'_> {
    /// Gives the model copies of the state's parameters, with gradients for those that are trained; returns
    /// the mode of this epoch's forward passes.
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

    /// Learns from a batch: each process from its parts. `interrupted`: whether this process was asked to
    /// stop.
    ///
    /// # Errors
    /// Another process is lost.
    pub fn step(
        &self,
        model: &mut Model<'_>,
        state: &mut State,
        mode: Mode,
        (indices, batches): (&[usize], usize),
        (group, interrupted): (&mut Group, bool),
    ) -> Result<Step, Problem> {
        let parts = (self.settings.shards as usize).min(indices.len() / least(model.graph)).max(1);
        let (step, gradients) = if parts == 1 && group.size() == 1 {
            let (loss, gradients) = self.learn(model, state, mode, indices, 0);
            (Step { loss, interrupted }, gradients)
        } else {
            self.learn_together(model, state, mode, (indices, parts), (group, interrupted))?
        };
        if step.loss.is_finite() {
            let trained = |name: &str| self.decay(name, !mode.batch_statistics);
            let parameters = (model.tensors.iter_mut())
                .filter_map(|(name, tensor)| trained(name).map(|decay| (name, tensor, decay)));
            let position = state.epoch as f64 + state.batch as f64 / batches as f64;
            let rate = self.rate(position, state.halvings);
            state.optimiser.step(parameters.collect(), &gradients, rate);
            self.freeze_oscillations(model, state, position);
            self.follow(&model.tensors, state);
        }
        Ok(step)
    }

    /// The mean loss of a part of a batch, and its gradients; these are none where the loss is not finite.
    fn learn(
        &self,
        model: &Model<'_>,
        state: &State,
        mode: Mode,
        indices: &[usize],
        shard: usize,
    ) -> (f64, Vec<Tensor>) {
        let (seed, epoch) = (self.settings.seed, self.position(state.epoch));
        let draw = Draw { seed, epoch, position: state.batch, shard };
        let shape = model.graph.output();
        let masks = self.rules.takes_masks().then_some([shape.height, shape.width]);
        let augmentation = Augmentation::of(self.settings, masks, &self.varied);
        let (images, targets) = augmented_batch(self.train, indices, &model.form(), &augmentation, draw);
        let targets = self.rules.tensor(Batch { images: &images[0], targets: &targets }, self.fit);
        let outputs = model.forward(&images, mode);
        let loss = self.rules.loss(&outputs, &targets, self.fit, self.settings.label_smoothing);
        let loss = match &self.teacher {
            Some(teacher) => {
                let share = self.settings.distillation;
                let float = Mode { quantised: false, batch_statistics: false };
                let taught = tch::no_grad(|| teacher.forward(&images, float));
                let distance =
                    self.rules.distillation(&outputs, &taught, self.fit, self.settings.temperature);
                loss * (1.0 - share) + distance * share
            }
            None => loss,
        };
        let value = loss.double_value(&[]);
        if !value.is_finite() {
            return (value, Vec::new());
        }
        let trained = self.trained(model, mode);
        (value, Tensor::run_backward(&[loss], &trained, false, false))
    }

    /// The parameters that have gradients.
    fn trained<'m>(&self, model: &'m Model<'_>, mode: Mode) -> Vec<&'m Tensor> {
        let is_trained = |name: &str| self.decay(name, !mode.batch_statistics).is_some();
        model.tensors.iter().filter(|(name, _)| is_trained(name)).map(|(_, tensor)| tensor).collect()
    }

    /// As [`Phase::learn`], of all parts of a batch: the means of what they give, by their images. Batch norm
    /// sees one part at a time, and its running statistics become the mean of those after each part.
    fn learn_together(
        &self,
        model: &mut Model<'_>,
        state: &State,
        mode: Mode,
        (indices, parts): (&[usize], usize),
        (group, interrupted): (&mut Group, bool),
    ) -> Result<(Step, Vec<Tensor>), Problem> {
        let before = statistics(model, mode).iter().map(Tensor::copy).collect::<Vec<_>>();
        let restore = |model: &Model<'_>| {
            tch::no_grad(|| {
                for (tensor, before) in statistics(model, mode).iter_mut().zip(&before) {
                    tensor.copy_(before);
                }
            });
        };
        let sizes: Vec<Vec<i64>> =
            self.trained(model, mode).into_iter().chain(&before).map(Tensor::size).collect();
        let lengths: Vec<i64> = sizes.iter().map(|size| size.iter().product()).collect();
        let mut leaves = Vec::new();
        for part in group.run(parts) {
            let own = &indices[shards(part, parts, indices.len())];
            let (loss, gradients) = self.learn(model, state, mode, own, part);
            let said = [loss as f32, f32::from(u8::from(interrupted))];
            let said = Tensor::from_slice(&said).to_device(model.device);
            let mut all: Vec<Tensor> = gradients.iter().map(|tensor| tensor.reshape([-1])).collect();
            if !loss.is_finite() {
                let trained = self.trained(model, mode);
                all = trained.iter().map(|tensor| tensor.zeros_like().detach().reshape([-1])).collect();
            }
            all.extend(statistics(model, mode).iter().map(|tensor| tensor.detach().reshape([-1])));
            all.push(said);
            leaves.push(Tensor::cat(&all, 0) * (own.len() as f64 / indices.len() as f64));
            restore(model);
        }
        // A process without a part has the sum on the CPU.
        let sum = group.sum(&leaves, parts)?.to_device(model.device);
        let all = lengths.iter().chain(&[2]).copied().collect::<Vec<_>>();
        let mut found = sum.split_with_sizes(all, 0);
        let said = found.pop().map(|said| said.to_kind(Kind::Double));
        let said: Vec<f64> = said.and_then(|said| said.try_into().ok()).unwrap_or_default();
        let [loss, stopped] = said[..] else { unreachable!("two numbers are the last ones") };
        let mut found: Vec<Tensor> =
            found.into_iter().zip(&sizes).map(|(tensor, size)| tensor.reshape(&size[..])).collect();
        let after = found.split_off(found.len() - before.len());
        if loss.is_finite() {
            tch::no_grad(|| {
                for (tensor, after) in statistics(model, mode).iter_mut().zip(&after) {
                    tensor.copy_(after);
                }
            });
        }
        Ok((Step { loss, interrupted: stopped > 0.0 }, found))
    }

    /// Moves the average towards the parameters; faster at first, while it is an average of few.
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
}

/// The running statistics of all batch norms, where these change.
fn statistics(model: &Model<'_>, mode: Mode) -> Vec<Tensor> {
    let is_statistic = |name: &str| matches!(Part::of(name), Some(Part::Mean | Part::Variance));
    let all = model.tensors.iter().filter(|(name, _)| mode.batch_statistics && is_statistic(name));
    all.map(|(_, tensor)| tensor.shallow_clone()).collect()
}
