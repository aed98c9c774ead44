//! Training with libtorch: first in float, then at the allocated bits.

mod adam;
mod batches;
mod calibrate;
mod checkpoint;
mod export;
mod forward;
mod model;
mod phase;
mod quantise;
mod sensitivity;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use forward::Mode;
use model::Model;
use phase::{Parameters, Phase, State, copies, evaluate};

use crate::config::{Scheme, Training};
use crate::convert::{Grid, TrainedNetwork};
use crate::dataset::{Dataset, Split};
use crate::error::{Error, Problem};
use crate::graph::Graph;
use crate::memory::{Allocation, Losses};

/// Where a training stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Epoch {
    /// "float" or "quantised".
    pub phase: &'static str,
    /// Epochs done.
    pub epoch: usize,
    /// Epochs of the phase.
    pub epochs: usize,
    /// Batches of the epoch done.
    pub batch: usize,
    /// Batches of an epoch.
    pub batches: usize,
    /// Mean cross-entropy of the epoch so far.
    pub loss: f64,
    /// Share of right answers on the validation part, at the end of an epoch.
    pub accuracy: Option<f64>,
}

/// Who wants to know how a training goes.
pub trait Progress {
    /// A batch is done.
    fn batch(&mut self, epoch: &Epoch);
    /// An epoch is done.
    fn epoch(&mut self, epoch: &Epoch);
}

/// Nobody.
impl Progress for () {
    fn batch(&mut self, _: &Epoch) {}
    fn epoch(&mut self, _: &Epoch) {}
}

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
    /// What each tensor minds is measured on the trained float network, and the bits that this then chooses replace those of
    /// `allocation`.
    pub choose: Option<Choose<'a>>,
    /// How finely weights are scaled.
    pub scheme: Scheme,
    /// Epochs, rates and the like.
    pub settings: &'a Training,
    /// The images.
    pub dataset: &'a Dataset,
}

/// Trains a network on the training part of its dataset; the test part is looked at once, at the end.
///
/// `checkpoint` names the file that keeps the state after each epoch; an interrupted training that finds it there goes on,
/// and comes to the same result as one that was not interrupted. The file is removed when all is done.
///
/// # Errors
/// The training diverged, or the checkpoint cannot be written. The checkpoint then still holds the last good state.
pub fn train(task: Task<'_>, checkpoint: &Path, progress: &mut dyn Progress) -> Result<Trained, Error> {
    let Task { graph, allocation, choose, scheme, settings, dataset } = task;
    let (train, validation) = batches::split(dataset.train.len(), settings.validation, settings.seed);
    let (train, validation) = (dataset.train.select(&train), dataset.train.select(&validation));
    // The number of threads, on which the order of sums depends, and the generator belong to the whole process.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    tch::set_num_threads(threads(graph, settings.batch));
    tch::manual_seed(settings.seed as i64);
    let chosen = std::cell::OnceCell::new();
    let mut model = Model::new(graph, allocation, scheme, settings.rounding, image_grid(&train));
    let mut state = checkpoint::load(checkpoint)
        .filter(|state| same_shapes(state, &model))
        .unwrap_or_else(|| State::new(model.snapshot(), None));
    let phase = |quantised| Phase { settings, quantised, train: &train, validation: &validation };
    let begun = state.float.is_some();
    if !begun {
        run(&phase(false), &mut model, &mut state, checkpoint, progress)?;
        state.float = Some(best(&mut state)?);
    }
    model.tensors = copies(state.float.as_ref().expect("the float network is trained"));
    if let Some(choose) = choose {
        let allocation = choose(&sensitivity::measure(&mut model, &train))?;
        model.allocation = chosen.get_or_init(|| allocation);
    }
    if !begun {
        calibrate::calibrate(&mut model, &train);
        state = State::new(model.snapshot(), state.float);
        checkpoint::save(checkpoint, &state)?;
    }
    run(&phase(true), &mut model, &mut state, checkpoint, progress)?;
    let quantised = best(&mut state)?;

    let mut accuracy = |parameters: Parameters, quantised| {
        model.tensors = parameters;
        evaluate(&model, &dataset.test, Mode { quantised, batch_statistics: false }).1
    };
    let float_accuracy = accuracy(state.float.take().expect("the second phase has it"), false);
    let fake_quant_accuracy = accuracy(quantised, true);
    let network = model.export();
    // A leftover checkpoint does no harm: it is found by a fingerprint that nothing else has.
    let _ = std::fs::remove_file(checkpoint);
    Ok(Trained { network, allocation: model.allocation.clone(), float_accuracy, fake_quant_accuracy })
}

/// One thread for every 200 million multiply-accumulates of a batch, as far as there are processors: with less to do, threads
/// wait for each other longer than they work, and far longer where something else runs beside.
fn threads(graph: &Graph, batch: u32) -> i32 {
    let macs: u64 = (0..graph.nodes.len()).map(|node| graph.macs(node)).sum();
    let processors = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    (macs * u64::from(batch) / 200_000_000).clamp(1, processors) as i32
}

fn run(
    phase: &Phase<'_>,
    model: &mut Model<'_>,
    state: &mut State,
    checkpoint: &Path,
    progress: &mut dyn Progress,
) -> Result<(), Error> {
    while state.epoch < phase.epochs() {
        phase.epoch(model, state, progress)?;
        checkpoint::save(checkpoint, state)?;
    }
    Ok(())
}

fn best(state: &mut State) -> Result<Parameters, Problem> {
    let best = state.best.take();
    let message = "training diverged: no epoch gave a finite loss on the validation part";
    best.map(|best| best.parameters).ok_or_else(|| Problem::new(message).help("lower `learning-rate`"))
}

fn same_shapes(state: &State, model: &Model<'_>) -> bool {
    let shapes = |parameters: &Parameters| -> Vec<_> {
        parameters.iter().map(|(name, tensor)| (name.clone(), tensor.size())).collect()
    };
    shapes(&state.parameters) == shapes(&model.tensors)
}

/// Pixels as they come, normalised by mean and deviation of the training part: real 0 is the mean's code.
fn image_grid(train: &Split) -> Grid {
    let (mean, deviation) = train.mean_and_std();
    Grid { scale: 1.0 / deviation.max(1e-3), zero_point: (mean.round() as i32).clamp(0, 255) }
}
