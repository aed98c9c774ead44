//! Targets of unlabelled images: what the float network answers for them.

use super::answers::answers;
use super::device::{self, Machine};
use super::forward::Mode;
use super::group::Group;
use super::images::Images;
use super::model::Model;
use super::{Job, take_turn};
use crate::dataset::{Dataset, Split};
use crate::error::{Error, Problem};
use crate::task::{Targets, rules};

/// The dataset of a job with the answers of the float network that comes with it in the place of targets that
/// images lack. Scores on such images are agreement with that network.
///
/// # Errors
/// The network comes without weights, or the device is not there.
pub fn taught(job: Job<'_>) -> Result<Dataset, Error> {
    let Job { graph, allocation, scheme, settings, dataset, initial, .. } = job;
    let Some(initial) = initial else {
        let message = "the images have no labels, and the network brings no weights that could answer them";
        return Err(Problem::new(message).help("add labels, or trained `weights` to the network").into());
    };
    let device = device::device(settings.device, 0)?;
    let train = Images::some(&dataset.train, super::parts(dataset, settings).0);
    let normalisation = job.normalised(&train);
    let machine = Machine::here(graph, settings.batch, device);
    let _turn = take_turn(machine.threads, settings.seed);
    let mut model = Model::new(graph, allocation, scheme, settings.rounding, &normalisation, device);
    model.begin_with(initial);
    let rules = rules(dataset.task);
    // Of targets that are all 0 nothing is known: outputs are what they are.
    let nothing = rules.fit(&zeros(&dataset.train), dataset.outputs, &job.end(&normalisation)?, settings);
    let mode = Mode { quantised: false, batch_statistics: false };
    let answered = |part: &Split, is_unlabelled: bool| -> Result<Split, Problem> {
        if !is_unlabelled || part.is_empty() {
            return Ok(part.clone());
        }
        let (answers, _) = answers(rules, &nothing, &model, &Images::all(part), mode, &mut Group::Alone)?;
        Ok(Split { targets: rules.as_targets(answers), ..part.clone() })
    };
    let [train, test] = dataset.unlabelled;
    let (train, test) = (answered(&dataset.train, train)?, answered(&dataset.test, test)?);
    Ok(Dataset { train, test, ..dataset.clone() })
}

/// As many targets of the same size.
fn zeros(part: &Split) -> Targets {
    let bytes = part.targets.bytes().len();
    Targets::new(bytes.checked_div(part.len()).unwrap_or(0), vec![0; bytes])
}
