//! The whole way from a model's configuration to its artifact.

use std::path::Path;

use mixq_format::{Accuracy, Artifact, Budget};

use crate::artifact::{self, DATASET, Lock, State};
use crate::config::Policy;
use crate::convert::{About, convert};
use crate::dataset::Dataset;
use crate::error::{Error, Problem};
use crate::evaluate;
use crate::memory::Losses;
use crate::prepare::Prepared;
use crate::train::{Choose, Progress, Task, train};

/// Makes a model's artifact if it is not fresh, or in any case with `force`; returns it, and whether it was trained.
///
/// One process at a time makes an artifact: `waiting` is called once if another one does, and what that one made is used
/// if it is fresh. `scratch` is a folder for the state of interrupted trainings.
///
/// # Errors
/// Anything on the way from budget to file. The artifact that was there stays.
pub fn retrain(
    prepared: &Prepared<'_>,
    path: &Path,
    scratch: &Path,
    force: bool,
    waiting: impl FnOnce(),
    progress: &mut dyn Progress,
) -> Result<(Artifact, bool), Error> {
    let mut waited = false;
    let _lock = Lock::acquire(path, || {
        waited = true;
        waiting();
    })?;
    if let State::Fresh(artifact) = artifact::state(path, &prepared.fingerprint)?
        && (!force || waited)
    {
        return Ok((*artifact, false));
    }
    let made = make(prepared, scratch, progress)?;
    artifact::write(path, &made)?;
    Ok((made, true))
}

fn make(prepared: &Prepared<'_>, scratch: &Path, progress: &mut dyn Progress) -> Result<Artifact, Error> {
    let (model, graph) = (prepared.model, &prepared.graph);
    let allocation = prepared.allocate()?;
    let dataset = Dataset::load(&model.dataset, graph.input, graph.classes())?;
    if !prepared.fingerprint.contains_key(DATASET) {
        return Err(Problem::new("the dataset appeared while the model was prepared")
            .help("try again")
            .into());
    }
    let digest = artifact::short_digest(&prepared.fingerprint)?;
    let checkpoint = scratch.join(format!("{}-{digest}.checkpoint", model.name));
    let choose = |losses: &Losses| prepared.allocate_by_losses(losses);
    let choose = (model.policy == Policy::Sensitivity).then_some(&choose as Choose<'_>);
    let task = Task {
        graph,
        allocation: &allocation,
        choose,
        scheme: model.scheme,
        settings: &model.training,
        dataset: &dataset,
    };
    let trained = train(task, &checkpoint, progress).map_err(|error| named(&model.name, error))?;
    let allocation = &trained.allocation;
    let converted = convert(graph, allocation, model.scheme, &trained.network)
        .map_err(|error| named(&model.name, error))?;
    let about = About {
        name: model.name.clone(),
        labels: dataset.labels.clone(),
        fingerprint: prepared.fingerprint.clone(),
        budget: Budget { flash: model.flash, ram: model.ram },
        accuracy: Accuracy {
            float: trained.float_accuracy,
            fake_quant: trained.fake_quant_accuracy,
            integer: 0.0,
            test_images: dataset.test.len() as u64,
        },
    };
    let mut artifact = converted.into_artifact(about);
    check(&artifact, allocation)?;
    let logits = evaluate::logits(&artifact, &dataset.test);
    artifact.header.accuracy.integer = evaluate::accuracy(&logits, &dataset.test);
    Ok(artifact)
}

/// The artifact must be what was allocated, to the byte, and executable.
fn check(artifact: &Artifact, allocation: &crate::memory::Allocation) -> Result<(), Error> {
    let layers = artifact.layers();
    let wrong = |what: String| {
        Error::from(Problem::new(format!("{what}; this is a defect of mixq, please report it")))
    };
    artifact
        .network(&layers)
        .validate()
        .map_err(|invalid| wrong(format!("the integer network is invalid: {invalid}")))?;
    let found = (artifact.flash_bytes() as u64, artifact.ram_bytes() as u64);
    if found != (allocation.flash, allocation.ram) {
        let planned = (allocation.flash, allocation.ram);
        return Err(wrong(format!("flash and RAM are {found:?} B, but were planned as {planned:?} B")));
    }
    Ok(())
}

fn named(model: &str, error: Error) -> Error {
    let name =
        |problem: Problem| Problem { message: format!("model `{model}`: {}", problem.message), ..problem };
    Error { problems: error.problems.into_iter().map(name).collect() }
}
