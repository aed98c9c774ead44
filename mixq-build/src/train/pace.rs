//! The speed of training. Float and quantised steps take turns, so that other work of the machine slows both
//! down alike.

use std::time::Instant;

use super::batches;
use super::calibrate::calibrate;
use super::device::{self, Machine};
use super::images::Images;
use super::model::Model;
use super::normalisation::Normalisation;
use super::observe::Calibration;
use super::phase::Phase;
use super::state::{State, copies};
use super::{Group, Job, take_turn};
use crate::error::Problem;
use crate::task::rules;

/// Images learned from in a second, in one turn of each phase.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// In float.
    pub float: f64,
    /// With fake quantisation.
    pub quantised: f64,
}

/// Batches of a turn.
const BATCHES: usize = 8;

/// Learns from the same images in float and with fake quantisation, by turns. One more turn goes before,
/// which allocates the memory.
///
/// Steps are those of [`super::train`] in the first epoch of either phase, from the draw of the images to the
/// optimiser; with distillation, a quantised step also runs the float network. The network is untrained.
///
/// # Errors
/// The device is not there.
pub fn pace(job: Job<'_>, turns: usize) -> Result<Vec<Pace>, Problem> {
    let Job { graph, allocation, scheme, settings, dataset, .. } = job;
    let rules = rules(dataset.task);
    let device = device::device(settings.device, 0)?;
    let (train, validation) = batches::split(dataset.train.len(), settings.validation, settings.seed);
    let [train, validation] = [train, validation].map(|indices| Images::some(&dataset.train, indices));
    let normalisation = Normalisation::of_inputs(&train, &graph.inputs);
    let fit = rules.fit(&train.targets(), dataset.outputs, &job.end(&normalisation)?, settings);
    let machine = Machine::here(graph, settings.batch, device);
    let _turn = take_turn(machine.threads, settings.seed);
    let mut fresh = Model::new(graph, allocation, scheme, settings.rounding, &normalisation, device);
    let calibrating = train.first(settings.calibration_images as usize);
    calibrate(&mut fresh, &Calibration::whole(&calibrating), settings.bounds, &mut Group::Alone)?;
    let order: Vec<usize> = (0..train.len()).collect();
    let batches = batches::batches(&order, settings.batch as usize, batches::least(graph));
    let batches: Vec<&[usize]> = batches.into_iter().take(BATCHES).collect();
    let images = batches.iter().map(|batch| batch.len()).sum::<usize>() as f64;
    let mut measure = [false, true].map(|quantised| {
        let distils = quantised && settings.distillation > 0.0;
        let teacher = distils.then(|| fresh.with_tensors(copies(&fresh.tensors)));
        let phase = Phase {
            rules,
            task: dataset.task,
            fit: &fit,
            settings,
            scheme,
            quantised,
            aside: super::check::aside(graph),
            varied: super::check::varied(dataset, settings).0,
            train: &train,
            validation: &validation,
            teacher,
        };
        let mut model = fresh.with_tensors(copies(&fresh.tensors));
        let mut state =
            State::new(model.snapshot(), settings.average > 0.0, phase.optimiser(), machine.clone());
        let batches = &batches;
        move || {
            let mode = phase.ready(&mut model, &state);
            let start = Instant::now();
            for (index, batch) in batches.iter().enumerate() {
                state.batch = index;
                let batch = (&batch[..], batches.len());
                let _ = phase.step(&mut model, &mut state, mode, batch, (&mut Group::Alone, false));
            }
            images / start.elapsed().as_secs_f64()
        }
    });
    let mut turn = || {
        let [float, quantised] = &mut measure;
        Pace { float: float(), quantised: quantised() }
    };
    turn();
    Ok((0..turns).map(|_| turn()).collect())
}
