//! Training with libtorch: first in float, then at the allocated bits.

mod batches;
mod calibrate;
mod checkpoint;
mod device;
mod export;
mod folded;
mod forward;
mod images;
mod metrics;
mod model;
mod normalisation;
mod optimiser;
mod pace;
mod phase;
mod quantise;
mod resume;
mod sensitivity;
mod state;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

pub use metrics::Metrics;
pub use pace::{Pace, pace};

use checkpoint::Checkpoint;
use device::Machine;
use forward::Mode;
use images::Images;
use model::Model;
use normalisation::Normalisation;
use phase::{End, Phase, answers};
use resume::begin;
use state::{Parameters, State, copies};

use crate::convert::TrainedNetwork;
use crate::dataset::Dataset;
use crate::error::{Error, Problem};
use crate::graph::Graph;
use crate::memory::{Allocation, Losses};
use crate::observer::Observer;
use crate::settings::{Scheme, Training};

/// What a training came to.
#[derive(Clone, Debug)]
pub struct Trained {
    /// The fake-quantised network.
    pub network: TrainedNetwork,
    /// At which bits.
    pub allocation: Allocation,
    /// Accuracy of the float network on the test part, 0 to 1.
    pub float_accuracy: f64,
    /// Accuracy of the fake-quantised network on the test part, 0 to 1.
    pub fake_quant_accuracy: f64,
    /// What the fake-quantised network takes each image of the test part for.
    pub fake_quant_answers: Vec<u16>,
    /// Accuracy of the float network on the validation part, 0 to 1: what settings may be chosen by.
    pub float_validation: f64,
    /// Accuracy of the fake-quantised network on the validation part, 0 to 1.
    pub fake_quant_validation: f64,
    /// What the float training took.
    pub float: Effort,
    /// What QAT took.
    pub quantised: Effort,
}

/// What a phase of training took, over all its parts if it was interrupted.
#[derive(Clone, Debug, PartialEq)]
pub struct Effort {
    /// Seconds of learning; without reading images, validation and checkpoints.
    pub seconds: f64,
    /// Images learned from in a second.
    pub images_per_second: f64,
    /// Threads that computed.
    pub threads: u32,
    /// The kind of processor where it began.
    pub cpu: String,
}

/// Chooses the bits of a network by what each tensor minds to have fewer.
pub type Choose<'a> = &'a dyn Fn(&Losses) -> Result<Allocation, Error>;

/// What is trained, and how.
#[derive(Clone, Copy)]
pub struct Task<'a> {
    /// The network.
    pub graph: &'a Graph,
    /// Its bits.
    pub allocation: &'a Allocation,
    /// What each tensor minds is measured on the trained float network, and the bits that this then chooses
    /// replace those of `allocation`.
    pub choose: Option<Choose<'a>>,
    /// How finely weights are scaled.
    pub scheme: Scheme,
    /// Epochs, rates and the like.
    pub settings: &'a Training,
    /// The images.
    pub dataset: &'a Dataset,
}

/// The files that keep the state of each phase. One that another training finished is used: float networks do
/// not depend on the budget.
#[derive(Clone, Copy)]
pub struct Checkpoints<'a> {
    /// Of the float phase; named by all that it depends on.
    pub float: &'a Path,
    /// Of the phase with fake quantisation at these bits; named by all that both phases depend on.
    pub quantised: &'a dyn Fn(&Allocation) -> Result<PathBuf, Error>,
    /// Whether a finished phase is not done again.
    pub use_finished: bool,
}

/// Trains a network on the training part of its dataset; the test part is looked at once, at the end.
///
/// An interrupted training that finds its checkpoints goes on, and comes to the same result as one that was
/// not interrupted.
///
/// # Errors
/// The training diverged twice or was interrupted, the checkpoint cannot be written, or the device is not
/// there. The checkpoints then still hold the last good state.
pub fn train(
    task: Task<'_>,
    checkpoints: Checkpoints<'_>,
    observer: &mut dyn Observer,
) -> Result<Trained, Error> {
    let Task { graph, allocation, choose, scheme, settings, dataset } = task;
    let device = device::device(settings.device)?;
    let (train, validation) = batches::split(dataset.train.len(), settings.validation, settings.seed);
    let [train, validation] = [train, validation].map(|indices| Images::some(&dataset.train, indices));
    let test = Images::all(&dataset.test);
    if train.len() < batches::least(graph) {
        return Err(too_few_images(graph, train.len()).into());
    }
    let normalisation = Normalisation::of(&train, graph.input.channels);
    normalisation.warnings().iter().for_each(|warning| observer.warn(warning));
    let machine = Machine::here(graph, settings.batch, device);
    let _turn = take_turn(&machine, settings);
    let chosen = std::cell::OnceCell::new();
    let mut model = Model::new(graph, allocation, scheme, settings.rounding, &normalisation, device);
    let phase = |quantised, teacher| Phase {
        settings,
        scheme,
        quantised,
        train: &train,
        validation: &validation,
        teacher,
    };

    let float_phase = phase(false, None);
    let checkpoint = Checkpoint::new(checkpoints.float, None);
    let use_finished = checkpoints.use_finished;
    let mut float_state = begin(&float_phase, &model, &checkpoint, use_finished, &machine, observer);
    run(&float_phase, &mut model, &mut float_state, &checkpoint, observer)?;
    // Both phases of a training have one number of threads.
    let machine = Machine { threads: float_state.machine.threads, ..machine };
    let float_effort = effort(&float_state);
    let float = best(float_state)?;
    // Without bounds: a model of another scheme may have trained it, and bounds that this one has not make
    // its weights per layer.
    let trained = copies(&float.parameters).into_iter().filter(|(name, _)| !model::part::is_bound(name));
    model.tensors.extend(trained);
    folded::warnings(&model).iter().for_each(|warning| observer.warn(warning));
    if let Some(choose) = choose {
        let allocation = choose(&sensitivity::measure(&mut model, &train))?;
        model.allocation = chosen.get_or_init(|| allocation);
    }
    calibrate::calibrate(&mut model, &train, settings.bounds);
    let teacher = (settings.distillation > 0.0).then(|| model.with_tensors(copies(&float.parameters)));
    let quantised_phase = phase(true, teacher);
    let checkpoint = (checkpoints.quantised)(model.allocation)?;
    let checkpoint = Checkpoint::new(&checkpoint, Some(&float.parameters));
    let mut quantised_state = begin(&quantised_phase, &model, &checkpoint, use_finished, &machine, observer);
    run(&quantised_phase, &mut model, &mut quantised_state, &checkpoint, observer)?;
    let quantised_effort = effort(&quantised_state);
    let quantised = best(quantised_state)?;

    let mut measure = |parameters: Parameters, quantised| {
        model.tensors = parameters;
        let (answers, _) = answers(&model, &test, Mode { quantised, batch_statistics: false });
        let accuracy = test.right(&answers) as f64 / test.len() as f64;
        (accuracy, answers.into_iter().map(|answer| answer as u16).collect::<Vec<_>>())
    };
    let (float_accuracy, _) = measure(float.parameters, false);
    let (fake_quant_accuracy, fake_quant_answers) = measure(quantised.parameters, true);
    Ok(Trained {
        network: model.export(),
        allocation: model.allocation.clone(),
        float_accuracy,
        fake_quant_accuracy,
        fake_quant_answers,
        float_validation: float.accuracy,
        fake_quant_validation: quantised.accuracy,
        float: float_effort,
        quantised: quantised_effort,
    })
}

fn too_few_images(graph: &Graph, images: usize) -> Problem {
    let name = graph.normalises_single_pixels().map_or("", |node| &node.name);
    Problem::new(format!(
        "layer `{name}` has batch norm on a single pixel, which is trained with two images at a time or \
         more, but without the \
         validation images {images} is left to train with"
    ))
    .help("add images, lower `validation`, or set batch_norm = false for this layer")
}

/// The number of threads, on which the order of sums depends, and the generator belong to the whole process.
fn take_turn(machine: &Machine, settings: &Training) -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    tch::set_num_threads(machine.threads as i32);
    tch::manual_seed(settings.seed as i64);
    turn
}

fn effort(state: &State) -> Effort {
    let Machine { threads, cpu } = state.machine.clone();
    Effort { seconds: state.seconds, images_per_second: state.images_per_second(), threads, cpu }
}

/// All epochs that are left; of a phase without any, the state as it is. A loss that is no number takes the
/// state back to before the epoch, with half of the learning rate; once.
fn run(
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

fn diverged(phase: &Phase<'_>, state: &State, batch: usize, loss: f64) -> Problem {
    let kept = match &state.best {
        Some(best) => {
            format!("the best epoch so far ({:.2} % on validation) is kept", 100.0 * best.accuracy)
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

fn best(state: State) -> Result<state::Best, Problem> {
    let message = "training diverged: no epoch gave a finite loss on the validation part";
    state.best.ok_or_else(|| Problem::new(message).help("lower `learning-rate`"))
}
