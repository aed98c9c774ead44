//! The epochs of a phase.

use std::time::Instant;

use super::answers::evaluate;
use super::batches::{batches, least, shuffled};
use super::checkpoint::Checkpoint;
use super::device::cpu;
use super::forward::Mode;
use super::model::Model;
use super::phase::Phase;
use super::state::{Best, State, copies};
use crate::error::{Error, Problem};
use crate::observer::{Epoch, Observer};
use crate::settings::Loss;

/// How an epoch ended.
enum End {
    /// The state is that after the epoch.
    Done,
    /// The observer asked to stop; the state is that in the middle of the epoch.
    Interrupted,
    /// The loss of a batch is not finite.
    Diverged {
        /// The batch, counted from 0.
        batch: usize,
        /// Its loss.
        loss: f64,
    },
}

/// Does all epochs that are left. If the phase has none, the state is measured as it is.
///
/// If a loss is not finite, the epoch is done again from its start, at half of the learning rate. That
/// happens once; the second time is an error.
pub fn run(
    phase: &Phase<'_>,
    model: &mut Model<'_>,
    state: &mut State,
    checkpoint: &Checkpoint,
    observer: &mut dyn Observer,
) -> Result<(), Error> {
    if phase.epochs() == 0 {
        state.best = Some(phase.measure(model, state)).filter(|best| best.loss.is_finite());
    }
    while state.epoch < phase.epochs() {
        let before = state.clone();
        match phase.epoch(model, state, observer) {
            End::Done if state.epoch == phase.epochs() => {
                state.finish();
                checkpoint.save(state)?;
            }
            End::Done => checkpoint.save(state)?,
            End::Interrupted => {
                checkpoint.save(state)?;
                let (name, epoch, epochs) = (phase.name(), state.epoch + 1, phase.epochs());
                let message = format!("interrupted in {name} epoch {epoch} of {epochs}; all of it is saved");
                return Err(Problem::new(message).help("run the same command again to go on").into());
            }
            End::Diverged { batch, loss } if before.halvings > 0 => {
                return Err(diverged(phase, &before, batch, loss).into());
            }
            End::Diverged { .. } => {
                *state = before;
                state.halvings += 1;
            }
        }
    }
    Ok(())
}

impl Phase<'_> {
    /// Does one epoch, or the rest of it; changes `state`.
    fn epoch(&self, model: &mut Model<'_>, state: &mut State, observer: &mut dyn Observer) -> End {
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
        let better =
            state.best.as_ref().is_none_or(|b| self.rank(accuracy, loss) > self.rank(b.accuracy, b.loss));
        if better && loss.is_finite() {
            state.best = Some(Best { accuracy, loss, parameters });
        }
        observer.epoch(&Epoch { epoch: state.epoch, accuracy: Some(accuracy), ..report });
        End::Done
    }

    /// Measures the state on the validation part; the model then has its parameters.
    fn measure(&self, model: &mut Model<'_>, state: &State) -> Best {
        let parameters = copies(state.result());
        model.tensors = copies(&parameters);
        let mode = Mode { quantised: self.quantised, batch_statistics: false };
        let (loss, accuracy) = evaluate(self.rules, self.fit, model, self.validation, mode);
        Best { accuracy, loss, parameters }
    }

    /// The better an epoch, the larger: by its score, of equal ones by its loss. Where absolute errors are
    /// learned, the loss comes first: R^2 counts squared ones.
    fn rank(&self, accuracy: f64, loss: f64) -> (f64, f64) {
        match self.fit.loss {
            Loss::Squared => (accuracy, -loss),
            Loss::Absolute => (-loss, accuracy),
        }
    }

    /// What observers are told.
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
            task: self.task,
            threads: state.machine.threads,
            cpu: cpu(),
        }
    }
}

fn diverged(phase: &Phase<'_>, state: &State, batch: usize, loss: f64) -> Problem {
    let kept = match &state.best {
        Some(best) => {
            let score = phase.rules.shown(best.accuracy);
            format!("the best epoch so far ({score} on validation) is kept")
        }
        None => "no epoch was finished".to_string(),
    };
    let key = if phase.quantised { "quantised-learning-rate" } else { "learning-rate" };
    let (name, epoch, epochs) = (phase.name(), state.epoch + 1, phase.epochs());
    Problem::new(format!(
        "training diverged, again at half of the learning rate: the loss is {loss} in {name} epoch {epoch} \
         of {epochs}, batch {}; {kept}",
        batch + 1
    ))
    .help(format!("lower `{key}`"))
}

/// The best epoch of a phase that is done.
pub fn best(state: State) -> Result<Best, Problem> {
    let message = "training diverged: no epoch gave a finite loss on the validation part";
    state.best.ok_or_else(|| Problem::new(message).help("lower `learning-rate`"))
}
