//! The epochs of a phase.

use std::time::Instant;

use super::answers::evaluate;
use super::batches::{batches, least, shuffled};
use super::checkpoint::{Checkpoint, values_digest};
use super::device::cpu;
use super::forward::Mode;
use super::group::Group;
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
    group: &mut Group,
    observer: &mut dyn Observer,
) -> Result<(), Error> {
    if phase.epochs() == 0 {
        state.best = Some(phase.measure(model, state, group)?).filter(|best| best.loss.is_finite());
    }
    while state.epoch < phase.epochs() {
        let before = state.clone();
        match phase.epoch(model, state, group, observer)? {
            End::Done => {
                if state.epoch == phase.epochs() {
                    state.finish();
                }
                phase.keep_together(model, state, checkpoint, group, observer)?;
                save(checkpoint, state, group)?;
            }
            End::Interrupted => {
                save(checkpoint, state, group)?;
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

/// The first process writes the state, which all have.
fn save(checkpoint: &Checkpoint, state: &State, group: &Group) -> Result<(), Problem> {
    if group.rank() == 0 { checkpoint.save(state) } else { Ok(()) }
}

impl Phase<'_> {
    /// Where processes have come to other values, all go on from those of the first one. Processors of
    /// another kind round in another way.
    pub(super) fn keep_together(
        &self,
        model: &Model<'_>,
        state: &mut State,
        checkpoint: &Checkpoint,
        group: &mut Group,
        observer: &mut dyn Observer,
    ) -> Result<(), Error> {
        if group.size() == 1 {
            return Ok(());
        }
        let digests = group.gather(values_digest(state).into_bytes())?;
        let Some(other) = digests.iter().position(|digest| *digest != digests[0]) else { return Ok(()) };
        observer.warn(&format!(
            "after {} epoch {} the network of rank {other} is another one than that of rank 0, which all go \
             on with: their machines compute differently, so another number of processes may come to another \
             artifact",
            self.name(),
            state.epoch
        ));
        let bytes = if group.rank() == 0 { Some(checkpoint.bytes(state)?) } else { None };
        let bytes = group.share(bytes)?;
        *state = checkpoint.parse(&bytes, &self.wanted(model)).map_err(Problem::new)?;
        Ok(())
    }

    /// Does one epoch, or the rest of it; changes `state`.
    fn epoch(
        &self,
        model: &mut Model<'_>,
        state: &mut State,
        group: &mut Group,
        observer: &mut dyn Observer,
    ) -> Result<End, Problem> {
        let mode = self.ready(model, state);
        let order = shuffled(self.train.len(), self.settings.seed, self.position(state.epoch));
        let batches = batches(&order, self.settings.batch as usize, least(model.graph));
        while state.batch < batches.len() {
            let stops = observer.interrupted();
            // A process of several tells the others first: all of them stop after the same batch.
            if stops && group.size() == 1 {
                state.parameters = model.snapshot();
                return Ok(End::Interrupted);
            }
            let index = state.batch;
            let start = Instant::now();
            let step = self.step(model, state, mode, (batches[index], batches.len()), (group, stops))?;
            let loss = step.loss;
            if !loss.is_finite() {
                return Ok(End::Diverged { batch: index, loss });
            }
            state.seconds += start.elapsed().as_secs_f64();
            state.images += batches[index].len() as u64;
            state.batch += 1;
            state.loss_sum += loss;
            observer.batch(&self.report(state, batches.len()));
            if step.interrupted {
                state.parameters = model.snapshot();
                return Ok(End::Interrupted);
            }
        }
        state.parameters = model.snapshot();
        let Best { accuracy, loss, parameters } = self.measure(model, state, group)?;
        let report = self.report(state, batches.len());
        (state.epoch, state.batch, state.loss_sum) = (state.epoch + 1, 0, 0.0);
        let better =
            state.best.as_ref().is_none_or(|b| self.rank(accuracy, loss) > self.rank(b.accuracy, b.loss));
        if better && loss.is_finite() {
            state.best = Some(Best { accuracy, loss, parameters });
        }
        observer.epoch(&Epoch { epoch: state.epoch, accuracy: Some(accuracy), ..report });
        Ok(End::Done)
    }

    /// Measures the state on the validation part; the model then has its parameters.
    fn measure(&self, model: &mut Model<'_>, state: &State, group: &mut Group) -> Result<Best, Problem> {
        model.tensors = copies(state.result());
        self.renew_statistics(model);
        let parameters = model.snapshot();
        let mode = Mode { quantised: self.quantised, batch_statistics: false };
        let (loss, accuracy) = evaluate(self.rules, self.fit, model, self.validation, mode, group)?;
        Ok(Best { accuracy, loss, parameters })
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
