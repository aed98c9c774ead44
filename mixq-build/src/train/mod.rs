//! Training with libtorch: first in float, then at the allocated bits.

mod answers;
mod batches;
mod calibrate;
mod check;
mod checkpoint;
mod correct;
mod device;
mod elementwise;
mod epochs;
mod equalise;
mod export;
mod folded;
mod forward;
mod group;
mod images;
mod initial;
mod metrics;
mod model;
mod normalisation;
mod observe;
mod optimiser;
mod oscillations;
mod outputs;
mod pace;
mod pairs;
mod part;
mod phase;
mod pools;
mod post;
mod quantise;
mod ranges;
mod rearrange;
mod reconstruct;
mod resize;
mod resume;
mod rounding;
mod sensitivity;
mod state;
mod statistics;
mod step;
mod steps;
mod teach;
#[cfg(test)]
mod tests;
mod tree;
mod value;
mod views;
mod weighted;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

pub use group::Group;
pub use metrics::Metrics;
pub use pace::{Pace, pace};
pub use teach::taught;

use answers::answers;
use check::{aside, can_be_trained, can_reconstruct, imbalance, mixed, too_few_images};
use checkpoint::Checkpoint;
use device::Machine;
use epochs::{best, run};
use forward::Mode;
use images::Images;
use model::Model;
use normalisation::Normalisation;
use observe::Calibration;
use phase::Phase;
use resume::begin;
use state::{Parameters, copies};
use views::Views;

use crate::convert::TrainedNetwork;
use crate::dataset::{Dataset, Split};
use crate::error::{Error, Problem};
use crate::graph::Graph;
use crate::import::{Initial, InputNormalisation};
use crate::memory::{Allocation, Losses};
pub use crate::observer::Effort;
use crate::observer::Observer;
use crate::settings::{ClassWeights, Scheme, Training};
use crate::task::{Fit, Targets, rules};

/// The result of a training.
#[derive(Clone, Debug)]
pub struct Trained {
    /// The fake-quantised network.
    pub network: TrainedNetwork,
    /// Its bits.
    pub allocation: Allocation,
    /// Score of the float network on the test part, 0 to 1.
    pub float_accuracy: f64,
    /// Score of the fake-quantised network on the test part, 0 to 1.
    pub fake_quant_accuracy: f64,
    /// The answers of the fake-quantised network for the images of the test part.
    pub fake_quant_answers: Targets,
    /// What was known of all targets to train with.
    pub fit: Fit,
    /// Score of the float network on the validation part, 0 to 1: settings may be chosen by it.
    pub float_validation: f64,
    /// Score of the fake-quantised network on the validation part, 0 to 1.
    pub fake_quant_validation: f64,
    /// The cost of the float training.
    pub float: Effort,
    /// The cost of QAT.
    pub quantised: Effort,
}

/// Chooses the bits of a network by the sensitivity of each tensor.
pub type Choose<'a> = &'a dyn Fn(&Losses) -> Result<Allocation, Error>;

/// What is trained, and how.
#[derive(Clone, Copy)]
pub struct Job<'a> {
    /// The network.
    pub graph: &'a Graph,
    /// Its bits.
    pub allocation: &'a Allocation,
    /// If set, the sensitivity of each tensor is measured on the trained float network, and the bits that
    /// this function chooses by it replace those of `allocation`.
    pub choose: Option<Choose<'a>>,
    /// How finely weights are scaled.
    pub scheme: Scheme,
    /// By input: how its codes become the numbers that layers read; where there is nothing: as suits the
    /// training images.
    pub normalisations: &'a [Option<InputNormalisation>],
    /// The parameters that float training begins with; `None`: random ones.
    pub initial: Option<&'a Initial>,
    /// Epochs, rates and the like. Epochs of the float training are set where there are initial parameters.
    pub settings: &'a Training,
    /// The images, and what they are for.
    pub dataset: &'a Dataset,
}

/// The files that keep the state of each phase. A phase that another training has finished is not done again:
/// float networks do not depend on the budget.
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
/// An interrupted training that finds its checkpoints goes on from there. Its result is the same as without
/// the interruption.
///
/// # Errors
/// The training diverged twice or was interrupted, the checkpoint cannot be written, or the device is not
/// there. The checkpoints then still hold the last good state.
pub fn train(
    job: Job<'_>,
    checkpoints: Checkpoints<'_>,
    group: &mut Group,
    observer: &mut dyn Observer,
) -> Result<Trained, Error> {
    let Job { graph, allocation, choose, scheme, initial, settings, dataset, .. } = job;
    let rules = rules(dataset.task);
    let device = device::device(settings.device, group.local_rank())?;
    group.connect(device)?;
    let (train, validation) = parts(dataset, settings);
    if let Some(found) = mixed(dataset, &train, &validation) {
        observer.warn(&found);
    }
    let [train, validation] = [train, validation].map(|indices| Images::some(&dataset.train, indices));
    let test = Images::all(&dataset.test);
    if train.len() < batches::least(graph) {
        return Err(too_few_images(graph, train.len()).into());
    }
    if initial.is_none() {
        can_be_trained(graph)?;
    }
    can_reconstruct(settings, initial.is_some(), dataset.synthetic)?;
    let normalisation = job.normalised(&train);
    for ((input, normalisation), samples) in graph.inputs.iter().zip(&normalisation).zip(&dataset.samples) {
        let whose =
            if graph.inputs.are_several() { format!("input `{}`: ", input.name) } else { String::new() };
        let warnings = normalisation.warnings(samples.is_empty());
        warnings.iter().for_each(|warning| observer.warn(&format!("{whose}{warning}")));
    }
    let (varied, warning) = check::varied(dataset, settings);
    warning.iter().for_each(|warning| observer.warn(warning));
    // As many threads for each part of a batch, whatever the number of processes is.
    let machine = Machine::here(graph, settings.batch.div_ceil(settings.shards), device);
    let threads = ("number of threads", machine.threads.to_string());
    let differences = group.agree(&[threads], &[("kind of processor", machine.cpu.clone())])?;
    differences.iter().for_each(|difference| observer.warn(difference));
    let _turn = take_turn(machine.threads, settings.seed);
    if let Some(idle) = group.size().checked_sub(settings.shards as usize).filter(|idle| *idle > 0) {
        let (processes, shards) = (group.size(), settings.shards);
        observer.warn(&format!(
            "{idle} of {processes} processes have no part of any batch: `shards` is {shards}; set shards = \
             {processes} or more in `training`, which is another training"
        ));
    }
    let chosen = std::cell::OnceCell::new();
    let mut model = Model::new(graph, allocation, scheme, settings.rounding, &normalisation, device);
    let is_balanced = settings.class_weights == ClassWeights::Balanced;
    let end = job.end(&normalisation)?;
    let unreached = job.check_reach(&end, &train.targets())?;
    unreached.iter().for_each(|found| observer.warn(found));
    let fit = rules.fit(&train.targets(), dataset.outputs, &end, settings);
    if let Some(initial) = initial {
        model.begin_with(initial);
        if let Some((factors, summands)) = job.output_change(&fit)? {
            model.change_outputs(&factors, &summands);
        }
    }
    if !is_balanced
        && !dataset.unlabelled[0]
        && let Some(found) = imbalance(dataset, &train)
    {
        observer.warn(&found);
    }
    let phase = |quantised, teacher| Phase {
        rules,
        aside: aside(graph),
        varied: varied.clone(),
        task: dataset.task,
        fit: &fit,
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
    let mut float_state = begin(&float_phase, &model, &checkpoint, use_finished, &machine, group, observer)?;
    run(&float_phase, &mut model, &mut float_state, &checkpoint, group, observer)?;
    // Both phases of a training have one number of threads.
    let machine = Machine { threads: float_state.machine.threads, ..machine };
    let float_effort = float_state.effort(group);
    let float = best(float_state)?;
    // Without bounds: a model of another scheme may have trained the float network, and with bounds that this
    // scheme does not have its weights would be per layer.
    let trained = copies(&float.parameters).into_iter().filter(|(name, _)| !part::is_bound(name));
    model.tensors.extend(trained);
    folded::warnings(&model).iter().for_each(|warning| observer.warn(warning));
    let calibrating = train.first(settings.calibration_images as usize);
    let calibration =
        Calibration { images: &calibrating, synthetic: dataset.synthetic, shards: settings.shards };
    if let Some(choose) = choose {
        let allocation = choose(&sensitivity::measure(rules, &fit, &mut model, &calibrating, group)?)?;
        model.allocation = chosen.get_or_init(|| allocation);
    }
    if settings.equalise.unwrap_or(initial.is_some()) {
        equalise::equalise(&mut model, &calibration, group)?;
    }
    calibrate::calibrate(&mut model, &calibration, settings.bounds, group)?;
    if let Some(initial) = initial {
        model.take_ranges(initial);
    }
    if settings.quantises_layers(initial.is_some()) {
        match dataset.synthetic {
            true => post::quantise_without_data(&mut model),
            false => post::quantise(&mut model, &Views::of(&calibrating, settings, &varied)),
        }
    }
    model.learn_steps(settings);
    let teacher = (settings.distillation > 0.0).then(|| model.with_tensors(copies(&float.parameters)));
    let quantised_phase = phase(true, teacher);
    let checkpoint = (checkpoints.quantised)(model.allocation)?;
    let checkpoint = Checkpoint::new(&checkpoint, Some(&float.parameters));
    let mut quantised_state =
        begin(&quantised_phase, &model, &checkpoint, use_finished, &machine, group, observer)?;
    run(&quantised_phase, &mut model, &mut quantised_state, &checkpoint, group, observer)?;
    let quantised_effort = quantised_state.effort(group);
    let quantised = best(quantised_state)?;

    let mut measure = |parameters: Parameters, quantised| {
        model.tensors = parameters;
        let mode = Mode { quantised, batch_statistics: false };
        let (answers, _) = answers(rules, &fit, &model, &test, mode, group)?;
        Ok::<_, Problem>((rules.score(&answers, &dataset.test.targets), answers))
    };
    let (float_accuracy, _) = measure(float.parameters, false)?;
    let (fake_quant_accuracy, fake_quant_answers) = measure(quantised.parameters, true)?;
    Ok(Trained {
        network: model.export(),
        allocation: model.allocation.clone(),
        float_accuracy,
        fake_quant_accuracy,
        fake_quant_answers,
        fit: fit.clone(),
        float_validation: float.accuracy,
        fake_quant_validation: quantised.accuracy,
        float: float_effort,
        quantised: quantised_effort,
    })
}

impl Job<'_> {
    /// How each input is normalised. What differs by channel is in the initial weights, if there are any.
    fn normalised(&self, train: &Images<'_>) -> Vec<Normalisation> {
        let found = Normalisation::of_inputs(train, &self.graph.inputs).into_iter().enumerate();
        let replaced = found.map(|(input, found)| {
            let Some(given) = self.given(input) else { return found };
            let given = found.replaced(given);
            if self.initial.is_some() { given.with_equal_channels() } else { given }
        });
        replaced.collect()
    }

    /// How an input is normalised where that is not for training to find.
    fn given(&self, input: usize) -> Option<&InputNormalisation> {
        self.normalisations.get(input)?.as_ref()
    }
}

/// The images of the training part on which epochs are chosen.
pub fn validation(dataset: &Dataset, settings: &Training) -> Split {
    dataset.train.select(&parts(dataset, settings).1)
}

/// The indices of the images to learn from, and of those on which epochs are chosen.
fn parts(dataset: &Dataset, settings: &Training) -> (Vec<usize>, Vec<usize>) {
    let &Training { validation, seed, .. } = settings;
    if dataset.groups.is_empty() {
        return batches::split(dataset.train.len(), validation, seed);
    }
    let classes = rules(dataset.task).groups(&dataset.train.targets, dataset.outputs);
    batches::split_groups(&dataset.groups, &classes, validation, seed)
}

/// Trainings of one process take turns: libtorch's number of threads, on which the order of sums depends, and
/// its random generator belong to the whole process.
fn take_turn(threads: u32, seed: u64) -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    tch::set_num_threads(threads as i32);
    tch::manual_seed(seed as i64);
    turn
}
