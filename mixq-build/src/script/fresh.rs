//! An artifact that is fresh, laid out or trained anew if need be.

use std::path::Path;

use mixq_format::Artifact;

use crate::artifact::{self, Lock, State};
use crate::error::{Error, Problem};
use crate::prepare::Prepared;

use super::environment::Environment;

/// The artifact, which is fresh wherever one may be trained; `None` if there is none where not.
pub(super) fn ensure_fresh(
    environment: &Environment,
    prepared: &Prepared<'_>,
    path: &Path,
) -> Result<Option<Artifact>, Error> {
    let state = prepared.state(path)?;
    let Some(reason) = prepared.reason(&state) else { return Ok(state.artifact()) };
    let name = &prepared.model.name;
    let stale = format!("model `{name}`: {}/{name}.mixq {reason}", artifact::FOLDER);
    if let Some(place) = environment.no_training {
        // A stale network is good enough to look at code by; without any, the macro reports it.
        println!("cargo::warning={stale} (not trained for {place})");
        return match state {
            State::Other(..) | State::Damaged(_) => {
                Err(Problem::new(stale).help("run `cargo mixq retrain`").into())
            }
            State::Fresh(_) | State::Stale(..) | State::Missing => Ok(state.artifact()),
        };
    }
    if let Some(artifact) = prepared.laid_out(&state) {
        let _lock = Lock::acquire(path, || ())?;
        artifact::write(path, &artifact)?;
        println!("cargo::warning={stale}; the same bits fit: laid out anew, nothing is trained");
        return Ok(Some(artifact));
    }
    // What cannot be trained is said before anything is.
    prepared.allocate()?;
    train(environment, prepared, path, stale)?;
    Ok(prepared.state(path)?.artifact())
}

#[cfg(not(all(feature = "import", feature = "integer")))]
fn train(_: &Environment, prepared: &Prepared<'_>, _: &Path, stale: String) -> Result<(), Error> {
    Err(cannot_train(prepared, stale).into())
}

/// The error for an artifact that is not fresh where nothing is trained.
fn cannot_train(prepared: &Prepared<'_>, stale: String) -> Problem {
    let help = "run `cargo mixq retrain` (in mixq's own repository `cargo xtask retrain`), or build with \
                feature `train` of mixq-build";
    Problem { location: Some(prepared.model.location.clone()), ..Problem::new(stale).help(help) }
}

#[cfg(all(feature = "import", feature = "integer"))]
fn train(
    environment: &Environment,
    prepared: &Prepared<'_>,
    path: &Path,
    stale: String,
) -> Result<(), Error> {
    if cfg!(not(feature = "train")) && !prepared.model.as_imported {
        return Err(cannot_train(prepared, stale).into());
    }
    let making = if prepared.model.as_imported { "making it of its file" } else { "training" };
    println!("cargo::warning={stale}; {making}");
    let scratch = environment.scratch();
    let made = crate::pipeline::retrain(
        prepared,
        path,
        &scratch,
        false,
        || (),
        &mut super::environment::Warnings(&prepared.model.name),
    )?;
    let artifact = made.artifact;
    let accuracy = artifact.header.accuracy;
    let rules = crate::task::rules(artifact.header.task);
    let scores = match (accuracy.test_images, accuracy.agreement) {
        (0, _) => "not measured".to_string(),
        (_, true) => {
            format!("{} of the float network's answers {}", rules.measure(), rules.shown(accuracy.integer))
        }
        (_, false) => format!(
            "{} float {}, fake-quantised {}, integer {}",
            rules.measure(),
            rules.shown(accuracy.float),
            rules.shown(accuracy.fake_quant),
            rules.shown(accuracy.integer)
        ),
    };
    println!(
        "cargo::warning=model `{}`: made, {scores}; flash {}, RAM {}",
        prepared.model.name,
        crate::size::bytes(artifact.flash_bytes() as u64),
        crate::size::bytes(artifact.ram_bytes() as u64)
    );
    Ok(())
}
