//! `cargo mixq retrain`.

use std::path::Path;

use super::packages::Models;
use super::progress::Bars;
use super::{Outcome, Selection, table};
#[cfg(not(feature = "train"))]
use mixq_build::engine::artifact::State;
use mixq_build::engine::error::Error;
use mixq_build::engine::pipeline::{self, Making, Retrained};
use mixq_build::engine::prepare::Prepared;
use mixq_build::engine::report::Report;
#[cfg(feature = "train")]
use mixq_build::engine::train::Group;

/// Whether all models of a selection can be made without training: those that are taken over from files as
/// they are, and, unless all are to be trained with `force`, those that are fresh or need other memory alone.
#[cfg(not(feature = "train"))]
pub fn trains_nothing(selection: &Selection, force: bool) -> bool {
    let Ok(chosen) = Models::select(selection) else { return false };
    chosen.models.iter().all(|(model, path)| {
        let is_there = || {
            let prepared = Prepared::new(model, Some(&chosen.cache)).ok()?;
            let state = prepared.state(path).ok()?;
            Some(matches!(state, State::Fresh(_)) || prepared.laid_out(&state).is_some())
        };
        model.as_imported || (!force && is_there().unwrap_or(false))
    })
}

pub fn run(selection: &Selection, force: bool) -> Result<Outcome, Error> {
    #[cfg(all(feature = "train", target_os = "linux", target_env = "gnu"))]
    super::malloc_settings::apply();
    let chosen = Models::select(selection)?;
    // All that can be said before hours of training is said before.
    let mut problems = Vec::new();
    let mut prepared = Vec::new();
    for (model, path) in &chosen.models {
        match Prepared::new(model, Some(&chosen.cache)).and_then(|p| p.allocate().map(|_| p)) {
            Ok(ready) => prepared.push((ready, path)),
            Err(error) => problems.extend(error.problems),
        }
    }
    if !problems.is_empty() {
        return Err(Error { problems });
    }
    super::progress::save_on_signals();
    let names: Vec<&str> = prepared.iter().map(|(ready, _)| &ready.model.name[..]).collect();
    let mut trainers = Trainers::of(&names)?;
    let mut models = Vec::new();
    for (prepared, path) in &prepared {
        let start = std::time::Instant::now();
        let mut bars = trainers.bars(&prepared.model.name);
        let waiting = || eprintln!("waiting: another process makes {}", path.display());
        let result = trainers.retrain((prepared, path), &chosen.scratch, force, waiting, &mut bars);
        let warnings = bars.finish();
        // All but the first process of several have no more to do.
        let Some(Retrained { artifact, effort, made }) = result? else { continue };
        match effort.as_ref().map(|phases| phases.each_ref().map(|phase| phase.images_per_second)) {
            None => match made {
                Making::None => eprintln!("{} is fresh", path.display()),
                Making::LaidOut => eprintln!(
                    "{}: the same bits fit, so its tensors are laid out anew; nothing is trained",
                    path.display()
                ),
                Making::Made => eprintln!("{} has the integers of its file", path.display()),
            },
            // Nothing is learned, or by one of the phases alone.
            Some([0.0, 0.0]) => eprintln!("quantised without training"),
            Some([0.0, quantised]) => eprintln!("trained with {quantised:.0} images/s quantised"),
            Some([float, 0.0]) => eprintln!("trained with {float:.0} images/s in float"),
            Some([float, quantised]) => eprintln!(
                "trained with {float:.0} images/s in float, {quantised:.0} images/s quantised ({:.0} %)",
                100.0 * quantised / float
            ),
        }
        let report = Report::new(&chosen.placed(path, &artifact)?);
        say!("{}", table::artifact(&report));
        let mut json = report.json();
        json["trained"] = effort.is_some().into();
        json["laid_out"] = (made == Making::LaidOut).into();
        json["warnings"] = warnings.into();
        for (phase, effort) in ["float", "quantised"].into_iter().zip(effort.into_iter().flatten()) {
            json[format!("{phase}_seconds")] = effort.seconds.into();
            json[format!("{phase}_images_per_second")] = effort.images_per_second.into();
            json[format!("{phase}_threads")] = effort.threads.into();
            if trainers.processes() > 1 {
                json[format!("{phase}_exchange_seconds")] = effort.exchange_seconds.into();
            }
            json[format!("{phase}_cpu")] = effort.cpu.into();
        }
        json["processes"] = trainers.processes().into();
        json["seconds"] = start.elapsed().as_secs_f64().into();
        models.push(json);
    }
    if models.len() < prepared.len() {
        return Ok(Outcome { models, firmware: Vec::new(), well: true });
    }
    Ok(Outcome { models, firmware: chosen.together()?, well: true })
}

/// Who trains: this process, or several together.
struct Trainers {
    #[cfg(feature = "train")]
    group: Group,
}

impl Trainers {
    /// Those that the environment names, to train these models.
    #[cfg(feature = "distributed")]
    fn of(models: &[&str]) -> Result<Trainers, Error> {
        Ok(Trainers { group: super::together::join(models)? })
    }

    /// This process alone.
    #[cfg(all(feature = "train", not(feature = "distributed")))]
    fn of(_: &[&str]) -> Result<Trainers, Error> {
        Ok(Trainers { group: Group::Alone })
    }

    /// Nothing is trained.
    #[cfg(not(feature = "train"))]
    fn of(_: &[&str]) -> Result<Trainers, Error> {
        Ok(Trainers {})
    }

    /// How many processes train.
    fn processes(&self) -> usize {
        #[cfg(feature = "train")]
        return self.group.size();
        #[cfg(not(feature = "train"))]
        1
    }

    /// Shows how a model is made, in the first process.
    fn bars(&self, model: &str) -> Bars {
        #[cfg_attr(not(feature = "distributed"), expect(unused_mut))]
        let mut bars = Bars::new(model);
        #[cfg(feature = "distributed")]
        if self.group.rank() > 0 {
            bars.hide();
        }
        bars
    }

    /// Makes a model's artifact; `None` in all but the first process.
    fn retrain(
        &mut self,
        (prepared, path): (&Prepared<'_>, &Path),
        scratch: &Path,
        force: bool,
        waiting: impl FnOnce(),
        bars: &mut Bars,
    ) -> Result<Option<Retrained>, Error> {
        #[cfg(feature = "train")]
        return pipeline::retrain_together(prepared, path, (scratch, force), waiting, &mut self.group, bars);
        #[cfg(not(feature = "train"))]
        pipeline::retrain(prepared, path, scratch, force, waiting, bars).map(Some)
    }
}
