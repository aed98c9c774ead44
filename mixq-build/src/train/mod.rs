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

use std::path::Path;

use adam::Adam;
use forward::Mode;
use model::Model;
use phase::{Parameters, Phase, State, evaluate};

use crate::config::{Scheme, Training};
use crate::convert::{Grid, TrainedNetwork};
use crate::dataset::{Dataset, Split};
use crate::error::{Error, Problem};
use crate::graph::Graph;
use crate::memory::Allocation;

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
#[derive(Clone, Debug, PartialEq)]
pub struct Trained {
    /// The fake-quantised network.
    pub network: TrainedNetwork,
    /// Accuracy of the float network on the test part, 0 to 1.
    pub float_accuracy: f64,
    /// Accuracy of the fake-quantised network on the test part, 0 to 1.
    pub fake_quant_accuracy: f64,
}

/// Trains `graph` on the training part of `dataset`; the test part is looked at once, at the end.
///
/// `checkpoint` names the file that keeps the state after each epoch; an interrupted training that finds it there goes on,
/// and comes to the same result as one that was not interrupted. The file is removed when all is done.
///
/// # Errors
/// The training diverged, or the checkpoint cannot be written. The checkpoint then still holds the last good state.
pub fn train(
    graph: &Graph,
    allocation: &Allocation,
    scheme: Scheme,
    settings: &Training,
    dataset: &Dataset,
    checkpoint: &Path,
    progress: &mut dyn Progress,
) -> Result<Trained, Error> {
    let (train, validation) = batches::split(dataset.train.len(), settings.validation, settings.seed);
    let (train, validation) = (dataset.train.select(&train), dataset.train.select(&validation));
    tch::manual_seed(settings.seed as i64);
    let mut model = Model::new(graph, allocation, scheme, settings.rounding, image_grid(&train));
    let mut state =
        checkpoint::load(checkpoint).filter(|state| same_shapes(state, &model)).unwrap_or_else(|| State {
            parameters: model.snapshot(),
            adam: Adam::new(),
            epoch: 0,
            best: None,
            float: None,
        });
    let phase = |quantised| Phase { settings, quantised, train: &train, validation: &validation };
    if state.float.is_none() {
        run(&phase(false), &mut model, &mut state, checkpoint, progress)?;
        let float = best(&mut state)?;
        model.tensors = copies(&float);
        calibrate::calibrate(&mut model, &train);
        state = State {
            parameters: model.snapshot(),
            adam: Adam::new(),
            epoch: 0,
            best: None,
            float: Some(float),
        };
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
    Ok(Trained { network, float_accuracy, fake_quant_accuracy })
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

fn copies(parameters: &Parameters) -> Parameters {
    parameters.iter().map(|(name, tensor)| (name.clone(), tensor.copy())).collect()
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
