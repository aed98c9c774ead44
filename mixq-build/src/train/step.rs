//! One step of a phase: what a network learns from a batch.

use tch::Tensor;

use super::batches::{Augmentation, augmented_batch};
use super::forward::Mode;
use super::model::Model;
use super::phase::Phase;
use super::state::{Parameters, State};
use crate::task::Batch;

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

    /// Learns from a batch; returns its loss. If that is not finite, nothing has changed.
    pub fn step(
        &self,
        model: &mut Model<'_>,
        state: &mut State,
        mode: Mode,
        indices: &[usize],
        batches: usize,
    ) -> f64 {
        let draw = (self.settings.seed, self.position(state.epoch), state.batch);
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
