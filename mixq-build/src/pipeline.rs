//! The whole way from a model's configuration to its artifact.

mod as_imported;
#[cfg(feature = "train")]
mod trained;

use std::path::Path;

use mixq_format::Artifact;

use crate::artifact::{self, Lock, State};
use crate::error::{Error, Problem};
use crate::memory::Allocation;
use crate::observer::{Effort, Observer};
use crate::prepare::Prepared;
#[cfg(feature = "train")]
use crate::train::Group;

/// What became of a model's artifact.
#[derive(Clone, Debug)]
pub struct Retrained {
    /// The artifact that is now there.
    pub artifact: Artifact,
    /// What its training took, float and quantised; `None` if nothing was trained.
    pub effort: Option<[Effort; 2]>,
    /// What was done.
    pub made: Making,
}

/// What was done to have a fresh artifact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Making {
    /// Nothing: it was fresh.
    None,
    /// Its tensors were laid into other memory. Nothing was trained.
    LaidOut,
    /// It was made from its inputs.
    Made,
}

/// Makes a model's artifact if it is not fresh, or in any case with `force`, which also trains what another
/// model has trained already.
///
/// One process at a time, or one group of processes, makes an artifact: `waiting` is called once if another
/// one does, and what that one made is used if it is fresh. Files count as they are when all waiting is
/// over, and the data as they were read, whatever `prepared` says. `scratch` is a folder for the state of
/// interrupted trainings; `observer` is told how the dataset is read, how the training goes, and what looks
/// wrong.
///
/// # Errors
/// Anything on the way from budget to file. The artifact that was there stays.
pub fn retrain(
    prepared: &Prepared<'_>,
    path: &Path,
    scratch: &Path,
    force: bool,
    waiting: impl FnOnce(),
    observer: &mut dyn Observer,
) -> Result<Retrained, Error> {
    let make = |prepared: Option<Prepared<'_>>, observer: &mut dyn Observer| match prepared {
        Some(prepared) => make(prepared, scratch, force, observer).map(Some),
        None => Ok(None),
    };
    retrain_by(prepared, path, force, waiting, make, observer)
}

/// As [`retrain`], in a group of processes that all call this. The first one reads and writes the artifact
/// and the state of trainings; the others train with it, and have no answer.
///
/// # Errors
/// As of [`retrain`]; another process is lost, or has other inputs.
#[cfg(feature = "train")]
pub fn retrain_together(
    prepared: &Prepared<'_>,
    path: &Path,
    (scratch, force): (&Path, bool),
    waiting: impl FnOnce(),
    group: &mut Group,
    observer: &mut dyn Observer,
) -> Result<Option<Retrained>, Error> {
    if group.rank() > 0 {
        if !group.share(None)?.is_empty() {
            let prepared = Prepared::new(prepared.model, prepared.cache)?;
            trained::make(prepared, scratch, force, group, observer)?;
        }
        return Ok(None);
    }
    // The others learn from the first process whether there is something to train.
    let make = |prepared: Option<Prepared<'_>>, observer: &mut dyn Observer| {
        let trains = prepared.as_ref().is_some_and(|prepared| !prepared.model.as_imported);
        group.share(Some(if trains { vec![1] } else { Vec::new() }))?;
        match prepared {
            Some(prepared) if trains => {
                let made = trained::make(prepared, scratch, force, group, observer)?;
                Ok(made.map(|(artifact, effort)| (artifact, Some(effort))))
            }
            Some(prepared) => make(prepared, scratch, force, observer).map(Some),
            None => Ok(None),
        }
    };
    retrain_by(prepared, path, force, waiting, make, observer).map(Some)
}

/// What an artifact is made of, and what its training took.
type Made = (Artifact, Option<[Effort; 2]>);

/// As [`retrain`]. `make` makes the artifact, or is called with nothing if it need not be made.
fn retrain_by(
    prepared: &Prepared<'_>,
    path: &Path,
    force: bool,
    waiting: impl FnOnce(),
    mut make: impl FnMut(Option<Prepared<'_>>, &mut dyn Observer) -> Result<Option<Made>, Error>,
    observer: &mut dyn Observer,
) -> Result<Retrained, Error> {
    let fresh = |prepared: &Prepared<'_>| match prepared.state(path) {
        Ok(State::Fresh(artifact)) => {
            Ok(Some(Retrained { artifact: *artifact, effort: None, made: Making::None }))
        }
        Ok(_) => Ok(None),
        Err(error) => Err(error),
    };
    let model = prepared.model;
    // What is fresh needs no lock: its folder may be read-only.
    if !force && let Some(fresh) = fresh(&Prepared::new(model, prepared.cache)?)? {
        make(None, observer)?;
        return Ok(fresh);
    }
    let mut waited = false;
    let _lock = Lock::acquire(path, || {
        waited = true;
        waiting();
    })?;
    let prepared = Prepared::new(model, prepared.cache)?;
    if (!force || waited)
        && let Some(fresh) = fresh(&prepared)?
    {
        make(None, observer)?;
        return Ok(fresh);
    }
    // Where only the memory is another one, nothing has to be trained.
    let laid_out = if force { None } else { prepared.laid_out(&prepared.state(path)?) };
    let wanted = if laid_out.is_some() { None } else { Some(prepared) };
    let made = make(wanted, observer)?;
    let (artifact, effort, made) = match (laid_out, made) {
        (Some(artifact), _) => (artifact, None, Making::LaidOut),
        (None, Some((artifact, effort))) => (artifact, effort, Making::Made),
        (None, None) => unreachable!("what is wanted is made, or an error"),
    };
    artifact::write(path, &artifact)?;
    Ok(Retrained { artifact, effort, made })
}

#[cfg(feature = "train")]
fn make(
    prepared: Prepared<'_>,
    scratch: &Path,
    force: bool,
    observer: &mut dyn Observer,
) -> Result<Made, Error> {
    if prepared.model.as_imported {
        return Ok((as_imported::make(&prepared, observer)?, None));
    }
    match trained::make(prepared, scratch, force, &mut Group::Alone, observer)? {
        Some((artifact, effort)) => Ok((artifact, Some(effort))),
        None => unreachable!("the first process of a group has an answer"),
    }
}

/// Without libtorch, what comes trained can be made.
#[cfg(not(feature = "train"))]
fn make(prepared: Prepared<'_>, _: &Path, _: bool, observer: &mut dyn Observer) -> Result<Made, Error> {
    if prepared.model.as_imported {
        return Ok((as_imported::make(&prepared, observer)?, None));
    }
    let message = format!("model `{}` is to be trained", prepared.model.name);
    Err(Problem::new(message).help("build with feature `train` of mixq-build").into())
}

/// The artifact must be what was allocated, to the byte, and executable.
fn check(artifact: &Artifact, allocation: &Allocation) -> Result<(), Error> {
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
