//! `cargo mixq setup`: what training needs. Libtorch comes into the user's cache, a trainer is built beside
//! it, and firmware that trains when it is built finds libtorch by the user's cargo configuration.

mod cargo_config;
mod libtorch;
mod programs;
mod sources;
mod trainer;
mod wheels;

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use serde_json::json;

use super::Answer;
use cargo_config::Entry;
use libtorch::Source;
use mixq_build::engine::dataset::cache_folder;
use mixq_build::engine::error::{Error, Problem};
use trainer::Trainer;
#[cfg(not(feature = "train"))]
pub use trainer::start;

/// What `cargo mixq setup` is asked.
#[derive(Args)]
pub struct Arguments {
    /// Fetch libtorch alone: build no trainer, change no configuration
    #[arg(long)]
    libtorch_only: bool,
    /// Take out what set-up made: libtorch, the trainer, the entry in cargo's configuration
    #[arg(long, conflicts_with = "libtorch_only")]
    undo: bool,
}

/// The folder in the user's cache where set-up keeps what it makes.
fn folder() -> Result<PathBuf, Problem> {
    cache_folder().ok_or_else(|| {
        Problem::new("there is no home folder to keep libtorch in").help("set HOME or XDG_CACHE_HOME")
    })
}

pub fn run(arguments: &Arguments) -> Result<Answer, Error> {
    let start = Instant::now();
    if arguments.undo {
        let removed = undo(&folder()?, &cargo_config::file(&cargo_config::cargo_home()?))?;
        return Ok(Answer { json: json!({ "ok": true, "removed": removed }), well: true });
    }
    let builds = !arguments.libtorch_only && !cfg!(feature = "train");
    // Before the download, all at once.
    let needed = [(builds, programs::COMPILER), (libtorch::is_to_be_fetched(&folder()?), programs::PIP)];
    let needed = needed.into_iter().filter(|(needed, _)| *needed);
    let problems: Vec<Problem> = needed.filter_map(|(_, program)| program.check().err()).collect();
    if !problems.is_empty() {
        return Err(Error { problems });
    }
    let libtorch = libtorch::ensure()?;
    let source = match libtorch.source {
        Source::Given => "named by LIBTORCH",
        Source::Cached => "fetched earlier",
        Source::Fetched => "fetched now",
    };
    say!("libtorch  {} ({source})", libtorch.folder.display());
    let mut json = json!({
        "ok": true,
        "libtorch": libtorch.folder,
        "libtorch_version": libtorch::VERSION,
        "libtorch_fetched": libtorch.source == Source::Fetched,
    });
    if !arguments.libtorch_only {
        json["trainer"] = build_trainer(&libtorch.folder)?.into();
        let file = cargo_config::file(&cargo_config::cargo_home()?);
        say!("firmware  {}", configure(&file, &libtorch.folder)?);
        json["cargo_config"] = file.to_string_lossy().into();
        say!("`cargo mixq setup --undo` takes all this out again");
    }
    json["seconds"] = start.elapsed().as_secs_f64().into();
    Ok(Answer { json, well: true })
}

/// Where the program is that trains.
fn build_trainer(libtorch: &Path) -> Result<String, Problem> {
    let trains = "`cargo mixq retrain` and `cargo mixq pace` train";
    if cfg!(feature = "train") {
        say!("training  {trains}: this cargo-mixq was built with feature `train`");
        let own = std::env::current_exe().unwrap_or_default();
        return Ok(own.to_string_lossy().into_owned());
    }
    let trainer = Trainer::of_this_program(&folder()?);
    let how = if trainer.ensure(libtorch)? { "built now" } else { "built earlier" };
    trainer.tidy()?;
    let program = trainer.program().to_string_lossy().into_owned();
    say!("training  {trains} from now on, by {program} ({how})");
    Ok(program)
}

/// Makes firmware find libtorch; says how.
fn configure(file: &Path, libtorch: &Path) -> Result<String, Problem> {
    let (variable, path) = (libtorch::VARIABLE, file.display());
    Ok(match cargo_config::enter(file, libtorch)? {
        Entry::Written | Entry::There => format!(
            "builds with feature `train` of mixq-build find libtorch by {variable} in [env] of {path}, \
             of this machine alone"
        ),
        Entry::Foreign(found) => format!(
            "builds with feature `train` of mixq-build take {variable} = {found}, which you wrote in [env] \
             of {path} and which stays"
        ),
    })
}

/// Removes all that set-up made; what was removed.
fn undo(folder: &Path, cargo_config: &Path) -> Result<Vec<String>, Problem> {
    let mut removed = Vec::new();
    if cargo_config::remove(cargo_config)? {
        removed.push(format!("{} in [env] of {}", libtorch::VARIABLE, cargo_config.display()));
    }
    let place = libtorch::place(folder);
    let made = ["partial", "wheels"].map(|what| libtorch::beside(&place, what));
    for made in Trainer::all(folder).into_iter().chain(made).chain([place]) {
        if made.exists() {
            libtorch::remove(&made)?;
            removed.push(made.to_string_lossy().into_owned());
        }
    }
    removed.iter().for_each(|what| say!("removed {what}"));
    if removed.is_empty() {
        say!("there is nothing to undo");
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn undo_removes_what_setup_made_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let (cache, config) = (folder.path().join("mixq"), folder.path().join("cargo/config.toml"));
        for made in ["libtorch-2.13.0/lib", "libtorch-2.13.0.wheels", "train-0.1.0-0123/bin", "data"] {
            fs::create_dir_all(cache.join(made)).unwrap();
        }
        fs::create_dir(folder.path().join("cargo")).unwrap();
        fs::write(&config, "[build]\njobs = 1\n").unwrap();
        configure(&config, &cache.join("libtorch-2.13.0")).unwrap();
        let removed = undo(&cache, &config).unwrap();
        assert_eq!(removed.len(), 4, "{removed:?}");
        let left: Vec<_> = fs::read_dir(&cache).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["data"], "datasets are not of setup");
        assert_eq!(fs::read_to_string(&config).unwrap(), "[build]\njobs = 1\n");
        assert!(undo(&cache, &config).unwrap().is_empty());
    }
}
